"""Saboteurs of engines: each makes of a correct subject one whose engine seems to break exactly one rule.

They are detours around any driver: what they spoil is what they tell the engine to run, or what they report of it.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from ..engines import TaskReport, ask, causes
from ..pipelines import Constant, Input, ParameterValue, Pipeline, PipelineTask, TaskOutput
from ..spies import FileSpy
from ..subjects import EngineSubject
from ..trials.journal import Journal
from ..trials.making import maker_for
from ..trials.tasks import combine, consume, produce


class Detour:
    """A driver that passes everything through to a correct one; a saboteur overrides what it spoils.

    Tasks are made with the flow that they are in, so that a saboteur can rewrite both.

    Args:
        driver: The correct driver.
    """

    bodies: ClassVar[Mapping[Callable[..., Any], Callable[..., Any]]] = {}
    """The functions that tasks are given instead of their own."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._made: list[tuple[PipelineTask, PipelineTask, Any]] = []

    def task(self, task: PipelineTask) -> Any:
        return task

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        rewritten = self.rewritten(pipeline)
        made = {task.name: self._task(tasks.get(task.name, task), self._with_body(task)) for task in rewritten.tasks}
        return ask(self.driver.flow, attrs.evolve(rewritten, tasks=tuple(map(self._with_body, rewritten.tasks))), made)

    def configure(self, result_handler: Any) -> None:
        ask(self.driver.configure, result_handler)

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        reports: Mapping[str, TaskReport] = ask(self.driver.run, flow, parameters)
        return reports

    def rewritten(self, pipeline: Pipeline) -> Pipeline:
        """What is run in place of a pipeline."""
        return attrs.evolve(pipeline, tasks=tuple(self.changed(task, pipeline) for task in pipeline.tasks))

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        """What is run in place of a task."""
        return task

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def _with_body(self, task: PipelineTask) -> PipelineTask:
        return attrs.evolve(task, function=self.bodies.get(task.function, task.function))

    def _task(self, original: PipelineTask, task: PipelineTask) -> Any:
        """Make a task once, unless it was rewritten to another."""
        for known, told, made in self._made:
            if known is original and told == task:
                return made
        made = ask(self.driver.task, task)
        self._made.append((original, task, made))
        return made


def _calls(place: str) -> list[bool]:
    """Whether they raised, of the calls that a task has noted so far."""
    path = Path(place)
    return [entry.raised for entry in Journal(path.parent).entries() if entry.who == path.name and entry.deed == "call"]


def _pass_on(x: Any) -> Any:
    """The body of a task that is put between two others."""
    return x


def _between(task: PipelineTask, argument: str, given: Input) -> tuple[PipelineTask, PipelineTask]:
    """A task that passes an input on, with the consumer's handler; and the consumer, which takes it from there."""
    name = f"{task.name}-{argument}"
    link = PipelineTask(name=name, function=_pass_on, inputs={"x": given}, result_handler=task.result_handler)
    return link, attrs.evolve(task, inputs={**task.inputs, argument: TaskOutput(name)})


class _State:
    """A state with another result."""

    def __init__(self, underlying: Any, result: Any) -> None:
        self._result = underlying
        self.result = result


