"""Reports that the tests of their forms share: every status, hostile texts, several subjects."""

from typing import Any

from resultspec import rules
from resultspec_conformance.report import Report, RuleReport, Status, SubjectReport, rule_report

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>&\" ]]> \x00\x1b[31m \ud800 \u202e\ufffe {{ 7 * 7 }}"
"""What a handler's error might say: markup, control characters, a lone surrogate, a mark of direction, a template."""

_BROKEN: dict[str, Any] = {
    "message": f"read returned something else: {HOSTILE}",
    "expected": "'aaaaaaaaaaa'",
    "actual": f"'aaaaaaaaaa{HOSTILE}'",
    "hint": "Check whether read strips white space, as `str.strip` does.\nCheck the rest.",
    "reproducer": "handler = Mine()\nprint(handler.read(handler.write('aaaaaaaaaaa')))\n",
    "examples": 12,
}


def found(rule_id: str, status: Status, **details: Any) -> RuleReport:
    """What was found for one rule."""
    return rule_report(rules.rule(rule_id), status, **details)


def report(target: str, *findings: RuleReport, claims: tuple[str, ...] = ("core", "shared"), seed: int = 7) -> Report:
    """Report findings on a target."""
    subject = SubjectReport(target=target, handler=target.replace(":", "."), claims=claims, values="12 values of str")
    return Report(subject=subject, seed=seed, rules=findings, seconds=1.25, notes=("the budget of 500x was spent",))


VIOLATING = report(
    "mine.py:Mine",
    found("handler.json-reference", "passed", examples=12),
    found("handler.round-trip", "failed", **_BROKEN),
    found("handler.none", "waived", **_BROKEN | {"reason": "None never occurs here"}),
    found("handler.repeatable-read", "blocked", reason="cannot be judged before it", blocked_by=("handler.round-trip",)),
    found("handler.snapshot", "not-applicable", reason="the domain has no value that this rule speaks of"),
    found("handler.unknown-reference", "untested", reason="the storage cannot be reached"),
    found("handler.standard-errors", "error", reason=f"the suite itself failed: {HOSTILE}"),
    found("shared.instance", "passed", message="21 values", examples=21),
    found("shared.equality", "warned", **_BROKEN),
    found("durable.exit", "failed", **_BROKEN),
)  # fmt: skip
CONFORMING = report(
    "yours.py:Yours(directory='{scratch}/results', keep=True)",
    found("handler.json-reference", "passed", examples=3),
    found("handler.round-trip", "passed", examples=3),
    found("shared.instance", "passed"),
    found("shared.equality", "warned", **_BROKEN),
)
INCONCLUSIVE = report(
    "theirs:make",
    found("handler.json-reference", "untested", reason="the handler refused every value that was tried"),
    found("handler.round-trip", "untested", reason="the handler refused every value that was tried"),
)
UNUSABLE = report(
    "nobodys:broken",
    found("handler.json-reference", "error", reason="making the handler raised ConnectionError"),
    found("handler.round-trip", "error", reason="making the handler raised ConnectionError"),
)
ALL = (VIOLATING, CONFORMING, INCONCLUSIVE, UNUSABLE)
