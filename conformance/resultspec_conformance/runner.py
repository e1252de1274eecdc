"""Runs the checks of a subject in the order of their prerequisites, and makes the report."""

import fnmatch
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs
from resultspec import rules
from resultspec.rules import Level, Rule

from .bench import Bench
from .checking import Check, NotApplicable, Refused, Untested, Violation, checks_of
from .making import BadSubject
from .outcomes import one_line
from .plainbench import PlainBench
from .report import Report, RuleReport, Status, SubjectReport, rule_report
from .settings import Settings
from .subjects import HandlerSubject, Subject
from .trial import fresh

Progress = Callable[[RuleReport], None]


class Run:
    """The run of one subject: its rules can be judged one by one, in any order that respects their prerequisites.

    Args:
        subject: What is checked.
        settings: What is asked for.

    Raises:
        ValueError: A waiver names no rule of the specification, or no rule matches the patterns.
    """

    def __init__(self, subject: Subject, settings: Settings) -> None:
        self.subject = subject
        self.settings = settings
        self.rules = tuple(_selected(subject, settings))
        self._reports: dict[str, RuleReport] = {}
        self._started = time.perf_counter()
        self._bench: Bench | PlainBench | None = None
        self._broken: str | None = None
        self._resources = ExitStack()

    def judge(self, rule_id: str) -> RuleReport:
        """Judge a rule, and before it the rules that it requires; each is judged once."""
        if rule_id not in self._reports:
            rule = rules.rule(rule_id)
            selected = {one.id for one in self.rules}
            prerequisites = [self.judge(required) for required in rule.requires if required in selected]
            started = time.perf_counter()
            found = self._judge(rule, prerequisites)
            self._reports[rule_id] = attrs.evolve(found, seconds=time.perf_counter() - started)
        return self._reports[rule_id]

    def report(self) -> Report:
        """What was found so far."""
        bench = self._prepare()
        described = bench.describe() if bench is not None else _undescribed(self.subject)
        return Report(
            subject=described,
            seed=self.settings.seed,
            rules=tuple(self._reports[rule.id] for rule in self.rules if rule.id in self._reports),
            seconds=time.perf_counter() - self._started,
        )

    def close(self) -> None:
        """End the processes of the run and remove its files."""
        self._resources.close()

    def _prepare(self) -> Bench | PlainBench | None:
        """The smoke stage: make the bench, or learn why it cannot be made."""
        if self._bench is None and self._broken is None:
            ended, error = _watched(self._make_bench, lambda: 0.0, self.settings.limit)
            if error is None and ended is not None:
                self._bench = self._resources.enter_context(ended)
            elif isinstance(error, BadSubject):
                self._broken = str(error)
            elif error is not None:
                self._broken = f"the suite could not start: {one_line(error)}"
            else:
                self._broken = f"making the handler took more than {self.settings.limit:g} seconds"
        return self._bench

    def _make_bench(self) -> Bench | PlainBench:
        subject = self.subject
        return Bench(subject, self.settings) if isinstance(subject, HandlerSubject) else PlainBench(subject, self.settings)

    def _judge(self, rule: Rule, prerequisites: list[RuleReport]) -> RuleReport:
        if (bench := self._prepare()) is None:
            return rule_report(rule, "error", reason=self._broken)
        blockers = tuple(
            found.id for found in prerequisites if found.status in ("failed", "warned", "waived", "blocked", "error")
        )
        if blockers:
            return rule_report(
                rule, "blocked", reason=f"cannot be judged before {' and '.join(blockers)} holds", blocked_by=blockers
            )
        checks = checks_of(rule.id)
        if not checks:
            return rule_report(rule, "untested", reason="this version of the suite has no check for it")
        # A second more than another process is given to answer, so that the check hears of it first.
        ended, error = _watched(lambda: _run_checks(bench, rule, checks), lambda: bench.beat, self.settings.limit + 1)
        if error is not None:
            found = rule_report(rule, "error", reason=f"the suite itself failed: {one_line(error)}")
        elif ended is None:
            found = _hung(rule, self.settings.limit)
        else:
            found = ended
        return self._settled(rule, found)

    def _settled(self, rule: Rule, found: RuleReport) -> RuleReport:
        """Apply what levels, ``--strict`` and waivers say of a failure."""
        reason = self.settings.waive.get(rule.id)
        if found.status == "failed":
            if reason is not None:
                return attrs.evolve(found, status="waived", reason=reason)
            if rule.level is not Level.MUST and not self.settings.strict:
                return attrs.evolve(found, status="warned")
        elif reason is not None:
            return attrs.evolve(
                found,
                status="failed",
                message=f"the waiver is stale: the rule is {found.status}",
                expected="a failure, as the waiver says",
                actual=f"{found.status}: {found.reason or found.message or ''}".rstrip(": "),
                hint="Remove the waiver.",
            )
        return found


def run(subject: Subject, settings: Settings, progress: Progress = lambda found: None) -> Report:
    """Check a subject against every rule that concerns it.

    Args:
        subject: What is checked.
        settings: What is asked for.
        progress: Is told of every rule as it is judged.

    Returns:
        What was found.
    """
    judging = Run(subject, settings)
    try:
        for rule in judging.rules:
            progress(judging.judge(rule.id))
        return judging.report()
    finally:
        judging.close()


