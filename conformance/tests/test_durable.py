"""The class durable under test: saboteurs and defective handlers are caught, correct handlers are not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from resultspec import rules
from resultspec_conformance.checking import checks_of
from resultspec_conformance.processes import tracing, writers
from resultspec_conformance.processes.writers import Order, acknowledgements
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.durable import DURABLE_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_conformance.trials.outcomes import attempt
from resultspec_reference import JSONResultHandler, LocalResultHandler
from scripts_of_tests import assert_script_shows
from zoo._common import Correct, dump, load
from zoo.defective import Defective
from zoo.durable import (
    CORRECT_DURABLE,
    DEFECTIVE_DURABLE,
    DumbDatabase,
    FolderFirst,
    IndexInPlace,
    NeverSyncs,
    RemovesAtExit,
    Sealed,
    ShortWrites,
    TextInPlace,
    UncheckedText,
)

DURABLE = tuple(rule.id for rule in rules.RULES.values() if rule.cls == "durable")
SETTINGS = Settings(examples=20, limit=60, strict=True, rules=("durable.*",))
CLAIMS = frozenset({"core", "shared", "durable"})
INLINE = ("durable.exit", "durable.kill", "durable.all-or-nothing")
LARGE = "".join(f"{number}\n" for number in range(20_000))


def make(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results")


def inline() -> JSONResultHandler:
    """Make a handler that has no storage."""
    return JSONResultHandler()


def test_every_rule_has_a_check_and_a_saboteur() -> None:
    """No rule of the class goes unchecked, and no check unproved."""
    assert set(DURABLE) == set(DURABLE_SABOTEURS)
    assert all(checks_of(rule) for rule in DURABLE)


def test_the_reference_keeps_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its synced handler passes every rule of the class, and the run leaves no file, no mount and no process behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = traces()
    report = run(HandlerSubject(make, claims=CLAIMS), SETTINGS)
    statuses = {found.id: found.status for found in report.rules}

    assert statuses == dict.fromkeys(DURABLE, "passed"), json.dumps(report.to_json(), indent=1)[:4000]
    assert list(tmp_path.iterdir()) == []
    assert traces() == before


def traces() -> tuple[str, list[str]]:
    """Tell what a run could leave behind outside of its files: mounts, and children of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return Path("/proc/self/mounts").read_text(), sorted(children.split())


def test_rules_of_storage_do_not_speak_of_inline_handlers() -> None:
    """What does not need a storage is tested of an inline handler too, and passes; the rest is not applicable."""
    report = run(HandlerSubject(inline, claims=CLAIMS), SETTINGS)
    statuses = {found.id: found.status for found in report.rules}

    assert statuses == {rule: "passed" if rule in INLINE else "not-applicable" for rule in DURABLE}


@pytest.mark.parametrize("rule", DURABLE)
def test_a_saboteur_is_caught_by_its_own_rule_alone(rule: str) -> None:
    """The rule fails with a message, what depends on it is blocked, and no other rule fails."""
    report = run(DURABLE_SABOTEURS[rule](HandlerSubject(make, claims=CLAIMS)), SETTINGS)
    failed = [found.id for found in report.rules if found.status in ("failed", "error")]
    found = report.rule(rule)

    assert failed == [rule], json.dumps(report.to_json(), indent=1)[:4000]
    assert found.message
    assert found.expected
    assert found.actual


@pytest.mark.parametrize("correct", CORRECT_DURABLE, ids=[correct.name for correct in CORRECT_DURABLE])
def test_a_correct_handler_conforms(correct: Correct) -> None:
    """No rule fails or warns of a handler that is durable, whatever it is made of."""
    report = run(HandlerSubject(correct.make, claims=correct.claims), SETTINGS)
    others = {found.id: (found.status, found.message, found.reason) for found in report.rules if found.status != "passed"}

    assert others == {}


