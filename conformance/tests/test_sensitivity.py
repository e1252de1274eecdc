"""Sensitivity: the suite says which defects it would not have noticed, and what to change."""

from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from handlers_of_tests import Flags, Shortened
from hypothesis import strategies as st
from resultspec import rules
from resultspec_conformance import HandlerSubject, ResultSubject, SensitivityReport, sensitivity
from resultspec_conformance.cli import cli
from resultspec_conformance.runner import run
from resultspec_conformance.sabotage import try_saboteurs
from resultspec_conformance.saboteurs import all_saboteurs
from resultspec_conformance.saboteurs.handlers import HANDLER_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_reference import JSONResultHandler, LocalResultHandler, NoResult, Result


def make(scratch: Path) -> LocalResultHandler:
    """Make a correct handler that takes plain Python values."""
    return LocalResultHandler(scratch / "results", sync=False)


def try_some(subject: HandlerSubject, *patterns: str) -> SensitivityReport:
    """Try the saboteurs of some rules."""
    settings = Settings(rules=patterns, examples=20, limit=20)
    return try_saboteurs(subject, settings, run(subject, settings))


VALUES = ("handler.round-trip", "handler.falsy-values", "handler.independent-writes", "handler.snapshot")


def test_values_that_are_all_alike_notice_little() -> None:
    """A subject that draws nothing but 1 is told which rules would not have noticed, and what would show it."""
    report = try_some(HandlerSubject(JSONResultHandler, values=st.just(1)), *VALUES, "handler.json-reference")

    assert report.ids("unnoticed") == [rule for rule in rules.RULES if rule in VALUES]
    assert report.ids("noticed") == ["handler.json-reference"]
    for rule in VALUES:
        assert str(report.rule(rule).change).startswith("Draw more varied values.")
    assert "after 2 writes: 'A', 'a'" in str(report.rule("handler.independent-writes").change)


def test_the_same_handler_with_all_its_values_notices() -> None:
    """Without values= nothing of this goes unnoticed."""
    report = try_some(HandlerSubject(JSONResultHandler), *VALUES)

    assert report.ids("noticed") == [rule for rule in rules.RULES if rule in VALUES]
    assert all(report.rule(rule).defect and report.rule(rule).reason for rule in VALUES)


def test_what_no_value_can_show_is_not_blamed_on_the_values() -> None:
    """A handler of flags has no long text to lose the end of, whatever it draws."""
    report = try_some(HandlerSubject(Flags), "handler.round-trip", "handler.repeatable-read")

    assert report.rule("handler.round-trip").finding == "untried"
    assert report.rule("handler.round-trip").reason == "no value that the handler takes shows the defect"
    assert report.rule("handler.repeatable-read").finding == "noticed"


def test_a_rule_that_is_broken_as_it_is_cannot_be_tried() -> None:
    """Only what the subject keeps can be broken on purpose."""
    found = try_some(HandlerSubject(Shortened), "handler.round-trip").rule("handler.round-trip")

    assert (found.finding, found.reason) == ("untried", "the rule is failed as it is")


def test_a_rule_that_does_not_apply_says_what_is_missing() -> None:
    """The reason is the rule's own, which names what to give."""
    found = try_some(HandlerSubject(make), "shared.describable").rule("shared.describable")

    assert found.finding == "untried"
    assert "describe= and rebuild=" in found.reason


def test_a_class_that_is_not_claimed_would_not_decide() -> None:
    """A rule that holds and does not count is a claim to make."""
    subject = HandlerSubject(make, claims=frozenset({"core"}))
    found = try_some(subject, "shared.equality").rule("shared.equality")

    assert found.finding == "unnoticed"
    assert found.change == "Claim the class shared, whose rule holds."


def test_results_are_broken_too() -> None:
    """Other subjects have saboteurs of their own."""
    subject = ResultSubject(Result, NoResult, handler=JSONResultHandler)
    report = sensitivity(subject)

    assert "result.write" in report.ids("noticed")
    assert "noresult.closed" in report.ids("noticed")


def test_the_saboteurs_of_all_modules_are_found() -> None:
    """Every rule of core and shared has one, and each says in a sentence what it does."""
    found = {saboteur.rule: saboteur for saboteur in all_saboteurs()}

    assert {rule.id for rule in rules.RULES.values() if rule.cls in ("core", "shared")} <= set(found)
    assert all(saboteur.does for saboteur in found.values())


def test_a_sabotaged_handler_is_wrapped_as_it_is() -> None:
    """That the factory takes no directory stays so, or rules would fail that have nothing to do with the defect."""
    sabotaged = HANDLER_SABOTEURS["handler.round-trip"](HandlerSubject(Flags))

    assert not sabotaged.make.takes_scratch


def test_nothing_is_found_of_what_was_not_tried() -> None:
    """Asking for a rule without a saboteur is an error."""
    report = attrs.evolve(try_some(HandlerSubject(Flags), "handler.none"), rules=())

    with pytest.raises(LookupError, match=r"handler\.none"):
        report.rule("handler.none")


def test_the_command_line_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --sensitivity every rule is listed after the report, with what to change; the exit code is the verdict's."""
    (tmp_path / "ones.py").write_text(
        "from hypothesis import strategies as st\nfrom resultspec_conformance import HandlerSubject\n"
        "from resultspec_reference import JSONResultHandler\nsubject = HandlerSubject(JSONResultHandler, values=st.just(1))\n"
    )
    monkeypatch.chdir(tmp_path)
    arguments = ["check", "ones.py:subject", "--sensitivity", "--rule", "handler.round-trip", "--rule", "handler.none"]
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 0, result.output
    assert "Of 2 defects: 1 noticed, 1 would have gone unnoticed, 0 cannot be tried" in result.output
    assert "Draw more varied values." in result.output
