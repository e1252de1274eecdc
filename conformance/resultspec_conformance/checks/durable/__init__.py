"""Checks of the class *durable*: what a handler keeps through exits, crashes and faults."""

from . import damage, endings, residue, space

__all__ = ["damage", "endings", "residue", "space"]
