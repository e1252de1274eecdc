"""Inline handlers whose annotations name domains of their authors' own: classes that refuse, recursive aliases, fixed widths."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Generic, TypeVar, Union

import attrs
from resultspec import JSON

T = TypeVar("T")


def _exactly(cls: type[T], value: object) -> T:
    if type(value) is not cls:
        raise TypeError(f"expected {cls.__name__}, got {type(value).__name__}")
    return value


def _list(reference: object, length: int) -> list[Any]:
    parts: list[Any] = _exactly(list, reference)
    if len(parts) != length:
        raise ValueError("not a reference of this handler")
    return parts


@dataclass(frozen=True)
class Interval:
    """A class that refuses what its annotations allow."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("the lower end is above the upper one")


@dataclass(frozen=True)
class Intervals:
    """Both ends in a list."""

    def write(self, value: Interval, /) -> list[JSON]:
        interval = _exactly(Interval, value)
        return [_exactly(int, interval.low), _exactly(int, interval.high)]

    def read(self, reference: list[JSON], /) -> Interval:
        low, high = _list(reference, 2)
        return Interval(_exactly(int, low), _exactly(int, high))


def _encodable(instance: object, attribute: object, value: str) -> None:
    value.encode()  # a lone surrogate raises here


@attrs.frozen
class Person:
    """A class of attrs that checks its text, and names itself before it is defined."""

    name: str = attrs.field(validator=[attrs.validators.instance_of(str), _encodable])
    friends: list["Person"]


@dataclass(frozen=True)
class People:
    """An object for each of them, within the object of whose friend it is."""

    def write(self, value: Person, /) -> dict[str, JSON]:
        person = _exactly(Person, value)
        return {"name": person.name, "friends": [self.write(friend) for friend in _exactly(list, person.friends)]}

    def read(self, reference: dict[str, JSON], /) -> Person:
        if _exactly(dict, reference).keys() != {"name", "friends"}:
            raise ValueError("not a reference of this handler")
        friends: list[Any] = _exactly(list, reference["friends"])
        return Person(_exactly(str, reference["name"]), [self.read(friend) for friend in friends])


Tree = Union[int, list["Tree"]]  # noqa: UP007 - a name within brackets cannot stand beside a bar


@dataclass(frozen=True)
class Trees:
    """A recursive alias as itself."""

    def write(self, value: Tree, /) -> JSON:
        return _tree(value)

    def read(self, reference: JSON, /) -> Tree:
        return _tree(reference)


def _tree(value: object, depth: int = 0) -> Any:
    if depth > 60:
        raise ValueError("the tree is too deep, or contains itself")
    return [_tree(branch, depth + 1) for branch in value] if type(value) is list else _exactly(int, value)


@dataclass(frozen=True)
class Box(Generic[T]):
    """A generic class."""

    held: T


@dataclass(frozen=True)
class Boxes:
    """What is in the box."""

    def write(self, value: Box[bool], /) -> list[JSON]:
        return [_exactly(bool, _exactly(Box, value).held)]

    def read(self, reference: list[JSON], /) -> Box[bool]:
        return Box(_exactly(bool, _list(reference, 1)[0]))


@dataclass(frozen=True)
class Spans:
    """A range, however long, by its three numbers."""

    def write(self, value: range, /) -> list[JSON]:
        span = _exactly(range, value)
        return [span.start, span.stop, span.step]

    def read(self, reference: list[JSON], /) -> range:
        return range(*(_exactly(int, number) for number in _list(reference, 3)))


@dataclass(frozen=True)
class Stamps:
    """Moments, naive or in UTC, in text that has the same length for each."""

    def write(self, value: datetime, /) -> list[JSON]:
        moment = _exactly(datetime, value)
        if moment.tzinfo is not None and moment.tzinfo is not UTC:
            raise ValueError("only naive moments and those in UTC are kept here")
        return [moment.replace(tzinfo=None).isoformat(timespec="microseconds"), int(moment.tzinfo is UTC), moment.fold]

    def read(self, reference: list[JSON], /) -> datetime:
        text, utc, fold = _list(reference, 3)
        moment = datetime.fromisoformat(_exactly(str, text))
        moment = moment.replace(tzinfo=(None, UTC)[_exactly(int, utc)], fold=_exactly(int, fold))
        if self.write(moment) != reference:
            raise ValueError("not a reference of this handler")
        return moment


@dataclass(frozen=True)
class Paths:
    """A path as text."""

    def write(self, value: PurePosixPath, /) -> str:
        text = str(_exactly(PurePosixPath, value))
        text.encode()  # a lone surrogate raises here
        return text

    def read(self, reference: str, /) -> PurePosixPath:
        path = PurePosixPath(_exactly(str, reference))
        if str(path) != reference:
            raise ValueError("not a reference of this handler")
        return path


@dataclass(frozen=True)
class Nothing:
    """Keeps None alone."""

    def write(self, value: None, /) -> None:
        _exactly(type(None), value)

    def read(self, reference: None, /) -> None:
        _exactly(type(None), reference)
