"""Runs the checks of a subject in the order of their prerequisites, and makes the report."""

import difflib
import fnmatch
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
from resultspec import rules
from resultspec.rules import Level, Rule

from .budget import CUT, Meter, what_was_cut
from .checking import Check, Company, NotApplicable, Refused, Untested, Violation, checks_of, prerequisites, why_unchecked
from .report import ROOTS, UNMADE, Report, RuleReport, Status, SubjectReport, rule_report
from .settings import Settings
from .subjects import HandlerSubject, Subject
from .switching import switching_every
from .trials.bench import Bench
from .trials.calling import forsake_loop
from .trials.enginebench import EngineBench, bench_for
from .trials.hanging import watched
from .trials.making import BadSubject
from .trials.outcomes import one_line
from .trials.plainbench import PlainBench
from .trials.scratch import run_directory
from .trials.trial import fresh


class Run:
    """The run of one subject: its rules can be judged one by one, in any order that respects their prerequisites.

    Args:
        subject: What is checked.
        settings: What is asked for.
        tell: Is told of every rule before it is judged; from two threads in turn.

    Raises:
        LookupError: A waiver names no rule of the specification.
        ValueError: A waiver names a rule that does not concern the subject, or no rule matches the patterns.
    """

    def __init__(self, subject: Subject, settings: Settings, tell: Callable[[str], None] = lambda rule_id: None) -> None:
        self.subject = subject
        self.settings = settings
        self._tell = tell
        self.rules = tuple(selected(subject, settings))
        self._reports: dict[str, RuleReport] = {}
        self._meter = Meter(settings.budget, len(self.rules))
        self._started = time.perf_counter()
        self._bench: Bench | EngineBench | PlainBench | None = None
        self._benches: dict[str, Bench] = {}
        """The bench of each rule that is judged in another thread."""
        self._broken: str | None = None
        self._resources = ExitStack()

    def judge(self, rule_id: str) -> RuleReport:
        """Judge a rule, and before it the rules that it requires; each is judged once."""
        if rule_id not in self._reports:
            rule = rules.rule(rule_id)
            selected = {one.id for one in self.rules}
            required = [self.judge(before) for before in rule.requires if before in selected]
            self._tell(rule_id)
            started = time.perf_counter()
            found = self._judge(rule, required)
            self._reports[rule_id] = attrs.evolve(found, seconds=time.perf_counter() - started)
        return self._reports[rule_id]

    @property
    def claims(self) -> frozenset[str]:
        """The classes that decide, as far as that is known by now."""
        return self._bench.claims if isinstance(self._bench, Bench) else self.subject.claims

    @property
    def found(self) -> Mapping[str, RuleReport]:
        """What was found so far, by rule."""
        return self._reports

    def report(self) -> Report:
        """What was found so far."""
        bench = self._prepare()
        described = bench.describe() if bench is not None else _undescribed(self.subject)
        found = tuple(self._reports[rule.id] for rule in self.rules if rule.id in self._reports)
        cut = what_was_cut(self.settings.budget, found) if self.settings.budget is not None else None
        return Report(
            subject=described,
            seed=self.settings.seed,
            rules=found,
            seconds=time.perf_counter() - self._started,
            notes=(cut,) if cut else (),
        )

    def close(self) -> None:
        """End the processes of the run and remove its files, except what is kept as evidence."""
        self._resources.close()

    def prepare(self) -> None:
        """Start beside the first rules what the later ones need, where every rule is to be judged."""
        bench = self._prepare()
        if isinstance(bench, Bench) and self._is_whole:
            bench.prepare()

    def judge_all(self) -> None:
        """Judge every rule.

        In a whole run, rules that mostly wait for other processes are judged in a second thread, beside what does not mind:
        not before the rules are judged that they rest on, and only where threads may share a handler and trials have
        storages of their own.
        """
        self.prepare()
        if isinstance(self._bench, Bench) and self._is_whole:
            self._judge_in_company(self._bench)
        self._judge_each(rule.id for rule in self.rules)

    @property
    def _is_whole(self) -> bool:
        return not self.settings.rules and self.settings.budget is None

    def _judge_in_company(self, bench: Bench) -> None:
        every = [rule.id for rule in self.rules]
        beside = [rule_id for rule_id in every if _company(rule_id) == {"seeks"}]
        rest_on = {before for rule_id in beside for before in prerequisites(rule_id)} - {*beside}
        self._judge_each(rule_id for rule_id in every if rule_id in rest_on or "shuns" in _company(rule_id))
        if self.judge("shared.threads").status != "passed" or not bench.allows_company:
            return
        self._benches = dict.fromkeys(beside, bench.neighbour())
        second = Thread(target=self._judge_each, args=(beside,), name="resultspec-beside", daemon=True)
        with switching_every(_TURN):
            second.start()
            self._judge_each(rule_id for rule_id in every if not {rule_id, *prerequisites(rule_id)} & {*beside})
            second.join()

    def _judge_each(self, chosen: Iterable[str]) -> None:
        for rule_id in chosen:
            self.judge(rule_id)

    def _prepare(self) -> Bench | EngineBench | PlainBench | None:
        """The smoke stage: make the bench, or learn why it cannot be made."""
        if self._bench is None and self._broken is None:
            started = time.monotonic()
            ended, error = watched(self._make_bench, lambda: 0.0, self.settings.limit)
            self._meter.prepare(time.monotonic() - started)
            if error is None and ended is not None:
                self._bench = self._resources.enter_context(ended)
            elif isinstance(error, BadSubject):
                self._broken = str(error)
            elif error is not None:
                self._broken = f"the suite could not start: {one_line(error)}"
            else:
                self._broken = f"making the handler took more than {self.settings.limit:g} seconds"
        return self._bench

    def _make_bench(self) -> Bench | EngineBench | PlainBench:
        if not isinstance(self.subject, HandlerSubject):
            return bench_for(self.subject, self.settings)
        root = self._resources.enter_context(run_directory(self._evidence))
        return Bench(self.subject, self.settings, root)

    def _evidence(self) -> Collection[Path]:
        return self._bench.kept.values() if isinstance(self._bench, Bench) else ()

    def _judge(self, rule: Rule, prerequisites: list[RuleReport]) -> RuleReport:
        if (bench := self._benches.get(rule.id) or self._prepare()) is None:
            return rule_report(rule, "error", reason=self._broken)
        blockers = tuple(found for found in prerequisites if found.status in _BLOCKING)
        if blockers:
            ids = tuple(found.id for found in blockers)
            waived = [found.id for found in blockers if found.status == "waived"]
            why = f"; {' and '.join(waived)} {'is' if len(waived) == 1 else 'are'} waived" if waived else ""
            reason = f"cannot be judged before {' and '.join(ids)} holds{why}"
            return self._settled(rule, rule_report(rule, "blocked", reason=reason, blocked_by=ids))
        checks = checks_of(rule.id)
        if not checks:
            return self._settled(rule, rule_report(rule, "untested", reason=why_unchecked(rule.id)))
        if self._meter.spent:
            return self._settled(rule, rule_report(rule, "untested", reason=CUT))
        self._meter.begin(root=rule.id in ROOTS)
        # A second more than another process is given to answer, so that the check hears of it first.
        limit = self.settings.limit + 1
        ended, error = watched(lambda: _run_checks(bench, rule, checks, self._meter), lambda: bench.beat, limit)
        self._meter.end()
        if isinstance(error, BadSubject):
            found = rule_report(rule, "error", reason=str(error))
        elif error is not None:
            found = rule_report(rule, "error", reason=f"the suite itself failed: {one_line(error)}")
        elif ended is None:
            found = _hung(rule, self.settings.limit)
            if isinstance(bench, Bench) and self.settings.keep:
                bench.keep(rule.id, bench.judging)
        else:
            found = ended
        return self._settled(rule, _with_evidence(bench, found))

    def _settled(self, rule: Rule, found: RuleReport) -> RuleReport:
        """Apply what levels, ``--strict`` and waivers say of what was found.

        A waiver accepts that a rule is not shown to hold. What fails, or waits for a rule that fails, is waived; what holds
        or does not apply makes the waiver stale; of what was not put to the test it says nothing.
        """
        found = attrs.evolve(found, decides=rule.id in self.settings.binding)
        reason = self.settings.waive.get(rule.id)
        if reason is None:
            binds = found.decides or rule.level is Level.MUST or self.settings.strict
            return found if binds or found.status != "failed" else attrs.evolve(found, status="warned")
        if found.status == "failed":
            return attrs.evolve(found, status="waived", reason=reason)
        if found.status == "blocked":
            return attrs.evolve(found, status="waived", reason=f"{reason} ({found.reason})")
        if found.status == "error":
            return found
        if found.status == "untested" or CUT in (found.message or ""):
            told = found.reason or found.message
            return attrs.evolve(found, status="untested", reason=f"{told}; whether its waiver is stale cannot be said")
        return attrs.evolve(
            found,
            status="failed",
            message=f"the waiver is stale: the rule is {found.status}",
            expected=f"a failure, as the waiver says: {reason}",
            actual=f"{found.status}: {found.reason or found.message or ''}".rstrip(": "),
            hint="Remove the waiver.",
            decides=True,
        )


