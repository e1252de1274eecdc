"""The checks, a module for each conformance class; importing this package binds them to their rules."""

from . import core, shared

__all__ = ["core", "shared"]
