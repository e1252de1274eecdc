"""The checks, a module or package for each conformance class; importing this package binds them to their rules."""

from . import core, durable, engine, hierarchy, noresult, private, result, sequences, shared, static, twins

__all__ = [
    "core", "durable", "engine", "hierarchy", "noresult", "private", "result", "sequences", "shared", "static", "twins",
]  # fmt: skip
