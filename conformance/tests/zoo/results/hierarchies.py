"""Ways to find the handler that applies: correct ones that have little in common, and one correct one with a mistake each.

``CORRECT`` and ``DEFECTIVE`` name their drivers; a mistake comes with the rule that it breaks.
"""

import contextvars
import json
from collections import ChainMap
from dataclasses import dataclass, field
from typing import Any

from resultspec.errors import InvalidConfiguration
from resultspec_conformance import HierarchySubject


class Text:
    """Writes JSON text."""

    def write(self, value: Any, /) -> str:
        return json.dumps(value)

    def read(self, reference: str, /) -> Any:
        return json.loads(reference)


def usable(handler: Any) -> Any:
    if not all(callable(getattr(handler, name, None)) for name in ("write", "read")):
        raise InvalidConfiguration(f"{handler!r} is no handler")
    return handler


# --- levels that are asked in turn


@dataclass(eq=False)
class Task:
    name: str
    handler: Any = None


@dataclass(eq=False)
class Parameter:
    name: str
    handler: Any = field(default_factory=Text)


@dataclass(eq=False)
class Flow:
    name: str
    handler: Any
    tasks: dict[Any, list[Any]]


class Levels:
    """Asks the task, the flow and the configuration in turn; a mistake overrides a method."""

    def __init__(self) -> None:
        self.configured: Any = None

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return self.decorate(name, result_handler) if decorated else Task(name, result_handler)

    def decorate(self, name: str, result_handler: Any) -> Any:
        return Task(name, result_handler)

    def parameter(self, name: str) -> Any:
        return Parameter(name)

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        return Flow(name, result_handler, {task: list(inputs) for task, inputs in tasks.items()})

    def configure(self, result_handler: Any) -> None:
        self.configured = result_handler

    def configuration(self) -> Any:
        return usable(self.configured)

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.handler is not None:
            return producer.handler
        return flow.handler if flow.handler is not None else self.configuration()


