"""What a run found: the data of every report, whatever its form."""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import attrs
import cattrs
from resultspec import JSON, SPEC_VERSION
from resultspec.rules import RULES, Level, Rule

Status = Literal["passed", "failed", "warned", "waived", "blocked", "not-applicable", "untested", "error"]
Verdict = Literal["conforms", "violates", "inconclusive"]

EXIT_CODES: dict[Verdict, int] = {"conforms": 0, "violates": 1, "inconclusive": 2}

SCHEMA = "resultspec-report/1"


@attrs.frozen(kw_only=True)
class RuleReport:
    """What was found for one rule.

    Attributes:
        id: The rule.
        level: ``must``, ``should`` or ``may``.
        cls: Its conformance class.
        status: How it ended.
        reason: Why it was waived, blocked, not applicable, untested, or in error.
        message: What happened, when it failed or warned; a note on what was done, when it passed.
        expected: What the rule asks for.
        actual: What was seen instead.
        hint: What to check first, a line each.
        reproducer: A Python script that shows the failure by itself.
        examples: How many values it was tried with.
        seconds: How long it took.
        blocked_by: The rules that must hold first and do not.
        decides: Whether it decides the verdict whatever its level and class: the run was asked for it. No part of the
            stored form.
    """

    id: str
    level: Level
    cls: str
    status: Status
    reason: str | None = None
    message: str | None = None
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None
    reproducer: str | None = None
    examples: int = 0
    seconds: float = 0.0
    blocked_by: tuple[str, ...] = ()
    decides: bool = False


@attrs.frozen(kw_only=True)
class ClassReport:
    """What was found for one conformance class.

    Attributes:
        claimed: Whether it decides the verdict.
        verdict: What can be said of it.
        passed: How many of its rules passed.
        failed: How many failed.
    """

    claimed: bool
    verdict: Verdict
    passed: int
    failed: int


@attrs.frozen(kw_only=True)
class SubjectReport:
    """What was checked.

    Attributes:
        target: The subject, as it was named.
        handler: The class of the handler, or of whatever was checked.
        claims: The classes that decide.
        values: The values that were tried, in words.
    """

    target: str
    handler: str
    claims: tuple[str, ...]
    values: str


@attrs.frozen(kw_only=True)
class Report:
    """What a run found.

    Attributes:
        subject: What was checked.
        seed: What the values were drawn with.
        rules: What was found for each rule, in the order of the specification.
        seconds: How long the run took.
        suite_version: The version of the suite.
        spec_version: The version of the rules.
        notes: What else there is to say of the run, a sentence each, such as what a budget cut. No part of the stored form,
            where the rules say it.
    """

    subject: SubjectReport
    seed: int
    rules: tuple[RuleReport, ...]
    seconds: float
    suite_version: str = attrs.field(factory=lambda: suite_version())
    spec_version: str = SPEC_VERSION
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the claimed classes, and of what the run was asked for; inconclusive when nothing ran."""
        if any(found.decides and found.status == "failed" for found in self.rules):
            return "violates"
        verdicts = {found.verdict for found in self.classes.values() if found.claimed}
        return next((worst for worst in ("violates", "inconclusive") if worst in verdicts), _conforms_if(verdicts))

    @property
    def classes(self) -> dict[str, ClassReport]:
        """What was found for each class, in the order of the specification."""
        by_class: dict[str, list[RuleReport]] = {}
        for found in self.rules:
            by_class.setdefault(found.cls, []).append(found)
        return {name: _judge(members, claimed=name in self.subject.claims) for name, members in by_class.items()}

    @property
    def counts(self) -> dict[str, int]:
        """How many rules ended in each status, the classes that are not claimed included."""
        return dict(Counter(found.status for found in self.rules))

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 violates, 2 nothing can be said."""
        return EXIT_CODES[self.verdict]

    def rule(self, rule_id: str) -> RuleReport:
        """What was found for one rule.

        Raises:
            LookupError: The run did not include the rule.
        """
        for found in self.rules:
            if found.id == rule_id:
                return found
        raise LookupError(f"this report says nothing of {rule_id}")

    def to_json(self) -> dict[str, JSON]:
        """The report as ``resultspec-report/1``."""
        stored: dict[str, JSON] = _converter.unstructure(self)
        return stored


ROOTS = frozenset(required for rule in RULES.values() for required in rule.requires if not RULES[required].requires)
"""The rules on which others rest, and that rest on none."""

UNMADE = "unknown"
"""What a report has in place of the handler's class when none could be made."""


def _conforms_if(verdicts: set[Verdict]) -> Verdict:
    return "conforms" if verdicts else "inconclusive"


def _judge(members: Iterable[RuleReport], *, claimed: bool) -> ClassReport:
    """Say what can be said of a class.

    A class whose binding rules all passed, did not apply, or were waived is kept. A rule that could not be put to the test
    is no failure; but a class of which nothing at all passed, in which the rule that the others rest on could not be
    tested, in which a binding rule could not be judged since another is waived, or in which the suite itself went wrong, is
    inconclusive.
    """
    found = list(members)
    statuses = Counter(member.status for member in found)
    passed = statuses["passed"] + statuses["warned"]
    verdict: Verdict = "conforms"
    if statuses["failed"]:
        verdict = "violates"
    elif (
        statuses["error"]
        or not passed + statuses["waived"] + statuses["not-applicable"]
        or any(member.status == "untested" and member.id in ROOTS for member in found)
        or any(member.status == "blocked" and member.level is Level.MUST for member in found)
        or not any(
            member.status in ("passed", "waived", "not-applicable")
            for member in found
            if member.level is Level.MUST or member.decides
        )
    ):
        verdict = "inconclusive"
    return ClassReport(claimed=claimed, verdict=verdict, passed=statuses["passed"], failed=statuses["failed"])


def waits_for_a_failure(blocked: RuleReport, found: Mapping[str, RuleReport]) -> bool:
    """Whether a rule is blocked, directly or not, by one that fails: then that failure says it all."""
    return any(
        found[blocker].status in ("failed", "error") or waits_for_a_failure(found[blocker], found)
        for blocker in blocked.blocked_by
    )


def rule_report(rule: Rule, status: Status, **details: object) -> RuleReport:
    """A report on a rule, with what the rule itself says of it."""
    return RuleReport(id=rule.id, level=rule.level, cls=rule.cls, status=status, **details)  # type: ignore[arg-type]


def suite_version() -> str:
    """The version of the suite that is installed."""
    try:
        return version("resultspec")
    except PackageNotFoundError:
        return "unknown"


def _unstructure_report(report: Report) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "spec_version": report.spec_version,
        "suite_version": report.suite_version,
        "subject": _converter.unstructure(report.subject),
        "seed": report.seed,
        "verdict": report.verdict,
        "classes": {name: _converter.unstructure(found) for name, found in report.classes.items()},
        "rules": [_converter.unstructure(found) for found in report.rules],
        "counts": report.counts,
        "seconds": round(report.seconds, 3),
    }


def _unstructure_rule(found: RuleReport) -> dict[str, object]:
    stored = {name: value for name, value in attrs.asdict(found).items() if name not in ("cls", "decides")}
    stored |= {"class": found.cls, "level": str(found.level), "seconds": round(found.seconds, 4)}
    stored["blocked_by"] = list(found.blocked_by)
    return stored


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(Report, _unstructure_report)
    converter.register_unstructure_hook(RuleReport, _unstructure_rule)
    return converter


_converter = _make_converter()
