"""The families engine and hierarchy of engines: model engines keep them, and every saboteur is caught."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import attrs
import engines_of_tests
import pytest
from click.testing import CliRunner
from engines_of_tests import async_subject, database_subject, model_subject
from resultspec import rules
from resultspec_conformance import EngineSubject, check, reproduce
from resultspec_conformance.checking import Violation, checks_of
from resultspec_conformance.cli import cli
from resultspec_conformance.governance.targets import subject_of
from resultspec_conformance.report import Report
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.engine import ENGINE_SABOTEURS
from resultspec_conformance.saboteurs.hierarchy import HIERARCHY_SABOTEURS
from resultspec_conformance.settings import Settings
from zoo.engines.broken import BROKEN
from zoo.engines.coroutines import CoroutineDriver
from zoo.engines.defective import DEFECTIVE
from zoo.engines.model_driver import ModelDriver
from zoo.engines.processes import ProcessDriver

pytest_plugins = ["pytester"]

STRICT = Settings(strict=True, limit=30)
SUBJECTS = {"model": model_subject, "asynchronous": async_subject, "database": database_subject}
NOT_SHOWN = {
    "model": set(),
    "asynchronous": {"engine.fresh-process", "engine.mapped-owner"},
    "database": {"engine.mapped-owner"},
    "coroutines": set(),
    "processes": set(),
}
"""What the engine, or its driver, cannot show."""


def statuses(report: Report, *wanted: str) -> dict[str, str]:
    """What was found, for the rules with these statuses, and why."""
    return {found.id: found.message or found.reason or "" for found in report.rules if found.status in wanted}


CORRECT = SUBJECTS | {"coroutines": EngineSubject(CoroutineDriver), "processes": EngineSubject(ProcessDriver)}
MISTAKES: dict[type, list[str]] = {**DEFECTIVE, **BROKEN}


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_engine_keeps_every_rule_that_it_can_show(name: str) -> None:
    """Whatever an engine shows is judged and passes; the rest is untested, with the reason, and nothing is judged twice."""
    report = run(CORRECT[name], STRICT)
    untested = statuses(report, "untested")

    assert set(statuses(report, "passed")) == set(_ids()) - NOT_SHOWN[name], json.dumps(report.to_json(), indent=1)[-3000:]
    assert set(untested) == NOT_SHOWN[name]
    assert all(untested.values())
    assert [found.id for found in report.rules] == _ids()
    assert report.verdict == "conforms"


@pytest.mark.parametrize(
    ("name", "rule"),
    [(name, rule) for name in SUBJECTS for rule in ENGINE_SABOTEURS if rule not in NOT_SHOWN[name]],
)
def test_a_saboteur_is_caught_by_its_own_rule_alone(name: str, rule: str) -> None:
    """Whatever the engine, the rule fails and says why, and no rule fails that does not depend on it."""
    settings = STRICT if name == "model" else attrs.evolve(STRICT, rules=_quick(rule))
    report = run(ENGINE_SABOTEURS[rule](SUBJECTS[name]), settings)
    found = report.rule(rule)

    assert list(statuses(report, "failed", "error")) == [rule], statuses(report, "failed", "error")
    assert found.message
    assert found.expected
    assert found.actual
    assert found.reproducer


@pytest.mark.parametrize("rule", HIERARCHY_SABOTEURS)
def test_the_hierarchy_is_judged_by_what_runs_did(rule: str) -> None:
    """An engine that resolves wrongly is caught by the rule that it breaks, though it is asked for runs alone."""
    report = run(HIERARCHY_SABOTEURS[rule](model_subject), attrs.evolve(STRICT, rules=_quick(rule)))

    assert list(statuses(report, "failed", "error")) == [rule], statuses(report, "failed", "error")
    assert report.rule(rule).expected
    assert report.rule(rule).actual


def test_an_engine_without_states_is_judged_by_what_it_stores() -> None:
    """A database in which nothing says where an output went breaks engine.state-result."""
    report = run(EngineSubject(engines_of_tests.ForgetfulDatabaseDriver), attrs.evolve(STRICT, rules=("engine.state-result",)))

    assert statuses(report, "failed") == {
        "engine.state-result": "what the engine stores of a finished task does not name its result"
    }


def test_an_engine_without_a_configuration_is_judged_by_the_rest() -> None:
    """What an engine does not have makes the rules that ask for it untested, and no other."""
    report = run(EngineSubject(engines_of_tests.WithoutConfiguration), attrs.evolve(STRICT, rules=_quick()))
    untested = statuses(report, "untested")

    assert set(untested) == {rule for rule in _ids() if rule.startswith("hierarchy.")}
    assert set(untested.values()) == {"the engine does not support it: there is no configuration"}
    assert set(statuses(report, "passed")) == set(_quick()) - set(untested)


def test_an_engine_that_keeps_outputs_and_has_no_cache_is_judged_by_the_rest() -> None:
    """Where a flow cannot be run from the cache once more, its handlers are seen at a retry, and only the cache is not judged."""
    report = run(EngineSubject(engines_of_tests.WithoutCache), attrs.evolve(STRICT, rules=_quick()))
    untested = statuses(report, "untested")

    assert untested == {"engine.cached-output": "the engine does not support it: nothing is taken from a cache"}
    assert set(statuses(report, "passed")) == set(_quick()) - set(untested)


def test_a_broken_engine_is_caught_as_its_saboteur_is() -> None:
    """An engine that is broken from within, where no detour could break it, is caught by the same rules."""
    rules_asked = ("engine.retry-inputs", "hierarchy.output-owner", "engine.cached-output")
    report = run(EngineSubject(engines_of_tests.ConsumerKeepsDriver), attrs.evolve(STRICT, rules=rules_asked))

    assert set(statuses(report, "failed")) == {"hierarchy.output-owner"}
    assert report.rule("engine.retry-inputs").blocked_by == ("hierarchy.output-owner",)


@pytest.mark.parametrize("driver", MISTAKES, ids=lambda driver: driver.__name__.strip("_"))
def test_a_mistake_is_caught_by_the_rules_that_it_breaks(driver: type) -> None:
    """Mistakes that engines have are caught, and by no rule that they do not concern."""
    report = run(EngineSubject(driver), attrs.evolve(STRICT, rules=_quick(*MISTAKES[driver])))

    assert list(statuses(report, "failed", "error")) == MISTAKES[driver], statuses(report, "failed", "error")


def test_a_runner_that_stops_at_a_failure_breaks_the_rules_on_failures() -> None:
    """An exception out of a run is no report of a failed task."""
    report = run(
        EngineSubject(engines_of_tests.Stops), attrs.evolve(STRICT, rules=("engine.write-failure", "engine.read-failure"))
    )

    assert set(statuses(report, "failed").values()) == {"running a flow raised WriteError", "running a flow raised ReadError"}


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (engines_of_tests.SaysSoOnly, "the bodies that were called are none"),
        (engines_of_tests.SaysNothing, "does not say how the task 'first' ended"),
        (engines_of_tests.NoServer, "ConnectionError: no server for engine-0"),
        (engines_of_tests.Hangs, "took more than 1 seconds"),
    ],
)
def test_a_driver_that_runs_nothing_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: type, reason: str
) -> None:
    """A driver that does not work is never taken for an engine that does, nor for one that is broken."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the files of one that hangs cannot be removed under it
    report = run(EngineSubject(driver), attrs.evolve(STRICT, limit=1, rules=("engine.upstream-none",)))

    assert report.verdict == "inconclusive"
    assert reason in (report.rules[0].reason or "")


