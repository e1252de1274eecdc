"""The lock: which rules were judged of which target, so that a later run with fewer of them is red."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
from resultspec import JSON, SPEC_VERSION, rules

from ..report import Report, RuleReport, rule_report, waits_for_a_failure
from ..reports.text import counted

SCHEMA = "resultspec-lock/1"

_ASIDE = "--no-lock where pyproject.toml names it, or without --lock"
_NARROW = "say so with `rules` in pyproject.toml, and run with --update-lock"


@attrs.frozen
class Lock:
    """The rules that were judged, by target; only those that decide, which are those of claimed classes.

    Attributes:
        path: The file.
        targets: Ids of rules by target.
    """

    path: Path
    targets: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path) -> "Lock | None":
        """Read a lock file; None when there is none.

        Raises:
            ValueError: It is no lock file, or names a rule that this version does not know.
        """
        mend = "restore it, or remove it and run again to write a new one"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ValueError(f"the lock {path} cannot be read ({error}); {mend}") from error
        targets = stored.get("targets") if isinstance(stored, dict) and stored.get("schema") == SCHEMA else None
        if not isinstance(targets, dict) or not all(_are_ids(ids) for ids in targets.values()):
            raise ValueError(f"the lock {path} is not of the form {SCHEMA}; {mend}")
        if unknown := sorted({rule for ids in targets.values() for rule in ids} - set(rules.RULES)):
            raise ValueError(f"the lock {path} names {unknown[0]}, which specification {SPEC_VERSION} does not have; {mend}")
        return cls(path, {target: tuple(ids) for target, ids in targets.items()})

    def enforce(self, report: Report) -> Report:
        """Make red in a report what the lock says was judged before and was not judged now.

        What waits for a rule that fails is left as it is: that failure is red already. So is a run in which the suite or the
        subject did not work, of which nothing can be said.
        """
        found = {one.id: one for one in report.rules}
        now = set(judged(report))
        lost = {rule for rule in self.targets.get(report.subject.target, ()) if rule not in now}
        changed = {
            rule: self._lost(rule, found.get(rule), report) for rule in lost if not _is_red_already(found.get(rule), found)
        }
        order = {rule: number for number, rule in enumerate(rules.RULES)}
        every = sorted((found | changed).values(), key=lambda one: order[one.id])
        return attrs.evolve(report, rules=tuple(every), notes=report.notes + self._notes(report, changed))

    def _notes(self, report: Report, changed: Mapping[str, RuleReport]) -> tuple[str, ...]:
        target = report.subject.target
        if target not in self.targets:
            return (f"the lock {self.path} says nothing of {target}; --update-lock adds it",)
        notes = []
        if changed:
            told = f"{counted(len(changed), 'rule')} that ran before did not run"
            notes.append(f"the lock {self.path}: {told}: {', '.join(sorted(changed))}")
        if more := [rule for rule in judged(report) if rule not in self.targets[target]]:
            told = f"does not have {counted(len(more), 'rule')} that ran"
            notes.append(f"the lock {self.path} {told}: {', '.join(more)}; --update-lock adds what ran")
        return tuple(notes)

    def _lost(self, rule_id: str, now: RuleReport | None, report: Report) -> RuleReport:
        rule = rules.rule(rule_id)
        mend = "Find out what keeps the rule from being judged.\nIf it is meant, run again with --update-lock."
        if now is None:
            state = "left out of this run"
            mend = f"Run every rule, or leave the lock aside: {_ASIDE}.\nIf the rule is to be left out for good, {_NARROW}."
        elif now.status in ("passed", "warned", "failed", "waived") and not now.blocked_by:
            state = f"judged without deciding, since the class {now.cls} is no longer claimed"
        else:
            state = f"{now.status}: {now.reason}"
        return rule_report(
            rule,
            "failed",
            message=f"a rule that ran before is no longer run: it is {state}",
            expected=f"what the lock {self.path} says of {report.subject.target}: the rule is judged, and decides",
            actual=state,
            hint=mend,
            decides=True,
        )

    def updated(self, reports: Iterable[Report], *, some_rules: bool = False) -> "Lock":
        """The lock with what these reports judged; a target of which nothing was judged keeps what it had.

        Args:
            reports: What was found.
            some_rules: Whether only some rules were run, by hand: the others keep what they had.
        """
        new = {report.subject.target: ids for report in reports if (ids := self._now(report, some_rules))}
        return attrs.evolve(self, targets=dict(self.targets) | new)

    def _now(self, report: Report, some_rules: bool) -> tuple[str, ...]:
        run = {found.id for found in report.rules}
        left_out = set(self.targets.get(report.subject.target, ())) - run if some_rules else set()
        return tuple(rule for rule in rules.RULES if rule in {*judged(report), *left_out})

    def to_json(self) -> dict[str, JSON]:
        """The lock as it is stored."""
        return {
            "schema": SCHEMA,
            "spec_version": SPEC_VERSION,
            "targets": {target: list(ids) for target, ids in sorted(self.targets.items())},
        }


def judged(report: Report) -> tuple[str, ...]:
    """The rules of a report that were judged and decide, in its order."""
    statuses = ("passed", "failed", "warned", "waived")
    return tuple(
        found.id
        for found in report.rules
        if found.status in statuses and not found.blocked_by and (found.cls in report.subject.claims)
    )


def _is_red_already(now: RuleReport | None, found: Mapping[str, RuleReport]) -> bool:
    return now is not None and (now.status == "error" or (now.status == "blocked" and waits_for_a_failure(now, found)))


def _are_ids(ids: object) -> bool:
    return isinstance(ids, list) and all(isinstance(one, str) for one in ids)
