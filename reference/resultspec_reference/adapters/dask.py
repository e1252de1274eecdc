"""What Dask computes, kept by reference (the extra ``dask``)."""

from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar, cast

import attrs
from distributed import Client, Future
from resultspec import JSON, ResultHandler

from .._results import HandledResult, Result

__all__ = ["ByReference", "Function", "Keeper", "by_reference", "gather"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
R = TypeVar("R", bound=JSON)


class Function(Protocol[T_co]):
    """**Protocol:** a function of any arguments."""

    # A Callable in its place has mypy take the type of the values from the handler, and forget the function's.
    def __call__(self, *args: Any, **kwargs: Any) -> T_co:
        """Return a value."""
        ...


class Keeper(Protocol[T_contra, R]):
    """**Protocol:** a :class:`~resultspec.ResultHandler` of values of a type, or of any wider type."""

    def write(self, value: T_contra, /) -> R:
        """Keep a value, and return its reference."""
        ...

    def read(self, reference: R, /) -> object:
        """Return the value that a reference stands for, of the type that was written (``handler.type-fidelity``)."""
        ...


@attrs.frozen
class ByReference(Generic[T, R]):
    """A function whose output is written where it is computed; what it returns is the reference.

    Attributes:
        function: The function itself.
        handler: What keeps its output.
    """

    function: Function[T]
    handler: Keeper[T, R]

    @property
    def __name__(self) -> str:
        """The function's name, which Dask shows."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> HandledResult[T, R]:
        """Read the arguments that are references, call the function, and write what it returns.

        Returns:
            The reference with its handler, which is all that leaves the process.

        Raises:
            ReadError: An argument could not be read.
            WriteError: The handler refused the output, or could not keep it.
        """
        read = {name: _read(value) for name, value in kwargs.items()}
        value = self.function(*map(_read, args), **read)
        return Result(value, False, cast("ResultHandler[T, R]", self.handler)).write()


def by_reference(function: Function[T], handler: Keeper[T, R]) -> ByReference[T, R]:
    """Return a function for Dask to call in a worker, which keeps what it returns by reference.

    Among its arguments, results of such functions are read where they are needed, each by the handler that wrote it, also
    within lists, tuples, sets and values of dicts. All others are passed as they are.

    Args:
        function: The function, which knows nothing of handlers; not a coroutine function.
        handler: What keeps its output, which every worker reaches. It travels with the function and with each reference.

    Returns:
        What ``client.submit``, ``client.map`` and ``dask.delayed`` take in place of the function.
    """
    return ByReference(function, handler)


def gather(client: Client, futures: Iterable[Future[HandledResult[T, Any]]]) -> list[T]:
    """Wait for functions, and read what they returned, here and not by way of the workers.

    Args:
        client: The client of the futures.
        futures: What ``client.submit`` or ``client.map`` returned for functions that :func:`by_reference` made.

    Returns:
        The values, in the order of the futures.

    Raises:
        ReadError: A value could not be read.
        Exception: Whatever a function raised.
    """
    # Without types.
    gather_references: Any = client.gather  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    results: list[HandledResult[T, Any]] = gather_references(list(futures))
    return [result.read().value for result in results]


def _read(value: Any) -> Any:
    """Return a value with what is meant in place of each reference, within containers that Dask looks into too."""
    kind = cast("Any", type(value))
    if kind is HandledResult:
        return value.read().value
    if kind in (list, tuple, set):
        return cast("Any", kind)(map(_read, value))
    if kind is dict:
        return {key: _read(item) for key, item in value.items()}
    return value
