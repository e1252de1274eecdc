"""The state machine: what only a sequence of steps shows is found, under the rule to which it belongs, and shown."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.handlers import HANDLER_SABOTEURS, wrapping
from resultspec_conformance.saboteurs.sequences import SEQUENCE_SABOTEURS, LosesTheIndex
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_conformance.trials.bench import Bench
from resultspec_conformance.trials.model import OWNERS, Finding, Plan, explore
from resultspec_reference import JSONResultHandler, LocalResultHandler
from scripts_of_tests import assert_script_shows
from zoo._inline import NotEmpty

Sabotage = Callable[[HandlerSubject], HandlerSubject]

MODELLED = (*OWNERS.values(), "handler.independent-writes")
SABOTEURS: list[tuple[str, Sabotage]] = [*SEQUENCE_SABOTEURS.items(), ("shared.instance", wrapping(LosesTheIndex))]
ids = [f"{rule}-{number}" for number, (rule, _) in enumerate(SABOTEURS)]


def make(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results", sync=False)


def explored(subject: HandlerSubject, seed: int = 0) -> Finding:
    """What the state machine finds."""
    with tempfile.TemporaryDirectory() as root, Bench(subject, Settings(seed=seed, examples=40), Path(root)) as bench:
        return explore(bench)


@pytest.mark.parametrize(("rule", "sabotage"), SABOTEURS, ids=ids)
def test_a_sequence_is_reported_by_the_rule_to_which_it_belongs(rule: str, sabotage: Sabotage, tmp_path: Path) -> None:
    """The rule fails and no other that the machine serves; message and script tell the steps, and the script fails alone."""
    report = run(sabotage(HandlerSubject(make)), Settings(examples=40, rules=MODELLED, limit=30))
    found = report.rule(rule)

    assert [one.id for one in report.rules if one.status in ("failed", "error")] == [rule]
    assert "none of the steps before it can be left out" in str(found.message)
    assert found.expected
    assert found.actual
    assert_script_shows(found, tmp_path)


@pytest.mark.parametrize(("rule", "sabotage"), SABOTEURS, ids=ids)
def test_no_single_check_finds_it(rule: str, sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the machine the rule passes: what it finds is found by nothing else."""
    monkeypatch.setattr("resultspec_conformance.trials.model.explore", lambda bench: Finding(Plan([], []), 1))
    found = run(sabotage(HandlerSubject(make)), Settings(examples=40, rules=(rule,))).rule(rule)

    assert found.status == "passed", found.message


def test_every_rule_that_the_machine_serves_has_a_saboteur() -> None:
    """No way of failing goes unproved."""
    assert set(MODELLED) == set(SEQUENCE_SABOTEURS)


@pytest.mark.parametrize("subject", [HandlerSubject(JSONResultHandler), HandlerSubject(make)], ids=["inline", "files"])
def test_a_correct_handler_agrees_with_the_model(subject: HandlerSubject) -> None:
    """Hundreds of steps of every kind, and nothing is found."""
    finding = explored(subject)
    unknown = {"unknown read"} if subject.make is JSONResultHandler else set()

    assert finding.rule is None
    assert finding.steps > 500
    assert set(OWNERS) - finding.plan.kinds == unknown  # an inline handler reads what was never written


@pytest.mark.parametrize("seed", [3, 4])
def test_equal_seeds_find_the_same(seed: int) -> None:
    """The same steps are drawn, and shortened to the same."""
    subject = SEQUENCE_SABOTEURS["shared.instance"](HandlerSubject(make))
    one, other = explored(subject, seed), explored(subject, seed)

    assert one.rule == "shared.instance"
    assert attrs.evolve(one, plan=other.plan) == other


@pytest.mark.parametrize("rule", sorted({*OWNERS.values(), "shared.process", "handler.input-untouched", "handler.round-trip"}))
def test_what_a_single_check_reports_is_not_found_again(rule: str) -> None:
    """A step that goes wrong by itself is left out, so that one defect is reported by one rule."""
    finding = explored(HANDLER_SABOTEURS[rule](HandlerSubject(make)))

    assert finding.rule is None


class Quota:
    """Refuses the fourth write, loudly."""

    def __init__(self) -> None:
        self.kept: list[int] = []

    def write(self, value: int, /) -> int:
        """Keep a number while there is room."""
        if type(value) is not int:
            raise TypeError("a number is wanted")
        if len(self.kept) == 3:
            raise OSError("the quota is used up")
        self.kept.append(value)
        return len(self.kept) - 1

    def read(self, reference: int, /) -> int:
        """Read a number."""
        if type(reference) is not int or reference < 0:
            raise ValueError("not a reference of this handler")
        return self.kept[reference]


def test_a_refusal_that_a_failed_write_did_not_cause_is_no_finding() -> None:
    """A full store may refuse whatever came before."""
    assert explored(HandlerSubject(Quota)).rule is None


def test_what_the_handler_refuses_is_no_value_of_the_model() -> None:
    """The values are those that the handler gives back; no step is left out because of another."""
    finding = explored(HandlerSubject(NotEmpty))

    assert all(finding.plan.values)
    assert "failed write" in finding.plan.kinds
    assert finding.rule is None


class Loses:
    """Loses everything at once: a write cannot even be read."""

    def write(self, value: int, /) -> str:
        """Keep nothing."""
        return str(type(value))

    def read(self, reference: str, /) -> int:
        """Find nothing."""
        raise LookupError(reference)


def test_without_a_single_good_write_nothing_can_be_said() -> None:
    """The machine takes no step where the first would fail."""
    finding: Any = explored(HandlerSubject(Loses))

    assert finding.steps == 0
    assert finding.rule is None
