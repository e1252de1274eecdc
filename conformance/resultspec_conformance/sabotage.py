"""Sensitivity: which defects of a handler the suite would have noticed, with the author's own values and storage.

Each saboteur breaks one rule of the author's handler; then the suite is asked whether that rule still holds. A suite that is
given values too much alike says yes, and then its green says little.
"""

import time
from collections.abc import Callable
from typing import Literal

import attrs

from .checking import prerequisites
from .report import Report, RuleReport
from .runner import Run, run
from .saboteurs import Saboteur, all_saboteurs
from .settings import Settings
from .subjects import HandlerSubject, Subject

Finding = Literal["noticed", "unnoticed", "untried"]


@attrs.frozen(kw_only=True)
class RuleSensitivity:
    """What is known of one rule.

    Attributes:
        id: The rule.
        finding: ``noticed``: a handler that breaks it would have been red; ``unnoticed``: it would have been green;
            ``untried``: no saboteur can show it on this subject.
        defect: What the saboteur did, in one sentence.
        reason: Why it ended so.
        change: What to change so that it would be noticed, or None.
    """

    id: str
    finding: Finding
    defect: str
    reason: str
    change: str | None = None


@attrs.frozen(kw_only=True)
class SensitivityReport:
    """What the suite would have noticed.

    Attributes:
        target: The subject.
        rules: What is known of each rule that has a saboteur, in the order of the specification.
        seconds: How long it took.
    """

    target: str
    rules: tuple[RuleSensitivity, ...]
    seconds: float

    def rule(self, rule_id: str) -> RuleSensitivity:
        """What is known of one rule.

        Raises:
            LookupError: Nothing is.
        """
        for one in self.rules:
            if one.id == rule_id:
                return one
        raise LookupError(f"no saboteur of {rule_id} was tried")

    def ids(self, finding: Finding) -> list[str]:
        """The rules that ended in one way."""
        return [one.id for one in self.rules if one.finding == finding]


def try_saboteurs(
    subject: Subject, settings: Settings, report: Report | None = None, tell: Callable[[str], None] = lambda rule_id: None
) -> SensitivityReport:
    """Find out which broken rules the suite would have noticed.

    Args:
        subject: What was checked.
        settings: What was asked for; waivers, budget and levels play no part here.
        report: What was found; left out, the subject is checked first.
        tell: Is told of every rule before its saboteur is tried.
    """
    started = time.perf_counter()
    found = run(subject, settings) if report is None else report
    trials = _Trials(subject, settings, frozenset(found.subject.claims))
    # Of several saboteurs of one rule, the first is the plainest.
    saboteurs = {saboteur.rule: saboteur for saboteur in reversed(all_saboteurs())}
    judged = []
    for one in found.rules:
        if one.id in saboteurs:
            tell(one.id)
            judged.append(trials.judge(one, saboteurs[one.id]))
    return SensitivityReport(target=subject.target, rules=tuple(judged), seconds=time.perf_counter() - started)


class _Trials:
    """Tries saboteurs on one subject, and on the same subject with all values that its annotation admits."""

    def __init__(self, subject: Subject, settings: Settings, claims: frozenset[str]) -> None:
        self._subject = subject
        self._claims = claims
        self._settings = attrs.evolve(settings, waive={}, strict=True, budget=None, keep=False, shrink=False, binding=frozenset())
        self._wide: HandlerSubject | None = None
        if isinstance(subject, HandlerSubject) and subject.values is not None:
            self._wide = attrs.evolve(subject, values=None)

    def judge(self, as_it_is: RuleReport, saboteur: Saboteur) -> RuleSensitivity:
        """Try the saboteur of a rule, given what was found for the rule without it."""
        rule_id = as_it_is.id

        def says(finding: Finding, reason: str, change: str | None = None) -> RuleSensitivity:
            return RuleSensitivity(id=rule_id, finding=finding, defect=saboteur.does, reason=reason, change=change)

        if as_it_is.status == "passed":
            if as_it_is.cls not in self._claims:
                return says(
                    "unnoticed",
                    f"the class {as_it_is.cls} is not claimed, so that its rules do not decide",
                    f"Claim the class {as_it_is.cls}, whose rule holds.",
                )
            broken = self._of_subject(self._subject, saboteur, rule_id)
            if isinstance(broken, str):
                return says("untried", broken)
            if broken.status == "failed":
                return says("noticed", f"{broken.id}: {broken.message}")
        elif as_it_is.status not in ("not-applicable", "untested"):
            return says("untried", f"the rule is {as_it_is.status} as it is")
        if (why := self._noticed_with_all_values(saboteur, rule_id)) is not None:
            lacking = "the subject's values= have none that shows the defect"
            return says("unnoticed", lacking, f"Draw more varied values. With all that write is annotated with, it shows: {why}")
        if as_it_is.status == "passed":
            return says("untried", "no value that the handler takes shows the defect")
        return says("untried", f"{as_it_is.status}: {as_it_is.reason}")

    def _of_subject(self, subject: Subject, saboteur: Saboteur, rule_id: str) -> RuleReport | str:
        """What the suite finds for a broken rule, or for one that comes before it; or why the saboteur does not work."""
        try:
            sabotaged = saboteur.sabotage(subject)
        except Exception as error:  # noqa: BLE001 - a saboteur made for another kind of subject
            return f"the saboteur does not work on this subject: {type(error).__qualname__}: {error}"
        found = self._alone(sabotaged, rule_id)
        if found.status == "failed":
            return found
        for before in prerequisites(rule_id):
            if (earlier := self._alone(sabotaged, before)).status == "failed":
                return earlier
        return f"{found.status}: {found.reason}" if found.status == "error" else found

    def _noticed_with_all_values(self, saboteur: Saboteur, rule_id: str) -> str | None:
        """What the suite would have said, had the subject not named its values; None when it would have noticed no more."""
        if self._wide is None or self._alone(self._wide, rule_id).status != "passed":
            return None
        broken = self._of_subject(self._wide, saboteur, rule_id)
        if isinstance(broken, str) or broken.status != "failed":
            return None
        return broken.message

    def _alone(self, subject: Subject, rule_id: str) -> RuleReport:
        judging = Run(subject, attrs.evolve(self._settings, rules=(rule_id,)))
        try:
            return judging.judge(rule_id)
        finally:
            judging.close()
