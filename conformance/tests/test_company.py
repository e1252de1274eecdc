"""Checks in two threads: which rules are judged beside others, and that it makes no difference to what is found."""

import os
import threading
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest
from resultspec import JSON
from resultspec_conformance.checking import all_checks
from resultspec_conformance.report import Report
from resultspec_conformance.runner import Run, run
from resultspec_conformance.saboteurs.durable import DURABLE_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.storage import Files
from resultspec_conformance.subjects import HandlerSubject
from resultspec_conformance.trials import bench
from resultspec_conformance.trials.scratch import run_directory
from resultspec_conformance.typing_probe.classes import CannotProbe
from resultspec_reference import JSONResultHandler, LocalResultHandler
from zoo.durable import TextInPlace

SETTINGS = Settings(examples=5, limit=60)
SECOND = "resultspec-beside"


def make(scratch: Any) -> LocalResultHandler:
    """Make a correct handler that stores."""
    return LocalResultHandler(scratch / "results", sync=False)


@pytest.fixture(autouse=True)
def _without_mypy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out mypy, which takes its time and has nothing to do with threads."""

    def refuse(cls: type, limit: float) -> NoReturn:
        raise CannotProbe("it is left out")

    monkeypatch.setattr(bench, "problems_of", refuse)


class Awaited(JSONResultHandler):
    """Is to be awaited."""

    async def write(self, value: JSON, /) -> JSON:
        """Write when awaited."""
        return super().write(value)

    async def read(self, reference: JSON, /) -> JSON:
        """Read when awaited."""
        return super().read(reference)


class OneAtATime(JSONResultHandler):
    """Cannot be shared by threads: what is written last is what is told."""

    def write(self, value: JSON, /) -> JSON:
        """Write in two steps, between which another thread comes."""
        self._value = value
        for _ in range(200):
            reference = super().write(self._value)
        return reference


class Elsewhere(LocalResultHandler):
    """Has one storage for all trials, wherever they are."""

    def __init__(self) -> None:
        super().__init__(os.environ["ELSEWHERE"], sync=False)


def threads_of(subject: HandlerSubject, settings: Settings = SETTINGS) -> dict[str, str]:
    """The name of the thread in which each rule was judged."""
    told: dict[str, str] = {}
    run(subject, settings, lambda rule_id: told.update({rule_id: threading.current_thread().name}))
    return told


def found_in(report: Report) -> dict[str, tuple[str, str | None]]:
    """The status of each rule, and which rules block it."""
    return {one.id: (one.status, " ".join(one.blocked_by)) for one in report.rules}


def one_by_one(subject: HandlerSubject) -> Report:
    """Judge each rule in the order of the specification, without company."""
    judging = Run(subject, SETTINGS)
    try:
        for rule in judging.rules:
            judging.judge(rule.id)
        return judging.report()
    finally:
        judging.close()


def test_what_waits_for_writers_is_judged_beside_the_rest() -> None:
    """In a whole run the second thread judges the rules whose checks all seek company, and no other."""
    sought: dict[str, set[str]] = {}
    for check in all_checks():
        sought.setdefault(check.rule, set()).add(check.company)
    told = threads_of(HandlerSubject(make))

    assert {rule_id for rule_id, thread in told.items() if thread == SECOND} == {
        rule_id for rule_id, company in sought.items() if company == {"seeks"}
    }
    assert told["durable.corruption"] == SECOND


@pytest.mark.parametrize(
    ("subject", "settings"),
    [
        (HandlerSubject(Awaited), SETTINGS),
        (HandlerSubject(OneAtATime), SETTINGS),
        (HandlerSubject(make, tamper=lambda handler: Files(handler.directory)), SETTINGS),
        (HandlerSubject(Elsewhere), SETTINGS),
        (HandlerSubject(JSONResultHandler), attrs.evolve(SETTINGS, rules=("handler.*", "durable.*"))),
    ],
    ids=["awaited", "not for threads", "a door to all that is stored", "one storage for all", "a run of some rules"],
)
def test_everything_else_is_judged_in_one_thread(
    subject: HandlerSubject, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left in peace are handlers that are awaited, that threads or trials cannot share, and runs of some rules."""
    monkeypatch.setenv("ELSEWHERE", str(tmp_path))
    told = threads_of(subject, settings)

    assert "durable.corruption" in told
    assert SECOND not in told.values()


@pytest.mark.parametrize(
    "subject",
    [
        HandlerSubject(make),
        HandlerSubject(TextInPlace),
        DURABLE_SABOTEURS["durable.corruption"](HandlerSubject(make)),
    ],
    ids=["correct", "written in place", "no checksum"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_company_makes_no_difference(subject: HandlerSubject) -> None:
    """The same rules pass, fail and are blocked as when one is judged after the other."""
    assert found_in(run(subject, SETTINGS)) == found_in(one_by_one(subject))


def test_a_neighbour_hears_its_own_heart() -> None:
    """A check that hangs in one thread is not kept alive by those of the other, and each has processes of its own."""
    with run_directory(lambda: ()) as root, bench.Bench(HandlerSubject(make), SETTINGS, root) as one:
        neighbour = one.neighbour()
        before = neighbour.beat
        with one.trial():
            pass

        assert neighbour.beat == before
        assert one.beat > before
        assert neighbour.worker() is not one.worker()
        assert (neighbour.worker().alive, one.worker().alive) == (True, True)
    assert (neighbour._started, one._started) == ([], [])
