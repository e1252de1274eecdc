"""The bodies of the suite's tasks: plain functions that note what they were given, and do as planned.

What a task is to do lies in a file, its *plan*, so that an engine, which is told no more than the path, cannot store
anything of it; and so that any process can run the task.
"""

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from .journal import Entry, Journal

HOUR = timedelta(hours=1)
"""For how long outputs are cached: longer than any run."""


class PlannedFailure(Exception):
    """What a task raises when it was planned to fail."""


@attrs.frozen
class Plan:
    """What a task is to do.

    Attributes:
        output: What it returns.
        failures: How many calls with equal inputs fail before one succeeds.
        since: How many lines the journal had when the plan was made; calls before do not count.
    """

    output: Any
    failures: int
    since: int


def plan(directory: Path, task: str, output: Any, failures: int = 0) -> str:
    """Lay down what a task is to do; the path of its plan is the argument ``place`` of its body."""
    place = directory / task
    since = sum(1 for _ in Journal(directory).entries())
    place.write_bytes(pickle.dumps(Plan(output, failures, since)))
    return str(place)


def produce(place: str) -> Any:
    """The body of a task that takes nothing."""
    return _perform(place, {})


def consume(place: str, x: Any) -> Any:
    """The body of a task that takes one input."""
    return _perform(place, {"x": x})


def combine(place: str, x: Any, y: Any) -> Any:
    """The body of a task that takes two inputs."""
    return _perform(place, {"x": x, "y": y})


def _perform(place: str, inputs: dict[str, Any]) -> Any:
    path = Path(place)
    planned: Plan = pickle.loads(path.read_bytes())  # noqa: S301 - from our own plan
    journal = Journal(path.parent)
    noted = list(journal.entries())[planned.since :]
    before = sum(entry.who == path.name and repr(entry.value) == repr(inputs) for entry in noted)
    fails = before < planned.failures
    journal.note(Entry(path.name, "call", inputs, raised=fails))
    if fails:
        raise PlannedFailure(f"call {before + 1} of {path.name} was planned to fail")
    return planned.output
