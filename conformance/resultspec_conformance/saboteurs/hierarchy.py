"""Saboteurs of the hierarchy of handlers: each makes of a correct subject one that breaks exactly one rule."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from ..subjects import EngineSubject, HierarchyDriver, HierarchySubject
from .engine import HIERARCHY_OF_ENGINES


class Detour:
    """A driver that passes everything through to a correct one; a saboteur overrides what it spoils.

    Args:
        driver: The correct driver.
    """

    def __init__(self, driver: HierarchyDriver) -> None:
        self.driver = driver
        self.configured: Any = None
        self.handlers: dict[int, Any] = {}
        self.kept: list[Any] = []

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return self._noted(self.driver.task(name, result_handler, decorated=decorated), result_handler)

    def parameter(self, name: str) -> Any:
        return self._noted(self.driver.parameter(name), "parameter")

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> Any:
        return self._noted(self.driver.flow(name, result_handler, tasks), result_handler)

    def configure(self, result_handler: Any) -> None:
        self.configured = result_handler
        self.driver.configure(result_handler)

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        return self.driver.handler_of(producer, flow, cached_by=cached_by)

    def of(self, thing: Any) -> Any:
        """The handler that a task or flow was made with; ``"parameter"`` for a parameter."""
        return self.handlers[id(thing)]

    def _noted(self, thing: Any, result_handler: Any) -> Any:
        self.handlers[id(thing)] = result_handler
        self.kept.append(thing)  # so that no id is used twice
        return thing


class _Plain:
    """A handler that nobody chose; it writes JSON, as a fallback would."""

    def write(self, value: Any, /) -> str:
        return json.dumps(value)

    def read(self, reference: str, /) -> Any:
        return json.loads(reference)


class _IgnoresConfiguration(Detour):
    """Falls back to a handler of its own where the configuration should decide."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        super().handler_of(producer, flow, cached_by=cached_by)
        found = super().handler_of(producer, flow, cached_by=cached_by)
        return _Plain() if found is self.configured and bool(found) else found


class _ConfigurationOverFlow(Detour):
    """Prefers the configuration to the flow."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow, cached_by=cached_by)
        return self.configured if found is self.of(flow) else found


class _FlowOverTask(Detour):
    """Prefers the flow to the task."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow, cached_by=cached_by)
        stronger = self.of(flow) is not None and self.of(producer) is not None and self.of(producer) != "parameter"
        return self.of(flow) if stronger and cached_by is None and bool(found) else found


class _ConfigurationOverTask(Detour):
    """Prefers the configuration to the task where the flow names nothing."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow, cached_by=cached_by)
        weaker = self.of(flow) is None and self.of(producer) is not None and self.of(producer) != "parameter"
        return self.configured if weaker else found


class _ParametersAsOthers(Detour):
    """Handles a parameter by the flow's handler where there is one."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if self.of(producer) == "parameter" and self.of(flow) is not None:
            return self.of(flow)
        return super().handler_of(producer, flow, cached_by=cached_by)


class _ConsumerOwns(Detour):
    """Handles a cached input by the handler of the task that caches it."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        if cached_by is not None and self.of(cached_by) is not None and self.of(producer) != "parameter":
            return self.of(cached_by)
        return super().handler_of(producer, flow, cached_by=cached_by)


class _FalsyIsUnset(Detour):
    """Takes a falsy handler for none."""

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return super().task(name, result_handler or None, decorated=decorated)


class _RemembersTheFirstFlow(Detour):
    """Resolves a task once, whatever flow it is in."""

    def __init__(self, driver: HierarchyDriver) -> None:
        super().__init__(driver)
        self.found: dict[int, Any] = {}

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow, cached_by=cached_by)
        if found is not self.of(flow):
            return found
        return self.found.setdefault(id(producer), found)


class _ReadsConfigurationEarly(Detour):
    """Consults the configuration when the flow is made."""

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> Any:
        flow = super().flow(name, result_handler, tasks)
        self.early = self.configured
        return flow

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        found = super().handler_of(producer, flow, cached_by=cached_by)
        return self.early if found is self.configured else found


class _FallsBack(Detour):
    """Uses a handler of its own where the configuration is unusable."""

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        try:
            return super().handler_of(producer, flow, cached_by=cached_by)
        except Exception:  # noqa: BLE001 - the defect itself
            return _Plain()

    def configure(self, result_handler: Any) -> None:
        try:
            super().configure(result_handler)
        except Exception:  # noqa: BLE001 - the defect itself
            super().configure(_Plain())


class _DecoratorForgets(Detour):
    """Ignores the handler that is given to the decorator."""

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return super().task(name, None if decorated else result_handler, decorated=decorated)


def _by_detour(rule: str, detour: type[Detour]) -> Callable[[Any], Any]:
    def sabotage(subject: HierarchySubject | EngineSubject) -> HierarchySubject | EngineSubject:
        if isinstance(subject, EngineSubject):
            return HIERARCHY_OF_ENGINES[rule](subject)
        return attrs.evolve(subject, driver=lambda: detour(subject.driver()))

    sabotage.__doc__ = detour.__doc__
    return sabotage


HIERARCHY_SABOTEURS: Mapping[str, Callable[[Any], Any]] = {
    "hierarchy.config-default": _by_detour("hierarchy.config-default", _IgnoresConfiguration),
    "hierarchy.flow-over-config": _by_detour("hierarchy.flow-over-config", _ConfigurationOverFlow),
    "hierarchy.task-over-flow": _by_detour("hierarchy.task-over-flow", _FlowOverTask),
    "hierarchy.task-over-config": _by_detour("hierarchy.task-over-config", _ConfigurationOverTask),
    "hierarchy.parameter-json": _by_detour("hierarchy.parameter-json", _ParametersAsOthers),
    "hierarchy.output-owner": _by_detour("hierarchy.output-owner", _ConsumerOwns),
    "hierarchy.unset-is-none": _by_detour("hierarchy.unset-is-none", _FalsyIsUnset),
    "hierarchy.per-flow": _by_detour("hierarchy.per-flow", _RemembersTheFirstFlow),
    "hierarchy.late-config": _by_detour("hierarchy.late-config", _ReadsConfigurationEarly),
    "hierarchy.invalid-config": _by_detour("hierarchy.invalid-config", _FallsBack),
    "hierarchy.decorator": _by_detour("hierarchy.decorator", _DecoratorForgets),
}
"""By rule, a function that makes of a correct subject, a HierarchySubject or an EngineSubject, one that breaks the rule and no
other; an engine then breaks a rule of its own on owners too, where that asks for the same.
"""
