"""The class private: what handlers reveal, where they read, and what they withstand."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from resultspec import rules
from resultspec_conformance.checking import checks_of
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.private import PRIVATE_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference import JSONResultHandler, LocalResultHandler
from scripts_of_tests import assert_script_shows
from zoo.private import (
    BREAKS_PRIVATE,
    KEEPS_PRIVATE,
    Cells,
    Correct,
    Drawer,
    PadsQuietly,
    ShowsItsPassword,
    ShowsItsPool,
    TellsItsAddress,
    drawer_with_lock,
)

PRIVATE = Settings(examples=10, limit=30, rules=("private.*",))
# Those of core that a reference, a refusal or a repr can break, and that take no time.
CHEAP = ("handler.json-reference", "handler.reference-transport", "handler.malformed-reference", "handler.standard-errors")
CLAIMS = frozenset({"core", "shared", "private"})


def signed(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results", sync=False, key=b"not a secret, just a test's key.")


def unsigned(scratch: Path) -> LocalResultHandler:
    """Make the same handler without a key."""
    return LocalResultHandler(scratch / "results", sync=False)


SIGNED = HandlerSubject(signed, claims=CLAIMS)


def statuses(subject: HandlerSubject) -> dict[str, str]:
    """Return what came of each rule of the class, by the last part of its id."""
    return {found.id.partition(".")[2]: found.status for found in run(subject, PRIVATE).rules}


def test_a_signed_store_keeps_every_rule() -> None:
    """LocalResultHandler with a key passes every rule of the class, none left untested."""
    report = run(SIGNED, PRIVATE)

    assert {found.status for found in report.rules} == {"passed"}, report.to_json()
    assert len(report.rules) == 8


def test_an_unsigned_store_of_pickles_runs_code() -> None:
    """Without a key LocalResultHandler fails safe-read, although its checksum has to be mended, and warns of tampering."""
    found = statuses(attrs.evolve(SIGNED, make=unsigned))

    assert {rule for rule, status in found.items() if status != "passed"} == {"safe-read", "tamper-evident"}
    assert found["safe-read"] == "failed"
    assert found["tamper-evident"] == "warned"


def test_an_inline_handler_fails_only_to_be_opaque() -> None:
    """The rules that speak of storage do not apply to it, and those that apply it keeps, but one."""
    found = statuses(HandlerSubject(JSONResultHandler))

    assert found == {
        "opaque-reference": "failed",
        "quiet-errors": "passed",
        "quiet-repr": "passed",
        "confined-read": "not-applicable",
        "safe-read": "passed",
        "tamper-evident": "not-applicable",
        "bounded-read": "passed",
        "file-mode": "not-applicable",
    }


@pytest.mark.parametrize("rule", sorted(PRIVATE_SABOTEURS))
def test_a_saboteur_is_caught_by_its_own_rule_alone(rule: str, tmp_path: Path) -> None:
    """The rule fails with a message, no other of the class does, and the script that it prints shows the failure."""
    report = run(PRIVATE_SABOTEURS[rule](SIGNED), attrs.evolve(PRIVATE, strict=True))
    failed = {found.id: found.message for found in report.rules if found.status != "passed"}
    found = report.rule(rule)

    assert list(failed) == [rule], failed
    assert found.message
    assert found.expected
    assert found.actual
    assert_script_shows(found, tmp_path)


@pytest.mark.parametrize("rule", sorted(PRIVATE_SABOTEURS))
def test_a_saboteur_breaks_no_rule_of_core(rule: str) -> None:
    """What breaks a rule of the class private leaves the rules of core alone."""
    settings = Settings(examples=10, limit=30, strict=True, rules=CHEAP)
    report = run(PRIVATE_SABOTEURS[rule](SIGNED), settings)
    failed = {found.id: found.message for found in report.rules if found.status not in ("passed", "not-applicable")}

    assert failed == {}, json.dumps(report.to_json(), indent=1)[:4000]


@pytest.mark.parametrize("correct", KEEPS_PRIVATE, ids=[correct.name for correct in KEEPS_PRIVATE])
def test_a_correct_handler_raises_no_alarm(correct: Correct) -> None:
    """A handler that keeps the class passes every rule, but for those that it knowingly leaves out."""
    report = run(HandlerSubject(correct.make, claims=correct.claims), PRIVATE)
    others = {found.id: (found.message or found.reason, found.actual) for found in report.rules if found.status != "passed"}

    assert set(others) == correct.warns, others


DEFECTS = [(rule, make) for rule, makes in BREAKS_PRIVATE.items() for make in makes]


@pytest.mark.parametrize(("rule", "make"), DEFECTS, ids=[make.__name__ for _, make in DEFECTS])
def test_a_defect_is_found(rule: str, make: Callable[[Path], Any]) -> None:
    """A handler as the world writes them fails the rule that it breaks, with a message."""
    [found] = run(HandlerSubject(make, claims=CLAIMS), attrs.evolve(PRIVATE, rules=(rule,), strict=True)).rules

    assert found.status == "failed", found
    assert found.message
    assert found.expected
    assert found.actual


@pytest.mark.parametrize(
    ("make", "credential"), [(ShowsItsPassword, "correct-horse-battery"), (TellsItsAddress, "hunter2secret")]
)
def test_the_report_repeats_no_credential(make: Callable[[Path], Any], credential: str) -> None:
    """What a handler gives away the report does not give away again."""
    report = run(HandlerSubject(make, claims=CLAIMS), attrs.evolve(PRIVATE, rules=("private.quiet-*",)))

    assert report.verdict == "violates"
    assert credential not in json.dumps(report.to_json())


def test_a_declared_credential_is_listened_for() -> None:
    """A text that the subject declares as a credential is found, whatever the attribute that holds it is called."""
    subject = HandlerSubject(ShowsItsPool, claims=CLAIMS, credentials=("pool-of-tears",))
    [found] = run(subject, attrs.evolve(PRIVATE, rules=("private.quiet-repr",))).rules

    assert found.status == "failed"
    assert "pool-of-tears" not in json.dumps([found.message, found.actual, found.reproducer])


@pytest.mark.parametrize("make", [Drawer, drawer_with_lock])
def test_the_storage_door_of_the_subject_is_used(make: Callable[[], Any]) -> None:
    """Values in memory are tampered with by the door that the subject gives, and cannot be without one."""
    rules_of_storage = attrs.evolve(PRIVATE, rules=("private.safe-read", "private.tamper-evident"))
    found = {
        tamper: tuple(one.status for one in run(HandlerSubject(make, tamper=tamper, claims=CLAIMS), rules_of_storage).rules)
        for tamper in (Cells, None)
    }

    assert found == {Cells: ("failed", "warned") if make is Drawer else ("passed", "passed"), None: ("untested", "untested")}


def test_a_database_in_mapped_memory_is_provoked_without_damage() -> None:
    """LMDB waits for damaged locks for ever, and kills whoever reads a page that was cut off: its other errors are heard."""
    thirdparty = pytest.importorskip("zoo._thirdparty")
    settings = attrs.evolve(PRIVATE, rules=("private.quiet-errors",))
    [found] = run(HandlerSubject(thirdparty.MappedTree), settings).rules

    assert found.status == "passed", found.reason
    assert "stored values were not damaged, since then the other process died" in str(found.message)


def test_a_memory_error_in_disguise_is_told_as_what_it_was() -> None:
    """A handler that raises ValueError when it has no memory left is said to have run out of memory."""
    settings = attrs.evolve(PRIVATE, rules=("private.bounded-read",))
    [found] = run(HandlerSubject(PadsQuietly, claims=CLAIMS), settings).rules

    assert "ran out of the 512 MB of memory that it may take, and told its MemoryError as ValueError" in str(found.actual)


def test_every_rule_of_the_class_has_a_check_and_a_saboteur() -> None:
    """No rule of the class goes unchecked, and no check unproved."""
    ids = {rule.id for rule in rules.RULES.values() if rule.cls == "private"}

    assert ids == set(PRIVATE_SABOTEURS)
    assert all(checks_of(rule) for rule in ids)


@pytest.mark.parametrize(("password", "told"), [("horse-battery-staple", False), ("", True)])
def test_no_script_carries_a_credential(password: str, told: bool) -> None:
    """A factory that cannot be imported travels within the script; with a credential in it, the script says why it is withheld."""

    class Locked:
        def __init__(self, password: str) -> None:
            self.password = password

        def write(self, value: str, /) -> str:
            return value

        def read(self, reference: str, /) -> str:
            return reference[:3]

    found = run(HandlerSubject(lambda: Locked(password)), attrs.evolve(PRIVATE, rules=("handler.round-trip",)))
    script = str(found.rule("handler.round-trip").reproducer)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert found.verdict == "violates"
    assert ("cloudpickle.loads" in script) is told
    assert ("a function of a module" in ran.stderr) is not told
    assert ("actual:" in ran.stdout) is told
