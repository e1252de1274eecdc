"""The suite as pytest tests: one item for each rule, named by it."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytest
from resultspec import rules
from resultspec.rules import Rule

from .report import RuleReport
from .runner import Run
from .settings import Settings
from .subjects import Subject
from .terminal import failure_text


class HandlerConformance:
    """A test class with one test for each rule of the classes that its subject claims, and of the class *static*.

    Subclass it in a test module and name the subject::

        class TestMine(HandlerConformance):
            subject = HandlerSubject(MyHandler)

    Attributes:
        subject: What is checked.
        settings: How it is checked.
    """

    subject: ClassVar[Subject]
    settings: ClassVar[Settings] = Settings()

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the tests of a subclass that names a subject."""
        super().__init_subclass__(**options)
        if "subject" in cls.__dict__:
            names = _perhaps_claimed(rules.RULES.values(), cls.subject)
            marks = [pytest.param(name, marks=pytest.mark.conformance(name), id=name) for name in names]

            @pytest.mark.parametrize("rule", marks)
            def test_rule(self: HandlerConformance, rule: str, conformance_run: Run) -> None:
                _settle(conformance_run, rule)

            test_rule.__doc__ = "The subject keeps the rule."
            cls.test_rule = test_rule  # type: ignore[attr-defined]

    @pytest.fixture(scope="class")
    def conformance_run(self, request: pytest.FixtureRequest) -> Any:
        """The run that the tests of the class share."""
        judging = Run(request.cls.subject, request.cls.settings)
        yield judging
        judging.close()


def conformance_checks(subject: Subject, settings: Settings | None = None) -> Callable[[Any], Any]:
    """Parametrize a test function with the rules that a subject claims.

    The function takes ``conformance_check`` and calls it, perhaps within a context of its own::

        @conformance_checks(HandlerSubject(MyHandler))
        def test_mine(conformance_check):
            conformance_check()

    Args:
        subject: What is checked.
        settings: How it is checked.
    """
    judging = Run(subject, settings or Settings())

    def one(rule_id: str) -> Callable[[], None]:
        return lambda: _settle(judging, rule_id)

    names = _perhaps_claimed(judging.rules, subject)
    return pytest.mark.parametrize("conformance_check", [pytest.param(one(name), id=name) for name in names])


def _perhaps_claimed(among: Iterable[Rule], subject: Subject) -> list[str]:
    """The rules that may decide: whether those of ``static`` do is known only once a handler was made."""
    return [rule.id for rule in among if rule.cls in subject.claims or (rule.cls == "static" and "static" in subject.classes)]


def _settle(judging: Run, rule_id: str) -> None:
    """Turn what was found for a rule into the outcome of a test."""
    found = judging.judge(rule_id)
    if found.cls not in judging.claims:
        pytest.skip(f"the class {found.cls} is not claimed: the handler's class is not annotated, or mypy cannot be asked")
    if found.status in ("failed", "error"):
        pytest.fail(failure_text(found), pytrace=False)
    if found.status == "waived":
        pytest.xfail(f"{rule_id} is waived: {found.reason}")
    if found.status == "untested" and _nothing_was_accepted(judging, found):
        pytest.fail(f"nothing can be said of the handler: {found.reason}", pytrace=False)
    if found.status in ("blocked", "not-applicable", "untested"):
        pytest.skip(f"{found.status}: {found.reason}")


def _nothing_was_accepted(judging: Run, found: RuleReport) -> bool:
    """Whether the rule on which all others rest could not be put to the test: then nothing green means anything."""
    return found.id == "handler.round-trip" and judging.subject.claims >= {"core"}
