"""A task's output: in raw form, or as the reference that its handler returned."""

from typing import Any, Generic, Literal, cast, final, overload

import attrs
from resultspec import JSON, ResultHandler
from resultspec.errors import MissingHandler
from typing_extensions import TypeVar

from ._noresult import NoResult

T = TypeVar("T")
R = TypeVar("R", bound=JSON, default=JSON)


@attrs.frozen(init=False, eq=False, repr=False)
class Result(Generic[T, R]):
    """A task's output; what is built is a :class:`RawResult` or a :class:`HandledResult`, and checkers know which.

    A result is immutable. It equals a result of the same kind with the same handler and the same value, where the
    types count too, at every depth of built-in containers: 1, 1.0 and True differ, 0.0 differs from -0.0, and NaN
    equals NaN (``result.equality``). It is hashable when its value and its handler are. It pickles when they do
    (``result.pickle``).

    Args:
        value: The raw value, or the reference when ``handled``. None is a value (``result.none``).
        handled: Whether ``value`` is a reference.
        result_handler: The handler that writes and reads the value.

    Raises:
        MissingHandler: ``handled`` without a handler (``result.handled-needs-handler``).
        ValueError: ``value`` is :data:`NoResult`, which is the absence of a result.
    """

    _value: Any
    _result_handler: Any

    @overload
    def __new__(
        cls, value: T, handled: Literal[False] = False, result_handler: ResultHandler[T, R] | None = None
    ) -> "RawResult[T, R]": ...
    @overload
    def __new__(cls, value: R, handled: Literal[True], result_handler: ResultHandler[T, R]) -> "HandledResult[T, R]": ...
    def __new__(cls, value: T | R, handled: bool = False, result_handler: ResultHandler[T, R] | None = None) -> "Result[T, R]":
        if value is NoResult:
            raise ValueError("NoResult is the absence of a result: use NoResult itself, not Result(NoResult)")
        if handled and result_handler is None:
            raise MissingHandler("A handled result needs the handler that can read it: give result_handler")
        kind: Any = HandledResult if handled else RawResult
        self: Result[T, R] = object.__new__(kind)
        # Frozen: only the base class's own setter is left.
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_result_handler", result_handler)
        return self

    @property
    def value(self) -> T | R:
        """The raw value, or the reference when the result is handled."""
        return cast("T | R", self._value)

    @property
    def result_handler(self) -> ResultHandler[T, R] | None:
        """The handler that writes and reads the value, or None when there is none."""
        return cast("ResultHandler[T, R] | None", self._result_handler)

    @property
    def handled(self) -> bool:
        """True when :attr:`value` is a reference, False when it is the raw value."""
        return isinstance(self, HandledResult)

    def read(self) -> "RawResult[T, R]":
        """Return the raw result (``result.read``); a raw result returns itself (``result.read-idempotent``).

        Raises:
            ReadError: The handler could not read the reference.
        """
        raise NotImplementedError

    def write(self) -> "HandledResult[T, R]":
        """Return the handled result (``result.write``); a handled one returns itself (``result.write-idempotent``).

        Raises:
            MissingHandler: The result is raw and has no handler (``result.missing-handler``).
            WriteError: The handler refused the value or could not keep it.
        """
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _exact(self.value) == _exact(other.value) and self.result_handler == other.result_handler

    def __hash__(self) -> int:
        return hash((type(self), _exact(self.value), self.result_handler))

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self.value, self.handled, self.result_handler)


@final
class RawResult(Result[T, R]):
    """A result that holds the value itself; built by :class:`Result`."""

    __slots__ = ()

    @property
    def value(self) -> T:
        """The raw value."""
        return cast("T", self._value)

    @property
    def handled(self) -> Literal[False]:
        """Always False."""
        return False

    def read(self) -> "RawResult[T, R]":
        """Return the result itself."""
        return self

    def write(self) -> "HandledResult[T, R]":
        """Have the handler keep the value, and return the handled result.

        Raises:
            MissingHandler: The result has no handler.
            WriteError: The handler refused the value or could not keep it.
        """
        if self.result_handler is None:
            raise MissingHandler("A raw result without a handler cannot be written: give result_handler")
        return Result(self.result_handler.write(self.value), True, self.result_handler)

    def __repr__(self) -> str:
        # The value may be private: its type alone is shown (``result.quiet-repr``).
        return f"<Result of type {type(self.value).__qualname__}, raw, result_handler={self.result_handler!r}>"


@final
class HandledResult(Result[T, R]):
    """A result that holds a reference, and the handler that can read it; built by :class:`Result`."""

    __slots__ = ()

    @property
    def value(self) -> R:
        """The reference."""
        return cast("R", self._value)

    @property
    def result_handler(self) -> ResultHandler[T, R]:
        """The handler that reads the reference; it is never None."""
        return cast("ResultHandler[T, R]", self._result_handler)

    @property
    def handled(self) -> Literal[True]:
        """Always True."""
        return True

    def read(self) -> RawResult[T, R]:
        """Have the handler read the reference, and return the raw result.

        Raises:
            ReadError: The handler could not read the reference.
        """
        return Result(self.result_handler.read(self.value), False, self.result_handler)

    def write(self) -> "HandledResult[T, R]":
        """Return the result itself."""
        return self

    def __repr__(self) -> str:
        return f"Result({self.value!r}, handled=True, result_handler={self.result_handler!r})"


def _exact(value: Any) -> Any:
    """Return a stand-in whose equality and hash also tell types and zeros apart, and let NaN equal NaN.

    It is hashable exactly when the value is, since every built-in container stands in for its like.
    """
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is float:
        return kind, value.hex()
    if kind in (list, tuple, set, frozenset):
        return kind, kind(map(_exact, value))
    if kind is dict:
        return kind, {_exact(key): _exact(item) for key, item in value.items()}
    return kind, value
