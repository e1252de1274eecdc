"""The checks, a module for each conformance class; importing this package binds them to their rules."""

from . import core, hierarchy, noresult, result, sequences, shared, static, twins

__all__ = ["core", "hierarchy", "noresult", "result", "sequences", "shared", "static", "twins"]
