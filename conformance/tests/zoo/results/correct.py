"""Correct results, and correct absences of one: each is written as somebody would write it who has never seen the reference.

``RESULTS`` names them. No handler of theirs need be equal to another, and no error of theirs need be the specification's where
it does not say so.
"""

import enum
import json
import types
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import attrs
from resultspec import ResultHandler
from resultspec.errors import MissingHandler, UnknownReference
from resultspec_conformance import ResultSubject

T = TypeVar("T")
R = TypeVar("R")


class Absent(enum.Enum):
    """One member: copies and pickles of it are it, and an enumeration that has members takes no subclass."""

    NO_RESULT = "no-result"

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


class _AbsenceKind(type):
    """The class of a class that is its own only instance."""

    def __new__(cls, name, bases, namespace):
        if bases:
            raise TypeError("Absence takes no subclasses")
        return super().__new__(cls, name, bases, namespace)

    def __init_subclass__(cls):
        raise TypeError("this is the class of one class")

    def __call__(cls):
        return cls

    @property
    def value(cls):
        return cls

    def read(cls):
        return cls

    def write(cls):
        return cls

    def __bool__(cls):
        return False

    def __repr__(cls):
        return "NoResult"


class Absence(metaclass=_AbsenceKind):
    """Is never instantiated: the class itself stands for the absence."""


class _Singleton:
    """The classical one: made once, given out for ever."""

    __slots__ = ()
    _one: ClassVar[Any] = None

    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one

    def __init_subclass__(cls):
        raise TypeError("there is one absence")

    value = property(lambda self: self)

    def read(self):
        return self

    def write(self):
        return self

    def __len__(self):
        return 0

    def __repr__(self):
        return "NoResult"

    def __reduce__(self):
        return "SINGLETON"


SINGLETON = _Singleton()


def stored_beside(make: Any, absence: Any, handler: Any, name: str, key: str = "reference") -> ResultSubject:
    """A subject whose stored form names a handler's class, and which makes a handler anew for every result that it loads."""

    def dump(result: Any) -> Any:
        if result is absence:
            return {"kind": "nothing"}
        if not result.handled:
            raise ValueError("only what a handler keeps is stored")
        return {"kind": "handled", key: result.value, "handler": type(result.result_handler).__name__}

    def load(stored: Any) -> Any:
        if stored["kind"] == "nothing":
            return absence
        return make(stored[key], True, {"Shelf": Shelf, "Inline": Inline}[stored["handler"]]())

    return ResultSubject(make, absence, dump=dump, load=load, handler=handler, name=name)


class Shelf:
    """Keeps values on shelves that all of its instances share, and does not say whether two of them are equal."""

    kept: ClassVar[dict[str, bytes]] = {}

    def write(self, value: Any, /) -> str:
        reference = uuid.uuid4().hex
        self.kept[reference] = json.dumps(value).encode()
        return reference

    def read(self, reference: str, /) -> Any:
        if reference not in self.kept:
            raise UnknownReference(reference)
        return json.loads(self.kept[reference])


class Inline:
    """Has the value in the reference."""

    def write(self, value: Any, /) -> Any:
        return json.dumps(value)

    def read(self, reference: Any, /) -> Any:
        return json.loads(reference)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inline)

    def __hash__(self) -> int:
        return 1


def same(left: Any, right: Any) -> bool:
    """Equal, and of one type."""
    return type(left) is type(right) and left == right


# --- a frozen dataclass


@dataclass(frozen=True, eq=False, repr=False)
class DataclassResult(Generic[T, R]):
    value: Any
    handled: bool = False
    result_handler: ResultHandler[T, R] | None = field(default=None)

    def __post_init__(self) -> None:
        if self.value is Absent.NO_RESULT:
            raise TypeError("there is no result of nothing")
        if self.handled and self.result_handler is None:
            raise TypeError("which handler reads it?")

    def write(self) -> "DataclassResult[T, R]":
        if self.handled:
            return self
        if self.result_handler is None:
            raise MissingHandler("no handler")
        return DataclassResult(self.result_handler.write(self.value), True, self.result_handler)

    def read(self) -> "DataclassResult[T, R]":
        if not self.handled:
            return self
        return DataclassResult(self.result_handler.read(self.value), False, self.result_handler)

    def _key(self) -> tuple[Any, ...]:
        return type(self.value), self.value, self.handled, self.result_handler

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if type(other) is DataclassResult else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"DataclassResult({self.value if self.handled else '...'})"


