"""Saboteurs of results and of the hierarchy: each makes of a correct subject one that breaks exactly one rule."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

import attrs

from ..subjects import EngineSubject, HierarchyDriver, HierarchySubject, ResultSubject
from .engine import HIERARCHY_OF_ENGINES


class Proxy:
    """A result that passes everything through to a correct one; a saboteur overrides what it spoils.

    Args:
        inner: The correct result.
        subject: The correct subject that made it.
    """

    _inner: Any
    _subject: Any

    def __init__(self, inner: Any, subject: Any) -> None:
        self.__dict__.update(_inner=inner, _subject=subject)

    @property
    def value(self) -> Any:
        return self._inner.value

    @property
    def handled(self) -> bool:
        return bool(self._inner.handled)

    @property
    def result_handler(self) -> Any:
        return self._inner.result_handler

    def write(self) -> Any:
        return self._wrapped(self._inner.write())

    def read(self) -> Any:
        return self._wrapped(self._inner.read())

    def _wrapped(self, inner: Any) -> Any:
        return self if inner is self._inner else type(self)(inner, self._subject)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._inner == other._inner

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} is read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} is read-only")

    def __reduce__(self) -> Any:
        return type(self), (self._inner, _Forgotten())


class _Forgotten:
    """Stands for the subject in a pickled result, whose functions need not pickle."""


class _Writable(Proxy):
    """Lets its attributes be assigned to."""

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value


class _StaysRaw(Proxy):
    """Returns from write the raw value beside the handler, as if it were the reference."""

    def write(self) -> Any:
        written = self._inner.write()
        if written is self._inner:
            return self
        return type(self)(self._subject.result([written.value], True, self.result_handler), self._subject)

    def read(self) -> Any:
        if self.handled and isinstance(self.value, list):
            return type(self)(self._subject.result(self.value[0], True, self.result_handler).read(), self._subject)
        return super().read()


class _ForgetsItsHandler(Proxy):
    """Returns from read a result without the handler."""

    def read(self) -> Any:
        read = self._inner.read()
        if read is self._inner:
            return self
        return type(self)(self._subject.result(read.value, False, None), self._subject)


class _WritesAgain(Proxy):
    """Writes a handled result once more."""

    def write(self) -> Any:
        if self.handled:
            self.result_handler.write(self.value)
            return type(self)(self._inner, self._subject)
        return super().write()


class _ReadsAgain(Proxy):
    """Returns a copy when a raw result is read."""

    def read(self) -> Any:
        return type(self)(self._inner, self._subject) if not self.handled else super().read()


class _TrueForOne(Proxy):
    """Brings falsy values back as None."""

    def read(self) -> Any:
        read = super().read()
        if read is self or read.value or read.value is None:
            return read
        return type(self)(self._subject.result(None, False, self.result_handler), self._subject)


class _WritesItself(Proxy):
    """Becomes the handled result when it is written."""

    def write(self) -> Any:
        written = super().write()
        if written is not self:
            self.__dict__["_inner"] = written._inner
            return type(self)(written._inner, self._subject)
        return written


class _WritesWithoutHandler(Proxy):
    """Returns itself when it is written without a handler."""

    def write(self) -> Any:
        return self if self.result_handler is None else super().write()


class _ForgivesNoHandler(Proxy):
    """Takes a handled result without a handler for a raw one."""


class _NoneIsNothing(Proxy):
    """Gives a result of None the value of NoResult's absence."""

    @property
    def value(self) -> Any:
        return False if self._inner.value is None and not self.handled else self._inner.value


class _LooseEquality(Proxy):
    """Equals results of values that are equal and of another type."""

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and self.value == other.value
            and self.handled == other.handled
            and self.result_handler == other.result_handler
        )

    def __hash__(self) -> int:
        return hash((self.value if not isinstance(self.value, list | dict) else None, self.handled))


class _Unpicklable(Proxy):
    """Does not pickle."""

    def __reduce__(self) -> Any:
        raise TypeError("results are not pickled here")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("results are not pickled here")


class _Talkative(Proxy):
    """Shows its value."""

    def __repr__(self) -> str:
        return f"Result({self.value!r})"


def _proxied(proxy: type[Proxy]) -> Callable[[ResultSubject], ResultSubject]:
    def sabotage(subject: ResultSubject) -> ResultSubject:
        def result(value: Any, handled: bool, result_handler: Any) -> Any:
            if proxy is _ForgivesNoHandler and handled and result_handler is None:
                handled = False
            return proxy(subject.result(value, handled, result_handler), subject)

        return attrs.evolve(subject, result=result, dump=None, load=None, handler=None)

    sabotage.__doc__ = proxy.__doc__
    return sabotage