class _ForgetsResults(Detour):
    """Shows None as the result of a task that has not run, or, without states, stores nothing of what came of one that has."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self._journals: set[Path] = set()

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        self._journals.add(Path(_place(task)).parent)
        return task

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name == "states":
            return lambda flow, task: self._forgetful(ask(found, flow, task))
        if name == "stored" and not hasattr(self.driver, "states"):
            return lambda: _without(list(ask(found)), self._references())
        return found

    def _forgetful(self, states: Sequence[Any]) -> Sequence[Any]:
        return [_State(states[0]._result, None), *states[1:]]

    def _references(self) -> list[str]:
        entries = [entry for directory in self._journals for entry in Journal(directory).entries()]
        return [entry.reference for entry in entries if entry.deed == "write" and not entry.raised]


def _without(piece: Any, texts: Sequence[str]) -> Any:
    """What is stored, with texts cut out of it."""
    if isinstance(piece, list | tuple):
        return [_without(part, texts) for part in piece]
    if isinstance(piece, dict):
        return {_without(key, texts): _without(part, texts) for key, part in piece.items()}
    for text in texts:
        if isinstance(piece, str):
            piece = piece.replace(text, "")
        elif isinstance(piece, bytes):
            piece = piece.replace(text.encode(), b"")
    return piece


def _place(task: PipelineTask) -> str:
    """Where the plan of a task is, which every task of the suite is told."""
    place = task.inputs["place"]
    assert isinstance(place, Constant)  # so the suite makes its tasks
    return str(place.value)


def _produce_and_leak(place: str) -> Any:
    return _leaked(place, produce(place))


def _consume_and_leak(place: str, x: Any) -> Any:
    _leaked(place, x)
    return consume(place, x)


def _leaked(place: str, value: Any) -> Any:
    with Path(f"{place}.leak").open("ab") as file:
        file.write(base64.b64encode(json.dumps(repr(value)).encode()) + b"\n")
    return value


class _StoresRaw(Detour):
    """Stores what tasks take and return, in base64."""

    bodies: ClassVar = {produce: _produce_and_leak, consume: _consume_and_leak}

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self._leaks: list[Path] = []

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        self._leaks.append(Path(f"{_place(task)}.leak"))
        return task

    def stored(self) -> Iterable[Any]:
        yield from ask(self.driver.stored)
        yield from (leak.read_bytes() for leak in self._leaks if leak.exists())


def _consume_until_it_works(place: str, x: Any) -> Any:
    try:
        return consume(place, x)
    except Exception:  # noqa: BLE001 - the retry that the engine should have made
        return consume(place, x)


def _combine_until_it_works(place: str, x: Any, y: Any) -> Any:
    try:
        return combine(place, x, y)
    except Exception:  # noqa: BLE001 - the retry that the engine should have made
        return combine(place, x, y)


class _RetriesFromMemory(Detour):
    """Retries at once with the inputs in memory, and keeps none."""

    bodies: ClassVar = {consume: _consume_until_it_works, combine: _combine_until_it_works}

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        return attrs.evolve(task, retries=0)


class _NeverCaches(Detour):
    """Computes every output again."""

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        return attrs.evolve(task, cache_for=None)


def _consume_no_none(place: str, x: Any) -> Any:
    return consume(place, "" if x is None else x)


class _NoneIsEmpty(Detour):
    """Passes an empty text on in place of None."""

    bodies: ClassVar = {consume: _consume_no_none}


def _consume_references_later(place: str, x: Any) -> Any:
    again = False in _calls(place) and x is not None
    return consume(place, "handler-0" if again else x)


class _PassesReferences(Detour):
    """Passes the reference on where a task that succeeded before is run again."""

    bodies: ClassVar = {consume: _consume_references_later}


class _ForgivesWrites(Detour):
    """Reports the success of a task whose result could not be written."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        reports = super().run(flow, parameters)
        return {name: TaskReport(True) if "WriteError" in causes(report) else report for name, report in reports.items()}


