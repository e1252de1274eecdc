"""Checks of the class *static*: what mypy says of the class of the handlers, one run of it for all four rules."""

from typing import NoReturn

from ..checking import Untested, Violation, check
from ..trials.trial import Trial
from ..typing_probe.answers import Problem
from ..typing_probe.classes import CannotProbe


@check("static.protocol")
def the_class_is_assignable_to_the_protocol(trial: Trial) -> None:
    """Ask mypy whether an engine can call both methods with one argument, and whether both or neither is awaited."""
    _judge(trial, "static.protocol")


@check("static.json-bound")
def references_are_typed_as_json(trial: Trial) -> None:
    """Ask mypy whether what write returns is JSON."""
    _judge(trial, "static.json-bound")


@check("static.symmetry")
def the_methods_are_typed_as_inverses(trial: Trial) -> None:
    """Ask mypy whether read takes what write returns, and write what read returns."""
    _judge(trial, "static.symmetry")


@check("static.typed")
def annotations_are_complete(trial: Trial) -> None:
    """Ask mypy whether Any comes into write or read: by name, by a missing annotation, by an untyped library."""
    _judge(trial, "static.typed")


def _judge(trial: Trial, rule: str) -> None:
    answer = trial.bench.typing_problems()
    if isinstance(answer, CannotProbe):
        raise Untested(str(answer)) from answer
    for problem in answer:
        if problem.rule == rule:
            _report(trial, problem)


def _report(trial: Trial, problem: Problem) -> NoReturn:
    if trial.script is not None:
        trial.store()
        place = 'scratch / "store"'
        trial.script.do(
            f"({place}).mkdir()",
            f"handler = {trial.maker.expression(place)}",
            "from resultspec_conformance.typing_probe.asking import problems_of",
            f"problems = [problem for problem in problems_of(type(handler)) if problem.rule == {problem.rule!r}]",
        )
        trial.script.fails_unless("not problems", repr(problem.expected), "problems")
    raise Violation(problem.message, expected=problem.expected, actual=problem.actual)