def _stores_raw_results(subject: ResultSubject) -> ResultSubject:
    """Gives raw results a stored form that holds their value."""
    assert subject.dump is not None  # a subject without stored forms cannot be sabotaged in them
    dump = subject.dump

    def dump_anything(result: Any) -> Any:
        return dump(result) if result is subject.no_result or result.handled else {"raw": result.value}

    return attrs.evolve(subject, dump=dump_anything)


class Nothing:
    """A correct NoResult in a class that a saboteur can spoil.

    There is one object for each class; every copy is that object.
    """

    _only: ClassVar[Any] = None

    def __new__(cls) -> Self:
        if cls.__dict__.get("_only") is not None:
            raise TypeError(f"there is one {cls.__name__} already")
        one = super().__new__(cls)
        cls._only = one
        return one

    def __init_subclass__(cls, *, saboteur: bool = False) -> None:
        if not saboteur:
            raise TypeError("NoResult has no subclasses")

    @property
    def value(self) -> Any:
        return self

    def read(self) -> Any:
        return self

    def write(self) -> Any:
        return self

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NoResult"

    def __reduce__(self) -> Any:
        return _only_of, (type(self),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


def _only_of(cls: type[Nothing]) -> Any:
    return cls._only


class _NoneValue(Nothing, saboteur=True):
    """Has the value None."""

    @property
    def value(self) -> Any:
        return None


class _NoneRead(Nothing, saboteur=True):
    """Reads as None."""

    def read(self) -> Any:
        return None


class _NoneWritten(Nothing, saboteur=True):
    """Writes as None."""

    def write(self) -> Any:
        return None


class _Copied(Nothing, saboteur=True):
    """Becomes another object when it is deep-copied."""

    def __deepcopy__(self, memo: object) -> Any:
        return object.__new__(type(self))


class _Open(Nothing, saboteur=True):
    """Lets itself be made again."""

    def __new__(cls) -> Self:
        one = object.__new__(cls)
        cls._only = cls._only or one
        return one


class _Truthy(Nothing, saboteur=True):
    """Is truthy, as objects are by default."""

    def __bool__(self) -> bool:
        return True


def _instead(cls: type[Nothing]) -> Callable[[ResultSubject], ResultSubject]:
    def sabotage(subject: ResultSubject) -> ResultSubject:
        nothing = cls._only if cls.__dict__.get("_only") is not None else cls()

        def result(value: Any, handled: bool, result_handler: Any) -> Any:
            if value is nothing:
                raise ValueError("the absence of a result is no value of one")
            return subject.result(value, handled, result_handler)

        return attrs.evolve(subject, result=result, no_result=nothing, dump=None, load=None, handler=None)

    sabotage.__doc__ = cls.__doc__
    return sabotage


def _stores_none(subject: ResultSubject) -> ResultSubject:
    """Stores NoResult as null, and loads null as None."""
    assert subject.dump is not None and subject.load is not None
    dump, load = subject.dump, subject.load
    return attrs.evolve(
        subject,
        dump=lambda result: None if result is subject.no_result else dump(result),
        load=lambda stored: None if stored is None else load(stored),
    )


RESULT_SABOTEURS: Mapping[str, Callable[[ResultSubject], ResultSubject]] = {
    "result.attributes": _proxied(_Writable),
    "result.write": _proxied(_StaysRaw),
    "result.read": _proxied(_ForgetsItsHandler),
    "result.write-idempotent": _proxied(_WritesAgain),
    "result.read-idempotent": _proxied(_ReadsAgain),
    "result.round-trip": _proxied(_TrueForOne),
    "result.original-untouched": _proxied(_WritesItself),
    "result.missing-handler": _proxied(_WritesWithoutHandler),
    "result.handled-needs-handler": _proxied(_ForgivesNoHandler),
    "result.none": _proxied(_NoneIsNothing),
    "result.equality": _proxied(_LooseEquality),
    "result.pickle": _proxied(_Unpicklable),
    "result.stored-form": _stores_raw_results,
    "result.quiet-repr": _proxied(_Talkative),
    "noresult.value": _instead(_NoneValue),
    "noresult.read": _instead(_NoneRead),
    "noresult.write": _instead(_NoneWritten),
    "noresult.identity": _instead(_Copied),
    "noresult.closed": _instead(_Open),
    "noresult.distinct": _instead(_Truthy),
    "noresult.stored-form": _stores_none,
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""


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
