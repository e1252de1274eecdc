"""An engine that shows nothing but its database: what a task puts out is kept at once, and every input is read from there.

There are no state objects, and what was raised is a text in a row.
"""

import json
import pickle
import sqlite3
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from resultspec.errors import InvalidConfiguration
from resultspec_conformance import Constant, ParameterValue, Pipeline, PipelineTask, TaskOutput, TaskReport, Unsupported

_TABLES = """
pragma synchronous = off;
pragma journal_mode = memory;
create table if not exists tasks (run, task, status, error, unique (run, task) on conflict replace);
create table if not exists outputs (run, task, reference, handler, unique (run, task) on conflict replace);
create table if not exists parameters (run, name, value);
"""


class DatabaseDriver:
    """Runs pipelines; the engine is a few queries."""

    def __init__(self, directory: Path) -> None:
        self.database = sqlite3.connect(directory / "engine.db", check_same_thread=False, isolation_level=None)
        self.database.executescript(_TABLES)
        self.configured: Any = None

    def task(self, task: PipelineTask) -> Any:
        """Take the task as it is."""
        if task.mapped is not None:
            raise Unsupported("there is no mapping")
        return task

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        """Take the flow as it is."""
        return pipeline

    def configure(self, result_handler: Any) -> None:
        """Set the configured handler."""
        self.configured = result_handler

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run a flow under a new number."""
        return self._go(flow, self._new_run(flow, parameters), rests=False)

    def run_until_retry(self, flow: Any, parameters: Mapping[str, Any]) -> None:
        """Run a flow until a task waits."""
        self._go(flow, self._new_run(flow, parameters), rests=True)

    def resume(self, flow: Any) -> Mapping[str, TaskReport]:
        """Go on with the last run of the flow."""
        [run] = self._one("select max(run) from tasks where run like ?", f"{flow.name}/%")
        return self._go(flow, run, rests=False)

    def stored(self) -> Iterable[Any]:
        """The rows of all tables."""
        for table in ("tasks", "outputs", "parameters"):
            yield [list(row) for row in self.database.execute(f"select * from {table}")]

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _new_run(self, flow: Pipeline, parameters: Mapping[str, Any]) -> str:
        [count] = self._one("select count(distinct run) from tasks where run like ?", f"{flow.name}/%")
        run = f"{flow.name}/{count:04}"
        for name, value in parameters.items():
            self.database.execute("insert into parameters values (?, ?, ?)", (run, name, json.dumps(value)))
        for task in flow.tasks:
            self._tell(run, task, "none", "")
        return run

    def _go(self, flow: Pipeline, run: str, *, rests: bool) -> Mapping[str, TaskReport]:
        for task in flow.tasks:
            status = self._one("select status from tasks where run = ? and task = ?", run, task.name)[0]
            left = task.retries if status == "none" else task.retries - 1
            while status in ("none", "up_for_retry"):
                status = self._attempt(flow, run, task, left)
                left -= 1
                if status == "up_for_retry" and rests:
                    return {}
        rows = self.database.execute("select task, status, error from tasks where run = ?", (run,))
        return {task: TaskReport(status == "success", error) for task, status, error in rows}

    def _attempt(self, flow: Pipeline, run: str, task: PipelineTask, left: int) -> str:
        try:
            if task.cache_for is None or not self._take_from_cache(run, task):
                output = task.function(**{name: self._input(run, given) for name, given in task.inputs.items()})
                self._keep(flow, run, task, output)
        except Exception:
            status = "up_for_retry" if left > 0 else "failed"
            self._tell(run, task, status, traceback.format_exc())
        else:
            status = "success"
            self._tell(run, task, status, "")
        return status

    def _take_from_cache(self, run: str, task: PipelineTask) -> bool:
        query = "select reference, handler from outputs where task = ? and run <> ? and run like ? order by run desc"
        row = self._one(query, task.name, run, run.partition("/")[0] + "/%")
        if row is not None:
            self.database.execute("insert into outputs values (?, ?, ?, ?)", (run, task.name, *row))
        return row is not None

    def _keep(self, flow: Pipeline, run: str, task: PipelineTask, output: Any) -> None:
        levels = (task.result_handler, flow.result_handler, self.configured)
        handler = next((handler for handler in levels if handler is not None), None)
        if not (hasattr(handler, "write") and hasattr(handler, "read")):
            raise InvalidConfiguration(f"{handler!r} is no handler")
        row = (run, task.name, json.dumps(handler.write(output)), pickle.dumps(handler))
        self.database.execute("insert into outputs values (?, ?, ?, ?)", row)

    def _input(self, run: str, given: Any) -> Any:
        match given:
            case Constant(value):
                return value
            case ParameterValue(name):
                return json.loads(self._one("select value from parameters where run = ? and name = ?", run, name)[0])
            case TaskOutput(task):
                row = self._one("select reference, handler from outputs where run = ? and task = ?", run, task)
                if row is None:
                    raise RuntimeError(f"{task} has no output")
                return pickle.loads(row[1]).read(json.loads(row[0]))

    def _tell(self, run: str, task: PipelineTask, status: str, error: str) -> None:
        self.database.execute("insert into tasks values (?, ?, ?, ?)", (run, task.name, status, error))

    def _one(self, query: str, *values: Any) -> Any:
        return self.database.execute(query, values).fetchone()
