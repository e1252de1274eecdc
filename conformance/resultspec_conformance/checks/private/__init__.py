"""Checks of the class *private*: what a handler keeps confidential, and what it withstands."""

from . import disclosure, hostility

__all__ = ["disclosure", "hostility"]
