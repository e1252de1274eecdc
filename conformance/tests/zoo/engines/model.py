"""A model of a workflow engine: flows and tasks in one process, and a database in a JSON file.

A result stays in memory until it has to be stored: because its task is cached, because a task downstream waits for a retry,
or because the run comes to rest. What is stored of it is what its handler's write returned, and how to make the handler.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from resultspec_conformance.spies import FileSpy
from resultspec_reference import JSONResultHandler, NoResult, Result, make_converter, resolve

_forms = make_converter({"file-spy": FileSpy})


@attrs.frozen
class Upstream:
    """An input that another task puts out."""

    task: "Task"


@attrs.frozen
class Parameter:
    """An input that is named when the flow is run."""

    name: str


@attrs.frozen(eq=False)
class Task:
    """A function, and what the engine is to do about it."""

    function: Callable[..., Any]
    name: str
    result_handler: Any = None
    retries: int = 0
    cache_for: float | None = None
    mapped: str | None = None


def task(name: str, **options: Any) -> Callable[[Callable[..., Any]], Task]:
    """Make a task of the function that is decorated."""
    return lambda function: Task(function, name, **options)


@attrs.frozen(eq=False)
class Flow:
    """Tasks in the order in which they run, each with its inputs: Upstream, Parameter, or what is passed as it is."""

    name: str
    tasks: Mapping[Task, Mapping[str, Any]]
    result_handler: Any = None


@attrs.frozen(eq=False)
class Configuration:
    """What the user has configured."""

    result_handler: Any = None


@attrs.frozen(eq=False)
class State:
    """What a task has come to: Pending, Running, Retrying, Success, Cached or Failed."""

    kind: str
    _result: Any = attrs.field(default=NoResult, alias="result")
    error: BaseException | None = None
    inputs: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def result(self) -> Any:
        """The value of the result."""
        return self._result.value

    @property
    def succeeded(self) -> bool:
        """Whether there is a result to go on with."""
        return self.kind in ("Success", "Cached")

    def stored(self, *, with_result: bool) -> dict[str, Any]:
        """The state as JSON, every result in it handled."""
        inputs = {name: _forms.unstructure(result.write()) for name, result in self.inputs.items()}
        result = self._result.write() if with_result else NoResult
        return {"kind": self.kind, "result": _forms.unstructure(result), "inputs": inputs, "error": repr(self.error)}

    @classmethod
    def loaded(cls, form: Mapping[str, Any]) -> "State":
        """The state from its JSON; results stay handled until they are read."""
        return cls(form["kind"], _load(form["result"]), inputs={name: _load(stored) for name, stored in form["inputs"].items()})


def _load(form: Any) -> Any:
    return _forms.structure(form, Result | type(NoResult))


class Store:
    """The database: a JSON file.

    It has the results that are cached, by task, all states of the last run, by flow and task, and the parameters of a run that
    rests, by flow.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, table: str, key: str) -> Any:
        """A row, or None."""
        return self._all()[table].get(key)

    def put(self, table: str, key: str, row: Any) -> None:
        """Replace a row."""
        content = self._all()
        content[table][key] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(content))

    def _all(self) -> Any:
        return json.loads(self.path.read_text()) if self.path.exists() else {"cache": {}, "runs": {}, "parameters": {}}


class AtRest(Exception):
    """The run waits for a retry."""


