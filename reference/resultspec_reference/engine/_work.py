"""What an executor is asked to do, in this process or in another: values come and go as results."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

# cloudpickle carries no types.
import cloudpickle  # pyright: ignore[reportMissingTypeStubs]
from resultspec import ResultHandler

from .._results import HandledResult, Result
from ._states import Inputs
from ._tasks import filled


@attrs.frozen
class Done:
    """What came of a task.

    Attributes:
        handled: Its result, written by its handler.
        result: The same in raw form, where memory is shared; else what ``handled`` is.
        digest: What the value is known by among the keys of the cache, where it is asked for; None where it cannot be told.
    """

    handled: HandledResult[Any, Any]
    result: Result[Any, Any]
    digest: str | None


def compute(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    inputs: Inputs,
    handler: ResultHandler[Any, Any],
    *,
    shared: bool,
    digested: bool,
) -> Done:
    """Read the inputs, call the function, and write what it returns.

    Args:
        function: The task's function.
        arguments: Its arguments, with a hole for each input.
        inputs: The result for each hole.
        handler: What keeps the output.
        shared: Whether the raw output may be returned beside its reference.
        digested: Whether the output's digest is asked for.

    Raises:
        Exception: Whatever a handler or the function raised.
    """
    values = {place: _read(result) for place, result in inputs.items()}
    bound = inspect.BoundArguments(inspect.signature(function), filled(arguments, values))
    raw = Result(function(*bound.args, **bound.kwargs), False, handler)
    digest = digest_of(raw.value) if digested else None
    handled = raw.write()
    return Done(handled, raw if shared else handled, digest)


def fetch(handled: HandledResult[Any, Any], *, shared: bool, digested: bool) -> Done:
    """Read a cached output, to be sure that it is there.

    Raises:
        Exception: Whatever the handler raised.
    """
    raw = handled.read()
    return Done(handled, raw if shared else handled, digest_of(raw.value) if digested else None)


def digest_of(value: Any) -> str | None:
    """What equal values have in common and a key of the cache is made of, or None for a value that does not pickle."""
    try:
        pickled: bytes = cloudpickle.dumps(value)  # pyright: ignore[reportUnknownMemberType]
    except Exception:
        return None
    return hashlib.sha256(pickled).hexdigest()


def _read(result: Result[Any, Any] | list[Result[Any, Any]]) -> Any:
    return [one.read().value for one in result] if isinstance(result, list) else result.read().value
