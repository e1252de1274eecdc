"""The command line: verdicts as exit codes, clear sentences, and a report that keeps its schema."""

import ast
import json
import os
import signal
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from resultspec import rules
from resultspec_conformance import HandlerSubject, check
from resultspec_conformance.cli import cli, main
from resultspec_conformance.governance.targets import subject_of
from resultspec_conformance.trials.making import maker_for
from scripts_of_tests import assert_script_shows

HERE = "handlers_of_tests"


def invoke(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, arguments)


def test_a_conforming_handler_exits_0() -> None:
    """The whole command, as a process: a correct handler is judged rule by rule, and the exit code is 0."""
    command = [sys.executable, "-m", "resultspec_conformance", "check", f"{Path(__file__).parent / HERE}.py:Flags"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONFORMS" in done.stdout
    assert "handler.round-trip" in done.stdout


def test_a_violating_handler_exits_1_and_shows_why() -> None:
    """The failure names the rule, what was expected and seen, what to check, and a script; the exit code is 1."""
    result = invoke("check", f"{HERE}:Shortened", "--rule", "handler.*")

    assert result.exit_code == 1
    for part in (
        "VIOLATES",
        rules.rule("handler.round-trip").statement,
        "Expected:",
        "Actual:",
        "Check first:",
        "handler.write(",
    ):
        assert part in result.output


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nowhere_to_be_found:Handler", "there is no module nowhere_to_be_found"),
        (f"{HERE}:Flagz", "did you mean Flags"),
        (f"{HERE}:broken", "making the handler raised ConnectionError: no server for first"),
        (f"{HERE}:hopeless", "object has no method write"),
        (f"{HERE}:needs_two", "needs client, bucket"),
        (f"{HERE}:RefusesEverything", "the handler refused every value that was tried, for example: TypeError: no "),
        (f"{HERE}:Kept(", "is no target"),
        ("no-colon", "is no target"),
        ("missing.py:Handler", "there is no file missing.py"),
        (f"{HERE}:Kept(open)", "must be literals"),
        (f"{HERE}:InDatabase", "given a directory that is there and is empty, as text; for something else, give a function"),
        (f"{HERE}:InDatabase('{{scratch}}')", "{scratch} stands for a directory that is there and is empty"),
    ],
)
def test_what_cannot_be_judged_exits_2_with_a_sentence(target: str, sentence: str) -> None:
    """Nothing green without a judgement: each way in which nothing can be said has its own clear sentence."""
    result = invoke("check", target)

    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.output.split())


def test_a_verdict_on_some_rules_says_so() -> None:
    """Who reads the last lines alone is not told more than was judged."""
    some = invoke("check", f"{HERE}:Flags", "--rule", "handler.round-trip", "--claim", "core")
    every = invoke("check", f"{HERE}:Flags", "--rule", "handler.*", "--rule", "static.*", "--claim", "core")
    others = sum(rule.cls in ("core", "static") for rule in rules.RULES.values()) - 1

    assert f"1 passed; {others} rules not asked for; " in some.output
    assert "not asked for" not in every.output


def test_a_verdict_that_only_a_should_could_give_says_so() -> None:
    """A broken SHOULD is no failure, and nothing binding was kept: that is said, and not left to be guessed."""
    result = invoke("check", f"{HERE}:Shortened", "--rule", "shared.equality", "--claim", "shared")

    assert result.exit_code == 2
    assert "Nothing can be said: no binding rule of a claimed class was judged" in result.output


def test_a_run_without_rules_exits_2() -> None:
    """A pattern that matches no rule runs nothing, and nothing is no success."""
    result = invoke("check", f"{HERE}:Flags", "--rule", "nothing.*")

    assert result.exit_code == 2
    assert "no rule of the classes" in result.output