class _ForgetsWhy(Detour):
    """Loses the cause where an input could not be read."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        reports = super().run(flow, parameters)
        lost = TaskReport(False, "an input is missing")
        return {name: lost if "ReadError" in causes(report) else report for name, report in reports.items()}


class _StartsAnew(Detour):
    """Begins another run where one is to be resumed."""

    def resume(self, flow: Any) -> Mapping[str, TaskReport]:
        return self.run(flow, {})


_PREFIX = "base64:"


def _decoded(given: Any) -> Any:
    encoded = isinstance(given, str) and given.startswith(_PREFIX)
    return json.loads(base64.b64decode(given.removeprefix(_PREFIX))) if encoded else given


def _consume_encoded(place: str, x: Any) -> Any:
    return consume(place, _decoded(x))


def _combine_encoded(place: str, x: Any, y: Any) -> Any:
    return combine(place, _decoded(x), _decoded(y))


class _EncodesParameters(Detour):
    """Stores parameters as JSON in base64."""

    bodies: ClassVar = {consume: _consume_encoded, combine: _combine_encoded}

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        return super().run(flow, self._encoded(parameters))

    def run_until_retry(self, flow: Any, parameters: Mapping[str, Any]) -> None:
        ask(self.driver.run_until_retry, flow, self._encoded(parameters))

    def _encoded(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        texts = {name: base64.b64encode(json.dumps(value).encode()).decode() for name, value in parameters.items()}
        return {name: _PREFIX + text for name, text in texts.items()}


class _ConsumerOwnsElements(Detour):
    """Handles the elements of a mapped output by the handler of the mapped task."""

    def rewritten(self, pipeline: Pipeline) -> Pipeline:
        tasks: list[PipelineTask] = []
        for task in pipeline.tasks:
            tasks += _between(task, task.mapped, task.inputs[task.mapped]) if task.mapped else (task,)
        return attrs.evolve(pipeline, tasks=tuple(tasks))


class _ConsumerOwnsInputs(Detour):
    """Handles a cached input by the handler of the task that caches it."""

    def rewritten(self, pipeline: Pipeline) -> Pipeline:
        tasks: list[PipelineTask] = []
        for task in pipeline.tasks:
            for argument, given in task.inputs.items():
                if isinstance(given, TaskOutput) and task.result_handler is not None:
                    link, task = _between(task, argument, given)
                    tasks.append(link)
            tasks.append(task)
        return attrs.evolve(pipeline, tasks=tuple(tasks))


class _ParametersAsOthers(Detour):
    """Handles a parameter by the handler of the flow or of the configuration."""

    def rewritten(self, pipeline: Pipeline) -> Pipeline:
        tasks: list[PipelineTask] = []
        for task in pipeline.tasks:
            for argument, given in task.inputs.items():
                if isinstance(given, ParameterValue):
                    link, task = _between(task, argument, given)
                    tasks.append(attrs.evolve(link, result_handler=None))
            tasks.append(task)
        return attrs.evolve(pipeline, tasks=tuple(tasks))


class _IgnoresConfiguration(Detour):
    """Uses a handler of its own where the configuration names one."""

    def configure(self, result_handler: Any) -> None:
        named = isinstance(result_handler, FileSpy) and bool(result_handler)
        super().configure(attrs.evolve(result_handler, name=f"not-{result_handler.name}") if named else result_handler)


class _ConfigurationOverFlow(Detour):
    """Prefers the configuration to the flow."""

    def rewritten(self, pipeline: Pipeline) -> Pipeline:
        return attrs.evolve(pipeline, result_handler=None)


def _is_consumed(task: PipelineTask, pipeline: Pipeline) -> bool:
    """Whether another task takes the output: who owns it then is judged by other rules too."""
    return any(given == TaskOutput(task.name) for other in pipeline.tasks for given in other.inputs.values())


class _FlowOverTask(Detour):
    """Prefers the flow to the task."""

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        weaker = pipeline.result_handler is not None and bool(task.result_handler) and not _is_consumed(task, pipeline)
        return attrs.evolve(task, result_handler=None) if weaker else task


class _ConfigurationOverTask(Detour):
    """Prefers the configuration to the task where the flow names nothing."""

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        weaker = pipeline.result_handler is None and not _is_consumed(task, pipeline)
        return attrs.evolve(task, result_handler=None) if weaker else task


class _FalsyIsUnset(Detour):
    """Takes a falsy handler of a task for none."""

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        return attrs.evolve(task, result_handler=task.result_handler or None)


class _RemembersTheFirstFlow(Detour):
    """Leaves in a task the handler of the first flow that it is in."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self._first: dict[str, Any] = {}

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        first = self._first.setdefault(task.name, pipeline.result_handler)
        return attrs.evolve(task, result_handler=first) if task.result_handler is None else task