# --- attrs, whose own equality sees the type by a key


@attrs.frozen
class AttrsResult:
    value: Any = attrs.field(repr=False, eq=lambda value: (type(value), value))
    handled: bool = False
    result_handler: Any = attrs.field(default=None)

    @value.validator
    def _no_absence(self, attribute: Any, value: Any) -> None:
        if value is Absence:
            raise ValueError("an absence is no value")

    @result_handler.validator
    def _needed(self, attribute: Any, handler: Any) -> None:
        if self.handled and handler is None:
            raise ValueError("a handler, please")

    def write(self) -> "AttrsResult":
        if not self.handled and self.result_handler is None:
            raise MissingHandler("no handler")
        return self if self.handled else attrs.evolve(self, value=self.result_handler.write(self.value), handled=True)

    def read(self) -> "AttrsResult":
        return attrs.evolve(self, value=self.result_handler.read(self.value), handled=False) if self.handled else self


# --- slots by hand; comparable and not hashable


class SlotsResult:
    __slots__ = ("_value", "_handled", "_handler")
    __hash__ = None

    def __init__(self, value: Any, handled: bool, handler: Any) -> None:
        if value is SINGLETON:
            raise ValueError("nothing was computed")
        if handled and handler is None:
            raise MissingHandler("a reference without its handler")
        for name, given in zip(self.__slots__, (value, handled, handler)):
            object.__setattr__(self, name, given)

    value = property(lambda self: self._value)
    handled = property(lambda self: self._handled)
    result_handler = property(lambda self: self._handler)

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("results do not change")

    __delattr__ = None

    def write(self) -> "SlotsResult":
        if self._handled:
            return self
        if self._handler is None:
            raise MissingHandler("no handler")
        return type(self)(self._handler.write(self._value), True, self._handler)

    def read(self) -> "SlotsResult":
        return type(self)(self._handler.read(self._value), False, self._handler) if self._handled else self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SlotsResult):
            return False
        return same(self._value, other._value) and (self._handled, self._handler) == (other._handled, other._handler)

    def __reduce__(self) -> Any:
        return SlotsResult, (self._value, self._handled, self._handler)


# --- a tuple within, since a tuple itself equals tuples


class _Fields(NamedTuple):
    kind: type
    value: Any
    handled: bool
    handler: Any


class TupleResult:
    def __init__(self, fields: _Fields) -> None:
        self.__dict__["fields"] = fields

    @classmethod
    def make(cls, value: Any, handled: bool, handler: Any) -> "TupleResult":
        assert value is not Absent.NO_RESULT, "an absence"
        assert handler is not None or not handled, "no handler"
        return cls(_Fields(type(value), value, handled, handler))

    def __getattr__(self, name: str) -> Any:
        if name in ("value", "handled"):
            return getattr(self.__dict__["fields"], name)
        if name == "result_handler":
            return self.__dict__["fields"].handler
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name}")

    def write(self) -> "TupleResult":
        if self.handled:
            return self
        if self.result_handler is None:
            raise MissingHandler("no handler")
        return self.make(self.result_handler.write(self.value), True, self.result_handler)

    def read(self) -> "TupleResult":
        return self.make(self.result_handler.read(self.value), False, self.result_handler) if self.handled else self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleResult) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __reduce__(self) -> Any:
        return TupleResult, (self.fields,)


# --- two classes that have no base in common but Generic, satisfying the Protocols by shape


class Raw(Generic[T, R]):
    __match_args__ = ("value",)
    handled = property(lambda self: False)

    def __init__(self, value: T, handler: ResultHandler[T, R] | None) -> None:
        self._of = (value, handler)

    value = property(lambda self: self._of[0])
    result_handler = property(lambda self: self._of[1])

    def write(self) -> "Kept[T, R]":
        value, handler = self._of
        if handler is None:
            raise MissingHandler("no handler")
        return Kept(handler.write(value), handler)

    def read(self) -> "Raw[T, R]":
        return self

    def __eq__(self, other: object) -> bool:
        return NotImplemented if type(other) is not Raw else (type(self.value), self._of) == (type(other.value), other._of)

    def __hash__(self) -> int:
        return hash(self._of)