class Chained:
    """Has a map of names for each flow, behind which is the configuration's; refuses a configuration where it is made."""

    def __init__(self) -> None:
        self.default: dict[str, Any] = {}

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> str:
        return f"{name}/{id(result_handler)}" if self.note(name, result_handler) else name

    def note(self, name: str, result_handler: Any) -> bool:
        self.own = getattr(self, "own", {})
        if result_handler is not None:
            self.own[f"{name}/{id(result_handler)}"] = result_handler
        return result_handler is not None

    def parameter(self, name: str) -> str:
        return f"parameter {name}"

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        given = {} if result_handler is None else {"handler": result_handler}
        return ChainMap(given, self.default)

    def configure(self, result_handler: Any) -> None:
        self.default.clear()
        if result_handler is not None:
            self.default["handler"] = usable(result_handler)

    def handler_of(self, producer: str, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.startswith("parameter "):
            return Text()
        return self.own[producer] if producer in getattr(self, "own", {}) else flow["handler"]


_configured: contextvars.ContextVar[Any] = contextvars.ContextVar("configured", default=None)


class Bound:
    """A flow binds a copy of each of its tasks, with what to call for its handler; the configuration is in the context."""

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return name, (lambda default: default()) if result_handler is None else (lambda default: result_handler)

    def parameter(self, name: str) -> Any:
        return name, lambda default: Text()

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        def default() -> Any:
            return usable(_configured.get()) if result_handler is None else result_handler

        members = {*tasks, *(one for inputs in tasks.values() for one in inputs)}
        return {member: (lambda choose=member[1]: choose(default)) for member in members}

    def configure(self, result_handler: Any) -> None:
        _configured.set(result_handler)

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        return flow[producer]()


CORRECT = {driver.__name__: HierarchySubject(driver) for driver in (Levels, Chained, Bound)}
DEFECTIVE: dict[str, tuple[HierarchySubject, str]] = {}


def breaks(rule: str) -> Any:
    """Note which rule a driver breaks."""

    def note(driver: type) -> type:
        DEFECTIVE[driver.__name__.strip("_")] = (HierarchySubject(driver), rule)
        return driver

    return note


@breaks("hierarchy.config-default")
class _InheritsFromUpstream(Levels):
    """Gives a task that names no handler that of the task whose output it takes, where the flow names none."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.handler is None and flow.handler is None and cached_by is None:
            named = [one.handler for one in flow.tasks[producer] if isinstance(one, Task) and one.handler is not None]
            return named[0] if named else self.configuration()
        return super().handler_of(producer, flow)


@breaks("hierarchy.flow-over-config")
class _FlowForItsFirstTask(Levels):
    """Gives the flow's handler to the tasks that take nothing."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.handler is None and flow.handler is not None and flow.tasks[producer] and cached_by is None:
            return self.configuration()
        return super().handler_of(producer, flow)


@breaks("hierarchy.flow-over-config")
class _TheLastWord(Levels):
    """Lets a configuration that is made later win over a flow that was there before it."""

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        self.made = [*getattr(self, "made", []), super().flow(name, result_handler, tasks)]
        return self.made[-1]

    def configure(self, result_handler: Any) -> None:
        super().configure(result_handler)
        for flow in getattr(self, "made", []):
            flow.handler = None


@breaks("hierarchy.task-over-config")
class _TheLastWordOnTasks(Levels):
    """Lets a configuration that is made later win over a task that was there before it."""

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        self.made = [*getattr(self, "made", []), super().task(name, result_handler, decorated=decorated)]
        return self.made[-1]

    def configure(self, result_handler: Any) -> None:
        super().configure(result_handler)
        for task in getattr(self, "made", []):
            task.handler = None


@breaks("hierarchy.task-over-flow")
class _FlowWithin(Levels):
    """Keeps by the flow's handler what another task of the flow takes, and hears the task where its output leaves the flow."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        within = any(producer in inputs for inputs in flow.tasks.values())
        if within and flow.handler is not None and cached_by is None and isinstance(producer, Task):
            return flow.handler
        return super().handler_of(producer, flow)


@breaks("hierarchy.parameter-json")
class _ParameterOfTheConsumer(Levels):
    """Keeps a parameter by the handler of the task that caches it."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if isinstance(producer, Parameter) and cached_by is not None:
            return super().handler_of(cached_by, flow)
        return super().handler_of(producer, flow)


@breaks("hierarchy.parameter-json")
class _ParameterAsPython(Levels):
    """Keeps a parameter as Python would show it."""

    def parameter(self, name: str) -> Any:
        return Parameter(name, type("Shown", (Text,), {"write": lambda self, value: repr(value)})())


@breaks("hierarchy.output-owner")
class _ConsumerBeforeConfiguration(Levels):
    """Keeps a cached input by its consumer's handler where nobody but the configuration names another."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        nobody = producer.handler is None and flow.handler is None
        return cached_by.handler if nobody and getattr(cached_by, "handler", None) else super().handler_of(producer, flow)


@breaks("hierarchy.output-owner")
class _FirstOfTheChain(Levels):
    """Keeps a cached input by the handler of the task at the beginning of the chain."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        while cached_by is not None and (upstream := [one for one in flow.tasks.get(producer, ()) if isinstance(one, Task)]):
            producer = upstream[0]
        return super().handler_of(producer, flow)


@breaks("hierarchy.unset-is-none")
class _FalsyCachedInput(Levels):
    """Takes a falsy handler for none where an input is cached."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if cached_by is not None:
            return producer.handler or flow.handler or self.configuration()
        return super().handler_of(producer, flow)


@breaks("hierarchy.unset-is-none")
class _FalsyConfiguration(Levels):
    """Takes a falsy handler of the configuration for none."""

    def configuration(self) -> Any:
        return usable(self.configured) or Text()


@breaks("hierarchy.per-flow")
class _FlowClaimsItsTasks(Levels):
    """Notes a flow's handler with its tasks, those of a flow without one excepted."""

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        flow = super().flow(name, result_handler, tasks)
        for task in tasks:
            if not hasattr(task, "claimed") and result_handler is not None:
                task.claimed = result_handler
        return flow

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.handler is None and flow.handler is not None:
            return getattr(producer, "claimed", flow.handler)
        return super().handler_of(producer, flow)


@breaks("hierarchy.per-flow")
class _ClaimsForGood(_FlowClaimsItsTasks):
    """Keeps a task for the flow that it was first in, also in a flow that names no handler."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if producer.handler is None and flow.handler is None:
            return getattr(producer, "claimed", None) or self.configuration()
        return Levels.handler_of(self, producer, flow)


@breaks("hierarchy.late-config")
class _ConfigurationOfTheFirstUse(Levels):
    """Remembers the configured handler from its first use on."""

    def configuration(self) -> Any:
        self.first = getattr(self, "first", None) or super().configuration()
        return self.first


@breaks("hierarchy.late-config")
class _CachedInputsByTheEarlier(Levels):
    """Keeps the configuration that it had when the flow was made for cached inputs."""

    def flow(self, name: str, result_handler: Any, tasks: Any) -> Any:
        flow = super().flow(name, result_handler, tasks)
        flow.earlier = self.configured
        return flow

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow)
        return flow.earlier if cached_by is not None and found is self.configured else found


@breaks("hierarchy.invalid-config")
class _AttributeErrors(Levels):
    """Lets the interpreter say what is wrong with the configuration."""

    def configuration(self) -> Any:
        self.configured.write, self.configured.read
        return usable(self.configured) if self.configured.write is None else self.configured


@breaks("hierarchy.invalid-config")
class _OnlyWriters(Levels):
    """Takes for a handler whatever writes."""

    def configuration(self) -> Any:
        return self.configured if callable(getattr(self.configured, "write", None)) else usable(self.configured)


@breaks("hierarchy.invalid-config")
class _DefaultForWhatIsFalsy(Levels):
    """Takes its own handler where the configuration is empty, as it says, or zero."""

    def configuration(self) -> Any:
        return Text() if self.configured in (0, "", None) else usable(self.configured)


@breaks("hierarchy.decorator")
class _DecoratorHasADefault(Levels):
    """Gives a decorated task a handler of its own when it is given none."""

    def decorate(self, name: str, result_handler: Any) -> Any:
        return Task(name, Text() if result_handler is None else result_handler)


@breaks("hierarchy.decorator")
class _DecoratorAsksForTruth(Levels):
    """Leaves out of a decorated task a handler that is falsy."""

    def decorate(self, name: str, result_handler: Any) -> Any:
        return Task(name, result_handler or None)