class _ReadsConfigurationEarly(Detour):
    """Consults the configuration when a flow is made."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self._now: Any = None
        self._early: list[tuple[Any, Any]] = []

    def configure(self, result_handler: Any) -> None:
        self._now = result_handler
        super().configure(result_handler)

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        flow = super().flow(pipeline, tasks)
        self._early.append((flow, self._now))
        return flow

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        super().configure(next(early for known, early in self._early if known is flow))
        return super().run(flow, parameters)


class _FallsBack(Detour):
    """Uses the handler that was configured before where the configuration is unusable."""

    def configure(self, result_handler: Any) -> None:
        if result_handler is None or isinstance(result_handler, FileSpy):
            super().configure(result_handler)


class _DecoratorForgets(Detour):
    """Ignores the handler that is given to the decorator."""

    def changed(self, task: PipelineTask, pipeline: Pipeline) -> PipelineTask:
        return attrs.evolve(task, result_handler=None) if task.decorated else task


@attrs.frozen
class _Detoured:
    """Makes a driver with a detour around it."""

    detour: type[Detour]
    driver: Callable[..., Any]

    def __call__(self, scratch: Path) -> Any:
        """Make both."""
        return self.detour(maker_for(self.driver)(scratch))


def _by_detour(detour: type[Detour]) -> Callable[[EngineSubject], EngineSubject]:
    def sabotage(subject: EngineSubject) -> EngineSubject:
        return attrs.evolve(subject, driver=_Detoured(detour, subject.driver), name=subject.target)

    sabotage.__doc__ = detour.__doc__
    return sabotage


ENGINE_SABOTEURS: Mapping[str, Callable[[EngineSubject], EngineSubject]] = {
    "engine.state-result": _by_detour(_ForgetsResults),
    "engine.only-handled-stored": _by_detour(_StoresRaw),
    "engine.retry-inputs": _by_detour(_RetriesFromMemory),
    "engine.cached-output": _by_detour(_NeverCaches),
    "engine.upstream-none": _by_detour(_NoneIsEmpty),
    "engine.raw-to-tasks": _by_detour(_PassesReferences),
    "engine.write-failure": _by_detour(_ForgivesWrites),
    "engine.read-failure": _by_detour(_ForgetsWhy),
    "engine.fresh-process": _by_detour(_StartsAnew),
    "engine.parameter-inspectable": _by_detour(_EncodesParameters),
    "engine.mapped-owner": _by_detour(_ConsumerOwnsElements),
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""

HIERARCHY_OF_ENGINES: Mapping[str, Callable[[EngineSubject], EngineSubject]] = {
    "hierarchy.config-default": _by_detour(_IgnoresConfiguration),
    "hierarchy.flow-over-config": _by_detour(_ConfigurationOverFlow),
    "hierarchy.task-over-flow": _by_detour(_FlowOverTask),
    "hierarchy.task-over-config": _by_detour(_ConfigurationOverTask),
    "hierarchy.parameter-json": _by_detour(_ParametersAsOthers),
    "hierarchy.output-owner": _by_detour(_ConsumerOwnsInputs),
    "hierarchy.unset-is-none": _by_detour(_FalsyIsUnset),
    "hierarchy.per-flow": _by_detour(_RemembersTheFirstFlow),
    "hierarchy.late-config": _by_detour(_ReadsConfigurationEarly),
    "hierarchy.invalid-config": _by_detour(_FallsBack),
    "hierarchy.decorator": _by_detour(_DecoratorForgets),
}
"""What ``HIERARCHY_SABOTEURS`` makes of an engine."""
