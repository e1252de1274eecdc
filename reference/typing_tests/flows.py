"""What a type checker knows of flows; checked, never run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_type

from resultspec import State as StateProtocol
from resultspec_reference import LocalResultHandler, NoResultType
from resultspec_reference.engine import Flow, FlowRun, State, Task, parameter, task


@task
def extracted(url: str) -> list[int]:
    """Return the numbers at an address."""
    raise NotImplementedError


@task(result_handler=LocalResultHandler(), retries=3, retry_delay=timedelta(seconds=1), cache_for=timedelta(days=1))
def scaled(number: int, *, by: float = 1.0) -> float:
    """Scale a number."""
    raise NotImplementedError


@task(name="loader")
def loaded(numbers: list[float], table: str) -> None:
    """Put numbers into a table."""
    raise NotImplementedError


# %% The decorator keeps the signature of the function
# The decorator keeps the signature, with options and without.
plain: Callable[[str], list[int]] = extracted
extracted(1)  # type: ignore[arg-type]
scaled(1, by="2")  # type: ignore[arg-type]
scaled(1, 2.0)  # type: ignore[misc, call-arg, unused-ignore]
task(retries="3")  # type: ignore[call-overload]

# %% A flow is checked as plain calls are; mapping takes what yields the elements
with Flow("etl", result_handler=LocalResultHandler()) as flow:
    numbers = extracted(parameter("url", str))
    assert_type(numbers, list[int])

    # Mapping takes what yields the elements, keeps the other arguments, and gives a list.
    scales = scaled.map(numbers, by=2.0)
    assert_type(scales, list[float])
    scaled.map(1)  # type: ignore[arg-type]

    # A flow is checked from end to end, as plain calls would be.
    loaded(scales, table="numbers")
    loaded(parameter("table", str), table="numbers")  # type: ignore[arg-type]

# %% A run knows the type of each output
run = flow.run(url="https://example.org")
assert_type(run, FlowRun)

# A state and a result know the type of the value.
assert_type(run.result(numbers), list[int])
assert_type(run.state(numbers), State[list[int]])
assert_type(run.state(numbers).result, list[int] | NoResultType)

protocol: StateProtocol = run.state(numbers)
Flow("etl", result_handler=object())  # type: ignore[arg-type]


def body(x: Any) -> Any:
    """Stand for any function."""
    raise NotImplementedError


assert_type(Task(body, name="b", result_handler=None)(1), Any)


# %% A task whose parameters have names is one whose parameters have none
# differs(pyrefly, ty): They take Task for invariant in its parameters, mypy and pyright for contravariant. The typing
# specification does not say how a ParamSpec varies. Callable[[str], list[int]] in place of Task is understood by all.
unnamed: Task[[str], list[int]] = extracted
