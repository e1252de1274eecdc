"""No misses: defective handlers as the world writes them are caught, each by the rule that it breaks."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from resultspec_conformance.governance.golden import record
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from zoo._inline import Bits, JsonItself
from zoo._wrong_keeping import SwallowsErrors
from zoo._wrong_sharing import AppendsWithoutLock
from zoo.defective import DEFECTIVE, MORE_DEFECTIVE, SUBTLE, Defective, RelativeToHere

ALL = (*DEFECTIVE, *SUBTLE, *MORE_DEFECTIVE)
SETTINGS = Settings(
    strict=True,
    limit=30,
    # The costly rules of threads and processes are run on the handlers that break a rule of their class.
    rules=("handler.*", "shared.instance", "shared.pickle", "shared.process", "shared.equality"),
)


def settings_for(defective: Defective) -> Settings:
    """What is asked for: no more than can concern a handler, as 150 of them take their time."""
    settings = attrs.evolve(SETTINGS, examples=defective.examples, limit=5 if defective.hangs else SETTINGS.limit)
    return attrs.evolve(settings, rules=("handler.*", "shared.*")) if defective.rule.startswith("shared.") else settings


def recorded(defective: Defective, tmp_path: Path) -> Path | None:
    """Lay out what an earlier release wrote, where the handler says how."""
    if defective.golden is None:
        return None
    scratch = tmp_path / "recorded"
    scratch.mkdir()
    pairs: list[tuple[Any, Any]] = [(value, reference) for reference, value in defective.golden(scratch)]
    record(tmp_path / "golden", scratch, pairs)
    return tmp_path / "golden"


@pytest.mark.parametrize("defective", ALL, ids=[f"{one.rule}-{one.make.__name__}" for one in ALL])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_defective_handler_is_caught(defective: Defective, tmp_path: Path) -> None:
    """The rule that is broken fails with expected and actual, and no rule fails that the defect does not touch."""
    subject = HandlerSubject(
        defective.make,
        values=defective.values() if defective.values else None,
        claims=defective.claims,
        describe=defective.describe,
        rebuild=defective.rebuild,
        golden=recorded(defective, tmp_path),
    )
    report = run(subject, settings_for(defective))
    failed = {found.id: found for found in report.rules if found.cls in defective.claims and found.status in ("failed", "error")}

    assert defective.rule in failed, {found.id: found.status for found in report.rules if found.cls in defective.claims}
    assert set(failed) <= {defective.rule, *defective.also}, {rule: (f.message, f.reason) for rule, f in failed.items()}
    assert failed[defective.rule].status == "failed", failed[defective.rule].reason
    assert failed[defective.rule].message
    assert failed[defective.rule].expected
    assert failed[defective.rule].actual
    assert report.verdict == "violates"


@pytest.mark.parametrize("start", ["/", "/tmp", "beside", "beside/far/below"])
def test_a_relative_reference_is_found_wherever_the_suite_is_run(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process works where no path that is relative to this directory leads to the storage."""
    beside = Path(tempfile.mkdtemp(prefix="resultspec-test-"))  # as the suite's own directories
    directory = Path(start) if start.startswith("/") else Path(beside.parent, beside.name, *start.split("/")[1:])
    directory.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(directory)
    settings = attrs.evolve(SETTINGS, examples=5, rules=("shared.process",))
    try:
        [found] = run(HandlerSubject(RelativeToHere), settings).rules
    finally:
        shutil.rmtree(beside)

    assert found.status == "failed", found
    assert 'in_fresh_process("read", scratch / "store", reference)' in str(found.reproducer)


@pytest.mark.parametrize("values", [None, st.booleans()], ids=["plain values", "values too small to tell"])
def test_a_store_that_every_process_reaches_is_not_taken_for_the_reference(values: Any, tmp_path: Path) -> None:
    """A service is read from anywhere, as a reference that holds its value is; what it has lost must still raise."""
    subject = HandlerSubject(partial(SwallowsErrors, tmp_path), values=values)
    report = run(subject, attrs.evolve(SETTINGS, examples=20, rules=("handler.round-trip", "handler.unknown-reference")))
    found = report.rule("handler.unknown-reference")

    assert (found.status, found.actual) == ("failed", "read returned None"), found


@pytest.mark.parametrize("make", [JsonItself, Bits], ids=["values of every length", "values too small to tell"])
def test_a_reference_that_holds_its_value_is_not_taken_for_a_store(make: type) -> None:
    """Another well-formed reference of such a handler is another value, which is right to be read."""
    [_, found] = run(
        HandlerSubject(make), attrs.evolve(SETTINGS, rules=("handler.round-trip", "handler.unknown-reference"))
    ).rules

    assert found.status == "not-applicable", found


def test_the_script_for_processes_shows_the_race(tmp_path: Path) -> None:
    """It lets processes write at once, and fails by what the handler does; nothing in it is there for the suite's sake."""
    found = run(HandlerSubject(AppendsWithoutLock), attrs.evolve(SETTINGS, rules=("shared.processes",))).rule("shared.processes")
    script = tmp_path / "reproducer.py"
    script.write_text(str(found.reproducer))
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)

    assert found.status == "failed"
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "NameError" not in ended.stderr, ended.stderr
    assert script.read_text().count(".mkdir()") == 1
