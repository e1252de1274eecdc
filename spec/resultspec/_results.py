"""What wraps a task's output: a result, raw or handled, or the absence of one."""

from typing import Literal, Protocol, Self, runtime_checkable

from ._handlers import R, ResultHandler, T


@runtime_checkable
class Result(Protocol[T, R]):
    """**Protocol:** a task's output, in raw form or as the reference that its handler returned.

    ``T`` is the type of the raw value, ``R`` that of the reference. A result is immutable; see the rules of the
    family *result*.
    """

    @property
    def value(self) -> T | R:
        """The raw value, or the reference when the result is handled."""
        ...

    @property
    def handled(self) -> bool:
        """True when :attr:`value` is a reference, False when it is the raw value."""
        ...

    @property
    def result_handler(self) -> ResultHandler[T, R] | None:
        """The handler that writes and reads this result's value, or None when it has none."""
        ...

    def read(self) -> "RawResult[T, R]":
        """Return the raw result; a raw result returns itself (``result.read``, ``result.read-idempotent``).

        Raises:
            ReadError: The handler could not read the reference.
        """
        ...

    def write(self) -> "HandledResult[T, R]":
        """Return the handled result; a handled one returns itself (``result.write``, ``result.write-idempotent``).

        Raises:
            MissingHandler: The result is raw and has no handler.
            WriteError: The handler refused the value or could not keep it.
        """
        ...


@runtime_checkable
class RawResult(Result[T, R], Protocol[T, R]):
    """**Protocol:** a result that holds the value itself."""

    @property
    def value(self) -> T:
        """The raw value."""
        ...

    @property
    def handled(self) -> Literal[False]:
        """Always False; ``if result.handled is True`` narrows a union of both refinements."""
        ...


@runtime_checkable
class HandledResult(Result[T, R], Protocol[T, R]):
    """**Protocol:** a result that holds a reference, and the handler that can read it."""

    @property
    def value(self) -> R:
        """The reference."""
        ...

    @property
    def handled(self) -> Literal[True]:
        """Always True; ``if result.handled is True`` narrows a union of both refinements."""
        ...

    @property
    def result_handler(self) -> ResultHandler[T, R]:
        """The handler that reads the reference; it is never None (``result.handled-needs-handler``)."""
        ...


@runtime_checkable
class NoResultType(Protocol):
    """**Protocol:** the absence of a computation, which a result of None is not.

    There is one such object in a process; see the rules of the family *noresult*.
    """

    @property
    def value(self) -> Self:
        """The same object (``noresult.value``)."""
        ...

    def read(self) -> Self:
        """Return the same object (``noresult.read``)."""
        ...

    def write(self) -> Self:
        """Return the same object (``noresult.write``)."""
        ...
