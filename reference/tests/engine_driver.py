"""The driver by which the suite runs pipelines on the reference's engine."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from resultspec_conformance import Constant, EngineSubject, ParameterValue, Pipeline, PipelineTask, TaskOutput, TaskReport
from resultspec_conformance.spies import FileSpy
from resultspec_reference import Parameter
from resultspec_reference.engine import Failed, Flow, FlowRun, State, StateStore, Task, task


@attrs.frozen
class Configured:
    """What the user's configuration names."""

    result_handler: Any = None


class ReferenceDriver:
    """Runs pipelines on the reference's engine, with a SQLite database under the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = StateStore(f"sqlite:///{directory}/runs.sqlite", handlers={"spy": FileSpy})
        self.configuration = Configured()
        self.seen: dict[str, list[State[Any]]] = {}

    def task(self, task_: PipelineTask, /) -> Task[..., Any]:
        """Make a task."""
        options: dict[str, Any] = {
            "name": task_.name,
            "result_handler": task_.result_handler,
            "retries": task_.retries,
            "cache_for": task_.cache_for,
        }
        return task(**options)(task_.function) if task_.decorated else Task(task_.function, **options)

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any], /) -> Flow:
        """Make a flow."""
        flow = Flow(pipeline.name, result_handler=pipeline.result_handler)
        for described in pipeline.tasks:
            arguments = {name: _argument(one, flow) for name, one in described.inputs.items()}
            output = flow.add(tasks[described.name], arguments, described.mapped)
            assert output.name == described.name
        return flow

    def configure(self, result_handler: Any, /) -> None:
        """Let the configuration name a handler."""
        self.configuration = Configured(result_handler)

    def run(self, flow: Flow, parameters: Mapping[str, Any], /) -> Mapping[str, TaskReport]:
        """Run a flow to its end."""
        self.seen = {}
        return _reports(flow, flow.run(parameters, **self._options()))

    def run_until_retry(self, flow: Flow, parameters: Mapping[str, Any], /) -> None:
        """Run a flow until it rests."""
        flow.run(parameters, retry=False, **self._options())

    def resume(self, flow: Flow, /) -> Mapping[str, TaskReport]:
        """Resume the latest run of the flow."""
        resting = next(run for run in self.store.runs() if run.flow == flow.name)
        return _reports(flow, flow.resume(resting.id, **self._options()))

    def states(self, flow: Flow, name: str, /) -> Sequence[State[Any]]:
        """The states of a task in the last run."""
        return self.seen[name]

    def stored(self) -> Iterable[Any]:
        """The rows of the database, and its files, which may hold more."""
        connection = sqlite3.connect(self.directory / "runs.sqlite")
        try:
            tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
            rows = [list(row) for table in tables for row in connection.execute(f"select * from {table}")]
        finally:
            connection.close()
        return [*rows, *(path.read_bytes() for path in self.directory.glob("runs.sqlite*"))]

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _options(self) -> dict[str, Any]:
        return {"store": self.store, "configuration": self.configuration, "on_state": self._note, "progress": False}

    def _note(self, name: str, state: State[Any]) -> None:
        self.seen.setdefault(name, []).append(state)


subject = EngineSubject(ReferenceDriver, name="resultspec_reference.engine")
"""The engine of the reference, as it is judged for the documentation."""


def _argument(one: TaskOutput | ParameterValue | Constant, flow: Flow) -> Any:
    match one:
        case TaskOutput(name):
            return flow.outputs[name]
        case ParameterValue(name):
            return Parameter(name)
        case Constant(value):
            return value


def _reports(flow: Flow, run: FlowRun) -> dict[str, TaskReport]:
    return {name: _report(list(_states(name, run))) for name in flow.outputs}


def _states(name: str, run: FlowRun) -> Iterator[State[Any]]:
    """The state of a task, or those of its elements when it is mapped."""
    for of, state in run.states.items():
        if of == name or of.startswith(f"{name}["):
            yield state


def _report(states: list[State[Any]]) -> TaskReport:
    failed = next((state for state in states if not state.succeeded), None)
    return TaskReport(failed is None, failed.error or failed.cause.error if isinstance(failed, Failed) else None)
