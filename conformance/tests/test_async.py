"""Asynchronous handlers: whatever they return is awaited, on one loop; twins read each other's references."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from resultspec_conformance import HandlerSubject, check
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.twins import TWIN_SABOTEURS, AwaitableTwin, TwinOf
from resultspec_conformance.settings import Settings
from resultspec_conformance.trials.calling import Blocking, call, forsake_loop, is_awaited
from resultspec_reference import LocalResultHandler
from scripts_of_tests import assert_script_shows
from zoo._awaitable import Futures, Locked, OwnAwaitables, Tasks, WriteNow
from zoo._inline import AsyncJson, JsonText


def make(scratch: Path) -> LocalResultHandler:
    """Make a correct blocking handler."""
    return LocalResultHandler(scratch / "results", sync=False)


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What a function returns in a thread that has no event loop."""
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(work()))
    thread.start()
    thread.join()
    return ended[0]


@pytest.mark.parametrize("place", [lambda work: work(), in_a_thread], ids=["main thread", "another thread"])
@pytest.mark.parametrize("kind", [Tasks, Futures, WriteNow, OwnAwaitables, Locked])
@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the task of the loop that nobody runs
def test_whatever_is_awaitable_is_awaited(tmp_path: Path, kind: Any, place: Any) -> None:
    """Tasks, futures, coroutines and objects with __await__ give what they stand for, wherever they are called."""
    handler = kind(tmp_path)
    reference = place(lambda: call(handler.write, [1, "two"]))

    assert type(reference) is str
    assert place(lambda: call(handler.read, reference)) == [1, "two"]
    assert is_awaited(handler, [1])


def test_what_is_not_awaitable_is_left_alone() -> None:
    """A blocking handler is called in the thread of the caller, and starts no loop."""
    seen: list[int] = []

    def method(value: int) -> int:
        seen.append(threading.get_ident())
        return value

    assert call(method, 1) == 1
    assert seen == [threading.get_ident()]
    assert not is_awaited(JsonText(), [1])


def test_all_awaiting_happens_on_one_loop() -> None:
    """Clients belong to their loop: two calls from two threads run on the same."""

    async def loop(_: object) -> int:
        return id(asyncio.get_running_loop())

    assert call(loop, None) == in_a_thread(lambda: call(loop, None))


@pytest.mark.parametrize("error", [ValueError("refused"), SystemExit(3), asyncio.CancelledError()])
def test_what_is_raised_is_raised_here_and_the_loop_goes_on(error: BaseException) -> None:
    """An exception, an exit and a cancellation reach the caller; none of them ends the loop."""

    async def fail(_: object) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        call(fail, None)

    assert caught.value is error
    assert call(AsyncJson().write, 1) == "1"


def test_a_runtime_error_of_the_handler_is_its_own() -> None:
    """Only a call that lacks a loop is made once more on the loop."""
    calls: list[object] = []

    def fail(value: object) -> None:
        calls.append(value)
        raise RuntimeError("no running database")

    with pytest.raises(RuntimeError, match="no running database"):
        call(fail, 1)

    assert calls == [1]


def test_a_loop_that_is_blocked_is_left_behind() -> None:
    """After a call that never gives the loop back, the next one gets another loop."""
    free = threading.Event()

    async def block(_: object) -> None:
        free.wait()

    threading.Thread(target=call, args=(block, None), daemon=True).start()
    time.sleep(0.01)
    forsake_loop()

    assert call(AsyncJson().write, 1) == "1"
    free.set()


class Forgets:
    """An asynchronous handler that reads something else than was written."""

    async def write(self, value: int, /) -> str:
        """Write the number."""
        return str(value)

    async def read(self, reference: str, /) -> int:
        """Read another."""
        return int(reference) // 2


def test_the_reproducer_of_an_asynchronous_handler_shows_the_failure(tmp_path: Path) -> None:
    """The script awaits what the check awaited, runs alone, and fails."""
    found = check(Forgets, rules=["handler.round-trip"]).rule("handler.round-trip")

    assert "Blocking(Forgets())" in str(found.reproducer)
    assert_script_shows(found, tmp_path)


def test_blocking_is_equal_by_its_handler(tmp_path: Path) -> None:
    """The wrapper of the scripts changes neither equality nor hash."""
    one, other, third = Blocking(Locked(tmp_path)), Blocking(Locked(tmp_path)), Blocking(Locked(tmp_path / "x"))

    assert one == other
    assert hash(one) == hash(other)
    assert one != third
    assert one != one.handler


@pytest.mark.parametrize("subject", [
    HandlerSubject(make, twin=TwinOf(AwaitableTwin, make)),
    HandlerSubject(TwinOf(AwaitableTwin, make), twin=make),
    HandlerSubject(AsyncJson, twin=JsonText),
])  # fmt: skip
def test_correct_twins_read_each_other(subject: HandlerSubject) -> None:
    """A blocking handler and its awaitable twin pass, whichever of them is the subject; the report says so."""
    found = run(subject, Settings(examples=20, rules=("shared.instance",))).rule("shared.instance")

    assert found.status == "passed"
    assert "values to the twin" in str(found.message)


def test_a_twin_with_its_own_format_is_caught_by_the_rule_of_instances(tmp_path: Path) -> None:
    """The twin breaks shared.instance alone; what depends on it is blocked, and the script shows it."""
    rules = ("handler.round-trip", "handler.json-reference", "handler.reference-transport", "shared.instance", "shared.pickle")
    report = run(TWIN_SABOTEURS["shared.instance"](HandlerSubject(make)), Settings(examples=20, rules=rules))
    found = report.rule("shared.instance")

    assert [one.id for one in report.rules if one.status in ("failed", "error")] == ["shared.instance"]
    assert found.message
    assert found.expected
    assert found.actual
    assert report.rule("shared.pickle").status == "blocked"
    assert "twin.read(" in str(found.reproducer)
    assert_script_shows(found, tmp_path)


def test_a_twin_that_refuses_everything_is_no_twin() -> None:
    """Nothing comes back from such a twin, and the rule does not pass by that."""

    class Refuses(AsyncJson):
        async def write(self, value: Any, /) -> str:
            raise TypeError("not today")

    found = run(HandlerSubject(JsonText, twin=Refuses), Settings(examples=20, rules=("shared.instance",))).rule("shared.instance")

    assert found.status == "failed"
    assert "refused every value" in str(found.message)


def test_a_twin_that_cannot_be_made_is_no_finding_against_the_handler() -> None:
    """It is the subject that is wrong: nothing can be said."""

    def broken() -> object:
        raise ConnectionError("no server")

    report = run(HandlerSubject(JsonText, twin=broken), Settings(rules=("shared.instance",)))

    assert report.verdict == "inconclusive"
    assert "no server" in str(report.rule("shared.instance").reason)


def test_a_handler_of_another_kind_of_loop_is_not_judged() -> None:
    """What trio alone can run is refused by it at every write, which the report quotes."""

    class Foreign:
        async def write(self, value: int, /) -> str:
            raise RuntimeError("must be called from async context")

        async def read(self, reference: str, /) -> int:
            return int(reference)

    report = run(HandlerSubject(Foreign), Settings(examples=5, rules=("handler.round-trip",)))

    assert report.verdict == "inconclusive"
    assert "must be called from async context" in str(report.rule("handler.round-trip").reason)
