"""What the checks of this class have in common: values that carry a canary, and the other process."""

import time
from pathlib import Path
from typing import Any

from ...checking import Untested
from ...processes.interpreters import Operation, WorkerDied, WorkerFailed
from ...secrets.canaries import canaries
from ...secrets.revealing import Secret
from ...trials.trial import Trial, fresh

_MOST_CANARIES = 12
ENOUGH = 60


def canary_values(trial: Trial, number: int = 0) -> list[tuple[Any, Secret]]:
    """Fresh values of the domain that carry a canary.

    Raises:
        Untested: The domain has none.
    """
    found = []
    for value, secret in canaries(trial.bench.domain, trial.accepted(ENOUGH), number):
        found.append((fresh(value), secret))
        if len(found) >= _MOST_CANARIES:
            break
    if not found:
        raise Untested("the domain has no value that would be recognised elsewhere; give values= that have long texts or numbers")
    return found


def tamper_expression(trial: Trial) -> str:
    """The subject's door to its storage, as the script of a failure names it."""
    return "None" if trial.subject.tamper is None else trial.script.of(trial.subject.tamper) if trial.script else ""


def canary_values_or_none(trial: Trial, number: int = 0) -> list[tuple[Any, Secret]]:
    """The same, and an empty list where the domain has none."""
    try:
        return canary_values(trial, number)
    except Untested:
        return []


def run_elsewhere(trial: Trial, operation: Operation, store: Path, errand: object) -> Any:
    """Run a function in the other process; that the process dies is no finding of these rules."""
    worker = trial.bench.worker()
    trial.bench.beat = time.monotonic()
    try:
        return worker.call(operation, store, errand)
    except WorkerDied as death:
        trial.bench.retire(worker)
        raise Untested(f"the other process {death}") from death
    except WorkerFailed as failure:
        raise Untested(f"the handler cannot be used in another process: {failure}") from failure
