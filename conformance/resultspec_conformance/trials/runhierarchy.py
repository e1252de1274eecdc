"""Which handler applies, seen from what an engine did: the driver of a hierarchy, made of the runs of an engine.

So the one driver of an engine is judged by the checks of the family *hierarchy* too. To ask which handler a producer's
output has, the flow is run with an output that was never there before, and the handler that was given it to write is the
answer. The engine has to write it because the task is cached; where it does not, because it was found in the cache or
because the engine has none, a flow with a task more is run, which takes the output and waits for a retry.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
from resultspec import JSON

from ..checking import Untested, Violation
from ..engines import causes
from ..pipelines import Input, ParameterValue, Pipeline, PipelineTask, TaskOutput
from ..secrets.holding import holds_json
from ..spies import FileSpy
from .tasks import HOUR, combine, consume, plan, produce

if TYPE_CHECKING:
    from .enginebench import Engine, EngineTrial


@attrs.frozen(eq=False)
class _Task:
    """A task that was asked for: its name, handler and way of making."""

    name: str
    result_handler: Any
    decorated: bool


@attrs.frozen(eq=False)
class _Parameter:
    """A parameter that was asked for."""

    name: str


@attrs.frozen(eq=False)
class _Made:
    """A flow that the engine has made, and what it was made of."""

    flow: Any
    pipeline: Pipeline


@attrs.frozen(eq=False)
class _Flow:
    """A flow that was asked for, made twice.

    Attributes:
        tasks: Its tasks, with what they take.
        cached: With its outputs cached; None when the engine has no cache.
        retried: With its inputs cached: each output is also taken by a task, its watcher, that can fail once.
    """

    tasks: Mapping[_Task, tuple[Any, ...]]
    cached: _Made | None
    retried: _Made


@attrs.frozen
class _Nobody:
    """Stands for a handler that nobody has set: none of those that were set was asked to write."""

    def __repr__(self) -> str:
        return "<a handler that nobody has set>"


@attrs.frozen
class _Several:
    """Stands for the handlers that wrote one output, where one should."""

    handlers: tuple[Any, ...]

    def __repr__(self) -> str:
        return " and ".join(map(repr, self.handlers))


class _JSONText:
    """Stands for the handler of a parameter that the engine was seen to store as JSON."""

    def write(self, value: Any, /) -> str:
        """Write a value as JSON text."""
        return json.dumps(value)

    def read(self, reference: str, /) -> Any:
        """Read JSON text."""
        return json.loads(reference)


class RunFailed(Exception):
    """The engine refused to run a flow, or a task of it failed; the text says which, and why."""


class HierarchyOfRuns:
    """A :class:`~resultspec_conformance.subjects.HierarchyDriver` whose answers are what the runs of an engine did.

    Handlers that are set are replaced by spies, each of which stands for one of them.

    Args:
        trial: The trial whose engine is run.
    """

    def __init__(self, trial: "EngineTrial") -> None:
        self._trial = trial
        self._engine: Engine = trial.engine()
        self._spies: list[tuple[Any, FileSpy]] = []
        self._tasks: dict[tuple[_Task, bool], Any] = {}

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        """Ask for a task; it is made with the first flow that it is in."""
        return _Task(name, result_handler, decorated)

    def parameter(self, name: str) -> Any:
        """Ask for a parameter."""
        return _Parameter(name)

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> _Flow:
        """Make the flow, and those of its tasks that are in no other flow yet."""
        bound = {task: tuple(inputs) for task, inputs in tasks.items()}
        unique = f"{name}-{self._trial.number()}"
        try:
            cached = self._flow(f"{unique}-cached", result_handler, bound, cached=True)
        except Untested:
            cached = None
        return _Flow(bound, cached, self._flow(f"{unique}-retried", result_handler, bound, cached=False))

    def configure(self, result_handler: Any) -> None:
        """Set the configured handler."""
        self._engine.configure(self._spied(result_handler))

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        """Run the flow, and say which handler was given the output of the producer.

        Returns:
            The handler, or something that stands for it where it is none of those that were set.

        Raises:
            RunFailed: The run did not succeed.
            Untested: Nothing can be seen.
        """
        if isinstance(producer, _Parameter):
            return self._handler_of_parameter(producer, flow, cached_by)
        computed = False
        if cached_by is None and flow.cached is not None:
            before = len(self._trial.entries(producer.name, "call"))
            with suppress(Untested):  # an engine that keeps outputs, and has no cache to run the flow from once more
                if wrote := self._writers(flow.cached, producer.name):
                    return _one_of(wrote)
            computed = len(self._trial.entries(producer.name, "call")) > before
        wrote = self._writers(flow.retried, producer.name, cached_by.name if cached_by else _watcher(producer.name))
        if not wrote and not self._writes_at_all(cached=computed):
            raise Untested("the engine was not seen to write such an output, whichever handler was set")
        return _one_of(wrote)

    def _handler_of_parameter(self, parameter: _Parameter, flow: _Flow, cached_by: _Task | None) -> Any:
        consumer = cached_by or next(task for task, inputs in flow.tasks.items() if parameter in inputs)
        token = self._token()
        value: JSON = {"resultspec": ["parameter", token]}
        self._run(flow.retried, token, consumer.name, parameters={parameter.name: value})
        if wrote := self._who_wrote(token):
            return _one_of(wrote)
        if (stored := self._engine.stored()) is None:
            raise Untested("no handler that was set wrote the parameter, and the driver does not show what the engine stores")
        if not holds_json(stored, value):
            raise Untested("no handler that was set wrote the parameter, and nothing that the engine stores is its JSON")
        return _JSONText()

    def _writers(self, made: _Made, producer: str, consumer: str | None = None) -> tuple[Any, ...]:
        """Run a flow in which the consumer fails once: the handlers that were given the output of the producer."""
        token = self._token()
        self._run(made, token, consumer, producer=producer)
        return self._who_wrote(token)

    def _run(
        self,
        made: _Made,
        token: str,
        consumer: str | None,
        *,
        producer: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        for task in made.pipeline.tasks:
            output = token if task.name == producer else self._token()
            plan(self._trial.witness, task.name, output, failures=int(task.name == consumer))
        try:
            reports = self._engine.run(made.flow, attrs.evolve(made.pipeline, parameters=parameters or {}))
        except Violation as violation:
            raise RunFailed(violation.actual) from violation
        for name, report in reports.items():
            if not report.succeeded:
                raise RunFailed(f"the task {name!r} failed: {causes(report) or 'without an error'}")

    def _who_wrote(self, token: str) -> tuple[Any, ...]:
        names = {entry.who for entry in self._trial.entries(deed="write") if token in repr(entry.value)}
        return tuple(handler for handler, spy in self._spies if spy.name in names)

    def _writes_at_all(self, *, cached: bool) -> bool:
        """Whether the engine writes an output, cached or as an input of a retry, when every level names a handler."""
        control = HierarchyOfRuns(self._trial)
        of_configuration, of_flow, of_task = (self._trial.spy(f"control-{self._trial.number()}") for _ in range(3))
        control.configure(of_configuration)
        task = control.task("control", of_task)
        flow = control.flow("control", of_flow, {task: ()})
        if cached and flow.cached is not None:
            return bool(control._writers(flow.cached, task.name))
        return bool(control._writers(flow.retried, task.name, _watcher(task.name)))

    def _flow(self, name: str, result_handler: Any, bound: Mapping[_Task, tuple[Any, ...]], *, cached: bool) -> _Made:
        described = {task: self._described(task, inputs, cached=cached) for task, inputs in bound.items()}
        parts: dict[str, Any] = {}
        for task, one in described.items():
            if (task, cached) not in self._tasks:
                self._tasks[task, cached] = self._engine.task(one)
            parts[one.name] = self._tasks[task, cached]
        watchers = [] if cached else [self._watching(one.name) for one in described.values()]
        parts |= {one.name: self._engine.task(one) for one in watchers}
        tasks = (*described.values(), *watchers)
        pipeline = Pipeline(name=name, tasks=tasks, result_handler=self._spied(result_handler))
        return _Made(self._engine.flow(pipeline, parts), pipeline)

    def _described(self, task: _Task, inputs: tuple[Any, ...], *, cached: bool) -> PipelineTask:
        given: dict[str, Input] = {
            argument: ParameterValue(one.name) if isinstance(one, _Parameter) else TaskOutput(one.name)
            for argument, one in zip("xy", inputs, strict=False)
        }
        return self._trial.task(
            task.name,
            (produce, consume, combine)[len(inputs)],
            given,
            result_handler=self._spied(task.result_handler),
            cache_for=HOUR if cached else None,
            retries=0 if cached else 1,
            decorated=task.decorated,
        )

    def _watching(self, producer: str) -> PipelineTask:
        return self._trial.task(_watcher(producer), consume, {"x": TaskOutput(producer)}, retries=1)

    def _spied(self, handler: Any) -> Any:
        """The spy that stands for a handler; what is no handler stands for itself."""
        if not all(callable(getattr(handler, method, None)) for method in ("write", "read")):
            return handler
        for known, spy in self._spies:
            if known is handler:
                return spy
        spy = self._trial.spy(f"handler-{self._trial.number()}", truth=bool(handler))
        self._spies.append((handler, spy))
        return spy

    def _token(self) -> str:
        return f"output-number-{self._trial.number()}-of-a-run"


def _watcher(producer: str) -> str:
    return f"{producer}-watcher"


def _one_of(handlers: tuple[Any, ...]) -> Any:
    return (handlers[0] if len(handlers) == 1 else _Several(handlers)) if handlers else _Nobody()
