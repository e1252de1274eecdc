"""The driver by which the suite runs pipelines on Prefect 3.

A handler is given to Prefect as a result storage: of a task, of a flow, or in the settings. All drivers of a run share one
server, which would take too long to start for each; what each stores is told apart by what was there before it.
"""

import atexit
import inspect
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import httpx
import prefect
from prefect import Flow, Task, task, unmapped
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, TaskRunFilter, TaskRunFilterId
from prefect.context import SettingsContext, get_settings_context
from prefect.events.worker import EventsWorker
from prefect.flow_engine import run_flow
from prefect.futures import wait
from prefect.logging.handlers import APILogWorker
from prefect.results import ResultRecord, ResultRecordMetadata
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_DEFAULT_RESULT_STORAGE_BLOCK,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOCAL_STORAGE_PATH,
    get_current_settings,
)
from prefect.states import AwaitingRetry, State
from pydantic import ValidationError
from resultspec import JSON
from resultspec_conformance import Constant, EngineSubject, ParameterValue, Pipeline, PipelineTask, TaskOutput, TaskReport
from resultspec_conformance.spies import FileSpy
from resultspec_reference.adapters.prefect import HandlerStorage

SERVER = "RESULTSPEC_PREFECT_SERVER"
"""The variable in which the processes that the suite starts find the server: its address, and its database's."""


@attrs.frozen
class RecordSpy:
    """A handler of Prefect's records that has a spy keep the value in each, so that the suite knows it again.

    Attributes:
        spy: The handler that the suite has passed.
    """

    spy: FileSpy

    def write(self, content: bytes, /) -> JSON:
        """Have the value written; the rest of the record goes into the reference."""
        try:
            record: Any = ResultRecord.deserialize(content)
        except ValidationError:
            # The result of a flow is stored without a record, which says how to read it.
            return {"metadata": None, "reference": self.spy.write(content)}
        return {"metadata": record.metadata.model_dump(mode="json"), "reference": self.spy.write(record.result)}

    def read(self, reference: Any, /) -> bytes:
        """Make the record again."""
        value = self.spy.read(reference["reference"])
        if reference["metadata"] is None:
            content: bytes = value
            return content
        metadata = ResultRecordMetadata.model_validate(reference["metadata"])
        return ResultRecord(metadata=metadata, result=value).serialize()


def record_spy(**options: Any) -> RecordSpy:
    """Make the handler of a storage."""
    return RecordSpy(FileSpy(**options))


class SpyStorage(HandlerStorage):
    """A storage that is as falsy as its spy."""

    _block_type_name = "Spy"
    _block_type_slug = "resultspec-spy"

    def __bool__(self) -> bool:
        return bool(record_spy(**self.options).spy)


@attrs.frozen(eq=False)
class Installed:
    """A flow, with what its last run came to.

    Attributes:
        flow: The flow.
        last: The reports of the tasks, by name; how each task of Prefect's ended is told when its future has ended.
    """

    flow: Any
    last: dict[str, TaskReport]


