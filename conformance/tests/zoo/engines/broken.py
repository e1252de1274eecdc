"""The engines of coroutines and of processes, each with a mistake; ``BROKEN`` names the rules that it breaks."""

import asyncio
import functools
import json
import zlib
from typing import Any

from resultspec.errors import WriteError
from zoo.results.correct import Inline

from . import coroutines, processes
from .coroutines import CoroutineDriver, NoResult, Result, State
from .processes import Parcel, ProcessDriver

BROKEN: dict[type, list[str]] = {}


def breaks(*rules: str) -> Any:
    """Note which rules a run breaks, and make the driver that uses it."""

    def note(run: Any) -> Any:
        base = CoroutineDriver if issubclass(run, coroutines.Run) else ProcessDriver
        driver = type(run.__name__, (base,), {"run_class": run, "__doc__": run.__doc__, "__module__": __name__})
        BROKEN[driver] = list(rules)
        return run

    return note


def breaks_driver(*rules: str) -> Any:
    """Note which rules a driver breaks."""

    def note(driver: type) -> type:
        BROKEN[driver] = list(rules)
        return driver

    return note


@breaks("engine.state-result")
class _NoneWhileRunning(coroutines.Run):
    """Says None of a task that is running."""

    def enter(self, task: Any, state: State, *, kept: bool = False) -> None:
        super().enter(task, State(state.name, Result(None)) if state.name == "running" else state, kept=kept)


@breaks("engine.state-result")
class _EmptyIsNoResult(coroutines.Run):
    """Takes a falsy value for the absence of one in a state."""

    def enter(self, task: Any, state: State, *, kept: bool = False) -> None:
        empty = state.name == "done" and not state._result.value and state._result.value is not None
        super().enter(task, State(state.name) if empty else state, kept=kept)


class _ReadState(processes.State):
    @property
    def result(self) -> Any:
        return self._result.read().value


@breaks("engine.state-result")
class _ResultIsReadAnew(processes.Run):
    """Has a reference in _result, and the raw value in result."""

    def settle(self, task: Any, known: Any, *, rests: bool) -> None:
        super().settle(task, known, rests=rests)
        if known["state"] == "done":
            self.states[task.name][-1] = _ReadState("done", Parcel(known["output"]))


@breaks("engine.only-handled-stored")
class _LogsWhatFailed(coroutines.Run):
    """Writes the inputs of a call that failed into a table of its own, compressed."""

    async def body(self, task: Any, inputs: Any) -> Any:
        try:
            return await super().body(task, inputs)
        except coroutines.BodyFailed:
            values = repr([result.read().value for result in inputs.values()])
            self.engine.sql("create table if not exists log (line blob)")
            self.engine.sql("insert into log values (?)", zlib.compress(values.encode()))
            raise


@breaks("engine.only-handled-stored")
class _StoresAPreview(coroutines.Run):
    """Stores the first characters of what a task returned, for whoever looks at the run."""

    async def computed(self, task: Any) -> Any:
        result = await super().computed(task)
        self.engine.sql("create table if not exists previews (task text, preview text)")
        self.engine.sql("insert into previews values (?, ?)", task.name, str(result.value)[:16])
        return result


@breaks("engine.only-handled-stored")
class _SendsElementsRaw(processes.Run):
    """Sends the elements of a mapped output as they are, in a queue that is stored."""

    def attempt(self, task: Any, inputs: Any, index: int | None, handler: Any) -> Any:
        if index is not None:
            content = self.driver.database.load()
            element = Parcel(inputs[task.mapped]).result().read().value[index]
            content.setdefault("queue", []).append(list(repr(element).encode()))
            self.driver.database.save(content)
        return super().attempt(task, inputs, index, handler)


@breaks("engine.retry-inputs")
class _KeepsEmptyOnesInMemory(coroutines.Run):
    """Keeps the inputs of a task that waits for a retry, those excepted that seem to be empty."""

    def keep_inputs(self, task: Any, inputs: Any, element: int) -> Any:
        full = {name: result for name, result in inputs.items() if result.value}
        return inputs | super().keep_inputs(task, full, element)


@breaks("engine.retry-inputs")
class _SecondRetryFromMemory(coroutines.Run):
    """Reads the inputs back for the first retry, and has them in memory from then on."""

    def keep_inputs(self, task: Any, inputs: Any, element: int) -> Any:
        if all(isinstance(result, _ReadOnce) for result in inputs.values()):
            return inputs
        return {name: _ReadOnce(result) for name, result in super().keep_inputs(task, inputs, element).items()}


class _ReadOnce:
    """A handled result that is read once, however often it is asked."""

    def __init__(self, result: Any) -> None:
        self.read = functools.cache(result.read)
        self.result_handler = result.result_handler


@breaks("engine.cached-output")
class _CachesOnlySources(coroutines.Run):
    """Takes from the cache what takes nothing itself, and computes the rest again."""

    def cached(self, task: Any) -> Any:
        return None if task.inputs.keys() - {"place"} else super().cached(task)


@breaks("engine.cached-output")
class _OneHitOnly(processes.Run):
    """Takes a cached output once, and has forgotten it by the next run."""

    def cached(self, task: Any) -> Any:
        found = super().cached(task)
        content = self.driver.database.load()
        content["outputs"].pop(f"{self.flow.name}/{task.name}", None)
        self.driver.database.save(content)
        return found


@breaks("engine.upstream-none")
class _DropsNoneElements(coroutines.Run):
    """Maps over the elements that are not None."""

    async def called(self, task: Any, inputs: Any) -> Any:
        if task.mapped is not None:
            whole = inputs[task.mapped].read()
            some = [value for value in whole.value if value is not None]
            inputs = inputs | {task.mapped: Result(some, False, whole.result_handler)}
        return await super().called(task, inputs)