_BLOCKING = ("failed", "warned", "waived", "blocked", "error")


def run(subject: Subject, settings: Settings, tell: Callable[[str], None] = lambda rule_id: None) -> Report:
    """Check a subject against every rule that concerns it.

    Args:
        subject: What is checked.
        settings: What is asked for.
        tell: Is told of every rule before it is judged.

    Returns:
        What was found.
    """
    judging = Run(subject, settings, tell)
    try:
        judging.judge_all()
        return judging.report()
    finally:
        judging.close()


def selected(subject: Subject, settings: Settings) -> Iterator[Rule]:
    """The rules that a run judges, in the order of the specification.

    Raises:
        LookupError: A waiver names no rule.
        ValueError: A waiver names a rule that does not concern the subject, or no rule matches the patterns.
    """
    for waived in settings.waive:
        if rules.rule(waived).cls not in subject.classes:
            raise ValueError(
                f"the waiver of {waived} does not concern {subject.target}, whose rules are those of {', '.join(subject.classes)}"
            )
    patterns = settings.rules or ("*",)
    chosen = [
        rule
        for rule in rules.RULES.values()
        if rule.cls in subject.classes and any(fnmatch.fnmatchcase(rule.id, pattern) for pattern in patterns)
    ]
    if not chosen:
        known = [rule.id for rule in rules.RULES.values() if rule.cls in subject.classes]
        near = [rule for pattern in patterns for rule in difflib.get_close_matches(pattern, known, 1)]
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"no rule of the classes {', '.join(subject.classes)} matches {' '.join(patterns)}{hint}")
    yield from chosen