def _selected(subject: Subject, settings: Settings) -> Iterator[Rule]:
    for waived in settings.waive:
        rules.rule(waived)
    patterns = settings.rules or ("*",)
    chosen = [
        rule
        for rule in rules.RULES.values()
        if rule.cls in subject.classes and any(fnmatch.fnmatchcase(rule.id, pattern) for pattern in patterns)
    ]
    if not chosen:
        raise ValueError(f"no rule of the classes {', '.join(subject.classes)} matches {' '.join(patterns)}")
    yield from chosen


def _run_checks(bench: Any, rule: Rule, checks: tuple[Check, ...]) -> RuleReport:
    """Run the checks of a rule: the first violation decides, and one that passes makes the rule pass."""
    passed: list[str] = []
    set_aside: list[tuple[Status, str]] = []
    examples = 0
    for check in checks:
        tried = _Each(bench, check) if check.where is not None else _Once(bench, check)
        status, text = tried.run()
        examples += tried.examples
        if status == "failed":
            return _failed(bench, rule, check, tried, examples)
        if status == "passed":
            passed += [text] if text else []
        else:
            set_aside.append((status, text))
    if len(set_aside) < len(checks):
        return rule_report(rule, "passed", message="; ".join(dict.fromkeys(passed)) or None, examples=examples)
    status, reason = next((one for one in set_aside if one[0] == "untested"), set_aside[0])
    return rule_report(rule, status, reason=reason, examples=examples)


class _Once:
    """A check that takes no value."""

    def __init__(self, bench: Any, check: Check) -> None:
        self._bench = bench
        self._check = check
        self.examples = 0
        self.violation: Violation | None = None
        self.arguments: tuple[Any, ...] = ()

    def run(self) -> tuple[Status, str]:
        """Run it: the status, and a note or the reason."""
        return self._try()

    def _try(self, *values: Any) -> tuple[Status, str]:
        try:
            with self._bench.trial() as trial:
                return "passed", self._check.run(trial, *values) or ""
        except Violation as violation:
            self.violation = violation
            return "failed", violation.message
        except NotApplicable as reason:
            return "not-applicable", str(reason)
        except Untested as reason:
            return "untested", str(reason)
        except Refused as refusal:
            return "untested", f"the handler refused the value: {refusal}"


class _Each(_Once):
    """A check that takes the values of the domain, one by one."""

    def run(self) -> tuple[Status, str]:
        """Run it for value after value, until one fails."""
        ends: dict[Status, str] = {}
        note = ""
        for value in self._values():
            status, text = self._try(fresh(value))
            if status == "failed":
                self.examples += 1
                self.arguments = (value,)
                return status, text
            if status == "passed":
                self.examples += 1
                note = text or note
            else:
                ends.setdefault(status, text)
        if self.examples:
            return "passed", note
        if not ends:
            return "not-applicable", "the domain has no value that this rule speaks of"
        status, reason = max(ends.items())
        return status, reason.replace("refused the value", "refused every value that was tried, for example")

    def _values(self) -> Iterator[Any]:
        where, most = self._check.where, self._check.most
        assert where is not None  # it is what makes a check one of this kind
        fitting = [value for value in self._bench.pool if where(value)]
        if most is None or len(fitting) <= most:
            yield from fitting
        else:
            yield from fitting[: most // 2]
            step = max(1, (len(fitting) - most // 2) // (most - most // 2))
            yield from fitting[most // 2 :: step]


def _failed(bench: Any, rule: Rule, check: Check, tried: _Once, examples: int) -> RuleReport:
    """Report a violation by its smallest example, with the script that shows it."""
    arguments = tuple(bench.simplest(check, value) for value in tried.arguments)
    violation, script = bench.reproduce(check, *arguments)
    if violation is None and arguments != tried.arguments:
        violation, script = bench.reproduce(check, *tried.arguments)
    shown = violation or tried.violation
    assert shown is not None  # a check that failed has its violation
    once = "" if violation is not None else " (it was seen once, and not when the check was repeated)"
    return rule_report(
        rule,
        "failed",
        message=shown.message + once,
        expected=shown.expected,
        actual=shown.actual,
        hint="\n".join(rule.hints),
        reproducer=script,
        examples=examples,
    )


def _hung(rule: Rule, limit: float) -> RuleReport:
    return rule_report(
        rule,
        "failed",
        message="the handler hung",
        expected="write and read to return or raise",
        actual=f"a call did not end within {limit:g} seconds",
        hint="\n".join(("Check whether a lock is still held after a write that raised.", *rule.hints)),
    )


def _watched(work: Callable[[], Any], last_beat: Callable[[], float], limit: float) -> tuple[Any, BaseException | None]:
    """Do work in a thread: its result, its error, or neither when it made no progress within the limit.

    A thread that hangs cannot be ended; it is left behind as a daemon.
    """
    ended: list[Any] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            ended.append(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=target, name="resultspec-check", daemon=True)
    started = time.monotonic()
    thread.start()
    while thread.is_alive():
        thread.join(0.5 if limit > 1 else limit / 4)
        if thread.is_alive() and time.monotonic() - max(started, min(last_beat(), time.monotonic())) > limit:
            return None, None
    return (ended[0] if ended else None), (errors[0] if errors else None)


def _undescribed(subject: Subject) -> SubjectReport:
    return SubjectReport(target=subject.target, handler="unknown", claims=tuple(sorted(subject.claims)), values="none")
