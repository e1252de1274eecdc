"""The engine: what runs, what is stored, what is read back, and what becomes of a run that is interrupted."""

import json
import multiprocessing
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import engine_flows
import pytest
from click.testing import CliRunner
from resultspec.errors import InvalidConfiguration, ReadError, UnknownReference, WriteError
from resultspec_reference import JSONResultHandler, LocalResultHandler, NoResult
from resultspec_reference.engine import (
    Cached,
    Failed,
    Flow,
    Retrying,
    RunTakenOver,
    State,
    StateStore,
    Success,
    Task,
    TaskFailed,
    TriggerFailed,
    UnknownRun,
    parameter,
    task,
)
from resultspec_reference.engine._commands import commands

CANARY = "canary-in-a-coal-mine"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    """Return a database of the test's own."""
    with StateStore(f"sqlite:///{tmp_path}/runs.sqlite") as opened:
        yield opened


@pytest.fixture
def handler(tmp_path: Path) -> LocalResultHandler[Any]:
    """Return a handler of the test's own."""
    return LocalResultHandler(tmp_path / "results", sync=False)


class Memory:
    """Keeps values in memory, and can be told to fail."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.written: list[Any] = []
        self.read_back: list[Any] = []

    def write(self, value: Any, /) -> int:
        if "write" in self.fails:
            raise WriteError("out of order")
        self.written.append(value)
        return len(self.written) - 1

    def read(self, reference: int, /) -> Any:
        if "read" in self.fails:
            raise ReadError("out of order")
        self.read_back.append(self.written[reference])
        return self.written[reference]


@attrs.define
class Flaky:
    """Fails a number of times, and then returns what it was given."""

    failures: int
    calls: list[Any] = attrs.field(factory=list[Any])

    def __call__(self, x: Any) -> Any:
        self.calls.append(x)
        if len(self.calls) <= self.failures:
            raise ValueError(f"cannot work with {x}")
        return x


def test_values_pass_from_task_to_task(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """Tasks get raw values, wherever in their arguments an input stands, and the run gives the value of each output."""

    @task
    def one() -> int:
        return 1

    @task
    def joined(numbers: list[int], *rest: int, **named: dict[str, int]) -> str:
        return f"{numbers} {rest} {named}"

    with Flow("joining", result_handler=handler) as flow:
        first = one()
        last = joined([first, 2], first, by={"name": parameter("x", int)})
    run = flow.run(x=3, store=store)

    assert run.succeeded
    assert run.result(last) == "[1, 2] (1,) {'by': {'name': 3}}"
    assert run.state(first).result == 1
    assert isinstance(run.state(last), Success)


def test_a_task_outside_a_flow_is_its_function(handler: LocalResultHandler[Any]) -> None:
    """Called where no flow is open, a task just calls its function; mapping says that it needs one."""

    @task(name="twice", result_handler=handler, retries=3)
    def double(number: int) -> int:
        return 2 * number

    assert double(21) == 42
    assert double == Task(double.function, name="twice", result_handler=handler, retries=3)
    with pytest.raises(RuntimeError, match="within a flow"):
        double.map([1, 2])


def test_states_pass_from_pending_to_success(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """A state holds NoResult before computation and the result after it, and is told once it is stored."""
    seen: list[tuple[str, str, Any]] = []

    def note(name: str, state: State[Any]) -> None:
        seen.append((name, state.kind, state.result))

    with Flow("noting", result_handler=handler) as flow:
        Flow.add(flow, Task(lambda: None, name="nothing"), {})
    flow.run(store=store, on_state=note)

    assert seen == [("nothing", "pending", NoResult), ("nothing", "running", NoResult), ("nothing", "success", None)]


def test_the_database_holds_no_raw_value(store: StateStore, handler: LocalResultHandler[Any], tmp_path: Path) -> None:
    """Neither an output, nor an input kept for a retry, nor the text of an error is in any file of the database."""
    flaky = Flaky(failures=3)
    with Flow("secretive", result_handler=handler) as flow:
        secret = flow.add(Task(lambda: CANARY, name="secret", cache_for=timedelta(hours=1)), {})
        flow.add(Task(flaky, name="flaky", retries=2), {"x": secret})
    run = flow.run(store=store)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("runs.sqlite*"))

    assert isinstance(run.states["flaky"], Failed)
    assert flaky.calls == [CANARY] * 3
    assert b"secret" in stored
    assert CANARY.encode() not in stored


def test_inputs_of_a_retry_are_kept_and_read_by_the_producers_handler(store: StateStore) -> None:
    """The producer's handler writes the input once and reads it for every retry; the consumer's handler never sees it."""
    producers, consumers, flaky = Memory(), Memory(), Flaky(failures=2)
    with Flow("retrying") as flow:
        value = flow.add(Task(lambda: [CANARY], name="value", result_handler=producers), {})
        output = flow.add(Task(flaky, name="flaky", result_handler=consumers, retries=2), {"x": value})
    run = flow.run(store=store)

    assert run.result(output) == [CANARY]
    assert producers.written == [[CANARY]]
    assert producers.read_back == [[CANARY], [CANARY]]
    assert consumers.written == [[CANARY]]
    assert flaky.calls == [[CANARY]] * 3


def test_a_parameter_is_kept_as_json_that_a_person_can_read(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """The input that a retry waits with is JSON text, whatever handler flow and task have."""
    with Flow("inspecting", result_handler=handler) as flow:
        flow.add(Task(Flaky(failures=1), name="flaky", result_handler=handler, retries=1), {"x": parameter("x", dict)})
    run = flow.run({"x": {"größe": [1, 2.5, None]}}, store=store, retry=False)
    waiting = run.states["flaky"]

    assert isinstance(waiting, Retrying)
    assert not run.finished
    kept = waiting.cached_inputs["x"]
    assert not isinstance(kept, list)
    assert kept.result_handler == JSONResultHandler()
    assert json.loads(kept.value) == {"größe": [1, 2.5, None]}
    assert store.run(run.id).parameters == {"x": '{"größe": [1, 2.5, null]}'}


def test_a_cached_output_is_read_and_not_computed(store: StateStore) -> None:
    """With equal inputs a valid output of an earlier run is read; with others, or where it cannot be read, it is computed."""
    memory, echo = Memory(), Flaky(failures=0)
    with Flow("caching") as flow:
        cached = Task(echo, name="echo", result_handler=memory, cache_for=timedelta(hours=1))
        output = flow.add(cached, {"x": parameter("x", int)})
    runs = [flow.run(x=x, store=store) for x in (None, None, 2)]
    kinds = [type(run.state(output)) for run in runs]
    memory.fails = "read"
    again = flow.run(x=None, store=store)

    assert kinds == [Success, Cached, Success]
    assert runs[1].result(output) is None
    assert memory.read_back == [None]
    assert isinstance(again.state(output), Success)
    assert echo.calls == [None, 2, None]


def test_an_expired_output_is_computed_again(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """An output that is cached for no time at all serves nobody."""
    echo = Flaky(failures=0)
    with Flow("expiring", result_handler=handler) as flow:
        flow.add(Task(echo, name="echo", cache_for=timedelta()), {"x": 1})
    for _ in range(2):
        flow.run(store=store)

    assert echo.calls == [1, 1]


@pytest.mark.parametrize("fails", ["write", "read"])
def test_a_handler_that_fails_fails_the_task_with_the_cause(store: StateStore, fails: str) -> None:
    """A result that is not kept, or an input that is not read back, fails the task; the handler's error is its cause."""
    broken, flaky = Memory(fails), Flaky(failures=1)
    with Flow("failing", result_handler=Memory()) as flow:
        first = flow.add(Task(lambda: 1, name="first", result_handler=broken), {})
        second = flow.add(Task(flaky, name="second", retries=1), {"x": first})
    run = flow.run(store=store)
    failed = run.states["first" if fails == "write" else "second"]

    assert isinstance(failed, Failed)
    assert str(failed.error) == "out of order"
    assert not run.succeeded
    with pytest.raises(TaskFailed, match="first" if fails == "write" else "second"):
        run.result(second)


