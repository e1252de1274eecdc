"""The driver by which the suite runs pipelines on Dagster.

Tasks are ops and flows are jobs. A task's handler is the IO manager that the output of the op names, a flow's is the job's
resource ``io_manager``, and the user's configuration is what the environment names for jobs that have no such resource.
"""

import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock
from uuid import uuid4

import attrs
import dagster
from dagster import (
    DagsterEvent,
    DagsterInstance,
    DagsterRun,
    DynamicOut,
    DynamicOutput,
    Field,
    In,
    IOManagerDefinition,
    JobDefinition,
    JobExecutionResult,
    OpDefinition,
    OpExecutionContext,
    Out,
    Output,
    ReexecutionOptions,
    RetryPolicy,
    RunsFilter,
    build_reconstructable_job,
    execute_job,
    graph,
    in_process_executor,
    op,
)
from resultspec_conformance import (
    Constant,
    EngineSubject,
    ParameterValue,
    Pipeline,
    PipelineTask,
    TaskOutput,
    TaskReport,
    Unsupported,
)
from resultspec_reference.adapters.dagster import ResultHandlerIOManager
from sqlalchemy import event
from sqlalchemy.engine import Engine

_DEFAULT = "DAGSTER_DEFAULT_IO_MANAGER_MODULE", "DAGSTER_DEFAULT_IO_MANAGER_ATTRIBUTE"

_JOBS: dict[str, JobDefinition] = {}
"""The jobs that Dagster asks for again by name when it executes one."""


@event.listens_for(Engine, "connect")
def do_not_sync(connection: Any, _: Any) -> None:
    """Let SQLite leave it to the system when to write Dagster's databases to the disk: nothing here outlives a test."""
    connection.execute("pragma synchronous = off")


def recall(name: str) -> JobDefinition:
    """Give Dagster a job that was made in this process."""
    return _JOBS[name]


@attrs.frozen(eq=False)
class Job:
    """A job of Dagster's, and what it was made of.

    Attributes:
        name: Under which :func:`recall` knows it.
        pipeline: What it was made of.
        runs: What it was run for so far.
    """

    name: str
    pipeline: Pipeline
    runs: list[str] = attrs.field(factory=list[str])