class Run:
    """One run of a flow.

    Args:
        flow: What is run.
        store: The database.
        configuration: The user's configuration, asked when a handler is needed.
        parameters: Their values.
        rests: Whether the run is to rest when a task waits for its retry.
    """

    def __init__(
        self, flow: Flow, store: Store, configuration: Configuration, parameters: Mapping[str, Any], rests: bool = False
    ) -> None:
        self.flow = flow
        self.store = store
        self.configuration = configuration
        self.parameters = parameters
        self.rests = rests
        self.states: dict[str, list[State]] = {one.name: [State("Pending")] for one in flow.tasks}

    def start(self) -> None:
        """Run every task."""
        self._go()

    def resume(self) -> None:
        """Go on from what is stored of a run that rests."""
        rows = self.store.get("runs", self.flow.name)
        self.states = {one.name: [State.loaded(form) for form in rows[one.name]] for one in self.flow.tasks}
        self.parameters = {name: _load(form).read().value for name, form in self.store.get("parameters", self.flow.name).items()}
        self._go()

    def _go(self) -> None:
        try:
            for one in self.flow.tasks:
                if self.states[one.name][-1].kind in ("Pending", "Retrying"):
                    self.states[one.name].append(self._end_of(one))
                    self._save()
        except AtRest:
            self._save(with_results=True)
            parameters = {name: self._parameter(name).write() for name in self.parameters}
            rows = {name: _forms.unstructure(result) for name, result in parameters.items()}
            self.store.put("parameters", self.flow.name, rows)

    def _save(self, *, with_results: bool = False) -> None:
        rows = {name: [state.stored(with_result=with_results) for state in states] for name, states in self.states.items()}
        self.store.put("runs", self.flow.name, rows)

    def _end_of(self, one: Task) -> State:
        """Run a task to its last state."""
        try:
            if (cached := self._cached(one)) is not None:
                return State("Cached", cached.read())
            result = Result(self._output(one), False, self._handler_of(one))
            if one.cache_for is not None:
                row = {"until": time.time() + one.cache_for, "result": _forms.unstructure(result.write())}
                self.store.put("cache", one.name, row)
            return State("Success", result)
        except AtRest:
            raise
        except Exception as error:
            return State("Failed", error=error)

    def _cached(self, one: Task) -> Any:
        row = self.store.get("cache", one.name) if one.cache_for is not None else None
        return _load(row["result"]) if row is not None and time.time() < row["until"] else None

    def _output(self, one: Task) -> Any:
        waiting = self.states[one.name][-1]
        inputs = waiting.inputs if waiting.kind == "Retrying" else self._inputs(one)
        if one.mapped is None:
            return self._call(one, inputs)
        whole = inputs[one.mapped].read()
        parts = [self._part(element, whole) for element in whole.value]
        return [self._call(one, {**inputs, one.mapped: part}) for part in parts]

    def _call(self, one: Task, inputs: Mapping[str, Any]) -> Any:
        """Call the body, and again as long as it fails and may be retried."""
        states = self.states[one.name]
        constants = {name: given for name, given in self.flow.tasks[one].items() if not isinstance(given, Upstream | Parameter)}
        for left in reversed(range(one.retries + 1)):
            values = {name: result.read().value for name, result in inputs.items()}
            try:
                return one.function(**constants, **values)
            except Exception:
                if not left:
                    raise
            inputs = {name: self._cached_input(one, name, result) for name, result in inputs.items()}
            states.append(State("Retrying", inputs=inputs))
            self._save()
            if self.rests:
                raise AtRest
        raise AssertionError("every round returns or raises, but the last one")

    def _inputs(self, one: Task) -> dict[str, Any]:
        """The results that a task takes, each with the handler of what produced it."""
        inputs = {}
        for name, given in self.flow.tasks[one].items():
            if isinstance(given, Parameter):
                inputs[name] = self._parameter(given.name)
            elif isinstance(given, Upstream):
                state = self.states[given.task.name][-1]
                if not state.succeeded:
                    raise RuntimeError(f"{given.task.name} upstream did not succeed") from state.error
                inputs[name] = state._result
        return inputs

    def _parameter(self, name: str) -> Any:
        return Result(self.parameters[name], False, JSONResultHandler())

    def _handler_of(self, one: Task) -> Any:
        return resolve(task=one, flow=self.flow, configuration=self.configuration)

    def _cached_input(self, one: Task, name: str, result: Any) -> Any:
        """What is kept of an input while its task waits for a retry."""
        return result.write()

    def _part(self, element: Any, whole: Any) -> Any:
        """The result of one element of a mapped output."""
        return Result(element, False, whole.result_handler)