class Driver:
    """Runs pipelines on Prefect: a task, a flow and the settings name a handler as their result storage.

    Prefect waits for a task's retry within the process of the flow. What can rest is a flow run that has failed, which
    Prefect runs once more where somebody retries it: so tasks are not retried in a run that is to rest.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address, self.database = server()
        self.storages: dict[FileSpy, SpyStorage] = {}
        self.configured: Any = None
        self.prepared: dict[Any, Any] = {}
        self.resting = False
        self.task_runs: set[Any] = set()
        self.earlier = {repr(row) for row in self.rows()}

    def task(self, described: PipelineTask, /) -> Any:
        """Make a task."""
        options: dict[str, Any] = {
            "name": described.name,
            "result_storage": self.storage(described.result_handler),
            "retries": described.retries,
        }
        if described.cache_for is not None:
            options |= {"cache_policy": INPUTS + TASK_SOURCE, "cache_expiration": described.cache_for}
        return task(**options)(described.function) if described.decorated else Task(described.function, **options)

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any], /) -> Installed:
        """Make a flow that submits one task after the other."""
        last: dict[str, TaskReport] = {}

        def body(**given: Any) -> list[Any]:
            futures: dict[str, Any] = {}
            last.clear()
            for described in pipeline.tasks:
                of = tasks[described.name].with_options(retries=0) if self.resting else tasks[described.name]
                arguments = {name: _argument(one, futures, given) for name, one in described.inputs.items()}
                try:
                    futures[described.name] = future = _submit(of, arguments, described.mapped)
                    last[described.name] = self.report(list(future) if described.mapped else [future])
                except Exception as error:  # noqa: BLE001 - what a mapped task takes has failed
                    last[described.name] = TaskReport(False, error)
            return [state for future in futures.values() for state in _states(future)]

        parameters = {one.parameter for of in pipeline.tasks for one in of.inputs.values() if isinstance(one, ParameterValue)}
        body.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in sorted(parameters)]
        )
        return Installed(Flow(body, name=pipeline.name, result_storage=self.storage(pipeline.result_handler)), last)

    def configure(self, result_handler: Any, /) -> None:
        """Let the settings name a block that was saved; what is no handler is named as it is."""
        if isinstance(result_handler, FileSpy):
            self.configured = f"{SpyStorage.get_block_type_slug()}/{self.storage(result_handler)._block_document_name}"
        else:
            self.configured = result_handler

    def run(self, flow: Installed, parameters: Mapping[str, Any], /) -> Mapping[str, TaskReport]:
        """Run a flow to its end."""
        with self.settings():
            state = flow.flow(**parameters, return_state=True)
        return _told(flow, state)

    def run_until_retry(self, flow: Installed, parameters: Mapping[str, Any], /) -> None:
        """Run a flow whose tasks are not retried."""
        self.resting = True
        self.run(flow, parameters)
        self.resting = False

    def resume(self, flow: Installed, /) -> Mapping[str, TaskReport]:
        """Run the failed run of the flow once more, as Prefect does where somebody retries it."""
        with self.settings(), get_client(sync_client=True) as client:
            name = FlowFilter(name=FlowFilterName(any_=[flow.flow.name]))
            [failed] = client.read_flow_runs(flow_filter=name)
            client.set_flow_run_state(failed.id, AwaitingRetry(), force=True)
            state = run_flow(flow.flow, client.read_flow_run(failed.id), failed.parameters, return_type="state")
        return _told(flow, state)

    def stored(self) -> Iterable[Any]:
        """The rows of the database that were not there before, and the files of references and of results."""
        with self.settings():
            self.settle()
        rows = [list(row) for row in self.rows() if repr(row) not in self.earlier]
        return [*rows, *(path.read_bytes() for path in self.directory.rglob("*") if path.is_file())]

    def rows(self) -> list[tuple[Any, ...]]:
        """Every row of Prefect's database."""
        with closing(sqlite3.connect(self.database)) as database:
            names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
            return [row for name in names for row in database.execute(f'select * from "{name}"')]

    def settle(self) -> None:
        """Wait until what tasks came to, which is sent in the background, has reached the database."""
        APILogWorker.instance().drain()
        EventsWorker.drain_all()
        until = time.monotonic() + 50
        with get_client(sync_client=True) as client:
            wanted = TaskRunFilter(id=TaskRunFilterId(any_=list(self.task_runs)))
            while time.monotonic() < until:
                there = client.read_task_runs(task_run_filter=wanted)
                if len(there) == len(self.task_runs) and all(run.state and run.state.type != "RUNNING" for run in there):
                    return
                time.sleep(0.1)
        raise TimeoutError("Prefect's server has not recorded all task runs")

    def storage(self, handler: Any) -> SpyStorage | None:
        """The block for a handler, which Prefect demands to be saved before a task is made with it."""
        if handler is None:
            return None
        if handler not in self.storages:
            references = str(self.directory / "references")
            block = SpyStorage(handler=f"{__name__}:record_spy", options=attrs.asdict(handler), references=references)
            with self.settings(configured=None):
                block.save(uuid4().hex)
            self.storages[handler] = block
        return self.storages[handler]

    @contextmanager
    def settings(self, **instead: Any) -> Iterator[None]:
        """Prefect's settings: the server, the user's configuration, and where results go that name no storage."""
        configured = {"configured": self.configured, **instead}["configured"]
        if configured not in self.prepared:
            updates: dict[Any, Any] = {
                PREFECT_API_URL: self.address,
                PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: configured,
                # A thread that sleeps for a second at the end of each run.
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                PREFECT_LOCAL_STORAGE_PATH: self.directory / "results",
            }
            # Made once, since Prefect takes long to make settings.
            self.prepared[configured] = get_current_settings().copy_with_update(updates=updates)
        with SettingsContext(profile=get_settings_context().profile, settings=self.prepared[configured]):
            yield

    def report(self, futures: list[Any]) -> TaskReport:
        """How a task ended, or the elements of a mapped one."""
        wait(futures)
        self.task_runs |= {future.task_run_id for future in futures}
        failed = next((future.state for future in futures if not future.state.is_completed()), None)
        return TaskReport(failed is None, None if failed is None else _error(failed))


def _argument(one: TaskOutput | ParameterValue | Constant, futures: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    match one:
        case TaskOutput(name):
            return futures[name]
        case ParameterValue(name):
            return given[name]
        case Constant(value):
            return value


def _submit(of: Any, arguments: Mapping[str, Any], mapped: str | None) -> Any:
    if mapped is None:
        return of.submit(**arguments)
    return of.map(**{name: one if name == mapped else unmapped(one) for name, one in arguments.items()})


def _states(future: Any) -> list[State[Any]]:
    return [one.state for one in future] if isinstance(future, list) else [future.state]


def _error(state: State[Any]) -> BaseException | str:
    result = getattr(state.data, "result", None)
    return result if isinstance(result, BaseException) else state.message or ""


def _told(flow: Installed, state: State[Any]) -> Mapping[str, TaskReport]:
    if not flow.last:
        raise RuntimeError(f"the flow was not run: {state.message}")
    return dict(flow.last)


@cache
def server() -> tuple[str, Path]:
    """The address of the one server of this run of the suite, and the file of its database."""
    if SERVER not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="prefect-"))
        os.environ[SERVER] = json.dumps([_start(home), str(home / "prefect.db")])
    address, database = json.loads(os.environ[SERVER])
    return address, Path(database)


def _start(home: Path) -> str:
    """Start a server that keeps everything in a directory, until this process ends; its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    given = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=os.environ | given,
            stdout=log,
            stderr=log,
        )
    atexit.register(_stop, process, home)
    address, until = f"http://127.0.0.1:{port}/api", time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/health").is_success:
                return address
        time.sleep(0.1)
    raise TimeoutError(f"Prefect's server did not start: {(home / 'server.log').read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    process.terminate()
    process.wait()
    shutil.rmtree(home, ignore_errors=True)


subject = EngineSubject(Driver, name=f"Prefect {prefect.__version__}")