def test_the_pages_of_a_database_are_no_residue() -> None:
    """LMDB's file keeps the pages that a failed write took; whether a record is among them cannot be seen."""
    thirdparty = pytest.importorskip("zoo._thirdparty")
    settings = attrs.evolve(SETTINGS, rules=("durable.no-residue",))
    [found] = run(HandlerSubject(thirdparty.MappedTree), settings).rules

    assert found.status == "untested"
    assert "database whose records cannot be seen" in str(found.reason)


class LargeInFiles(Sealed):
    """Carries small values within the reference."""

    def write(self, value: object, /) -> str:
        data = dump(value)
        return f"={data.hex()}" if len(data) < 1_000 else super().write(value)

    def read(self, reference: str, /) -> object:
        return load(bytes.fromhex(reference[1:])) if reference[:1] == "=" else super().read(reference)


class LargeInFilesUnchecked(LargeInFiles):
    """The same, and files are neither synced nor checked, and stay behind in part."""

    def save(self, name: str, data: bytes) -> None:
        (self.directory / name).write_bytes(data)

    def read(self, reference: str, /) -> object:
        return super().read(reference) if reference[:1] == "=" else load((self.directory / reference).read_bytes()[32:])


def test_what_a_handler_keeps_large_values_in_is_storage() -> None:
    """Rules of storage are judged by large values where the reference holds the small ones."""
    about_storage = ("durable.full-disk", "durable.synced", "durable.corruption", "durable.no-residue")
    settings = attrs.evolve(SETTINGS, rules=about_storage)
    good, bad = (run(HandlerSubject(make, claims=CLAIMS), settings) for make in (LargeInFiles, LargeInFilesUnchecked))

    assert {found.id: found.status for found in good.rules} == dict.fromkeys(about_storage, "passed"), good.to_json()
    assert {found.id for found in bad.rules if found.status == "failed"} >= {*about_storage[1:]}, bad.to_json()


class WrittenByAHelper(Sealed):
    """Lets another process write and sync each file."""

    def save(self, name: str, data: bytes) -> None:
        program = (
            "import os, sys; path, data = sys.argv[1], bytes.fromhex(sys.stdin.read()); "
            "file = open(path, 'xb'); file.write(data); file.flush(); os.fsync(file.fileno()); "
            "os.fsync(os.open(os.path.dirname(path), os.O_RDONLY))"
        )
        command = [sys.executable, "-c", program, str(self.directory / name)]
        subprocess.run(command, input=data.hex(), text=True, check=True)


def test_what_another_process_syncs_is_no_failure() -> None:
    """Whether a file was synced that a process of the handler's own wrote cannot be seen, and the reason names it."""
    settings = attrs.evolve(SETTINGS, rules=("durable.synced",))
    [found] = run(HandlerSubject(WrittenByAHelper, claims=CLAIMS), settings).rules

    assert found.status == "untested", found.message
    assert "a process that the handler starts" in str(found.reason)


@pytest.mark.parametrize("defective", DEFECTIVE_DURABLE, ids=[f"{one.rule}-{one.make.__name__}" for one in DEFECTIVE_DURABLE])
def test_a_defective_handler_is_caught(defective: Defective) -> None:
    """The rule that the handler breaks fails."""
    settings = attrs.evolve(SETTINGS, rules=(defective.rule,))
    found = run(HandlerSubject(defective.make, claims=defective.claims), settings).rule(defective.rule)

    assert found.status == "failed", found.message or found.reason


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("durable.exit", RemovesAtExit),
        ("durable.kill", DumbDatabase),
        ("durable.all-or-nothing", TextInPlace),
        ("durable.full-disk", ShortWrites),
        ("durable.synced", NeverSyncs),
        ("durable.corruption", UncheckedText),
        ("durable.no-residue", FolderFirst),
        ("durable.no-residue", TextInPlace),
    ],
)
def test_a_reproducer_shows_the_failure(tmp_path: Path, rule: str, broken: type) -> None:
    """The script of a failure fails by itself, and by what the handler does."""
    found = run(HandlerSubject(broken), attrs.evolve(SETTINGS, rules=(rule,))).rule(rule)

    assert found.status == "failed"
    assert_script_shows(found, tmp_path)