_TURN = 0.0001
"""Seconds after which threads change places: one that waits for other processes must not wait for one that computes as well."""


def _company(rule_id: str) -> set[Company]:
    return {check.company for check in checks_of(rule_id)}


def _run_checks(bench: Any, rule: Rule, checks: tuple[Check, ...], meter: Meter) -> RuleReport:
    """Run the checks of a rule: the first violation decides, and one that passes makes the rule pass.

    A rule that others rest on has passed only when nothing of it was cut.
    """
    passed: list[str] = []
    set_aside: list[tuple[Status, str]] = []
    cut: list[str] = []
    examples = done = 0
    for check in checks:
        if done and not meter.left:
            cut.append(f"{len(checks) - done} of {len(checks)} checks not run")
            break
        tried = _Each(bench, check, meter) if check.where is not None else _Once(bench, check, meter)
        status, text = tried.run()
        done += 1
        examples += tried.examples
        if tried.cut:
            cut.append(tried.cut)
        if status == "failed":
            return _failed(bench, rule, check, tried, examples)
        if status == "passed":
            passed += [text] if text else []
        else:
            set_aside.append((status, text))
    notes = [*dict.fromkeys(passed), *([f"{CUT}: {', '.join(cut)}"] if cut else [])]
    if len(set_aside) < done and not (cut and rule.id in ROOTS):
        return rule_report(rule, "passed", message="; ".join(notes) or None, examples=examples)
    if cut:
        return rule_report(rule, "untested", reason="; ".join(notes), examples=examples)
    status, reason = next((one for one in set_aside if one[0] == "untested"), set_aside[0])
    return rule_report(rule, status, reason=reason, examples=examples)


class _Once:
    """A check that takes no value."""

    def __init__(self, bench: Any, check: Check, meter: Meter) -> None:
        self._bench = bench
        self._check = check
        self._meter = meter
        self.examples = 0
        self.cut: str | None = None
        self.violation: Violation | None = None
        self.arguments: tuple[Any, ...] = ()

    def run(self) -> tuple[Status, str]:
        """Run it: the status, and a note or the reason."""
        return self._try()

    def _try(self, *examples: Any) -> tuple[Status, str]:
        self._meter.count()
        try:
            with self._bench.trial(None, self._check.rule, *examples) as trial:
                return "passed", self._check.run(trial, *map(fresh, examples)) or ""
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
        values = self._values()
        for number, value in enumerate(values):
            if number and not self._meter.left:
                self.cut = f"{number} of {len(values)} values tried"
                break
            status, text = self._try(value)
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

    def _values(self) -> list[Any]:
        where, most = self._check.where, self._check.most
        assert where is not None  # it is what makes a check one of this kind
        fitting = [value for value in self._bench.pool if where(value)]
        if most is not None and len(fitting) > most:
            step = max(1, (len(fitting) - most // 2) // (most - most // 2))
            fitting = fitting[: most // 2] + fitting[most // 2 :: step]
        return fitting + [value for value in self._bench.large if where(value)]


def _failed(bench: Any, rule: Rule, check: Check, tried: _Once, examples: int) -> RuleReport:
    """Report a violation by its smallest example, with the script that shows it."""
    arguments = tried.arguments
    if bench.settings.shrink:
        arguments = tuple(bench.simplest(check, value) for value in arguments)
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
    forsake_loop()
    return rule_report(
        rule,
        "failed",
        message="the handler hung",
        expected="write and read to return or raise",
        actual=f"a call did not end within {limit:g} seconds",
        hint="\n".join(("Check whether a lock is still held after a write that raised.", *rule.hints)),
    )


def _with_evidence(bench: Any, found: RuleReport) -> RuleReport:
    """Say where the scratch directory of a failure was kept."""
    kept = getattr(bench, "kept", {}).get(found.id)
    if kept is None:
        return found
    told = f"Look into {kept}, where the handler worked; it was kept as evidence."
    return attrs.evolve(found, hint="\n".join(filter(None, (found.hint, told))))


def _undescribed(subject: Subject) -> SubjectReport:
    return SubjectReport(target=subject.target, handler=UNMADE, claims=tuple(sorted(subject.claims)), values="none")