@pytest.mark.parametrize(
    ("target", "rule", "actual"),
    [
        ("engines_of_tests:ConsumerKeepsDriver", "engine.retry-inputs", "a write by 'handler-of-the-consumer'"),
        ("engines_of_tests:StartsAnew('{scratch}', label='one')", "engine.fresh-process", "it failed with KeyError: 'p'"),
    ],
)
def test_the_script_of_a_failure_shows_it(tmp_path: Path, target: str, rule: str, actual: str) -> None:
    """The reproducer is a program of its own: it ends in the violation, with what was expected and what was seen."""
    found = run(subject_of(target), attrs.evolve(STRICT, rules=(rule,))).rules[0]
    script = tmp_path / "reproducer.py"
    script.write_text(found.reproducer or "")
    ended = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert f"Violation: {found.message}\nexpected: {found.expected}\nactual:   {actual}\n" in ended.stderr


def test_the_command_line_judges_an_engine() -> None:
    """A broken engine exits 1, its failures are told in full, and each rule of both families is there."""
    result = CliRunner().invoke(cli, ["check", "engines_of_tests:ConsumerKeepsDriver"])

    assert result.exit_code == 1, result.output
    assert "EngineSubject(ConsumerKeepsDriver)" in result.output
    assert re.findall(r"^── (\S+): failed", result.output, re.MULTILINE) == ["hierarchy.output-owner"]
    assert set(_ids()) <= set(re.findall(r"(?:hierarchy|engine)\.[a-z-]+", result.output))