def order(tmp_path: Path, *values: object) -> Order:
    """Describe what a writer is to do on a new store."""
    store = tmp_path / f"store {len(list(tmp_path.iterdir()))}"
    store.mkdir()
    return Order(str(store), list(values), f"{store}.log")


def test_writers_are_killed_before_calls_within_writes_and_after_returns(tmp_path: Path) -> None:
    """The moments are all states that the storage goes through, and a writer dies at the one that is asked for."""
    moments, why_not = writers.moments(Sealed, order(tmp_path, [1], LARGE))
    within = next(number for number, moment in enumerate(moments) if moment.startswith("within write"))
    ordered = order(tmp_path, [1], LARGE)
    died = writers.write_and_die(Sealed, ordered, within)
    parts = [path.stat().st_size for path in Path(ordered.store).glob(".*.new")]

    assert why_not is None
    assert [moment for moment in moments if moment.startswith("right after")] == [
        "right after write returned for the first time",
        "right after write returned for the second time",
    ]
    assert died
    assert [one.index for one in acknowledgements(ordered.log)] == [0]
    assert len(parts) == 1
    assert 0 < parts[0] < len(LARGE)


def test_writers_are_killed_at_calls_of_functions_where_nothing_can_be_traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ptrace, kills at the calls of functions still find what is rewritten in place."""
    monkeypatch.setattr(tracing, "why_not", lambda: "it is forbidden here")
    moments, why_not = writers.moments(IndexInPlace, order(tmp_path, [1], [2]))
    lost = 0
    for moment in range(len(moments)):
        ordered = order(tmp_path, [1], [2])
        assert writers.write_and_die(IndexInPlace, ordered, moment)
        reader = IndexInPlace(Path(ordered.store))
        lost += sum(attempt(reader.read, one.reference).error is not None for one in acknowledgements(ordered.log))

    assert why_not == "it is forbidden here"
    assert lost > 0


def test_what_is_synced_cannot_be_seen_where_nothing_can_be_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ptrace, nothing is said of syncing, and the reason is."""
    monkeypatch.setattr(tracing, "why_not", lambda: "it is forbidden here")

    assert writers.write_and_lose_power(Sealed, order(tmp_path, [1])) == ([], [], "it is forbidden here")


def test_a_power_cut_loses_what_was_not_synced_and_nothing_else(tmp_path: Path) -> None:
    """A synced store is as it was; of one that is not synced, nothing is left."""
    synced, unsynced = order(tmp_path, [1], LARGE), order(tmp_path, [1])
    kept, lost = writers.write_and_lose_power(Sealed, synced), writers.write_and_lose_power(NeverSyncs, unsynced)
    reader = Sealed(Path(synced.store))

    assert kept == ([], [], None)
    assert [reader.read(one.reference) for one in acknowledgements(synced.log)] == [[1], LARGE]
    assert lost == (["the name values.db"], [], None)
    assert list(Path(unsynced.store).iterdir()) == []


def test_a_writer_meets_a_full_disk(tmp_path: Path) -> None:
    """A value that has no room raises, by a limit and on a small disk; the others are read."""
    limited, disk = (attrs.evolve(order(tmp_path, [1], LARGE, [2]), room=[None, 20_000, None]) for _ in range(2))
    os.waitpid(writers.begin_to_write(Sealed, limited), 0)
    why_not, _, outcomes = writers.write_on_small_disk(Sealed, disk)

    assert [one.error is None for one in acknowledgements(limited.log)] == [True, False, True]
    assert why_not or [outcome.value for outcome in outcomes] == [[1], [2]]
    assert list(Path(disk.store).iterdir()) == []
