"""Governance: waivers, budgets, the lock, evidence, pyproject.toml, and that nothing is left behind."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result
from handlers_of_tests import Flags, Shortened
from hypothesis import strategies as st
from resultspec_conformance import HandlerSubject, check
from resultspec_conformance.budget import Budget, Meter
from resultspec_conformance.cli import cli
from resultspec_conformance.report import Report
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_reference import LocalResultHandler

HERE = "handlers_of_tests"


def invoke(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, arguments)


def told(result: Result) -> str:
    """What a command printed, without line breaks."""
    return " ".join(result.output.split())


class TestWaivers:
    """A waiver accepts that a rule is not shown to hold, for a reason; it hides nothing else."""

    def test_a_waived_prerequisite_blocks_honestly(self) -> None:
        """What rests on a waived rule is blocked, and without waivers of its own nothing can be said of the class."""
        report = check(Shortened, rules=["handler.round-trip", "handler.none"], waive={"handler.round-trip": "known"})

        assert report.rule("handler.none").status == "blocked"
        assert "handler.round-trip is waived" in str(report.rule("handler.none").reason)
        assert report.verdict == "inconclusive"

    def test_a_blocked_rule_may_be_waived_too(self) -> None:
        """Who accepts that a blocked rule is not judged says so, and sees it said."""
        waive = {"handler.round-trip": "known", "handler.none": "no None here"}
        report = check(Shortened, rules=["handler.round-trip", "handler.none"], waive=waive)

        assert report.rule("handler.none").status == "waived"
        assert str(report.rule("handler.none").reason).startswith("no None here (cannot be judged before")
        assert report.verdict == "conforms"

    def test_what_blocks_is_failed_first(self) -> None:
        """A failure decides, whatever it blocks."""
        report = check(Shortened, rules=["handler.round-trip", "handler.none"])

        assert report.verdict == "violates"

    @pytest.mark.parametrize(
        ("rule", "status"), [("handler.round-trip", "passed"), ("handler.bounded-reference", "not-applicable")]
    )
    def test_a_waiver_of_what_holds_or_does_not_apply_is_stale(self, rule: str, status: str) -> None:
        """There is no failure that it could accept."""
        report = check(Flags, rules=["handler.*"], waive={rule: "known"})

        assert report.verdict == "violates"
        assert report.rule(rule).message == f"the waiver is stale: the rule is {status}"

    def test_a_stale_waiver_is_red_in_a_class_that_is_not_claimed(self) -> None:
        """A waiver that waives nothing is wrong, wherever it stands."""
        subject = HandlerSubject(Flags, claims=frozenset({"core"}))
        report = check(subject, rules=["handler.round-trip", "shared.equality"], waive={"shared.equality": "known"})

        assert not report.classes["shared"].claimed
        assert report.verdict == "violates"

    def test_a_waiver_of_what_was_not_tested_stays_untested(self) -> None:
        """Whether it is stale cannot be said."""
        report = check(HandlerSubject(Flags), rules=["handler.*"], budget="1x", waive={"handler.snapshot": "known"})
        found = report.rule("handler.snapshot")

        assert found.status == "untested"
        assert "whether its waiver is stale cannot be said" in str(found.reason)

    def test_a_waiver_does_not_hide_that_nothing_can_be_said(self) -> None:
        """A factory that does not work is no failure of a rule."""
        result = invoke("check", f"{HERE}:broken", "--waive", "handler.round-trip=known")

        assert result.exit_code == 2

    @pytest.mark.parametrize(
        ("waiver", "sentence"),
        [
            ("handler.none=", "a waiver names a rule and a reason"),
            ("handler.nonne=why", "handler.none"),
            ("result.write=why", "the waiver of result.write concerns none of the targets"),
        ],
    )
    def test_a_waiver_that_cannot_be_meant_exits_2(self, waiver: str, sentence: str) -> None:
        """A reason is required, and a rule that there is, of a class that the subject has."""
        result = invoke("check", f"{HERE}:Flags", "--waive", waiver)

        assert result.exit_code == 2
        assert sentence in told(result)

    def test_a_waiver_without_a_reason_is_refused_from_python(self) -> None:
        """The reason is required everywhere."""
        with pytest.raises(ValueError, match="gives no reason"):
            check(Flags, waive={"handler.none": " "})


class TestBudget:
    """A budget decides what is run, never whether it passed."""

    def test_what_is_cut_whole_is_untested(self) -> None:
        """Every rule that was not run says so, and the summary names them all."""
        report = run(HandlerSubject(Flags), Settings(rules=("handler.*",), budget=Budget.parse("1x")))
        cut = [found.id for found in report.rules if found.reason == "cut by --budget"]

        assert len(cut) > 10
        assert {report.rule(rule).status for rule in cut} == {"untested"}
        assert all(rule in report.notes[0] for rule in cut)

    def test_a_root_rule_that_is_cut_in_part_leaves_the_verdict_open(self) -> None:
        """Two of three values of the rule on which all rest are not enough."""
        subject = HandlerSubject(LocalResultHandler, values=st.integers(1, 1000))
        report = run(subject, Settings(rules=("handler.round-trip", "handler.snapshot"), budget=Budget.parse("50x")))
        found = report.rule("handler.round-trip")

        assert (found.status, report.verdict) == ("untested", "inconclusive")
        assert found.reason == "cut by --budget: 25 of 100 values tried, 1 of 2 checks not run"
        assert "handler.round-trip (25 of 100 values tried, 1 of 2 checks not run)" in report.notes[0]

    def test_another_rule_that_is_cut_in_part_says_so_and_passes(self) -> None:
        """It passed for the values that it was tried with, and names their number."""
        subject = HandlerSubject(Flags, values=st.just(True) | st.just(False))
        settings = Settings(rules=("handler.json-reference", "handler.type-fidelity"), budget=Budget.parse("5x"))
        report = run(attrs.evolve(subject, make=Flags), settings)
        found = report.rule("handler.type-fidelity")

        assert report.rule("handler.json-reference").status == "passed"
        assert (found.status, found.examples) in (("passed", 1), ("passed", 2))

    def test_an_example_budget_cuts_the_same_every_time(self) -> None:
        """Examples are counted, not seconds."""
        settings = Settings(rules=("handler.*",), budget=Budget.parse("30x"))
        reports = [run(HandlerSubject(Shortened), settings) for _ in range(2)]
        first, second = ([(found.id, found.status, found.reason) for found in one.rules] for one in reports)

        assert first == second

    def test_a_failure_within_the_budget_is_a_failure(self) -> None:
        """What was seen was seen."""
        report = run(HandlerSubject(Shortened), Settings(rules=("handler.round-trip",), budget=Budget.parse("300x")))

        assert report.verdict == "violates"

    def test_seconds_are_shared_among_the_rules(self) -> None:
        """By a clock of the test: a rule may spend twice its share, a root half of what is left, and then nothing is left."""
        now = [0.0]
        meter = Meter(Budget.parse("10s"), 5, clock=lambda: now[0])
        allowed = []
        for root in (True, False, False, False, False):
            meter.begin(root=root)
            start = now[0]
            while meter.left:
                now[0] += 0.5
            meter.end()
            allowed.append(now[0] - start)

        assert allowed == [5.0, 2.5, 2.0, 0.5, 0.0]
        assert meter.spent

    def test_the_command_line_says_what_it_cut(self) -> None:
        """No silent pass: the sentence is there, and exit code 2."""
        result = invoke("check", f"{HERE}:Flags", "--budget", "1x", "--rule", "handler.*")

        assert result.exit_code == 2
        assert "rules were not run: handler.round-trip" in told(result)
        assert "--budget 1x cut this run" in told(result)

    @pytest.mark.parametrize(("text", "budget"), [("20", "20s"), ("1.5m", "90s"), ("1h", "3600s"), ("500x", "500x")])
    def test_budgets_are_written_shortly(self, text: str, budget: str) -> None:
        """Seconds, minutes, hours, or examples."""
        assert str(Budget.parse(text)) == budget

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1.5x", "20 potatoes", ""])
    def test_what_is_no_budget_is_a_sentence(self, text: str) -> None:
        """The sentence shows the forms."""
        with pytest.raises(ValueError, match="write seconds such as 20"):
            Budget.parse(text)


class TestLock:
    """A rule that ran before and does not run now is red."""

    def lock(self, tmp_path: Path, *options: str, target: str = "Flags") -> Result:
        """Check two rules under the lock."""
        return invoke("check", f"{HERE}:{target}", "--lock", str(tmp_path / "lock"), *options)

    def test_it_is_written_when_absent_and_kept_afterwards(self, tmp_path: Path) -> None:
        """The first run writes one rule a line; an equal run passes and leaves it alone."""
        two = ("--rule", "handler.none", "--rule", "handler.round-trip")
        first = self.lock(tmp_path, *two)
        written = (tmp_path / "lock").read_text()
        second = self.lock(tmp_path, *two)

        assert (first.exit_code, second.exit_code) == (0, 0)
        assert json.loads(written)["targets"] == {f"{HERE}:Flags": ["handler.round-trip", "handler.none"]}
        assert (tmp_path / "lock").read_text() == written

    def test_a_rule_that_is_left_out_is_red_and_named(self, tmp_path: Path) -> None:
        """Fewer patterns are fewer rules; the sentence names the rule, the report says violates."""
        self.lock(tmp_path, "--rule", "handler.none", "--rule", "handler.round-trip")
        result = self.lock(tmp_path, "--rule", "handler.round-trip", "--json", str(tmp_path / "report.json"))

        assert result.exit_code == 1
        assert "1 rule that ran before did not run: handler.none" in told(result)
        assert "Run every rule, or leave the lock aside" in told(result)
        assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "violates"

    def test_updating_it_from_a_run_of_a_few_rules_keeps_the_others(self, tmp_path: Path) -> None:
        """A rule that is looked at by hand does not empty the lock of all that were left out."""
        two = ("--rule", "handler.none", "--rule", "handler.round-trip")
        self.lock(tmp_path, *two)
        written = (tmp_path / "lock").read_text()
        result = self.lock(tmp_path, "--rule", "handler.none", "--update-lock")

        assert result.exit_code == 0
        assert (tmp_path / "lock").read_text() == written

    def test_a_rule_that_is_cut_or_not_claimed_is_red(self, tmp_path: Path) -> None:
        """A budget and a dropped claim are no way around it."""
        few = ("--rule", "handler.round-trip", "--rule", "shared.equality")
        self.lock(tmp_path, *few)
        cut = self.lock(tmp_path, *few, "--budget", "1x")
        unclaimed = self.lock(tmp_path, *few, "--claim", "core")

        assert (cut.exit_code, unclaimed.exit_code) == (1, 1)
        assert "it is untested: cut by --budget" in told(cut)
        assert "the class shared is no longer claimed" in told(unclaimed)

    def test_what_a_failure_blocks_is_not_said_twice(self, tmp_path: Path) -> None:
        """One root cause is one failure."""
        stored = {"schema": "resultspec-lock/1", "targets": {f"{HERE}:Shortened": ["handler.round-trip", "handler.none"]}}
        (tmp_path / "lock").write_text(json.dumps(stored))
        result = self.lock(tmp_path, "--rule", "handler.none", "--rule", "handler.round-trip", target="Shortened")

        assert result.exit_code == 1
        assert "1 failed, 1 blocked" in told(result)

    def test_more_rules_are_fine_and_added_on_request(self, tmp_path: Path) -> None:
        """A later run that does more is green and says so; --update-lock takes it over."""
        two = ("--rule", "handler.none", "--rule", "handler.round-trip")
        self.lock(tmp_path, "--rule", "handler.round-trip")
        more = self.lock(tmp_path, *two)
        updated = self.lock(tmp_path, *two, "--update-lock")

        assert (more.exit_code, updated.exit_code) == (0, 0)
        assert "does not have 1 rule that ran: handler.none; --update-lock adds what ran" in told(more)
        assert "handler.none" in (tmp_path / "lock").read_text()

    def test_a_run_of_which_nothing_can_be_said_writes_no_lock(self, tmp_path: Path) -> None:
        """An empty lock would lock nothing."""
        result = self.lock(tmp_path, target="broken")

        assert result.exit_code == 2
        assert not (tmp_path / "lock").exists()

    @pytest.mark.parametrize(
        "content", ["{", "[]", '{"schema": "resultspec-lock/1", "targets": {"x": ["no.rule"]}}', '{"targets": {}}']
    )
    def test_a_lock_that_is_none_exits_2(self, tmp_path: Path, content: str) -> None:
        """A damaged lock is no absent one."""
        (tmp_path / "lock").write_text(content)
        result = self.lock(tmp_path)

        assert result.exit_code == 2
        assert "restore it, or remove it" in told(result)

    def test_updating_needs_a_lock(self) -> None:
        """There must be one to update."""
        result = invoke("check", f"{HERE}:Flags", "--update-lock")

        assert result.exit_code == 2
        assert "name one with --lock FILE" in told(result)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a pyproject.toml, and work in a directory below it."""

    def write(table: str) -> Path:
        (tmp_path / "pyproject.toml").write_text(table)
        (tmp_path / "below").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "below")
        return tmp_path

    return write