def test_a_subject_can_be_reproduced_from_python() -> None:
    """What the script calls raises for a broken engine, and is silent for a correct one."""
    with pytest.raises(Violation) as raised:
        reproduce("engine.cached-output", ENGINE_SABOTEURS["engine.cached-output"](model_subject))
    reproduce("engine.cached-output", model_subject)

    assert raised.value.__notes__ == ["expected: one call of its body in two runs", "actual:   2 calls"]


@pytest.mark.parametrize(
    "target",
    [
        "engines_of_tests:model_subject",
        "engines_of_tests:ModelDriver",
        "engines_of_tests:WithLabel('{scratch}', label='one')",
        "engines_of_tests:Judged",
    ],
)
def test_an_engine_is_a_target(target: str) -> None:
    """A subject, a driver's class, a call of one, and a pytest class name an engine on the command line."""
    subject = subject_of(target)
    report = run(subject, attrs.evolve(STRICT, rules=("engine.upstream-none",)))

    assert isinstance(subject, EngineSubject)
    assert statuses(report, "passed") == {"engine.upstream-none": ""}


def test_the_class_of_a_driver_can_be_checked() -> None:
    """A driver's class is taken for an engine's, as the class of a handler is for a handler's."""
    report = check(ModelDriver, rules=("hierarchy.decorator",))

    assert statuses(report, "passed") == {"hierarchy.decorator": ""}


MODULE = """
import sys
sys.path.insert(0, {here!r})
from engines_of_tests import Judged

class TestTheModel(Judged):
    subject = Judged.subject
"""


def test_the_pytest_class_takes_an_engine(pytester: pytest.Pytester) -> None:
    """Every rule of both families is an item, and passes."""
    pytester.makepyfile(MODULE.format(here=str(Path(__file__).parent)))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-v", "-k", "mapped-owner or config-default")

    assert result.parseoutcomes()["passed"] == 2, result.stdout.str()
    assert "TestTheModel::test_rule[engine.mapped-owner] PASSED" in result.stdout.str()


def test_every_rule_of_engines_has_a_check_and_a_saboteur() -> None:
    """No rule of the family goes unchecked, and no check unproved; the hierarchy is proved for engines too."""
    assert {rule for rule in _ids() if rule.startswith("engine.")} == set(ENGINE_SABOTEURS)
    assert {rule for rule in _ids() if rule.startswith("hierarchy.")} == set(HIERARCHY_SABOTEURS)
    assert all(checks_of(rule) for rule in _ids())


def _ids() -> list[str]:
    return [rule.id for rule in rules.RULES.values() if rule.cls in ("hierarchy", "engine")]


def _quick(*wanted: str) -> tuple[str, ...]:
    """The rules that are judged without starting processes, and those that are wanted."""
    return tuple(rule for rule in _ids() if rule != "engine.fresh-process" or rule in wanted)
