"""What a check is, and the ways in which one can end."""

from collections.abc import Callable, Iterator
from typing import Literal

import attrs
from resultspec import rules


class Violation(AssertionError):
    """The rule is broken.

    Args:
        message: What happened, in one sentence.
        expected: What the rule asks for.
        actual: What was seen instead.
    """

    def __init__(self, message: str, *, expected: str, actual: str) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.actual = actual


class NotApplicable(Exception):
    """The rule does not speak of this subject; the text says why."""


class Untested(Exception):
    """The rule could not be put to the test; the text says why."""


class Refused(Exception):
    """The handler refused a value at write, which it may; the cause is what it raised."""


Company = Literal["seeks", "tolerates", "shuns"]
"""How a check stands to others that run at the same time, in another thread.

``seeks``: It mostly waits for other processes, and is best run beside others. ``tolerates``: It may be one of the others.
``shuns``: It alters or listens to what all threads share, such as the clock, or looks for races and needs the machine for that.
"""


@attrs.frozen
class Check:
    """One check of one rule.

    Attributes:
        rule: The id of the rule.
        run: The function: it takes a trial and, when ``each``, one value of the domain. It returns a note for the
            report, or None; it raises :class:`Violation`, :class:`NotApplicable`, :class:`Untested`, or
            :class:`Refused` when the handler refused the value.
        where: Which values of the domain it is for; None: the function takes no value.
        most: How many values it takes at the most.
        company: Whether checks of other rules may run at the same time, in another thread of this process.
    """

    rule: str
    run: Callable[..., str | None]
    where: Callable[[object], bool] | None
    most: int | None
    company: Company = "tolerates"

    @property
    def name(self) -> str:
        """What is checked, in words: the function's name."""
        return self.run.__name__.replace("_", " ")

    @property
    def summary(self) -> str:
        """What is done, in one sentence: the first line of the function's docstring."""
        return (self.run.__doc__ or "").strip().partition("\n")[0]


_checks: dict[str, list[Check]] = {}

Function = Callable[..., str | None]


def check(rule: str, *, company: Company = "tolerates") -> Callable[[Function], Function]:
    """Bind a function that takes a trial to the rule that it checks."""
    return _bind(rule, where=None, most=None, company=company)


def check_each(
    rule: str, *, where: Callable[[object], bool] = lambda value: True, most: int | None = None
) -> Callable[[Function], Function]:
    """Bind a function that takes a trial and one value of the domain to the rule that it checks."""
    return _bind(rule, where=where, most=most)


def _bind(
    rule: str, where: Callable[[object], bool] | None, most: int | None, company: Company = "tolerates"
) -> Callable[[Function], Function]:
    rules.rule(rule)

    def bind(function: Function) -> Function:
        _checks.setdefault(rule, []).append(Check(rule, function, where, most, company))
        return function

    return bind


def checks_of(rule: str) -> tuple[Check, ...]:
    """The checks of a rule, in the order in which they run."""
    _load()
    return tuple(_checks.get(rule, ()))


def why_unchecked(rule: str) -> str | None:
    """Why a rule is untested whatever the subject, or None when it has a check."""
    return None if checks_of(rule) else "this version of the suite has no check for it"


def prerequisites(rule: str) -> list[str]:
    """The rules that must hold before a rule can be judged, the first ones first."""
    found: list[str] = []
    for required in rules.rule(rule).requires:
        found += [one for one in (*prerequisites(required), required) if one not in found]
    return found


def all_checks() -> Iterator[Check]:
    """Every check of the suite, by rule."""
    _load()
    for bound in _checks.values():
        yield from bound


def _load() -> None:
    """Import the modules whose functions are bound to rules."""
    from . import checks  # noqa: F401 - imported for its effect; here, since the checks import this module
