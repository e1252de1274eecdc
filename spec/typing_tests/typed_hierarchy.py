"""Who carries a handler: any class with the attribute, however it is declared; and the pure function that chooses."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, assert_type

from resultspec import CarriesHandler, Parameter, Resolve, ResultHandler
from typing_extensions import dataclass_transform

C = TypeVar("C")


@dataclass_transform(frozen_default=True)
def define(cls: type[C], /) -> type[C]:
    """A decorator such as attrs has."""
    return cls


class Texts:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


@dataclass
class WithField:
    result_handler: ResultHandler[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class WithFrozenField:
    result_handler: Texts = field(default_factory=Texts)


@define
class LikeAttrs:
    result_handler: ResultHandler[int, str] | None = None


class WithProperty:
    @property
    def result_handler(self) -> Texts | None:
        return None


class WithAttribute:
    def __init__(self, handler: Texts) -> None:
        self.result_handler = handler


class WithTuple(NamedTuple):
    result_handler: Texts | None


class NeverSet:
    result_handler: None = None


# %% Whatever has the attribute result_handler carries a handler: dataclass, property, named tuple
carriers: list[CarriesHandler] = [
    WithField(),
    WithFrozenField(),
    LikeAttrs(),
    WithProperty(),
    WithAttribute(Texts()),
    WithTuple(None),
    NeverSet(),
]


class Nothing:
    pass


class NotAHandler:
    result_handler: Path = Path()


class AMethod:
    def result_handler(self) -> Texts:
        return Texts()


nothing: CarriesHandler = Nothing()  # type: ignore[assignment]
not_a_handler: CarriesHandler = NotAHandler()  # type: ignore[assignment]
a_method: CarriesHandler = AMethod()  # type: ignore[assignment]


def only_read(carrier: CarriesHandler) -> None:
    assert_type(carrier.result_handler, ResultHandler[Any, Any] | None)
    carrier.result_handler = Texts()  # type: ignore[misc]


# %% A parameter always has its handler
class JSONText:
    def write(self, value: object) -> str:
        return str(value)

    def read(self, reference: str) -> object:
        return reference


@dataclass(frozen=True)
class MyParameter:
    name: str
    result_handler: JSONText = field(default_factory=JSONText)


@dataclass(frozen=True)
class UnsetParameter:
    """A parameter always has its handler."""

    name: str
    result_handler: JSONText | None = None


parameter: Parameter = MyParameter("x")
parameter_carries: CarriesHandler = parameter
unset_parameter: Parameter = UnsetParameter("x")  # type: ignore[assignment]


# %% A function that chooses the handler is called by keywords, and always returns one
def resolve(*, task: CarriesHandler, flow: CarriesHandler | None, configuration: CarriesHandler) -> ResultHandler[Any, Any]:
    for level in (task, flow, configuration):
        if level is not None and level.result_handler is not None:
            return level.result_handler
    raise LookupError


def resolve_by_position(
    task: CarriesHandler, flow: CarriesHandler | None = None, configuration: CarriesHandler = carriers[0]
) -> Texts:
    print(task, flow, configuration)
    return Texts()


def resolve_within_a_flow(*, task: CarriesHandler, flow: CarriesHandler, configuration: CarriesHandler) -> Texts:
    """A task outside any flow has no place here."""
    print(task, flow, configuration)
    return Texts()


def resolve_to_none(*, task: CarriesHandler, flow: CarriesHandler | None, configuration: CarriesHandler) -> Texts | None:
    print(task, flow, configuration)
    return None


resolves: list[Resolve] = [resolve, resolve_by_position]
within_a_flow: Resolve = resolve_within_a_flow  # type: ignore[assignment]
to_none: Resolve = resolve_to_none  # type: ignore[assignment]


def use(chosen: Resolve, configuration: CarriesHandler) -> None:
    assert_type(chosen(task=WithField(), flow=None, configuration=configuration), ResultHandler[Any, Any])
    chosen(WithField(), None, configuration)  # type: ignore[call-arg]
    chosen(task=WithField(), configuration=configuration)  # type: ignore[call-arg]
