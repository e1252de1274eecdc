"""Which examples a check is for, and how many."""

from collections.abc import Iterator
from typing import Any

from ...checking import NotApplicable
from ...trials.trial import Trial, fresh
from ...values.altering import alter

SOME = 40
"""How many examples are enough for a check that writes each of them several times."""

ENOUGH = 60
"""How many accepted values are enough for a check that has a single example of its own."""


def is_falsy(value: Any) -> bool:
    """Whether a value is empty, zero or False, as rule ``handler.falsy-values`` means it."""
    try:
        return value is not None and not value
    except Exception:  # noqa: BLE001 - an array of several elements has no truth value
        return False


def is_ordinary(value: Any) -> bool:
    """Whether a value is neither None nor falsy: those have rules of their own."""
    return value is not None and not is_falsy(value)


def is_alterable(value: Any) -> bool:
    """Whether a value can be altered in place, at any depth."""
    return alter(fresh(value))


def honoured(trial: Trial, candidates: Iterator[object]) -> Iterator[object]:
    """Those of the candidates that the handler accepts and gives back when they are alone."""
    return (candidate for candidate in candidates if is_honoured(trial, candidate))


def is_honoured(trial: Trial, value: Any) -> bool:
    """Whether the handler accepts a value and gives it back, in a trial of its own."""
    return trial.bench.honours(value)


def leave_lost_falsy_values(trial: Trial, value: Any) -> None:
    """Go on with a value that comes back at all.

    Raises:
        NotApplicable: It is falsy and does not, which is the matter of ``handler.falsy-values``.
    """
    if is_falsy(value) and not trial.bench.is_exact(trial.example) and not is_honoured(trial, value):
        raise NotApplicable("a falsy value that does not come back is the matter of handler.falsy-values")


def length(value: Any) -> int:
    """How many elements a value has; one, where it has no length."""
    try:
        return len(value)
    except TypeError:
        return 1
