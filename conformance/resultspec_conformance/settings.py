"""What a run is asked for."""

from collections.abc import Mapping
from typing import Any

import attrs

from .budget import Budget


def _reasons(settings: Any, attribute: Any, waivers: Mapping[str, str]) -> None:
    for rule, reason in waivers.items():
        if not reason.strip():
            raise ValueError(f"the waiver of {rule} gives no reason; a waiver names a rule and a reason")


def _budget(given: Budget | str | None) -> Budget | None:
    return Budget.parse(given) if isinstance(given, str) else given


@attrs.frozen(kw_only=True)
class Settings:
    """What a run is asked for.

    Attributes:
        seed: What values are drawn with; equal seeds draw equal values.
        examples: How many values are drawn for each subject.
        strict: Whether a broken SHOULD fails instead of warning.
        rules: Patterns of rule ids; only the rules that match one are run. Empty: all.
        waive: Reasons by rule id: a failure of the rule is known and does not decide.
        limit: How many seconds one call of a handler may take before it counts as hung.
        budget: How much of the run is done, such as ``20s`` or ``500x``; what it cuts is reported as such. None: all.
        keep: Whether the scratch directories of rules that fail are kept, and named in the report.
        shrink: Whether the smallest example of a failure is searched for.
        binding: Ids of rules that decide whatever their level and class, since the run was asked for them.

    Raises:
        ValueError: A waiver gives no reason, the budget is none, or a number is out of bounds.
    """

    seed: int = 0
    examples: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    strict: bool = False
    rules: tuple[str, ...] = ()
    waive: Mapping[str, str] = attrs.field(factory=dict[str, str], validator=_reasons)
    limit: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    budget: Budget | None = attrs.field(default=None, converter=_budget)
    keep: bool = False
    shrink: bool = True
    binding: frozenset[str] = frozenset()