class Kept(Generic[T, R]):
    handled = property(lambda self: True)

    def __init__(self, reference: R, handler: ResultHandler[T, R]) -> None:
        self._of = (reference, handler)

    value = property(lambda self: self._of[0])
    result_handler = property(lambda self: self._of[1])

    def write(self) -> "Kept[T, R]":
        return self

    def read(self) -> Raw[T, R]:
        reference, handler = self._of
        return Raw(handler.read(reference), handler)

    def __eq__(self, other: object) -> bool:
        return NotImplemented if type(other) is not Kept else (type(self.value), self._of) == (type(other.value), other._of)

    def __hash__(self) -> int:
        return hash(self._of)


def raw_or_kept(value: Any, handled: bool, handler: Any) -> Any:
    if value is Absence:
        raise ValueError("not a value")
    if handled:
        if handler is None:
            raise LookupError("a handler is needed")
        return Kept(value, handler)
    return Raw(value, handler)


# --- a handle, as one over a library in C has it: a number, and functions of it

_table: dict[int, tuple[Any, bool, Any]] = {}


class HandleResult:
    """Holds a number; what it stands for is elsewhere."""

    def __init__(self, value: Any, handled: bool, handler: Any) -> None:
        if value is SINGLETON or (handled and handler is None):
            raise OSError(22, "Invalid argument")
        _table[id(self)] = (value, handled, handler)

    def _get(self, number: int) -> Any:
        return _table[id(self)][number]

    value = property(lambda self: self._get(0))
    handled = property(lambda self: self._get(1))
    result_handler = property(lambda self: self._get(2))

    def write(self) -> "HandleResult":
        value, handled, handler = _table[id(self)]
        if handled:
            return self
        if handler is None:
            raise MissingHandler("ENOHANDLER")
        return HandleResult(handler.write(value), True, handler)

    def read(self) -> "HandleResult":
        value, handled, handler = _table[id(self)]
        return HandleResult(handler.read(value), False, handler) if handled else self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HandleResult):
            return NotImplemented
        (value, *mine), (theirs, *others) = _table[id(self)], _table[id(other)]
        return same(value, theirs) and mine == others

    def __hash__(self) -> int:
        value, handled, handler = _table[id(self)]
        return hash((value, handled, handler))

    def __reduce__(self) -> Any:
        return HandleResult, _table[id(self)]


# --- a mapping, read-only


class MappingResult:
    """Has what it is made of in a mapping that nobody can alter."""

    def __init__(self, value: Any, handled: bool, handler: Any) -> None:
        if value is Absent.NO_RESULT:
            raise KeyError("value")
        if handled and handler is None:
            raise KeyError("result_handler")
        vars(self)["_of"] = types.MappingProxyType({"value": value, "handled": handled, "result_handler": handler})

    def __getattribute__(self, name: str) -> Any:
        of = object.__getattribute__(self, "__dict__").get("_of", {})
        return of[name] if name in of else object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotImplementedError("results are read-only")

    def __delattr__(self, name: str) -> None:
        raise NotImplementedError("results are read-only")

    def write(self) -> "MappingResult":
        if self.handled:
            return self
        if self.result_handler is None:
            raise MissingHandler("no handler")
        return MappingResult(self.result_handler.write(self.value), True, self.result_handler)

    def read(self) -> "MappingResult":
        return MappingResult(self.result_handler.read(self.value), False, self.result_handler) if self.handled else self

    def __eq__(self, other: object) -> bool:
        return type(other) is MappingResult and same(self.value, other.value) and self._rest() == other._rest()

    def _rest(self) -> Any:
        return self.handled, self.result_handler

    def __hash__(self) -> int:
        return hash(self._rest())

    def __reduce__(self) -> Any:
        return MappingResult, (self.value, self.handled, self.result_handler)


RESULTS = {
    "dataclass": stored_beside(DataclassResult, Absent.NO_RESULT, Shelf, "dataclass"),
    "attrs": stored_beside(AttrsResult, Absence, Inline, "attrs"),
    "slots": stored_beside(SlotsResult, SINGLETON, Shelf, "slots", "key"),
    "tuple": stored_beside(TupleResult.make, Absent.NO_RESULT, Inline, "tuple"),
    "protocol": stored_beside(raw_or_kept, Absence, Shelf, "protocol"),
    "handle": stored_beside(HandleResult, SINGLETON, Inline, "handle"),
    "mapping": stored_beside(MappingResult, Absent.NO_RESULT, Shelf, "mapping"),
    "unstored": ResultSubject(DataclassResult, Absent.NO_RESULT, name="unstored"),
}
"""By name, subjects that keep every rule of the families *result* and *noresult*."""
