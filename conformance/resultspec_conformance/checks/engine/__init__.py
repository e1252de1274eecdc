"""Checks of the family *engine*: what an engine does with results.

Each runs small flows whose handlers and task bodies note what they are given, and judges what they noted, what the engine
reports of the tasks, and, where its driver shows them, its states and what it has stored.
"""

from . import again, failures, passing, resuming, states, storage

__all__ = ["again", "failures", "passing", "resuming", "states", "storage"]
