"""The states that a task passes through, each with the result that belongs to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, cast

import attrs
from typing_extensions import TypeVar

from .._noresult import NoResult, NoResultType
from .._results import Result

T = TypeVar("T", default=Any)

Inputs = Mapping[str, "Result[Any, Any] | list[Result[Any, Any]]"]
"""What a task is called with: the result for each place in its arguments, or one for each element of a mapped output."""


@attrs.frozen
class Cause:
    """What is stored of an error: enough to find it, and nothing of its text, which may quote a value.

    Attributes:
        error: The qualified name of its class.
        where: The place that raised it, as ``file:line in function``.
    """

    error: str
    where: str

    @classmethod
    def of(cls, error: BaseException) -> "Cause":
        """What may be stored of an error."""
        trace, where = error.__traceback__, "unknown"
        while trace is not None:
            code = trace.tb_frame.f_code
            where = f"{code.co_filename}:{trace.tb_lineno} in {code.co_qualname}"
            trace = trace.tb_next
        kind = type(error)
        return cls(kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}", where)


@attrs.frozen(kw_only=True)
class State(Generic[T]):
    """The state of one task in one run; satisfies :class:`resultspec.State` (``engine.state-result``).

    Attributes:
        result: The value of the underlying result, or NoResult where there is none.
    """

    kind: ClassVar[str]
    finished: ClassVar[bool] = False
    """Whether nothing more will happen to the task in this run."""
    succeeded: ClassVar[bool] = False
    """Whether there is a result for others to use."""

    _result: "Result[T, Any] | NoResultType" = attrs.field(default=NoResult, alias="result")
    """The underlying result."""

    @property
    def result(self) -> T | NoResultType:
        """The raw value of the underlying result, or its reference where it has not been read here."""
        return cast("T | NoResultType", self._result.value)


@attrs.frozen(kw_only=True)
class Pending(State[T]):
    """Not run yet."""

    kind = "pending"


@attrs.frozen(kw_only=True)
class Running(State[T]):
    """Being run.

    Attributes:
        attempt: Which attempt it is, from 1.
    """

    kind = "running"
    attempt: int = 1


@attrs.frozen(kw_only=True)
class Retrying(State[T]):
    """Failed, and waiting to be run again with the inputs that were kept for it (``engine.retry-inputs``).

    Attributes:
        attempt: How many attempts have failed.
        due: When it is run again; aware.
        cached_inputs: Its inputs, each handled by its producer's handler.
        cause: What failed.
        error: The error itself, where this process has seen it.
    """

    kind = "retrying"
    attempt: int
    due: datetime
    cached_inputs: Inputs
    cause: Cause
    error: BaseException | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class Success(State[T]):
    """Run, and its result kept."""

    kind = "success"
    finished = True
    succeeded = True


@attrs.frozen(kw_only=True)
class Cached(Success[T]):
    """Not run, since a valid output of an earlier run was read instead (``engine.cached-output``)."""

    kind = "cached"


@attrs.frozen(kw_only=True)
class Failed(State[T]):
    """Failed for good: the task raised, or a handler could not read an input or write the output.

    Attributes:
        cause: What failed, as it is stored.
        error: The error itself, with its chain, where this process has seen it.
    """

    kind = "failed"
    finished = True
    cause: Cause
    error: BaseException | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class TriggerFailed(State[T]):
    """Never run, since a task that it takes an input from failed.

    Attributes:
        upstream: The name of that task.
    """

    kind = "trigger-failed"
    finished = True
    upstream: str