class Driver:
    """Runs pipelines as jobs of Dagster, in this process, on an instance of Dagster's in the directory.

    An op that waits for its retry waits in the process of its run. What can rest is a run that has failed, which Dagster
    executes again from where it failed; so ops are not retried in a run that is to rest.
    """

    def __init__(self, directory: Path) -> None:
        self.home = directory / "dagster"
        if not self.home.exists():
            shutil.copytree(fresh_home(), self.home)
        self.instance = DagsterInstance.from_config(str(self.home))
        self.environment: dict[str, str] = {}
        self.jobs: list[str] = []

    def task(self, task: PipelineTask, /) -> OpDefinition:
        """Make an op."""
        return _op(task, dynamic=False)

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, OpDefinition], /) -> Job:
        """Make a job. An output that is mapped over is a dynamic one, which is for the op that yields it to say."""
        over = {
            given.task for task in pipeline.tasks if task.mapped and isinstance(given := task.inputs[task.mapped], TaskOutput)
        }
        ops = {task.name: _op(task, dynamic=True) if task.name in over else tasks[task.name] for task in pipeline.tasks}
        managers = {_manager(task): task.result_handler for task in pipeline.tasks if task.result_handler is not None}
        if pipeline.result_handler is not None:
            managers["io_manager"] = pipeline.result_handler
        job = Job(uuid4().hex, pipeline)
        _JOBS[job.name] = graph(name=_name(pipeline.name))(lambda: _compose(pipeline, ops)).to_job(
            resource_defs={key: ResultHandlerIOManager(handler) for key, handler in managers.items()},
            executor_def=in_process_executor,
        )
        self.jobs.append(job.name)
        return job

    def configure(self, result_handler: Any, /) -> None:
        """Let the environment name an IO manager, which Dagster looks for when a run needs it."""
        self.environment = {}
        if result_handler is not None:
            module = ModuleType(f"configured_{uuid4().hex}")
            module.__dict__["io_manager"] = IOManagerDefinition(resource_fn=lambda _: ResultHandlerIOManager(result_handler))
            sys.modules[module.__name__] = module
            self.environment = dict(zip(_DEFAULT, (module.__name__, "io_manager"), strict=True))

    def run(self, flow: Job, parameters: Mapping[str, Any], /) -> Mapping[str, TaskReport]:
        """Run a job to its end."""
        if flow.runs and any(task.cache_for is not None for task in flow.pipeline.tasks):
            raise Unsupported("Dagster keeps the output of every op, but has no cache: another run computes it again")
        return self.reports(flow, self.execute(flow, self.config(flow, parameters)))

    def run_until_retry(self, flow: Job, parameters: Mapping[str, Any], /) -> None:
        """Run a job whose ops are not retried."""
        self.execute(flow, self.config(flow, parameters) | {"execution": {"config": {"retries": {"disabled": {}}}}})

    def resume(self, flow: Job, /) -> Mapping[str, TaskReport]:
        """Execute the failed run of the job again from where it failed; what had ended before is told as it ended then."""
        failed = self.instance.get_runs(RunsFilter(job_name=_name(flow.pipeline.name)), limit=1)[0]
        config = {key: part for key, part in failed.run_config.items() if key != "execution"}
        again = ReexecutionOptions.from_failure(failed.run_id, self.instance)
        return self.reports(flow, self.execute(flow, config, again), failed)

    def stored(self) -> Iterable[Any]:
        """The rows of Dagster's databases, and every file that it has written."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        rows = [row for path in files if path.suffix == ".db" for row in _rows(path)]
        return [*rows, *(path.read_bytes() for path in files)]

    def close(self) -> None:
        """Let go of the instance and of the jobs."""
        self.instance.dispose()
        for name in self.jobs:
            del _JOBS[name]

    def config(self, flow: Job, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of a run: parameters are the configuration of the ops that take them."""
        ops: dict[str, Any] = {}
        for task in flow.pipeline.tasks:
            taken = {name: given.parameter for name, given in task.inputs.items() if isinstance(given, ParameterValue)}
            if taken:
                ops[_name(task.name)] = {"config": {name: parameters[parameter] for name, parameter in taken.items()}}
        return {"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

    def execute(self, flow: Job, config: Mapping[str, Any], again: ReexecutionOptions | None = None) -> JobExecutionResult:
        """Execute a job, with this driver's environment."""
        with mock.patch.dict(os.environ, self.environment):
            job = build_reconstructable_job(__name__, "recall", (flow.name,))
            result = execute_job(job, self.instance, run_config=config, reexecution_options=again)
        flow.runs.append(result.run_id)
        return result

    def reports(self, flow: Job, result: JobExecutionResult, before: DagsterRun | None = None) -> Mapping[str, TaskReport]:
        """How each task ended, in a run and in the one that it executes again."""
        earlier = [] if before is None else self.events(before.run_id)
        events = self.events(result.run_id)
        broken = next((_error(event) for event in events if event.is_job_failure), None)
        reports: dict[str, TaskReport] = {}
        for task in flow.pipeline.tasks:
            name = _name(task.name)
            own = [event for event in events if event.step_key and event.step_key.partition("[")[0] == name]
            own = own or [event for event in earlier if event.step_key == name]
            failed = next((_error(event) for event in own if event.is_step_failure), None)
            succeeded = failed is None and any(event.is_step_success for event in own)
            reports[task.name] = TaskReport(succeeded, None if succeeded else failed or broken)
        return reports

    def events(self, run_id: str) -> list[DagsterEvent]:
        """What Dagster has noted of a run."""
        return [entry.get_dagster_event() for entry in self.instance.all_logs(run_id) if entry.is_dagster_event]


def _op(task: PipelineTask, *, dynamic: bool) -> OpDefinition:
    """Make an op; a dynamic one yields the elements of its output one by one."""
    constants = {name: given.value for name, given in task.inputs.items() if isinstance(given, Constant)}
    taken = [name for name, given in task.inputs.items() if isinstance(given, ParameterValue)]

    def compute(context: OpExecutionContext, inputs: Mapping[str, Any]) -> Iterator[Any]:
        output = task.function(**constants, **(context.op_config or {}), **inputs)
        if dynamic:
            for number, element in enumerate(output):
                yield DynamicOutput(element, str(number))
        else:
            yield Output(output)

    def decorated(context: OpExecutionContext, **inputs: Any) -> Iterator[Any]:
        yield from compute(context, inputs)

    options: dict[str, Any] = {
        "name": _name(task.name),
        "ins": {name: In() for name, given in task.inputs.items() if isinstance(given, TaskOutput)},
        "config_schema": {name: Field(dagster.Any) for name in taken} or None,
        "retry_policy": RetryPolicy(max_retries=task.retries) if task.retries else None,
    }
    out = (DynamicOut if dynamic else Out)(io_manager_key=_manager(task))
    if task.decorated:
        made: OpDefinition = op(out=out, **options)(decorated)
        return made
    return OpDefinition(compute_fn=compute, outs={"result": out}, **options)


def _manager(task: PipelineTask) -> str:
    """The key of the IO manager that the output of an op names; the job has a resource of that key."""
    return "io_manager" if task.result_handler is None else f"{_name(task.name)}_io_manager"


def _compose(pipeline: Pipeline, ops: Mapping[str, OpDefinition]) -> None:
    """Put ops into a graph; what has several outputs is collected by whoever is not mapped over them."""
    outputs: dict[str, Any] = {}
    for task in pipeline.tasks:
        taken = {name: outputs[given.task] for name, given in task.inputs.items() if isinstance(given, TaskOutput)}
        over = None if task.mapped is None else taken.pop(task.mapped)
        taken = {name: output.collect() if hasattr(output, "collect") else output for name, output in taken.items()}
        outputs[task.name] = ops[task.name](**taken) if over is None else over.map(_mapped(ops[task.name], task.mapped, taken))


def _mapped(made: OpDefinition, argument: str | None, taken: Mapping[str, Any]) -> Callable[[Any], Any]:
    return lambda element: made(**{**taken, str(argument): element})


def _name(name: str) -> str:
    """A name that Dagster allows."""
    return re.sub(r"\W", "_", name)


def _error(event: DagsterEvent) -> str | None:
    """What Dagster keeps of an error, with its causes."""
    error = getattr(event.event_specific_data, "error", None)
    return None if error is None else str(error.to_string())


def _rows(path: Path) -> list[list[Any]]:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return [list(row) for name in names for row in database.execute(f'select * from "{name}"')]


@cache
def fresh_home() -> Path:
    """The home of an instance that nothing was run in, for others to be copied from: Dagster takes a while to make its tables."""
    home = Path(tempfile.mkdtemp(prefix="dagster-"))
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    DagsterInstance.from_config(str(home)).dispose()
    return home


subject = EngineSubject(Driver, name=f"Dagster {dagster.__version__}")
