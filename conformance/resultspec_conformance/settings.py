"""What a run is asked for."""

from collections.abc import Mapping

import attrs


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
    """

    seed: int = 0
    examples: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    strict: bool = False
    rules: tuple[str, ...] = ()
    waive: Mapping[str, str] = attrs.field(factory=dict[str, str])
    limit: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