def test_what_takes_an_input_from_a_failed_task_is_not_run(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """The task, those mapped over it, and those after them, name the task that failed; others are run."""
    with Flow("triggers", result_handler=handler) as flow:
        bad = flow.add(Task(Flaky(failures=1), name="bad"), {"x": 1})
        mapped = flow.add(Task(Flaky(failures=0), name="mapped"), {"x": bad}, over="x")
        flow.add(Task(Flaky(failures=0), name="after"), {"x": mapped})
        flow.add(Task(Flaky(failures=0), name="aside"), {"x": 2})
    run = flow.run(store=store)

    assert isinstance(run.states["bad"], Failed)
    assert run.states["mapped"] == TriggerFailed(upstream="bad")
    assert run.states["after"] == TriggerFailed(upstream="mapped")
    assert run.states["aside"].succeeded
    with pytest.raises(TaskFailed, match="since mapped failed"):
        run.result(flow.outputs["after"])


def test_elements_of_a_mapped_output_belong_to_the_producers_handler(store: StateStore) -> None:
    """A retry of one element keeps that element by the handler of the task that returned the list."""
    producers, consumers, flaky = Memory(), Memory(), Flaky(failures=1)
    with Flow("mapping") as flow:
        values = flow.add(Task(lambda: ["a", "b"], name="values", result_handler=producers), {})
        each = flow.add(Task(flaky, name="each", result_handler=consumers, retries=1), {"x": values}, over="x")
        pairs = flow.add(Task(lambda x, y: x + y, name="pairs", result_handler=consumers), {"x": each, "y": "!"}, over="x")
        every = flow.add(Task(lambda x: x, name="every", result_handler=consumers), {"x": pairs})
        none = flow.add(Task(lambda x: x, name="none", result_handler=consumers), {"x": []}, over="x")
    run = flow.run(store=store)

    assert run.result(every) == ["a!", "b!"]
    assert run.result(pairs) == ["a!", "b!"]
    assert run.result(none) == []
    assert sorted(map(repr, producers.written)) in (["'a'", "['a', 'b']"], ["'b'", "['a', 'b']"])
    with pytest.raises(LookupError, match="is mapped"):
        run.state(each)


def test_what_is_mapped_over_something_else_fails(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """A task that is mapped over what is no list fails, with the cause."""
    with Flow("mapping nothing", result_handler=handler) as flow:
        number = flow.add(Task(lambda: 1, name="number"), {})
        flow.add(Task(Flaky(failures=0), name="each"), {"x": number}, over="x")
    failed = flow.run(store=store).states["each"]

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, TypeError)


def test_parameters_are_checked_before_anything_runs(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """A missing, an unknown and an unusable parameter are named, and no run is begun."""
    with Flow("asking", result_handler=handler) as flow:
        flow.add(Task(Flaky(failures=0), name="echo"), {"x": parameter("x", int)})
    with pytest.raises(TypeError, match="needs x"):
        flow.run(store=store)
    with pytest.raises(TypeError, match="no parameter y"):
        flow.run(x=1, y=2, store=store)
    with pytest.raises(WriteError, match="JSON cannot hold"):
        flow.run(x=(1, 2), store=store)

    assert store.runs() == []


def test_an_unusable_configuration_stops_the_run_before_it_begins(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration is consulted when the flow is run, and a handler that is none is named."""
    with Flow("configured") as flow:
        flow.add(Task(Flaky(failures=0), name="echo"), {"x": 1})
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER", "nowhere:Handler")
    with pytest.raises(InvalidConfiguration, match="nowhere"):
        flow.run(store=store)
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER", "json")

    assert flow.run(store=store).succeeded
    assert len(store.runs()) == 1


def test_mistakes_in_a_flow_are_found_when_it_is_made() -> None:
    """Outputs of another flow, functions without a signature, and negative numbers are refused with a sentence."""
    with Flow("one") as one:
        output = one.add(Task(lambda: 1, name="first"), {})
    with Flow("other") as other, pytest.raises(ValueError, match="not in <Flow 'other'"):
        other.add(Task(Flaky(failures=0), name="second"), {"x": output})
    with pytest.raises(ValueError, match="negative"):
        Task(lambda: 1, retries=-1)
    with pytest.raises(ValueError, match="negative"):
        Task(lambda: 1, retry_delay=timedelta(seconds=-1))
    with pytest.raises(TypeError, match="not of a int"):
        Task(1)  # type: ignore[arg-type] # what is under test
    with pytest.raises(TypeError, match="not what calling a task"):
        one.run(store=StateStore("sqlite://"), configuration=Flow("x", result_handler=Memory())).result(1)


def test_a_retry_waits_for_its_delay(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """A failed task waits with a time that is its delay away, and is run again once that has come."""
    flaky = Flaky(failures=1)
    delay = timedelta(milliseconds=50)
    with Flow("waiting", result_handler=handler) as flow:
        flow.add(Task(flaky, name="flaky", retries=1, retry_delay=delay), {"x": 1})
    dues = []

    def note(name: str, state: State[Any]) -> None:
        if isinstance(state, Retrying):
            dues.append(state.due)

    run = flow.run(store=store, on_state=note)

    assert run.succeeded
    assert store.run(run.id).ended is not None
    assert store.run(run.id).ended >= dues[0]  # type: ignore[operator] # it has ended


@pytest.mark.parametrize("at", range(1, 14))
def test_a_run_that_was_killed_is_resumed_in_another_process(tmp_path: Path, at: int) -> None:
    """Whatever state change a SIGKILL follows, the run is finished elsewhere, and no task whose output is stored is repeated."""
    process = multiprocessing.get_context("spawn").Process(target=engine_flows.run_and_die, args=(str(tmp_path), at))
    process.start()
    process.join()
    assert process.exitcode == -9
    flow, result = engine_flows.squares(tmp_path)
    before = engine_flows.lines(tmp_path / "journal")
    with StateStore(f"sqlite:///{tmp_path}/runs.sqlite") as store:
        found = store.runs()
        if not found:  # killed before the run was begun
            return
        kept = [name for name, stored in found[0].states.items() if stored.form["state"] == "success"]
        run = flow.resume(found[0].id, store=store)
    repeated = engine_flows.lines(tmp_path / "journal")[len(before) :]

    assert run.result(result) == 1
    assert "numbers" not in kept or "numbers" not in repeated
    assert not {f"squared {index}" for index in range(2) if f"squared[{index}]" in kept} & set(repeated)
    assert store.run(run.id).status == "succeeded"


def test_a_process_whose_run_was_taken_over_stops(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """Once a run is resumed elsewhere, the first process can store nothing more of it."""
    with Flow("contended", result_handler=handler) as flow:
        flow.add(Task(Flaky(failures=0), name="echo"), {"x": 1})
    taken: list[bool] = []

    def take_over(name: str, state: State[Any]) -> None:
        if state.kind == "running" and not taken:
            taken.append(flow.resume(store.runs()[0].id, store=store).succeeded)

    with pytest.raises(RunTakenOver, match="Another process"):
        flow.run(store=store, on_state=take_over)

    assert taken == [True]
    assert store.runs()[0].status == "succeeded"


def test_only_a_run_of_the_flow_is_resumed(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """An unknown run, one of another flow, and one of a flow that lost a task since are refused with a sentence."""
    with Flow("first", result_handler=handler) as first:
        first.add(Task(Flaky(failures=0), name="echo"), {"x": 1})
    run = first.run(store=store)
    with pytest.raises(UnknownRun, match="no run"):
        first.resume("0" * 32, store=store)
    with pytest.raises(ValueError, match="one of the flow first"):
        Flow("second").resume(run.id, store=store)
    with pytest.raises(ValueError, match=r"has changed.*echo"):
        Flow("first").resume(run.id, store=store)


def test_a_finished_run_is_not_run_again(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """Resuming a run that has ended gives its results, and its failures with what is stored of their cause."""
    echo, bad = Flaky(failures=0), Flaky(failures=9)
    with Flow("finished", result_handler=handler) as flow:
        output = flow.add(Task(echo, name="echo"), {"x": [1]})
        failing = flow.add(Task(bad, name="bad"), {"x": 1})
    run = flow.resume(flow.run(store=store).id, store=store)

    assert run.result(output) == [1]
    assert echo.calls == [[1]]
    assert len(bad.calls) == 1
    with pytest.raises(TaskFailed, match=r"bad failed: ValueError at .*test_engine.py:\d+ in Flaky.__call__"):
        run.result(failing)


def test_a_handler_without_a_stored_form_is_found_again_in_the_flow(store: StateStore) -> None:
    """What a handler of the user's own class has kept is read by the handler that the flow names when it is resumed."""
    memory, flaky = Memory(), Flaky(failures=1)
    with Flow("own handlers", result_handler=memory) as flow:
        first = flow.add(Task(lambda: "kept", name="first"), {})
        last = flow.add(Task(flaky, name="last", retries=1), {"x": first})
    resting = flow.run(store=store, retry=False)
    run = flow.resume(resting.id, store=store)

    assert run.result(last) == "kept"
    assert memory.written == ["kept", "kept"]


def test_the_database_knows_what_is_stored_by_eye(store: StateStore, handler: LocalResultHandler[Any], tmp_path: Path) -> None:
    """The commands list the runs and show one, with its parameters as JSON; an unknown run is one sentence and exit code 2."""
    with Flow("shown", result_handler=handler) as flow:
        flow.add(Task(Flaky(failures=0), name="echo"), {"x": parameter("x", dict)})
        flow.add(Task(Flaky(failures=1), name="bad"), {"x": 1})
    run = flow.run(x={"a": [True]}, store=store)
    database = ["--database", f"sqlite:///{tmp_path}/runs.sqlite"]
    listed = CliRunner().invoke(commands, ["list", *database])
    shown = CliRunner().invoke(commands, ["show", run.id, *database])
    record = json.loads(CliRunner().invoke(commands, ["show", run.id, "--json", *database]).output)
    unknown = CliRunner().invoke(commands, ["show", "nothing", *database])

    assert listed.exit_code == shown.exit_code == 0
    assert run.id in listed.output
    assert 'x = {"a": [true]}' in shown.output
    assert "ValueError" in shown.output
    assert record["parameters"] == {"x": {"a": [True]}}
    assert record["states"]["echo"]["state"] == "success"
    assert unknown.exit_code == 2
    assert unknown.output == "resultspec-runs: There is no run nothing in the database\n"


def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """The address, which may hold a password, is not quoted."""
    (tmp_path / "no database").write_text("text that is no database, and longer than the header of one would be" * 9)
    result = CliRunner().invoke(commands, ["list", "--database", f"sqlite:///{tmp_path}/no database"])

    assert result.exit_code == 2
    assert result.output == "resultspec-runs: the database cannot be used: DatabaseError; check --database\n"


def test_the_store_is_a_plain_database(store: StateStore, handler: LocalResultHandler[Any], tmp_path: Path) -> None:
    """A stored state is JSON text in a table, with the reference and the form of its handler."""
    with Flow("plain", result_handler=handler) as flow:
        output = flow.add(Task(lambda: [1], name="listed"), {})
    run = flow.run(store=store)
    connection = sqlite3.connect(tmp_path / "runs.sqlite")
    try:
        [(form,)] = connection.execute("select form from states").fetchall()
    finally:
        connection.close()
    stored = json.loads(form)

    assert stored["state"] == "success"
    assert stored["result"]["handler"] == {"kind": "local", "directory": str(handler.directory), "sync": False}
    assert handler.read(stored["result"]["value"]) == run.result(output) == [1]


def test_a_result_whose_file_is_gone_is_not_silently_replaced(store: StateStore, handler: LocalResultHandler[Any]) -> None:
    """Asking for it raises what the handler raises."""
    with Flow("gone", result_handler=handler) as flow:
        output = flow.add(Task(lambda: [1], name="listed"), {})
    run = flow.resume(flow.run(store=store).id, store=store)
    for path in handler.directory.iterdir():
        path.unlink()
    with pytest.raises(UnknownReference):
        run.result(output)
