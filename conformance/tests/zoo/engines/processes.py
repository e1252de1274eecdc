"""An engine whose tasks run in other processes: what it sends them, and what they send back, is handled, always.

Its database is one JSON file. It was written from the guide alone. A worker reads the inputs, calls the body and writes the
output; the engine itself never has a raw value of a task's.
"""

import atexit
import functools
import json
import multiprocessing
import os
import pickle
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import attrs
from resultspec.errors import InvalidConfiguration, UnknownReference
from resultspec_conformance import Constant, ParameterValue, TaskOutput, TaskReport
from zoo.results.correct import SINGLETON as NoResult
from zoo.results.correct import Inline, SlotsResult as Result


@attrs.frozen
class OwnFiles:
    """The handler of those who name none: pickles in a directory of the engine's."""

    directory: str

    def write(self, value: Any, /) -> str:
        Path(self.directory).mkdir(exist_ok=True)
        reference = uuid.uuid4().hex
        (Path(self.directory) / reference).write_bytes(pickle.dumps(value))
        return reference

    def read(self, reference: str, /) -> Any:
        try:
            return pickle.loads((Path(self.directory) / reference).read_bytes())
        except OSError as error:
            raise UnknownReference(reference) from error


class Parcel(tuple):
    """A reference and its handler, pickled: what is sent, and what is stored."""

    @classmethod
    def of(cls, reference: Any, handler: Any) -> "Parcel":
        return cls((reference, pickle.dumps(handler).hex()))

    def result(self) -> Any:
        return Result(self[0], True, pickle.loads(bytes.fromhex(self[1])))


def work(function: Any, inputs: dict[str, Parcel], mapped: str | None, index: int | None, handler: Any) -> Any:
    """What a worker does: read, call, write. An error says what it was that failed."""
    values = {}
    for name, parcel in inputs.items():
        try:
            values[name] = parcel.result().read().value
        except Exception as error:
            return "input", error
    if index is not None:
        values[mapped] = values[mapped][index]
    try:
        value = function(**values)
    except Exception as error:
        return "body", error
    try:
        return "done", Parcel.of(Result(value, False, handler).write().value, handler)
    except Exception as error:
        return "output", error


def count(parcel: Parcel) -> Any:
    """How many elements there are to map over."""
    try:
        return "done", len(parcel.result().read().value)
    except Exception as error:
        return "input", error


def gather(parts: list[Parcel], handler: Any) -> Any:
    """The output of a mapped task, of those of its elements."""
    try:
        return "done", Parcel.of(handler.write([part.result().read().value for part in parts]), handler)
    except Exception as error:
        return "output", error


@functools.cache
def workers() -> ProcessPoolExecutor:
    """Processes that all engines of this one share."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    atexit.register(pool.shutdown)
    return pool


class State:
    """A state, with the handled result of what it is about, or none."""

    def __init__(self, name: str, parcel: Parcel | None = None) -> None:
        self.name = name
        self._result = NoResult if parcel is None else parcel.result()

    @property
    def result(self) -> Any:
        return self._result.value


class Database:
    """One JSON file, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Any:
        return json.loads(self.path.read_text()) if self.path.exists() else {"runs": [], "outputs": {}}

    def save(self, content: Any) -> None:
        part = self.path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(content))
        part.replace(self.path)