@breaks("engine.upstream-none")
class _SkipsAfterNone(processes.Run):
    """Skips a task whose upstream returned None, as if there were nothing to do."""

    def output(self, task: Any, known: Any, *, rests: bool) -> Any:
        for given in task.inputs.values():
            if hasattr(given, "task") and self.input(given).result().read().value is None:
                return "output", RuntimeError("nothing to do")
        return super().output(task, known, rests=rests)


@breaks("engine.raw-to-tasks")
class _ThroughJSON(coroutines.Run):
    """Sends what a body is given through JSON."""

    async def body(self, task: Any, inputs: Any) -> Any:
        given = {}
        for name, result in inputs.items():
            value = (await asyncio.to_thread(result.read)).value
            given[name] = Result(list(value) if isinstance(value, tuple) else value)
        return await super().body(task, given)


@breaks("engine.raw-to-tasks")
class _NoResultForEmptyParameters(coroutines.Run):
    """Takes a parameter that is None or falsy for one that was not given."""

    async def body(self, task: Any, inputs: Any) -> Any:
        class Absent:
            value = NoResult

            def read(self) -> Any:
                return self

        given = {
            name: Absent() if type(result.result_handler) is Inline and not result.read().value else result
            for name, result in inputs.items()
        }
        return await super().body(task, given)


@breaks("engine.raw-to-tasks")
class _ReferencesOfEmptyValues(coroutines.Run):
    """Passes the reference on at a retry where what was read is falsy."""

    async def body(self, task: Any, inputs: Any) -> Any:
        given = {}
        for name, result in inputs.items():
            read = await asyncio.to_thread(result.read)
            given[name] = Result(read.value if read.value or read.value is None else result.value)
        return await super().body(task, given)


@breaks("engine.write-failure")
class _RetriesFromMemoryInstead(coroutines.Run):
    """Retries with what it has in memory where an input cannot be written."""

    def keep_inputs(self, task: Any, inputs: Any, element: int) -> Any:
        try:
            return super().keep_inputs(task, inputs, element)
        except WriteError:
            return inputs


@breaks("engine.write-failure")
class _NamesTheErrorOnly(processes.Run):
    """Says of an output that could not be written what kind of error there was."""

    def output(self, task: Any, known: Any, *, rests: bool) -> Any:
        how, found = super().output(task, known, rests=rests)
        return (how, RuntimeError(type(found).__name__)) if how == "output" else (how, found)


@breaks("engine.read-failure")
class _SkipsWhatCannotBeRead(processes.Run):
    """Takes a task whose input cannot be read for skipped, and says nothing of why."""

    def settle(self, task: Any, known: Any, *, rests: bool) -> None:
        super().settle(task, known, rests=rests)
        if known["state"] == "failed" and known["error"] == "ReadError":
            known["state"] = "skipped"
            self.errors.pop(task.name)
            known.pop("error")


@breaks("engine.read-failure")
class _SucceedsWithoutInput(coroutines.Run):
    """Gives the task up whose input cannot be read, and calls that a success."""

    async def attempts(self, task: Any, inputs: Any, element: int) -> Any:
        try:
            return await super().attempts(task, inputs, element)
        except Exception as error:
            if type(error).__name__ == "ReadError":
                return None
            raise


@breaks_driver("engine.fresh-process")
class ForgetsParameters(CoroutineDriver):
    """Resumes a run without its parameters."""

    async def resume(self, flow: Any, /) -> Any:
        self.engine.sql("update parameters set kept = ?", self.engine.kept(Result(None, False, Inline())))
        return await super().resume(flow)


@breaks_driver("engine.fresh-process")
class ResumesTheFirst(ProcessDriver):
    """Computes what was over again when it resumes a run."""

    def resume(self, flow: Any, /) -> Any:
        content = self.database.load()
        for run in content["runs"]:
            for task in run["tasks"].values():
                task["state"] = "pending" if task["state"] == "done" else task["state"]
        self.database.save(content)
        return super().resume(flow)


@breaks_driver("engine.parameter-inspectable")
class ParametersAsPython(CoroutineDriver):
    """Stores a parameter as Python shows it."""

    async def stored(self) -> Any:
        return [[self.shown(field) for field in row] for row in await super().stored()]

    def shown(self, field: Any) -> Any:
        if not isinstance(field, str) or ":Inline" not in field:
            return field
        return json.dumps(json.loads(field) | {"reference": repr(json.loads(json.loads(field)["reference"]))})


@breaks_driver("engine.parameter-inspectable")
class ParametersInPieces(ProcessDriver):
    """Stores a parameter as a list of characters."""

    def stored(self) -> Any:
        text = json.dumps(self.database.load())
        content = json.loads(text)
        for run in content["runs"]:
            run["parameters"] = {name: list(parcel[0]) for name, parcel in run["parameters"].items()}
            for task in run["tasks"].values():
                task.pop("inputs", None)
        return [content]


@breaks("engine.mapped-owner")
class _FirstElementOnly(coroutines.Run):
    """Keeps the first element by the producer's handler, and the rest by the flow's."""

    def element(self, whole: Any, value: Any) -> Any:
        first = value == whole.value[0]
        return Result(value, False, whole.result_handler if first else self.flow.handler)


@breaks("engine.mapped-owner")
class _ElementsOfTheConsumer(processes.Run):
    """Keeps the elements by the handler of the mapped task."""

    def attempt(self, task: Any, inputs: Any, index: int | None, handler: Any) -> Any:
        if index is not None:
            element = Parcel(inputs[task.mapped]).result().read().value[index]
            inputs = inputs | {task.mapped: Parcel.of(handler.write([element]), handler)}
            index = 0
        return super().attempt(task, inputs, index, handler)