class TestProject:
    """``[tool.resultspec]`` says what is checked, and how."""

    def test_its_handlers_are_checked_each_in_its_way(self, project: Callable[[str], Path]) -> None:
        """Several handlers, claims, a waiver with its reason and a lock, found from the working directory upward."""
        directory = project(f"""
            [tool.resultspec]
            rules = ["handler.round-trip", "handler.json-reference"]
            examples = 10
            lock = "resultspec.lock"
            [[tool.resultspec.handlers]]
            target = "{HERE}:Flags"
            claims = ["core"]
            [[tool.resultspec.handlers]]
            target = "{HERE}:Shortened"
            waive = {{ "handler.round-trip" = "only ten characters, by agreement" }}
        """)
        result = invoke("check")

        assert result.exit_code == 0, result.output
        assert "only ten characters, by agreement" in told(result)
        assert "claims core" in told(result)
        assert "Rules by subject" in result.output
        assert set(json.loads((directory / "resultspec.lock").read_text())["targets"]) == {f"{HERE}:Flags", f"{HERE}:Shortened"}

    def test_the_command_for_more_leaves_its_lock_aside(self, project: Callable[[str], Path]) -> None:
        """What is told in a sentence is told in full by the command that the sentence names, which is not red for its lock."""
        project(f"""
            [tool.resultspec]
            rules = ["handler.json-reference", "shared.equality"]
            lock = "resultspec.lock"
            [[tool.resultspec.handlers]]
            target = "{HERE}:Shortened"
            claims = ["core"]
        """)
        whole = invoke("check")
        more = invoke("check", "--rule", "shared.equality", "--no-lock")

        assert "In full: the same command with --rule shared.equality --no-lock" in told(whole)
        assert "handler.json-reference" not in told(more)

    def test_options_of_the_command_line_go_over_it(self, project: Callable[[str], Path]) -> None:
        """What is not said on the command line stays as the table says."""
        project(f"""
            [tool.resultspec]
            rules = ["handler.round-trip"]
            seed = 7
            [[tool.resultspec.handlers]]
            target = "{HERE}:Flags"
            claims = ["core"]
        """)
        result = invoke("check", "--seed", "0", "--claim", "shared", "--claim", "core")

        assert "seed 0; claims core, shared" in told(result)
        assert "1 passed;" in told(result)

    def test_a_named_target_is_checked_as_the_table_says(self, project: Callable[[str], Path]) -> None:
        """Waivers are in one place; the other handlers are left alone."""
        project(f"""
            [tool.resultspec]
            rules = ["handler.round-trip"]
            [[tool.resultspec.handlers]]
            target = "{HERE}:Shortened"
            waive = {{ "handler.round-trip" = "by agreement" }}
            [[tool.resultspec.handlers]]
            target = "nowhere:Handler"
        """)
        result = invoke("check", f"{HERE}:Shortened")

        assert result.exit_code == 0, result.output

    def test_a_handler_of_the_lock_that_is_gone_is_red(self, project: Callable[[str], Path]) -> None:
        """Taking a handler out of the table is fewer rules than before."""
        directory = project(f"""
            [tool.resultspec]
            rules = ["handler.round-trip"]
            lock = "resultspec.lock"
            [[tool.resultspec.handlers]]
            target = "{HERE}:Flags"
        """)
        stored = {"schema": "resultspec-lock/1", "targets": {f"{HERE}:Flags": [], "gone:Handler": ["handler.none"]}}
        (directory / "resultspec.lock").write_text(json.dumps(stored))
        result = invoke("check")

        assert result.exit_code == 1
        assert "has gone:Handler, not checked now" in told(result)

    def test_files_are_found_beside_the_table(self, project: Callable[[str], Path]) -> None:
        """Targets, corpora and locks are relative to the project, not to where the command is run."""
        directory = project("""
            [tool.resultspec]
            rules = ["handler.round-trip"]
            [[tool.resultspec.handlers]]
            target = "a_handler_of_the_project.py:Mine"
        """)
        (directory / "a_handler_of_the_project.py").write_text("from handlers_of_tests import Flags as Mine\n")
        result = invoke("check")

        assert result.exit_code == 0, result.output

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ("exmaples = 3", "has the key exmaples, which is none of its keys; did you mean examples?"),
            ("zzz = 3", "it knows handlers, claims"),
            ('examples = "many"', "examples of [tool.resultspec] is 'many'; write a whole number of at least 1"),
            ("examples = 0", "such as examples = 100"),
            ("seed = true", "seed of [tool.resultspec] is True; write a whole number"),
            ('strict = "yes"', "write true or false"),
            ('budget = "soon"', 'such as budget = "30s"'),
            ('claims = ["cor"]', "write a list of core, shared"),
            ("handlers = 3", "[[tool.resultspec.handlers]]"),
            ("[[tool.resultspec.handlers]]", "number 1 names no target"),
            ('[[tool.resultspec.handlers]]\ntarget = "a:b"\nwaive = {"handler.none" = ""}', "each with its reason"),
            ('[[tool.resultspec.handlers]]\ntarget = "a:b"\nwaive = {"handler.nonne" = "x"}', "handler.none"),
            ('[[tool.resultspec.handlers]]\ntarget = "a:b"\nstorage = "s3"', '"inline" or "external"'),
            ('[[tool.resultspec.handlers]]\ntarget = "a:b"\n[[tool.resultspec.handlers]]\ntarget = "a:b"', "has a:b twice"),
            ("strict = ", "cannot be read"),
            ("", "has no [[tool.resultspec.handlers]]"),
        ],
    )
    def test_what_cannot_be_meant_is_one_sentence(self, project: Callable[[str], Path], table: str, sentence: str) -> None:
        """It names the file, the key, and what to write; exit code 2."""
        directory = project(f"[tool.resultspec]\n{table}")
        result = invoke("check")

        assert result.exit_code == 2, result.output
        assert sentence in told(result)
        assert str(directory / "pyproject.toml") in told(result)
        assert len(result.output.splitlines()) == 1

    def test_without_table_and_target_there_is_nothing_to_check(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The sentence says what to give."""
        monkeypatch.chdir(tmp_path)
        result = invoke("check")

        assert result.exit_code == 2
        assert "no TARGET was given" in told(result)


class Leaks(Flags):
    """Leaves a descriptor open and a thread running, each time it is made."""

    left: list[tuple[int, threading.Thread]] = []
    done = threading.Event()

    def __init__(self) -> None:
        thread = threading.Thread(target=self.done.wait, daemon=True)
        thread.start()
        self.left.append((os.open(os.devnull, os.O_RDONLY), thread))


def left_by(name: str, *rules: str, limit: float = 20) -> Any:
    """What a process held before, right after and some time after it checked a handler, and the report."""
    command = [sys.executable, Path(__file__).with_name("leftovers.py"), name, str(limit), *rules]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class TestNothingIsLeft:
    """After a run there are no files, threads, processes and descriptors that were not there before."""

    @pytest.fixture(autouse=True)
    def temporary(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A temporary directory of the test's own, also for other processes."""
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr(tempfile, "tempdir", None)

    @pytest.mark.parametrize(
        ("name", "verdict"), [("Flags", "conforms"), ("Raises", "violates"), ("Crashes", "violates"), ("Shortened", "violates")]
    )
    def test_whatever_the_handler_does(self, name: str, verdict: str) -> None:
        """Correct, failing, and ending the processes that the suite starts."""
        found = left_by(name, "handler.round-trip", "handler.fresh-read", "shared.*")

        assert found["report"]["verdict"] == verdict
        assert found["later"] == found["before"]

    def test_a_handler_that_hangs_leaves_but_its_thread(self) -> None:
        """The thread cannot be ended; it holds nothing, and ends when the handler lets it."""
        found = left_by("Hangs", "handler.round-trip", limit=2)
        [judged] = [rule for rule in found["report"]["rules"] if rule["id"] == "handler.round-trip"]

        assert judged["message"] == "the handler hung"
        assert found["after"] == {**found["before"], "threads": ["MainThread", "resultspec-check"]}
        assert found["later"] == found["before"]

    def test_a_leak_of_the_handler_is_no_failure(self) -> None:
        """What a handler leaves open is its own affair, as far as no rule speaks of it."""
        report = check(Leaks, rules=["handler.round-trip", "handler.none"], examples=5)
        Leaks.done.set()
        for descriptor, thread in Leaks.left:
            os.close(descriptor)
            thread.join()

        assert report.verdict == "conforms", report.counts

    def test_evidence_is_kept_on_request(self, tmp_path: Path) -> None:
        """The directory in which the rule was broken stays, and nothing else; hint and script say where."""
        report = check(loses_the_second, rules=["handler.independent-writes"], keep=True)
        hint = str(report.rule("handler.independent-writes").hint)
        [kept] = [path for run in tmp_path.iterdir() for path in run.iterdir()]

        assert str(kept) in hint
        assert list(kept.rglob("*.result"))

    def test_no_evidence_is_kept_otherwise(self, tmp_path: Path) -> None:
        """Nobody cleans up after a test suite."""
        report = check(loses_the_second, rules=["handler.independent-writes"])

        assert report.verdict == "violates"
        assert list(tmp_path.iterdir()) == []

    def test_the_command_line_says_where_evidence_is(self, tmp_path: Path) -> None:
        """With --keep, the path is among what to check first."""
        result = invoke("check", f"{HERE}:Shortened", "--rule", "handler.round-trip", "--keep")
        [kept] = [path for run in tmp_path.iterdir() for path in run.iterdir()]

        assert f"Look into {kept}" in result.output


class LosesTheSecond(LocalResultHandler):
    """Reads the first value that it wrote whatever the reference."""

    def read(self, reference: str, /) -> object:
        """Read the first value."""
        return super().read(self.__dict__.setdefault("first", reference))


def loses_the_second(scratch: Path) -> LosesTheSecond:
    """Make the handler."""
    return LosesTheSecond(scratch / "results", sync=False)


def test_a_report_has_notes_that_its_stored_form_has_not() -> None:
    """The schema of the report is fixed; what is beside it stays beside it."""
    report: Report = run(HandlerSubject(Flags), Settings(rules=("handler.*",), budget=Budget.parse("1x")))

    assert report.notes
    assert "notes" not in report.to_json()
    assert "decides" not in json.dumps(report.to_json())
