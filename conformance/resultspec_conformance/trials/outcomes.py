"""What came of calling a handler: a value or an error, as something that can be sent and compared."""

import json
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import attrs
from resultspec.errors import ResultHandlerError

from .calling import call

STANDARD_ERRORS = (ResultHandlerError, LookupError, OSError, ValueError, TypeError)
"""What a handler should raise on purpose (rule ``handler.standard-errors``)."""

# They hold all of their input, so that they may be kept back for the sake of ``private.quiet-errors``.
_QUOTING = (UnicodeError, json.JSONDecodeError)

_FROM_THE_INTERPRETER = (RecursionError, MemoryError)


@attrs.frozen
class Outcome:
    """What came of one call.

    Attributes:
        value: What it returned, when ``error`` is None.
        error: What it raised, in one line.
        verdict: What is not standard about the error, or None.
        fatal: Whether it raised something that is not an Exception, such as SystemExit.
    """

    value: Any = None
    error: str | None = None
    verdict: str | None = None
    fatal: bool = False


def attempt(method: Callable[..., Any], argument: Any) -> Outcome:
    """Call a handler's method, and say what came of it."""
    try:
        return Outcome(value=call(method, argument))
    except Exception as error:  # noqa: BLE001 - every exception is an outcome
        return Outcome(error=one_line(error), verdict=not_standard(error))
    except BaseException as error:  # noqa: BLE001 - a handler that exits the interpreter is an outcome too
        return Outcome(error=one_line(error), fatal=True)


def one_line(error: BaseException) -> str:
    """An exception in one line: its type and the first line of its text."""
    try:
        text = str(error).strip().partition("\n")[0][:200]
    except Exception:  # noqa: BLE001 - an error whose text cannot be had is still an error
        text = "(its text cannot be had)"
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name


def not_standard(error: Exception) -> str | None:
    """Say what a handler's error lacks by ``handler.standard-errors``, or return None."""
    if isinstance(error, Warning):  # raised because the interpreter was told to make errors of warnings
        return None
    if not isinstance(error, STANDARD_ERRORS + _FROM_THE_INTERPRETER):
        bases = " -> ".join(cls.__name__ for cls in type(error).__mro__[:-2])
        return f"{type(error).__qualname__} ({bases}) is none of the standard errors"
    hidden = error.__suppress_context__ and error.__cause__ is None and error.__context__ is not None
    quotes = isinstance(error.__context__, _QUOTING)
    if hidden and not quotes and not _raised_by_the_standard_library(error.__traceback__):
        return (
            f"{type(error).__qualname__} was raised `from None`, so that its cause {type(error.__context__).__qualname__} is lost"
        )
    return None


def _raised_by_the_standard_library(trace: TracebackType | None) -> bool:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return module.partition(".")[0] in sys.stdlib_module_names