@pytest.mark.parametrize(
    "target",
    [
        "Kept('{scratch}', suffix='!')",
        "InDatabase('{scratch}/flags')",
        "InDirectory('{scratch}')",
        "InDirectory(directory='{scratch}')",
        "subject",
        "flags",
        "Described",
        "Flags",
    ],
)
def test_every_form_of_target_is_judged(target: str) -> None:
    """Classes, calls with arguments, subjects, handlers and test classes are all targets."""
    result = invoke("check", f"{HERE}:{target}", "--rule", "handler.round-trip", "--rule", "shared.process")

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        ("InDirectory('{scratch}')", "handlers_of_tests.InDirectory(scratch / 'store')"),
        ("InDirectory(directory='{scratch}/a')", "handlers_of_tests.InDirectory(directory=Path(f\"{scratch / 'store'}/a\"))"),
        ("InDatabase('{scratch}')", "handlers_of_tests.InDatabase(str(scratch / 'store'))"),
        ("InDatabase('file:{scratch}/a')", "handlers_of_tests.InDatabase(f\"file:{scratch / 'store'}/a\")"),
    ],
)
def test_a_script_makes_the_handler_as_the_target_says(arguments: str, made: str) -> None:
    """The directory is filled in wherever it stands, as a Path where the handler's annotation wants one."""
    subject = subject_of(f"{HERE}:{arguments}", Path(__file__).parent)
    assert isinstance(subject, HandlerSubject)
    expression = maker_for(subject.make).expression('scratch / "store"')

    assert ast.dump(ast.parse(expression)) == ast.dump(ast.parse(made))


def test_a_waiver_lets_a_failure_not_decide_and_is_red_when_stale() -> None:
    """A waived failure is shown with its reason; a waiver of what passes, or of an unknown rule, is red."""
    waiver = "handler.round-trip=known since May"
    known = invoke("check", f"{HERE}:Shortened", "--rule", "handler.round-trip", "--waive", waiver)
    stale = invoke("check", f"{HERE}:Flags", "--rule", "handler.round-trip", "--waive", waiver)
    unknown = invoke("check", f"{HERE}:Flags", "--waive", "handler.round-tripp=why")

    assert "known since May" in known.output
    assert known.exit_code == 0
    assert stale.exit_code == 1
    assert "stale" in stale.output
    assert unknown.exit_code == 2
    assert "handler.round-trip" in unknown.output


@pytest.mark.parametrize("target", ["Flags", "Shortened", "broken", "RefusesEverything"])
def test_the_json_report_keeps_its_schema(tmp_path: Path, target: str) -> None:
    """Whatever the verdict, the report that is written validates against the schema that ships with the package."""
    file = tmp_path / "report.json"
    result = invoke("check", f"{HERE}:{target}", "--json", str(file))
    schema = json.loads(resources.files("resultspec_conformance").joinpath("report.schema.json").read_text())
    report = json.loads(file.read_text())

    jsonschema.validate(report, schema)
    assert {"conforms": 0, "violates": 1, "inconclusive": 2}[report["verdict"]] == result.exit_code


def test_a_report_that_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    """A missing directory costs no run."""
    result = invoke("check", f"{HERE}:Flags", "--json", str(tmp_path / "missing" / "report.json"))

    assert result.exit_code == 2
    assert "there is no directory" in result.output


def test_several_targets_end_in_a_matrix() -> None:
    """The worst verdict decides the exit code, and the rules are shown side by side."""
    result = invoke("check", f"{HERE}:Flags", f"{HERE}:Shortened", "--rule", "handler.round-trip")

    assert result.exit_code == 1
    assert "Rules by subject" in result.output


def test_rules_lists_and_explain_tells() -> None:
    """Every rule is listed, and explained with law, intent and checks; an unknown one with its nearest."""
    listed = invoke("rules")
    told = invoke("explain", "handler.fresh-read")
    unknown = invoke("explain", "handler.fresh-reed")

    assert all(rule in listed.output for rule in rules.RULES)
    assert rules.rule("handler.fresh-read").intent[:40] in " ".join(told.output.split())
    assert unknown.exit_code == 2
    assert "handler.fresh-read" in unknown.output


