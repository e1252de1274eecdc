"""Checks of the class *core*: what every handler keeps, seen through one instance in one process."""

from . import fidelity, footprint, independence, refusals

__all__ = ["fidelity", "footprint", "independence", "refusals"]
