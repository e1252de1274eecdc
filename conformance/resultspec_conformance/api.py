"""The suite from Python."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .checking import NotApplicable, Untested, Violation, checks_of
from .report import Report
from .runner import run
from .sabotage import SensitivityReport, try_saboteurs
from .settings import Settings
from .subjects import EngineSubject, HierarchySubject, ResultSubject, Subject, as_subject
from .trials.enginebench import bench_for

_NO_WAIVERS: Mapping[str, str] = MappingProxyType({})


def check(
    subject: Subject | Callable[..., Any],
    *,
    seed: int = 0,
    examples: int = 100,
    strict: bool = False,
    rules: Sequence[str] = (),
    waive: Mapping[str, str] = _NO_WAIVERS,
    limit: float = 60.0,
    budget: str | None = None,
    keep: bool = False,
) -> Report:
    """Check a subject against every rule that concerns it.

    Args:
        subject: A subject, a handler's class or factory, or the class of an engine's driver.
        seed: What values are drawn with; equal seeds draw equal values.
        examples: How many values are drawn.
        strict: Whether a broken SHOULD fails instead of warning.
        rules: Patterns of rule ids, such as ``handler.*``; left out, all rules of the subject are run.
        waive: Reasons by rule id: failures that are known and do not decide.
        limit: How many seconds one call of a handler may take before it counts as hung.
        budget: How much is done, such as ``20s`` or ``500x``; what it cuts is ``untested``, and the report's notes say it.
        keep: Whether the scratch directories of rules that fail are kept; the hints of the failure say where.

    Returns:
        The report; that of a subject that cannot be checked is inconclusive and says why.

    Raises:
        LookupError: ``waive`` names no rule.
        ValueError: No rule matches ``rules``, a waiver gives no reason or does not concern the subject, or ``budget`` is none.
    """
    settings = Settings(
        seed=seed,
        examples=examples,
        strict=strict,
        rules=tuple(rules),
        waive=dict(waive),
        limit=limit,
        budget=budget,
        keep=keep,
    )
    return run(as_subject(subject), settings)


def sensitivity(
    subject: Subject | Callable[..., Any], *, seed: int = 0, examples: int = 100, limit: float = 60.0
) -> SensitivityReport:
    """Find out which defects of a subject the suite would have noticed, by breaking it rule by rule.

    Args:
        subject: A subject, or a handler's class or factory.
        seed: What values are drawn with.
        examples: How many values are drawn.
        limit: How many seconds one call of a handler may take before it counts as hung.

    Returns:
        For each rule, whether a subject that breaks it would have been red, and what to change where it would not.
    """
    return try_saboteurs(as_subject(subject), Settings(seed=seed, examples=examples, limit=limit))


def reproduce(rule: str, subject: ResultSubject | HierarchySubject | EngineSubject) -> None:
    """Run the checks of one rule on a subject that needs no values, as the script of a failure does.

    Args:
        rule: The id of the rule.
        subject: What failed it.

    Raises:
        Violation: The rule is broken, still; what was expected and what was seen are its notes.
    """
    with bench_for(subject, Settings()) as bench:
        for one in checks_of(rule):
            with bench.trial() as trial:
                try:
                    one.run(trial)
                except Violation as violation:
                    violation.add_note(f"expected: {violation.expected}")
                    violation.add_note(f"actual:   {violation.actual}")
                    raise
                except (NotApplicable, Untested) as reason:
                    print(f"{one.name}: {reason}")