def test_the_reproducer_shows_the_failure_by_itself(tmp_path: Path) -> None:
    """The script of a failure runs alone in a fresh interpreter, and fails."""
    from handlers_of_tests import Shortened

    assert_script_shows(check(Shortened).rule("handler.round-trip"), tmp_path)


def test_rules_are_told_as_json_and_with_the_reason_where_there_is_no_check() -> None:
    """Every rule has checks or says why it is untested, in the list as in JSON."""
    listed = invoke("rules")
    told = json.loads(invoke("rules", "--json").output)

    assert [rule["id"] for rule in told] == list(rules.RULES)
    for rule in told:
        assert bool(rule["checks"]) != bool(rule["untested"])
    assert all(rule["law"] and rule["intent"] and rule["statement"] for rule in told)
    if any(rule["untested"] for rule in told):
        assert "untested:" in listed.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "--nonsense"], "No such option"),
        (["check", f"{HERE}:Flags", "--examples", "0"], "--examples"),
        (["nonsense"], "No such command"),
        (["record", f"{HERE}:Flags"], "Missing argument 'DIRECTORY'"),
        (["rules", "--class", "nonsense"], "--class"),
        (["explain"], "Missing argument 'RULE'"),
        (["explain", "shared"], "its rules are listed by: resultspec rules --class shared"),
        (["explain", "?"], "there is no rule '?'; all are listed by: resultspec rules"),
        (["explain", "handler.nine"], "the nearest: handler.none"),
        (["rules", "shared.*"], "(resultspec rules --help says what can be asked)"),
        (["check", f"{HERE}:Flags", "--rule", "handler.rond-trip"], "did you mean handler.round-trip?"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exit code of 1 would say that a handler violates the specification."""
    monkeypatch.setattr(sys, "argv", ["resultspec", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err

    assert end.value.code == 2
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_failure_of_the_suite_is_no_violation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever goes wrong in the suite itself exits 2."""
    monkeypatch.setattr(sys, "argv", ["resultspec", "rules"])
    monkeypatch.setattr("resultspec_conformance.terminal.show_rules", lambda *_: 1 // 0)
    with pytest.raises(SystemExit) as end:
        main()

    assert end.value.code == 2
    assert "the suite itself failed: ZeroDivisionError" in capsys.readouterr().err


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The second would silently be the first."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "handler_of_one_name.py").write_text("from handlers_of_tests import Flags\n")
    targets = [str(tmp_path / name / "handler_of_one_name.py:Flags") for name in ("one", "two")]
    result = invoke("check", *targets, "--rule", "handler.none")

    assert result.exit_code == 2
    assert "rename the file" in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_exits_2_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    """Whoever stops a run finds neither files nor processes of it."""
    (tmp_path / "waits.py").write_text(
        "import time\nfrom handlers_of_tests import Flags\n"
        "class Waits(Flags):\n    def write(self, value: bool, /):\n"
        "        print('waiting', flush=True)\n        time.sleep(60)\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "resultspec_conformance", "check", "waits.py:Waits"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert b"waiting" in started.stdout.readline()
        started.send_signal(number)
        started.communicate(timeout=30)

    assert started.returncode == 2
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_where_the_command_is_run(tmp_path: Path) -> None:
    """No cache, no report, no scratch directory in the working directory."""
    command = [sys.executable, "-m", "resultspec_conformance", "check", f"{Path(__file__).parent / HERE}.py:Flags"]
    subprocess.run([*command, "--rule", "handler.none"], capture_output=True, cwd=tmp_path, check=True)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["rules"], ["rules", "--json"]])
def test_a_reader_that_goes_away_is_no_violation(arguments: list[str]) -> None:
    """A closed pipe ends the command with 2, and without a traceback."""
    command = [sys.executable, "-m", "resultspec_conformance", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        said = started.stderr.read()

    assert (started.returncode, said) == (2, b"")
