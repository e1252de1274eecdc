"""Errors raised by code that holds private data, made fit for a log."""

from collections.abc import Callable
from typing import TypeVar

_R = TypeVar("_R")


class WithheldError(Exception):
    """Stands in for an error whose text may quote a value or a credential (``private.quiet-errors``).

    It names the type of that error and keeps its traceback, so that the place is still found.
    """


def quiet(error: Exception) -> Exception:
    """Return what may be chained as a cause in place of an error that foreign code raised.

    Raise with it outside the ``except`` block: inside, Python would chain the error itself as the context.
    """
    if type(error) is ModuleNotFoundError:
        # The interpreter wrote this text; it names a module, and is what one needs to know.
        return error
    return WithheldError(f"{type(error).__name__}, its text withheld").with_traceback(error.__traceback__)


def quietly(request: Callable[[], _R], failure_of: Callable[[Exception], Exception]) -> _R:
    """Do what foreign code may fail at, and raise what its error means in that error's place."""
    try:
        return request()
    except Exception as error:
        failure, cause = failure_of(error), quiet(error)
    # Outside the block, so that the error itself is not chained.
    raise failure from cause
