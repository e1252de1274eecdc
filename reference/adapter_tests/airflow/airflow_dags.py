"""What the tests of the Airflow adapter run in Airflow."""

import os
from pathlib import Path

from airflow.sdk import BaseXCom, dag, get_current_context, task

VALUES = [
    None,
    0,
    False,
    "",
    b"",
    -0.0,
    {1: "a"},
    (1, [2]),
    {"__classname__": "builtins.tuple", "__version__": 1, "__data__": []},
]
PLAIN = [1, {"__data__": "1", "reference": "/tmp/x.result"}, (2, 3)]


def pull(**which: object) -> object:
    """Pull an XCom within a task's body."""
    return get_current_context()["ti"].xcom_pull(**which)


def run_to_the_end(task: str) -> None:
    """Leave a trace."""
    Path(os.environ["TRACES"], task).touch()


@task
def put_plain() -> None:
    """Put an XCom by Airflow's own backend, as all were before another was installed."""
    ti = get_current_context()["ti"]
    BaseXCom.set("plain", PLAIN, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id)


@task
def pull_plain() -> None:
    """Read it by the backend that is configured."""
    found = pull(task_ids="put_plain", key="plain")
    assert repr(found) == repr(PLAIN)


@task
def push_values() -> None:
    """Push every value under a key of its own."""
    for number, value in enumerate(VALUES):
        get_current_context()["ti"].xcom_push(str(number), value)


@task
def pull_values() -> None:
    """Each came back with its type; the default would stand for what is not there."""
    found = [pull(task_ids="push_values", key=str(number), default=value) for number, value in enumerate(VALUES)]
    assert repr(found) == repr(VALUES)


@task
def nothing() -> None:
    """Return None."""


@task
def take_nothing(value: object) -> None:
    """Take the None that a task has returned."""
    assert value is None


@task
def parts() -> list[set[int]]:
    """Return what other tasks map over."""
    return [{1}, {2}, {3}]


@task
def widen(part: set[int]) -> set[int]:
    """Take and return a value of a mapped task."""
    return part | {0}


@task
def gather(sets: list[set[int]]) -> None:
    """Take what all mapped tasks have returned."""
    assert list(sets) == [{0, 1}, {0, 2}, {0, 3}]
    run_to_the_end("gather")


@task
def only_even(number: int) -> int | None:
    """Return a number, or None."""
    return None if number % 2 else number


@task
def gather_even(numbers: list[int]) -> None:
    """Take what mapped tasks have returned, among which Airflow has no None."""
    assert list(numbers) == [2]
    run_to_the_end("gather_even")


@task
def refuse() -> str:
    """Return what the handler does not write."""
    return "refused"


@task
def keep() -> str:
    """Return a value that the next task loses."""
    return "kept"


@task
def lose() -> None:
    """Remove everything that the handler has stored of the other task."""
    for path in Path(os.environ["RESULTS"]).iterdir():
        if b"kept" in path.read_bytes():
            path.unlink()


@task
def take_lost(value: object) -> None:
    """Never run: there is no value to take."""
    run_to_the_end("take_lost")


@task
def vanish(name: str) -> str:
    """Return a value, of which the handler reads some and not others."""
    return name


@task
def walk(names: list[str]) -> None:
    """Walk over what mapped tasks returned, and never come to its end, for one cannot be read."""
    for _ in names:
        pass
    run_to_the_end("walk")


@dag(schedule=None)
def values() -> None:
    """Values go from task to task."""
    put_plain() >> pull_plain()
    push_values() >> pull_values()
    take_nothing(nothing())
    gather(widen.expand(part=parts()))
    gather_even(only_even.expand(number=[1, 2, 3]))


@dag(schedule=None)
def failing() -> None:
    """The handler fails."""
    refuse()
    kept = keep()
    lost = lose()
    kept >> lost >> take_lost(kept)
    walk(vanish.expand(name=["first", "vanishing", "last"]))


values()
failing()
