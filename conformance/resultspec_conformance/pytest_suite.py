"""The suite as pytest tests: one item for each rule, named by it."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from . import pytest_plugin
from .report import ROOTS, RuleReport, waits_for_a_failure
from .runner import Run, selected
from .settings import Settings
from .subjects import HandlerSubject, Subject, as_subject
from .terminal import failure_text


class HandlerConformance:
    """A test class with one test for each rule of the classes that its subject claims.

    Subclass it in a test module and name the subject::

        class TestMine(HandlerConformance):
            subject = HandlerSubject(MyHandler)

    Rules of the class ``static`` are among them; they are skipped where the handlers' class is not annotated.

    The tests cannot be overridden, and a mark ``xfail`` does not hide a broken rule: a known failure is a waiver with a
    reason, ``settings = Settings(waive={"handler.none": "None never occurs here"})``. Rules that do not run, because they are
    skipped, deselected or removed by a hook, are named in the summary of the session.

    Attributes:
        subject: What is checked: a subject, or a handler's class or factory.
        settings: How it is checked.

    Raises:
        TypeError: A subclass overrides the tests.
        ValueError: The settings match no rule, or waive one that does not concern the subject.
    """

    subject: ClassVar[Subject | Callable[..., Any]]
    settings: ClassVar[Settings] = Settings()
    conformance_rules: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the tests of a subclass that names a subject or settings."""
        super().__init_subclass__(**options)
        _refuse_overriding(cls)
        if {"subject", "settings"} & set(cls.__dict__) and hasattr(cls, "subject"):
            cls.subject = subject = as_subject(cls.subject)
            cls.conformance_rules = _rules_of(subject, cls.settings)
            shared = _Shared(subject, cls.settings, cls.__name__)

            def test_rule(self: HandlerConformance, rule: str) -> None:
                shared.settle(rule)

            test_rule.__doc__ = "The subject keeps the rule."
            cls.test_rule = _one_test_for_each("rule", cls.conformance_rules, shared)(test_rule)  # type: ignore[attr-defined]
        elif not hasattr(cls, "subject"):
            cls.test_rule = _without_subject  # type: ignore[attr-defined]


def _without_subject(self: HandlerConformance) -> None:
    """The class names what is checked; a class without tests would look green."""
    pytest.fail(f"{type(self).__name__} names no subject; write subject = HandlerSubject(MyHandler) in it", pytrace=False)


_without_subject.conformance_rules = ()  # type: ignore[attr-defined]
_without_subject.conformance_end = lambda: None  # type: ignore[attr-defined]


def conformance_checks(subject: Subject | Callable[..., Any], settings: Settings | None = None) -> Callable[[Any], Any]:
    """Parametrize a test function with the rules that a subject claims.

    The function takes ``conformance_check`` and calls it, perhaps within a context of its own::

        @conformance_checks(HandlerSubject(MyHandler))
        def test_mine(conformance_check):
            conformance_check()

    A test that does not call it fails.

    Args:
        subject: What is checked: a subject, or a handler's class or factory.
        settings: How it is checked.

    Raises:
        ValueError: The settings match no rule, or waive one that does not concern the subject.
    """
    subject = as_subject(subject)
    shared = _Shared(subject, settings or Settings(), subject.target)

    def one(rule_id: str) -> Callable[[], None]:
        return lambda: shared.settle(rule_id)

    return _one_test_for_each("conformance_check", _rules_of(subject, shared.settings), shared, one)


class _Shared:
    """The run that the tests of a class or function share: it begins with the first of them, and the plugin ends it."""

    def __init__(self, subject: Subject, settings: Settings, name: str) -> None:
        self.settings = settings
        self._subject = subject
        self._name = name
        self._run: Run | None = None

    def settle(self, rule_id: str) -> None:
        """Turn what is found for a rule into the outcome of a test."""
        if self._run is None:
            self._run = Run(self._subject, self.settings)
        found = self._run.judge(rule_id)
        if found.cls not in self._run.claims and found.status != "error":
            pytest_plugin.judged("unclaimed")
            pytest.skip(f"{found.cls} is claimed of annotated classes, where mypy can be asked; this one is not, or it cannot")
        red = _red(self._run, found)
        pytest_plugin.judged("failed" if red else found.status)
        if red:
            pytest.fail(red, pytrace=False)
        if found.status == "waived":
            pytest.xfail(f"{rule_id} is waived: {found.reason}")
        if found.status in ("blocked", "not-applicable", "untested"):
            pytest.skip(f"{found.status}: {found.reason}")

    def end(self) -> None:
        """End the run, and pass on what it has to say beside its rules."""
        if self._run is not None:
            pytest_plugin.notes.extend(f"{self._name}: {note}" for note in self._run.report().notes)
            self._run.close()
            self._run = None


def _rules_of(subject: Subject, settings: Settings) -> tuple[str, ...]:
    # Whether a handler's class is annotated, and static thereby claimed, is known when a handler has been made.
    claims = subject.claims | ({"static"} if isinstance(subject, HandlerSubject) else set())
    return tuple(rule.id for rule in selected(subject, settings) if rule.cls in claims)


def _one_test_for_each(
    name: str, rules: tuple[str, ...], shared: _Shared, argument: Callable[[str], Any] = lambda rule: rule
) -> Callable[[Any], Any]:
    parameters = [pytest.param(argument(rule), marks=pytest.mark.conformance(rule), id=rule) for rule in rules]

    def decorate(function: Any) -> Any:
        function.conformance_rules = rules
        function.conformance_end = shared.end
        return pytest.mark.parametrize(name, parameters)(function)

    return decorate


def _refuse_overriding(cls: type) -> None:
    """Raise where a subclass, or what it mixes in, replaces the tests."""
    test = inspect.getattr_static(cls, "test_rule", None)
    if "test_rule" in cls.__dict__ or not (test is None or hasattr(test, "conformance_rules")):
        raise TypeError(
            f"{cls.__qualname__} overrides test_rule, and its rules would not be judged; name a known failure, with its reason, "
            "in settings = Settings(waive={...}), or leave rules out with Settings(rules=(...))"
        )


def _red(judging: Run, found: RuleReport) -> str | None:
    """Why the test of a rule is red, or None.

    Besides a failure: what leaves nothing to be said of a class, which is the rule on which others rest when it could not be
    put to the test, and a binding rule that waits for one that is waived.
    """
    if found.status in ("failed", "error"):
        return f"{found.message or found.reason}\n{failure_text(found)}"  # the first line is what pytest's summary shows
    if found.status == "untested" and found.id in ROOTS:
        return f"nothing can be said of the handler: {found.reason}"
    if found.status == "blocked" and found.level == "must" and not waits_for_a_failure(found, judging.found):
        return f"{found.id} {found.reason}; a rule that is accepted as not judged needs a waiver of its own"
    return None
