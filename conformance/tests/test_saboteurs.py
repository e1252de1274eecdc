"""The suite itself under test: every saboteur is caught, by its own rule."""

import json
from pathlib import Path

import attrs
import pytest
from resultspec import rules
from resultspec_conformance.checking import checks_of
from resultspec_conformance.governance.golden import record
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.handlers import HANDLER_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference import LocalResultHandler
from scripts_of_tests import assert_script_shows

# The rules of other classes would take their time and decide nothing.
SETTINGS = Settings(examples=40, limit=20, rules=("handler.*", "shared.*"))


def make(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results", sync=False)


def describe(handler: LocalResultHandler) -> str:
    """Describe a handler by its directory."""
    return str(handler.directory)


def rebuild(directory: str) -> LocalResultHandler:
    """Make a handler from its description."""
    return LocalResultHandler(directory, sync=False)


def complete(tmp_path: Path) -> HandlerSubject:
    """Describe a correct subject to which every rule of core and shared applies."""
    scratch = tmp_path / "recorded"
    scratch.mkdir()
    handler = make(scratch)
    record(tmp_path / "golden", scratch, [(value, handler.write(value)) for value in ([1, "two"], {"three": 3.0})])
    return HandlerSubject(make, describe=describe, rebuild=rebuild, golden=tmp_path / "golden")


def test_the_correct_subject_keeps_every_rule(tmp_path: Path) -> None:
    """What is sabotaged below passes every rule of core and shared beforehand, none left untested."""
    subject = complete(tmp_path)
    report = run(subject, SETTINGS)
    statuses = {found.id: found.status for found in report.rules if found.cls in subject.claims}

    assert set(statuses.values()) == {"passed"}, {rule: status for rule, status in statuses.items() if status != "passed"}
    assert report.verdict == "conforms"


@pytest.mark.parametrize("rule", sorted(HANDLER_SABOTEURS))
def test_a_saboteur_is_caught_by_its_own_rule_alone(tmp_path: Path, rule: str) -> None:
    """The rule fails with a message and a script, what depends on it is blocked, and no other rule fails or warns."""
    subject = complete(tmp_path) if rule in ("shared.describable", "shared.golden") else HandlerSubject(make)
    if rule == "shared.golden":
        subject = attrs.evolve(subject, describe=None, rebuild=None)
    report = run(HANDLER_SABOTEURS[rule](subject), attrs.evolve(SETTINGS, strict=True))
    failed = [found.id for found in report.rules if found.cls in subject.claims and found.status in ("failed", "error")]
    found = report.rule(rule)

    assert failed == [rule], json.dumps(report.to_json(), indent=1)[:4000]
    assert found.message
    assert found.expected
    assert found.actual
    assert_script_shows(found, tmp_path)


def test_every_rule_of_core_and_shared_has_a_check_and_a_saboteur() -> None:
    """No rule of the two classes goes unchecked, and no check unproved."""
    ids = {rule.id for rule in rules.RULES.values() if rule.cls in ("core", "shared")}

    assert ids == set(HANDLER_SABOTEURS)
    assert all(checks_of(rule) for rule in ids)
