"""An asynchronous engine: every task is a coroutine that waits for those upstream, and tells a server what it comes to.

It keeps a result as soon as it is there, has no mapping, and its runs do not outlive the process.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from resultspec_conformance import Constant, ParameterValue, Pipeline, PipelineTask, TaskOutput, TaskReport, Unsupported
from resultspec_reference import JSONResultHandler, NoResult, Result, resolve


@attrs.frozen(eq=False)
class State:
    """What a task has come to."""

    kind: str
    _result: Any = attrs.field(default=NoResult, alias="result")
    error: BaseException | None = None

    @property
    def result(self) -> Any:
        """The value of the result."""
        return self._result.value


class Server:
    """Where messages go, as text; it knows what is cached."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.cached: dict[str, Any] = {}

    async def tell(self, **message: Any) -> None:
        """Send a message."""
        await asyncio.sleep(0)
        self.messages.append(json.dumps(message))


class FlowRun:
    """One run of a pipeline."""

    def __init__(self, server: Server, pipeline: Pipeline, parameters: Mapping[str, Any], configuration: Any) -> None:
        self.server = server
        self.pipeline = pipeline
        self.parameters = parameters
        self.configuration = configuration
        self.states: dict[str, list[State]] = {task.name: [State("Scheduled")] for task in pipeline.tasks}
        self.ends: dict[str, asyncio.Task[State]] = {}

    async def run(self) -> None:
        """Run all tasks, side by side as far as their inputs allow."""
        async with asyncio.TaskGroup() as group:
            for task in self.pipeline.tasks:
                self.ends[task.name] = group.create_task(self._run_task(task))

    async def _run_task(self, task: PipelineTask) -> State:
        try:
            state = await self._computed(task)
        except Exception as error:
            state = State("Crashed", error=error)
        await self._enter(task, state)
        return state

    async def _computed(self, task: PipelineTask) -> State:
        inputs = {name: await self._input(given) for name, given in task.inputs.items()}
        if task.cache_for is not None and task.name in self.server.cached:
            return State("Completed", self.server.cached[task.name].read())
        for left in reversed(range(task.retries + 1)):
            try:
                output = await asyncio.to_thread(task.function, **{name: one.read().value for name, one in inputs.items()})
                break
            except Exception:
                if not left:
                    raise
                # Constants are JSON as they stand; everything else has been kept already, or is kept now.
                inputs = {name: one.write() for name, one in inputs.items()}
                await self._enter(task, State("AwaitingRetry"), {name: one.value for name, one in inputs.items()})
        raw = Result(output, False, resolve(task=task, flow=self.pipeline, configuration=self.configuration))
        handled = raw.write()
        if task.cache_for is not None:
            self.server.cached[task.name] = handled
        await self.server.tell(task=task.name, reference=handled.value)
        return State("Completed", handled)

    async def _input(self, given: Any) -> Any:
        match given:
            case Constant(value):
                return Result(value, False, JSONResultHandler())
            case ParameterValue(name):
                return Result(self.parameters[name], False, JSONResultHandler())
            case TaskOutput(name):
                state = await self.ends[name]
                if state.kind != "Completed":
                    raise RuntimeError(f"{name} has no result") from state.error
                return state._result

    async def _enter(self, task: PipelineTask, state: State, inputs: Mapping[str, Any] | None = None) -> None:
        self.states[task.name].append(state)
        await self.server.tell(task=task.name, state=state.kind, inputs=inputs or {})


@attrs.frozen
class Configuration:
    """What is configured."""

    result_handler: Any = None


class AsyncDriver:
    """Runs pipelines on the asynchronous engine; its description of a flow is the engine's own."""

    def __init__(self) -> None:
        self.server = Server()
        self.configuration = Configuration()
        self.runs: dict[int, FlowRun] = {}

    async def task(self, task: PipelineTask) -> Any:
        """Take the task as it is."""
        if task.mapped is not None:
            raise Unsupported("there is no mapping")
        return task

    async def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        """Take the flow as it is."""
        return attrs.evolve(pipeline, tasks=tuple(tasks.values()))

    async def configure(self, result_handler: Any) -> None:
        """Set the configured handler."""
        self.configuration = Configuration(result_handler)

    async def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run a flow."""
        self.runs[id(flow)] = run = FlowRun(self.server, flow, parameters, self.configuration)
        await run.run()
        return {name: TaskReport(states[-1].kind == "Completed", states[-1].error) for name, states in run.states.items()}

    async def states(self, flow: Any, task: str) -> Sequence[Any]:
        """The states of the last run."""
        return self.runs[id(flow)].states[task]

    async def stored(self) -> Sequence[str]:
        """The messages."""
        return self.server.messages
