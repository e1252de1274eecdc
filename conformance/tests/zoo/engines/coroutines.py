"""An engine of coroutines: tasks run beside each other as soon as what they take is there, and SQLite has what is to be kept.

It was written from the guide alone. Its results are those of :mod:`zoo.results.correct`; its driver's methods are coroutine
functions.
"""

import asyncio
import importlib
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from resultspec.errors import InvalidConfiguration
from resultspec_conformance import Constant, ParameterValue, TaskOutput, TaskReport
from zoo.results.correct import Absent, DataclassResult, Inline

NoResult, Result = Absent.NO_RESULT, DataclassResult

SCHEMA = """
create table if not exists runs (id integer primary key, flow text, over integer default 0);
create table if not exists states (run integer, task text, number integer, name text, kept text, error text);
create table if not exists inputs (run integer, task text, argument text, element integer, kept text);
create table if not exists parameters (run integer, name text, kept text);
create table if not exists outputs (flow text, task text, until real, kept text);
"""


@attrs.frozen
class State:
    name: str
    _result: Any = NoResult

    # attrs would take the underscore away from the argument only
    @property
    def result(self) -> Any:
        return self._result.value


class Waits(Exception):
    """A task is to be tried again later."""


class Flow:
    def __init__(self, name: str, handler: Any, tasks: Any) -> None:
        self.name, self.handler, self.tasks = name, handler, tasks


