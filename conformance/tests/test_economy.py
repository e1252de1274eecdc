"""What a run does once, beside something else, or not at all, so that it takes seconds."""

import math
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from resultspec_conformance import HandlerSubject, Settings, check
from resultspec_conformance.runner import Run, run
from resultspec_conformance.trials.trial import fresh
from resultspec_conformance.values.comparison import content_difference, type_difference
from resultspec_reference import JSONResultHandler

WORK_OF_WORKERS = (
    "attacks.intruding",
    "processes.worker",
    "processes.writers",
    "secrets.modes",
    "secrets.provoking",
)


@pytest.mark.parametrize("module", WORK_OF_WORKERS)
def test_the_other_processes_need_no_hypothesis(module: str) -> None:
    """What is done in them draws no values, and Hypothesis takes longer to import than they take to do it."""
    program = f"import sys, resultspec_conformance.{module}; raise SystemExit('hypothesis' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False
    )

    assert ended.returncode == 0


class LooksAround(JSONResultHandler):
    """Notes which directories of the suite there are when it writes."""

    seen: ClassVar[set[str]] = set()

    def write(self, value: Any, /) -> str:
        """Write, and look."""
        self.seen.update(str(path) for path in Path(tempfile.gettempdir()).glob("resultspec-*/*/trial-*"))
        return super().write(value)


def test_a_handler_that_takes_no_directory_causes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making and removing a directory takes longer than most checks of such a handler."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = check(LooksAround, rules=["handler.round-trip", "handler.snapshot"])

    assert report.verdict == "conforms"
    assert LooksAround.seen == set()


class Counts(JSONResultHandler):
    """Counts how often each value is written."""

    written: ClassVar[Counter[str]] = Counter()

    def write(self, value: Any, /) -> str:
        """Write, and count."""
        self.written[repr(value)] += 1
        return super().write(value)


def counted(*rules: str) -> int:
    """How many values are written to judge some rules."""
    Counts.written.clear()
    report = check(Counts, rules=rules, examples=20)

    assert report.counts == {"passed": len(rules)}
    return Counts.written.total()


def test_types_are_compared_of_what_round_trip_has_written() -> None:
    """Judged after round-trip, type-fidelity writes none of the values that came back; alone, it writes each."""
    both, first, alone = (
        counted(*rules)
        for rules in (
            ("handler.round-trip", "handler.type-fidelity"),
            ("handler.round-trip",),
            ("handler.type-fidelity",),
        )
    )

    assert alone - (both - first) > 50


class Floats(JSONResultHandler):
    """Gives whole numbers back as floats."""

    def read(self, reference: str, /) -> Any:
        """Read, and change the type."""
        value = super().read(reference)
        return float(value) if type(value) is int and abs(value) < 2**53 else value


def test_a_changed_type_is_seen_though_the_value_came_back() -> None:
    """What round-trip lets pass, type-fidelity does not, whether it is judged after it or alone."""
    judged = [check(Floats, rules=rules).rule("handler.type-fidelity") for rules in (["handler.*"], ["handler.type-fidelity"])]

    assert [found.status for found in judged] == ["failed", "failed"]
    assert all("expected int" in str(found.message) for found in judged)


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], [True]), ([1], [1.0]), ([0.0], [-0.0]), ({"a": 1}, {"a": True}), ({1: "a"}, {True: "a"}), (["a"], [b"a"])],
)
def test_parts_that_look_alike_still_differ_in_type(one: Any, other: Any) -> None:
    """Parts are called the same without a closer look only where their types are."""
    assert content_difference(one, other) is None
    assert type_difference(one, other) is not None


def test_nan_is_the_same_as_nan_within_parts() -> None:
    """What does not equal itself is looked at more closely."""
    assert content_difference([math.nan, {"a": math.nan}], [math.nan, {"a": float("nan")}]) is None


@pytest.mark.parametrize("value", [[1, "a", None], {"a": 1, 2: b"b"}, [[1], 2], {"a": [1]}, {(1, 2): 3}, []])
def test_a_copy_shares_nothing_that_can_be_altered(value: Any) -> None:
    """Values of plain parts are copied by themselves, others part by part."""
    copied = fresh(value)

    assert copied == value
    assert copied is not value
    assert [part is other for part, other in zip(values_of(value), values_of(copied), strict=True) if isinstance(part, list)] == [
        False for part in values_of(value) if isinstance(part, list)
    ]


def values_of(value: Any) -> list[Any]:
    """The parts of a list, or the values of a dict."""
    return list(value.values() if isinstance(value, dict) else value)


def test_what_is_begun_beside_the_checks_ends_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is given up right after it has begun leaves neither threads nor processes nor files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = threading.enumerate(), children()
    begun = Run(HandlerSubject(JSONResultHandler), Settings())
    begun.prepare()
    during = children()
    begun.close()

    assert during != before[1]
    assert (threading.enumerate(), children()) == before
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_begun_for_a_run_of_few_rules() -> None:
    """Interpreters are started when they are needed, where that may be never."""
    before = children()
    begun = Run(HandlerSubject(JSONResultHandler), Settings(rules=("handler.none",)))
    begun.prepare()
    after = children()
    begun.close()

    assert after == before


def test_a_whole_run_is_the_same_twice() -> None:
    """What is done beside the checks does not change what they find."""
    one, other = (run(HandlerSubject(JSONResultHandler), Settings(examples=5, limit=120)) for _ in range(2))

    assert [(found.id, found.status, found.message) for found in one.rules] == [
        (found.id, found.status, found.message) for found in other.rules
    ]


def children() -> list[str]:
    """The processes that this one has started."""
    return sorted(child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split())
