"""Budgets: how much of a run is done. They decide what is run, never whether it passed."""

import re
import time
from collections.abc import Callable, Iterable

import attrs

from .report import RuleReport
from .reports.text import counted

CUT = "cut by --budget"
"""How every reason begins that says what a budget cut."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


@attrs.frozen
class Budget:
    """What a run may spend: seconds, or examples; the latter cuts the same on every machine.

    Attributes:
        amount: How much.
        unit: Of what: ``seconds`` or ``examples``.
    """

    amount: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read a budget as it is written: ``20``, ``20s``, ``1.5m``, ``1h``, or ``500x`` for 500 examples.

        Raises:
            ValueError: It is written otherwise, or is nothing.
        """
        found = _FORM.fullmatch(text.strip())
        number, unit = found.groups() if found else ("0", "")
        amount = float(number)
        if amount and unit in ("", *_UNITS):
            return cls(amount * _UNITS.get(unit, 1.0), "seconds")
        if amount and unit == "x" and amount.is_integer():
            return cls(amount, "examples")
        raise ValueError(f"{text!r} is no budget; write seconds such as 20 or 20s, 2m, 1h, or a number of examples such as 500x")

    def __str__(self) -> str:
        return f"{self.amount:g}{'s' if self.unit == 'seconds' else 'x'}"


class Meter:
    """What is left of a budget while the rules of a run are judged.

    Each rule may spend twice its share of what is left, so that one slow rule does not take everything; a rule on which
    others rest may spend half of it.

    Args:
        budget: What may be spent; None: everything.
        rules: How many rules the run has.
        clock: Tells the time in seconds.
    """

    def __init__(self, budget: Budget | None, rules: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._rules = rules
        self._clock = clock
        self._spent = 0.0
        self._allowed = 0.0
        self._of_rule = 0.0
        self._started: float | None = None

    @property
    def spent(self) -> bool:
        """Whether nothing is left for another rule."""
        return self._budget is not None and self._spent >= self._budget.amount

    def begin(self, *, root: bool) -> None:
        """Begin a rule; ``root`` when others rest on it."""
        self._of_rule = 0.0
        self._started = self._clock()
        if self._budget is not None:
            left = self._budget.amount - self._spent
            share = left / 2 if root else min(left, 2 * left / max(1, self._rules))
            self._allowed = max(share, 1.0) if self._budget.unit == "examples" else share

    def prepare(self, seconds: float) -> None:
        """Take what was spent before the first rule, in a budget of seconds."""
        if self._budget is not None and self._budget.unit == "seconds":
            self._spent += seconds

    def count(self) -> None:
        """Count an example, or a check that takes none."""
        self._of_rule += 1

    @property
    def left(self) -> bool:
        """Whether the rule that was begun may try another example."""
        return self._budget is None or self._used(self._budget) < self._allowed

    def end(self) -> None:
        """End the rule that was begun."""
        self._rules -= 1
        if self._budget is not None:
            self._spent += self._used(self._budget)

    def _used(self, budget: Budget) -> float:
        if budget.unit == "examples":
            return self._of_rule
        return 0.0 if self._started is None else self._clock() - self._started


def what_was_cut(budget: Budget, found: Iterable[RuleReport]) -> str | None:
    """Say in one sentence what a budget cut, or return None when it cut nothing."""
    every = list(found)
    whole = [one.id for one in every if (one.reason or "").partition(";")[0] == CUT]
    parts = [f"{one.id} ({part})" for one in every if (part := _part(one))]
    if not whole and not parts:
        return None
    told = [f"{len(whole)} of {len(every)} rules were not run: {', '.join(whole)}"] if whole else []
    told += [f"{counted(len(parts), 'rule')} in part only: {', '.join(parts)}"] if parts else []
    return f"--budget {budget} cut this run: {'; '.join(told)}"


def _part(found: RuleReport) -> str:
    """What was cut of a rule that was begun, as the runner notes it."""
    return (found.reason or found.message or "").partition(f"{CUT}: ")[2].partition(";")[0]
