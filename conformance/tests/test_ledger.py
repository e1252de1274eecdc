"""The ledger: every rule is checked, or says why it cannot be; every check is proved by a saboteur."""

import json
from pathlib import Path

from resultspec import rules
from resultspec_conformance.checking import all_checks, checks_of, why_unchecked
from resultspec_conformance.saboteurs import all_saboteurs

PUBLISHED = Path(__file__).parents[2] / "docs" / "data" / "kill-matrix.json"


def test_every_rule_has_a_check_or_a_reason_for_none() -> None:
    """A rule without a check says why it is reported as untested, and a rule with one needs no such reason."""
    unchecked = {rule for rule in rules.RULES if not checks_of(rule)}

    assert {rule for rule in rules.RULES if why_unchecked(rule) is not None} == unchecked
    assert len(unchecked) < len(rules.RULES)


def test_every_check_names_a_rule_and_says_what_it_does() -> None:
    """No check is bound to a rule that the specification does not have, and each has a sentence or a question for ``explain``."""
    checks = list(all_checks())

    assert {check.rule for check in checks} <= set(rules.RULES)
    assert [check.name for check in checks if check.summary[-1:] not in (".", "?")] == []


def test_every_checked_rule_has_a_saboteur() -> None:
    """What a check is good for is shown by a subject that it catches."""
    checked = {rule for rule in rules.RULES if checks_of(rule)}

    assert checked == {saboteur.rule for saboteur in all_saboteurs()}


def test_every_saboteur_was_caught_by_its_own_rule_alone() -> None:
    """The published run of all saboteurs has each of them, and no rule but its own failed for one."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))["saboteurs"]

    assert {(row["rule"], row["does"]) for row in rows} == {(one.rule, one.does) for one in all_saboteurs()}
    assert [row["rule"] for row in rows if [*row["failed"], *row["warned"]] != [row["rule"]]] == []
