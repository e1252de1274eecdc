"""No misses: defective handlers as the world writes them are caught, each by the rule that it breaks."""

import shutil
import tempfile
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from resultspec import JSON
from resultspec_conformance.governance.golden import record
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from scripts_of_tests import assert_script_shows
from zoo._domains import Stamps
from zoo._inline import Bits, JsonItself
from zoo._wrong_keeping import KeyedByAddress, OpensNumbers, RetriesForever, SwallowsErrors
from zoo._wrong_sharing import AppendsWithoutLock
from zoo.defective import DEFECTIVE, MORE_DEFECTIVE, SUBTLE, Defective, RelativeToHere

ALL = (*DEFECTIVE, *SUBTLE, *MORE_DEFECTIVE)
RACES = ("shared.threads", "shared.processes")
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


def shows_by_itself(defective: Defective) -> bool:
    """Whether the script of the failure ends, and with it: not where there is chance in it, or it hangs, or loses its output."""
    return not (defective.hangs or defective.rule in RACES or defective.make in (KeyedByAddress, RetriesForever, OpensNumbers))


@pytest.mark.parametrize("defective", ALL, ids=[f"{one.rule}-{one.make.__name__}" for one in ALL])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_defective_handler_is_caught(defective: Defective, tmp_path: Path) -> None:
    """The rule that is broken fails with expected and actual and a script that shows it, and no rule that the defect spares."""
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
    if shows_by_itself(defective):
        assert_script_shows(failed[defective.rule], tmp_path)


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


MOMENTS = [datetime(1, 1, 1), datetime(5437, 6, 13, 13, 49, 14, 371022, tzinfo=UTC, fold=1)]


@pytest.mark.parametrize(
    ("make", "values"),
    [(JsonItself, None), (Bits, None), (Stamps, st.sampled_from(MOMENTS))],
    ids=["values of every length", "values too small to tell", "references of one length"],
)
def test_a_reference_that_holds_its_value_is_not_taken_for_a_store(make: type, values: Any) -> None:
    """Another well-formed reference of such a handler is another value, which is right to be read."""
    settings = attrs.evolve(SETTINGS, rules=("handler.round-trip", "handler.unknown-reference"))
    [_, found] = run(HandlerSubject(make, values=values), settings).rules

    assert found.status == "not-applicable", found


class FailsInThreads(JsonItself):
    """Reads as what Python's own parser is used for does up to 3.12: a thread fails at times, and the next call is fine."""

    told = "AST constructor recursion depth mismatch (before=36, after=37)"

    def __init__(self) -> None:
        self._fine = {threading.get_ident()}

    def read(self, reference: JSON, /) -> JSON:
        if (thread := threading.get_ident()) not in self._fine:
            self._fine.add(thread)
            try:
                raise SystemError(self.told)
            except SystemError as error:
                raise ValueError("the reference cannot be read") from error
        return super().read(reference)


class FailsByItself(FailsInThreads):
    """The same for a reason of its own."""

    told = "error return without exception set"


@pytest.mark.parametrize(("make", "status"), [(FailsInThreads, "passed"), (FailsByItself, "failed")])
def test_what_python_cannot_do_in_threads_is_no_failure_of_a_handler(make: type, status: str) -> None:
    """What is parsed in two threads at once may raise SystemError; any other SystemError is a failure."""
    found = run(HandlerSubject(make, storage="inline"), attrs.evolve(SETTINGS, rules=("shared.threads",))).rule("shared.threads")

    assert found.status == status, found


def test_the_script_for_processes_shows_the_race(tmp_path: Path) -> None:
    """It lets processes write at once, and fails by what the handler does; nothing in it is there for the suite's sake."""
    found = run(HandlerSubject(AppendsWithoutLock), attrs.evolve(SETTINGS, rules=("shared.processes",))).rule("shared.processes")

    assert found.status == "failed"
    assert_script_shows(found, tmp_path)
    assert str(found.reproducer).count(".mkdir()") == 1