class Run:
    """One run: a record, which is what is stored of it, and the flow that it is of."""

    def __init__(self, driver: "ProcessDriver", flow: Any, record: dict[str, Any]) -> None:
        self.driver, self.flow, self.record = driver, flow, record
        self.states: dict[str, list[State]] = {}
        self.errors: dict[str, Any] = {}

    def to_the_end(self, *, rests: bool = False) -> dict[str, TaskReport]:
        for task in self.flow.tasks:
            known = self.record["tasks"].setdefault(task.name, {"state": "pending", "failures": {}})
            self.states.setdefault(task.name, [State("pending")])
            if known["state"] in ("pending", "waiting"):
                self.settle(task, known, rests=rests)
                self.save()
        return self.reports()

    def save(self) -> None:
        content = self.driver.database.load()
        content["runs"] = [run for run in content["runs"] if run["id"] != self.record["id"]] + [self.record]
        self.driver.database.save(content)

    def settle(self, task: Any, known: dict[str, Any], *, rests: bool) -> None:
        upstream = [given.task for given in task.inputs.values() if isinstance(given, TaskOutput)]
        ended = {self.record["tasks"][name]["state"] for name in upstream}
        if ended & {"failed", "skipped"}:
            known["state"] = "skipped"
            return
        if "waiting" in ended or (rests and ended & {"pending"}):
            known["state"] = "pending"
            return
        try:
            how, found = self.output(task, known, rests=rests)
        except Exception as error:
            how, found = "output", error
        if how == "waiting":
            known["state"] = "waiting"
            self.states[task.name].append(State("waiting"))
        elif how == "done":
            known |= {"state": "done", "output": found}
            self.states[task.name].append(State("done", found))
        else:
            known |= {"state": "failed", "error": type(found).__name__}
            self.errors[task.name] = found
            self.states[task.name].append(State("failed"))

    def output(self, task: Any, known: dict[str, Any], *, rests: bool) -> Any:
        """How a task ended, and what came of it."""
        if (cached := self.cached(task)) is not None:
            cached.result().read()
            return "done", cached
        inputs = {name: self.input(given) for name, given in task.inputs.items()}
        handler = self.driver.handler_of(task, self.flow)
        if task.mapped is None:
            how, found = self.attempts(task, known, inputs, None, handler, rests=rests)
        else:
            how, found = workers().submit(count, inputs[task.mapped]).result()
            parts: list[Any] = []
            for index in range(found) if how == "done" else ():
                how, part = self.attempts(task, known, inputs, index, handler, rests=rests)
                if how != "done":
                    return how, part
                parts.append(part)
            if how == "done":
                how, found = workers().submit(gather, parts, handler).result()
        if how == "done" and task.cache_for is not None:
            self.cache(task, found)
        return how, found

    def cached(self, task: Any) -> Parcel | None:
        found = self.driver.database.load()["outputs"].get(f"{self.flow.name}/{task.name}")
        if task.cache_for is None or found is None or found["until"] < time.time():
            return None
        return Parcel(found["output"])

    def cache(self, task: Any, output: Parcel) -> None:
        content = self.driver.database.load()
        until = time.time() + task.cache_for.total_seconds()
        content["outputs"][f"{self.flow.name}/{task.name}"] = {"until": until, "output": output}
        self.driver.database.save(content)

    def input(self, given: Any) -> Parcel:
        match given:
            case TaskOutput(name):
                return Parcel(self.record["tasks"][name]["output"])
            case ParameterValue(name):
                return Parcel(self.record["parameters"][name])
            case Constant(value):
                return Parcel.of(Inline().write(value), Inline())

    def attempts(self, task: Any, known: Any, inputs: Any, index: int | None, handler: Any, *, rests: bool) -> Any:
        failures = known["failures"]
        while True:
            self.states[task.name].append(State("running"))
            how, found = self.attempt(task, inputs, index, handler)
            if how != "body":
                return how, found
            failures[str(index)] = failures.get(str(index), 0) + 1
            if failures[str(index)] > task.retries:
                return how, found
            known["inputs"] = inputs
            self.save()
            if rests:
                return "waiting", None

    def attempt(self, task: Any, inputs: Any, index: int | None, handler: Any) -> Any:
        return workers().submit(work, task.function, inputs, task.mapped, index, handler).result()

    def reports(self) -> dict[str, TaskReport]:
        tasks = self.record["tasks"]
        return {
            task.name: TaskReport(tasks[task.name]["state"] == "done", self.errors.get(task.name, tasks[task.name].get("error")))
            for task in self.flow.tasks
        }


class ProcessDriver:
    """Runs the suite's pipelines; a mistake overrides ``run_class``."""

    run_class: type[Run] = Run

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory / "engine.json")
        self.default = OwnFiles(str(directory / "results"))
        self.configured: Any = None
        self.last: dict[str, Run] = {}

    def handler_of(self, task: Any, flow: Any) -> Any:
        for handler in (task.result_handler, flow.result_handler, self.configured):
            if handler is not None:
                if not all(callable(getattr(handler, method, None)) for method in ("write", "read")):
                    raise InvalidConfiguration(f"{handler!r} is no handler")
                return handler
        return self.default

    def task(self, task: Any, /) -> Any:
        return task

    def flow(self, pipeline: Any, tasks: Any, /) -> Any:
        return pipeline

    def configure(self, result_handler: Any, /) -> None:
        self.configured = result_handler

    def begin(self, flow: Any, parameters: Any) -> Run:
        kept = {name: Parcel.of(Inline().write(value), Inline()) for name, value in parameters.items()}
        record = {"id": uuid.uuid4().hex, "flow": flow.name, "parameters": kept, "tasks": {}}
        run = self.last[flow.name] = self.run_class(self, flow, record)
        run.save()
        return run

    def run(self, flow: Any, parameters: Any, /) -> Any:
        return self.begin(flow, parameters).to_the_end()

    def run_until_retry(self, flow: Any, parameters: Any, /) -> None:
        self.begin(flow, parameters).to_the_end(rests=True)

    def resume(self, flow: Any, /) -> Any:
        records = [run for run in self.database.load()["runs"] if run["flow"] == flow.name]
        self.last[flow.name] = self.run_class(self, flow, records[-1])
        return self.last[flow.name].to_the_end()

    def states(self, flow: Any, task: str, /) -> Any:
        return self.last[flow.name].states[task]

    def stored(self) -> Any:
        return [self.database.load()]
