"""The families result, noresult and hierarchy: the reference keeps them, and every saboteur is caught."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pytest
from resultspec import rules
from resultspec_conformance.checking import checks_of
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.hierarchy import HIERARCHY_SABOTEURS
from resultspec_conformance.saboteurs.results import RESULT_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HierarchySubject, ResultSubject
from resultspec_reference import JSONResultHandler, NoResult, Parameter, Result, make_converter, resolve
from zoo.results import correct, defective, hierarchies

STRICT = Settings(strict=True)


@attrs.frozen(eq=False)
class Carrier:
    """A task, a flow or a configuration: all that the resolution looks at."""

    result_handler: Any


class Driver:
    """Puts the reference's resolution under the suite."""

    def __init__(self) -> None:
        self.configuration = Carrier(None)

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        """Make a task; the decorator of this model is its constructor."""
        return Carrier(result_handler)

    def parameter(self, name: str) -> Any:
        """Make a parameter."""
        return Parameter(name)

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> Any:
        """Make a flow."""
        return Carrier(result_handler)

    def configure(self, result_handler: Any) -> None:
        """Set the configured handler."""
        self.configuration = Carrier(result_handler)

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        """Resolve: the consumer has no say."""
        return resolve(task=producer, flow=flow, configuration=self.configuration)


_converter = make_converter()
RESULTS = ResultSubject(
    Result,
    NoResult,
    dump=_converter.unstructure,
    load=lambda stored: _converter.structure(stored, Result | type(NoResult)),  # type: ignore[arg-type] # a union of classes
    handler=JSONResultHandler,
)
HIERARCHY = HierarchySubject(Driver)
CORRECT: dict[str, ResultSubject | HierarchySubject] = {**correct.RESULTS, **hierarchies.CORRECT}
DEFECTIVE: dict[str, tuple[ResultSubject | HierarchySubject, str]] = {**defective.DEFECTIVE, **hierarchies.DEFECTIVE}


@pytest.mark.parametrize("subject", [RESULTS, HIERARCHY], ids=["results", "hierarchy"])
def test_the_reference_keeps_every_rule(subject: ResultSubject | HierarchySubject) -> None:
    """Every rule of the three families passes, none untested."""
    report = run(subject, STRICT)

    assert {found.id: found.message or found.reason for found in report.rules if found.status != "passed"} == {}
    assert report.verdict == "conforms"


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_subject_keeps_every_rule(name: str) -> None:
    """However results, absences of one and hierarchies are written, nothing fails; a stored form that is not there is not judged."""
    report = run(CORRECT[name], STRICT)
    unjudged = {"result.stored-form", "noresult.stored-form"} if name == "unstored" else set()

    assert {found.id: found.message for found in report.rules if found.status != "passed" and found.id not in unjudged} == {}
    assert {found.id for found in report.rules if found.status == "not-applicable"} == unjudged
    assert report.verdict == "conforms"


@pytest.mark.parametrize("name", DEFECTIVE)
def test_a_mistake_is_caught_by_the_rule_that_it_breaks(name: str) -> None:
    """A subject with one mistake fails one rule, which says what it expected and what it saw."""
    subject, rule = DEFECTIVE[name]
    report = run(subject, STRICT)
    failed = {found.id: found.message or found.reason for found in report.rules if found.status in ("failed", "error")}

    assert list(failed) == [rule], failed
    assert report.rule(rule).status == "failed"
    assert report.rule(rule).expected
    assert report.rule(rule).actual


@pytest.mark.parametrize("rule", [*RESULT_SABOTEURS, *HIERARCHY_SABOTEURS])
def test_a_saboteur_is_caught_by_its_own_rule_alone(rule: str) -> None:
    """The rule fails with a message, and no rule fails that does not depend on it."""
    subject = RESULT_SABOTEURS[rule](RESULTS) if rule in RESULT_SABOTEURS else HIERARCHY_SABOTEURS[rule](HIERARCHY)
    report = run(subject, STRICT)
    failed = {found.id: found.message or found.reason for found in report.rules if found.status in ("failed", "error")}

    assert list(failed) == [rule], failed
    assert report.rule(rule).message
    assert report.rule(rule).expected
    assert report.rule(rule).actual


def test_every_rule_of_the_families_has_a_check_and_a_saboteur() -> None:
    """No rule of the three families goes unchecked, and no check unproved."""
    ids = {rule.id for rule in rules.RULES.values() if rule.cls in ("result", "noresult", "hierarchy")}

    assert ids == {*RESULT_SABOTEURS, *HIERARCHY_SABOTEURS}
    assert all(checks_of(rule) for rule in ids)
