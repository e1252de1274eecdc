"""The class durable under test: saboteurs are caught, correct handlers are not, and what is said of each is true."""

import json
from pathlib import Path

import pytest
from resultspec import rules
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.durable import DURABLE_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference import LocalResultHandler

DURABLE = tuple(rule.id for rule in rules.RULES.values() if rule.cls == "durable")
SETTINGS = Settings(examples=20, limit=30, rules=("durable.*",))
CLAIMS = frozenset({"core", "shared", "durable"})


def make(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results")


def test_the_correct_subject_keeps_every_rule() -> None:
    """What is sabotaged below passes every rule of the class, none left untested."""
    report = run(HandlerSubject(make, claims=CLAIMS), SETTINGS)
    statuses = {found.id: found.status for found in report.rules}

    assert statuses == dict.fromkeys(DURABLE, "passed"), json.dumps(report.to_json(), indent=1)[:4000]


@pytest.mark.parametrize("rule", DURABLE)
def test_a_saboteur_is_caught_by_its_own_rule_alone(rule: str) -> None:
    """The rule fails with a message and a reproducer, what depends on it is blocked, and no other rule fails."""
    report = run(
        DURABLE_SABOTEURS[rule](HandlerSubject(make, claims=CLAIMS)),
        Settings(examples=20, limit=30, strict=True, rules=("durable.*",)),
    )
    failed = [found.id for found in report.rules if found.status in ("failed", "error")]
    found = report.rule(rule)

    assert failed == [rule], json.dumps(report.to_json(), indent=1)[:4000]
    assert found.message
    assert found.expected
    assert found.actual
