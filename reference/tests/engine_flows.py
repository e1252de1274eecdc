"""Flows of the tests, in a module that any process can import."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resultspec_reference import LocalResultHandler
from resultspec_reference.engine import Flow, State, StateStore, parameter, task


def noted(journal: str, line: str) -> None:
    """Append a line to the journal, whole and at once."""
    with Path(journal).open("a") as file:
        file.write(line + "\n")


def lines(journal: Path) -> list[str]:
    """Return the lines of the journal."""
    return journal.read_text().splitlines() if journal.exists() else []


@task
def numbers(journal: str, count: int) -> list[int]:
    """Count, from nought."""
    noted(journal, "numbers")
    return list(range(count))


@task
def squared(number: int, journal: str) -> int:
    """Square a number."""
    noted(journal, f"squared {number}")
    return number * number


@task(retries=1)
def summed(journal: str, squares: list[int]) -> int:
    """Add numbers, at the second attempt."""
    noted(journal, "summed")
    if lines(Path(journal)).count("summed") == 1:
        raise ConnectionError("the adding machine is not ready")
    return sum(squares)


def squares(directory: Path) -> tuple[Flow, int]:
    """Return a flow whose handler is in a directory, and what stands for its last output."""
    with Flow("squares", result_handler=LocalResultHandler(directory / "results", sync=False)) as flow:
        journal = parameter("journal", str)
        result = summed(journal, squared.map(numbers(journal, parameter("count", int)), journal))
    return flow, result


def run_and_die(directory: str, at: int) -> None:
    """Run the flow of squares, and be killed when the task states have changed ``at`` times."""
    flow, _ = squares(Path(directory))
    changes = 0

    def count(name: str, state: State[Any]) -> None:
        nonlocal changes
        changes += 1
        if changes == at:
            os.kill(os.getpid(), signal.SIGKILL)

    run_squares(directory, flow.run, on_state=count)
    Path(directory, "survived").touch()


def run_squares(directory: str, run: Callable[..., Any], **options: Any) -> Any:
    """Run the flow of squares on the database of a directory."""
    with StateStore(f"sqlite:///{directory}/runs.sqlite") as store:
        return run({"journal": f"{directory}/journal", "count": 2}, store=store, **options)