class Engine:
    """Runs flows; whatever it keeps goes through :meth:`kept` and comes back through :meth:`unkept`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.configured: Any = None
        self.sql(SCHEMA)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            if ";" in statement:
                connection.executescript(statement)
                return []
            return connection.execute(statement, values).fetchall()

    def handler_of(self, task: Any, flow: Flow) -> Any:
        for handler in (task.result_handler, flow.handler):
            if handler is not None:
                return handler
        if self.configured is not None and not all(callable(getattr(self.configured, m, None)) for m in ("write", "read")):
            raise InvalidConfiguration(f"{self.configured!r} is configured, and is no handler")
        return self.configured

    def kept(self, result: Any) -> str:
        """What is stored of a result: its reference, and how to make its handler."""
        handled = result.write()
        handler = handled.result_handler
        fields = attrs.asdict(handler) if attrs.has(type(handler)) else {}
        made = f"{type(handler).__module__}:{type(handler).__qualname__}"
        return json.dumps({"reference": handled.value, "handler": made, "fields": fields})

    def unkept(self, text: str) -> Any:
        kept = json.loads(text)
        module, _, name = kept["handler"].partition(":")
        return Result(kept["reference"], True, getattr(importlib.import_module(module), name)(**kept["fields"]))


class Run:
    """One run of a flow, in this process: what has come of each task so far.

    Args:
        engine: Where things are kept.
        flow: What is run.
        number: Which run it is.
        waits: Whether a retry is left to another process.
    """

    def __init__(self, engine: Engine, flow: Flow, number: int, *, waits: bool = False) -> None:
        self.engine, self.flow, self.number, self.waits = engine, flow, number, waits
        self.states: dict[str, list[State]] = {}
        self.errors: dict[str, BaseException | str] = {}
        self.parameters: dict[str, Any] = {}
        self.ended: dict[str, asyncio.Future[Any]] = {}

    async def to_the_end(self) -> None:
        self.ended = {task.name: asyncio.get_running_loop().create_future() for task in self.flow.tasks}
        await asyncio.gather(*(self.one(task) for task in self.flow.tasks))
        for error in self.ended.values():
            error.exception()
        resting = any(states[-1].name == "waiting" for states in self.states.values())
        if resting:
            await asyncio.to_thread(self.keep_outputs)
        self.engine.sql("update runs set over = ? where id = ?", int(not resting), self.number)

    def keep_outputs(self) -> None:
        """Keep what another process will have to know of the tasks that are over."""
        for task in self.flow.tasks:
            if self.states[task.name][-1].name == "done":
                self.enter(task, self.states[task.name][-1], kept=True)

    async def one(self, task: Any) -> None:
        future = self.ended[task.name]
        if task.name in self.states and self.states[task.name][-1].name in ("done", "failed"):
            future.set_result(self.states[task.name][-1]._result) if self.states[task.name][-1].name == "done" else (
                future.set_exception(RuntimeError("it failed in another process"))
            )
            return
        try:
            if task.name not in self.states:
                self.enter(task, State("pending"))
            future.set_result(await self.computed(task))
        except Waits as error:
            future.set_exception(error)
        except Exception as error:
            self.errors[task.name] = error
            self.enter(task, State("failed"))
            future.set_exception(error)

    def enter(self, task: Any, state: State, *, kept: bool = False) -> None:
        """Enter a state, and write it down; its result, where another process may need it."""
        known = self.states.setdefault(task.name, [])
        if not kept:
            known.append(state)
        text = self.engine.kept(state._result) if kept else None
        error = type(self.errors[task.name]).__name__ if task.name in self.errors else None
        self.engine.sql(
            "insert into states values (?, ?, ?, ?, ?, ?)", self.number, task.name, len(known), state.name, text, error
        )

    async def computed(self, task: Any) -> Any:
        """The result of a task: from the cache, or of its body."""
        inputs = {}
        for argument, given in task.inputs.items():
            inputs[argument] = await self.input(given)
        if task.cache_for is not None and (cached := self.cached(task)) is not None:
            result = await asyncio.to_thread(cached.read)
        else:
            result = await self.called(task, inputs)
            if task.cache_for is not None:
                text = await asyncio.to_thread(self.engine.kept, result)
                until = time.time() + task.cache_for.total_seconds()
                self.engine.sql("insert into outputs values (?, ?, ?, ?)", self.flow.name, task.name, until, text)
        self.enter(task, State("done", result))
        return result

    def cached(self, task: Any) -> Any:
        rows = self.engine.sql(
            "select kept from outputs where flow = ? and task = ? and until > ? order by until desc limit 1",
            self.flow.name,
            task.name,
            time.time(),
        )
        return self.engine.unkept(rows[0][0]) if rows else None

    async def input(self, given: Any) -> Any:
        match given:
            case TaskOutput(name):
                return await asyncio.shield(self.ended[name])
            case ParameterValue(name):
                return Result(self.parameters[name], False, Inline())
            case Constant(value):
                return Result(value, False, Inline())

    async def called(self, task: Any, inputs: dict[str, Any]) -> Any:
        if task.mapped is None:
            value = await self.attempts(task, inputs, 0)
        else:
            whole = await asyncio.to_thread(inputs[task.mapped].read)
            parts = [inputs | {task.mapped: self.element(whole, value)} for value in whole.value]
            value = list(await asyncio.gather(*(self.attempts(task, part, n) for n, part in enumerate(parts))))
        return Result(value, False, self.engine.handler_of(task, self.flow))

    def element(self, whole: Any, value: Any) -> Any:
        """An element of a mapped output; it belongs to who produced the whole."""
        return Result(value, False, whole.result_handler)

    async def attempts(self, task: Any, inputs: dict[str, Any], element: int) -> Any:
        """Call the body until it returns, or has been tried often enough."""
        resumed = self.engine.sql(
            "select argument, kept from inputs where run = ? and task = ? and element = ?", self.number, task.name, element
        )
        failures = 1 if resumed else 0
        inputs = {name: self.engine.unkept(text) for name, text in resumed} or inputs
        while True:
            try:
                return await self.body(task, inputs)
            except BodyFailed as failed:
                failures += 1
                if failures > task.retries:
                    raise failed.error from None
            inputs = await asyncio.to_thread(self.keep_inputs, task, inputs, element)
            self.enter(task, State("waiting"))
            if self.waits:
                raise Waits(task.name)

    def keep_inputs(self, task: Any, inputs: dict[str, Any], element: int) -> dict[str, Any]:
        """Keep the inputs of a task that is tried again, each by its own handler; what the next attempt takes."""
        back = {}
        for argument, result in inputs.items():
            text = self.engine.kept(result)
            self.engine.sql("insert into inputs values (?, ?, ?, ?, ?)", self.number, task.name, argument, element, text)
            back[argument] = self.engine.unkept(text)
        return back

    async def body(self, task: Any, inputs: dict[str, Any]) -> Any:
        values = {name: (await asyncio.to_thread(result.read)).value for name, result in inputs.items()}
        self.enter(task, State("running"))
        try:
            return await asyncio.to_thread(task.function, **values)
        except Exception as error:
            raise BodyFailed(error) from error


class BodyFailed(Exception):
    """The body of a task raised; what it raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class CoroutineDriver:
    """Runs the suite's pipelines; a mistake overrides ``run_class`` or ``engine_class``."""

    engine_class: type[Engine] = Engine
    run_class: type[Run] = Run

    def __init__(self, directory: Path) -> None:
        self.engine = self.engine_class(directory / "engine.sqlite")
        self.last: dict[str, Run] = {}

    async def task(self, task: Any, /) -> Any:
        return task

    async def flow(self, pipeline: Any, tasks: Any, /) -> Any:
        return Flow(pipeline.name, pipeline.result_handler, pipeline.tasks)

    async def configure(self, result_handler: Any, /) -> None:
        self.engine.configured = result_handler

    async def run(self, flow: Any, parameters: Any, /) -> Any:
        return await self.ran(flow, parameters, waits=False)

    async def run_until_retry(self, flow: Any, parameters: Any, /) -> None:
        await self.ran(flow, parameters, waits=True)

    async def ran(self, flow: Any, parameters: Any, *, waits: bool) -> Any:
        self.engine.sql("insert into runs (flow) values (?)", flow.name)
        ((number,),) = self.engine.sql("select max(id) from runs")
        run = self.last[flow.name] = self.run_class(self.engine, flow, number, waits=waits)
        run.parameters = dict(parameters)
        for name, value in parameters.items():
            self.engine.sql(
                "insert into parameters values (?, ?, ?)", number, name, self.engine.kept(Result(value, False, Inline()))
            )
        await run.to_the_end()
        return self.reports(run)

    async def resume(self, flow: Any, /) -> Any:
        ((number,),) = self.engine.sql("select max(id) from runs where flow = ? and over = 0", flow.name)
        run = self.last[flow.name] = self.run_class(self.engine, flow, number)
        for name, kept in self.engine.sql("select name, kept from parameters where run = ?", number):
            run.parameters[name] = self.engine.unkept(kept).read().value
        for task, name, kept, error in self.engine.sql(
            "select task, name, kept, error from states where run = ? order by rowid", number
        ):
            run.states.setdefault(task, []).append(State(name, self.engine.unkept(kept) if kept else NoResult))
            if error:
                run.errors[task] = error
        await run.to_the_end()
        return self.reports(run)

    def reports(self, run: Run) -> Any:
        return {
            task.name: TaskReport(run.states[task.name][-1].name == "done", run.errors.get(task.name)) for task in run.flow.tasks
        }

    async def states(self, flow: Any, task: str, /) -> Any:
        return self.last[flow.name].states[task]

    async def stored(self) -> Any:
        tables = [name for (name,) in self.engine.sql("select name from sqlite_master where type = 'table'")]
        return [list(row) for table in tables for row in self.engine.sql(f"select * from {table}")]
