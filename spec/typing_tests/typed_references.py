"""What JSON admits, and what it refuses; a handler's references are bound to it.

Three things surprise. A ``list[str]`` is no JSON, since a list is invariant: somebody could append an int to it. A
TypedDict is none, since a subtype of it may have other items, of any type. A ``dict[str, str]`` is one, since it is read
as a Mapping.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, TypedDict

from resultspec import JSON, ResultHandler


class Place(TypedDict):
    bucket: str
    name: str


class Colour(IntEnum):
    RED = 1


# %% JSON admits what JSON text carries, in dicts of narrower types too
def admitted(
    nothing: None,
    flag: bool,
    number: int,
    ratio: float,
    text: str,
    items: list[JSON],
    fields: dict[str, JSON],
    texts: dict[str, str],
    readable: Mapping[str, int],
    nested: dict[str, list[JSON]],
    unknown: dict[str, Any],
) -> None:
    a: list[JSON] = [nothing, flag, number, ratio, text, items, fields, texts, readable, nested, unknown]
    b: JSON = a
    c: JSON = {"bucket": "b", "parts": ["1", 2, None, {"size": 3.0}]}
    print(a, b, c)


def subclasses_pass(colour: Colour) -> JSON:
    """What a checker cannot see, the rule handler.json-reference says: a subclass is not strict JSON."""
    return colour


# %% JSON refuses what JSON text cannot carry, and what could become it
def from_bytes(x: bytes) -> JSON:
    return x  # type: ignore[return-value]


def from_path(x: Path) -> JSON:
    return x  # type: ignore[return-value]


def from_set(x: set[str]) -> JSON:
    return x  # type: ignore[return-value]


def from_tuple(x: tuple[str, str]) -> JSON:
    return x  # type: ignore[return-value]


def from_datetime(x: datetime) -> JSON:
    return x  # type: ignore[return-value]


def from_decimal(x: Decimal) -> JSON:
    return x  # type: ignore[return-value]


def from_object(x: object) -> JSON:
    return x  # type: ignore[return-value]


def from_sequence(x: Sequence[str]) -> JSON:
    return x  # type: ignore[return-value]


def from_list_of_str(x: list[str]) -> JSON:
    return x  # type: ignore[return-value]


def from_typed_dict(x: Place) -> JSON:
    return x  # type: ignore[return-value]


def from_dict_of_object(x: dict[str, object]) -> JSON:
    return x  # type: ignore[return-value]


def from_int_keys(x: dict[int, str]) -> JSON:
    return x  # type: ignore[return-value]


# %% A dict of texts is a reference; bytes, paths, tuples and sets are none
class ByDict:
    def write(self, value: bytes) -> dict[str, str]:
        return {"name": value.hex()}

    def read(self, reference: dict[str, str]) -> bytes:
        return bytes.fromhex(reference["name"])


class ByBytes:
    def write(self, value: bytes) -> bytes:
        return value

    def read(self, reference: bytes) -> bytes:
        return reference


class ByPath:
    def write(self, value: bytes) -> Path:
        return Path(value.hex())

    def read(self, reference: Path) -> bytes:
        return reference.read_bytes()


class ByTuple:
    def write(self, value: bytes) -> tuple[str, int]:
        return value.hex(), len(value)

    def read(self, reference: tuple[str, int]) -> bytes:
        return bytes.fromhex(reference[0])


class BySet:
    def write(self, value: bytes) -> set[str]:
        return {value.hex()}

    def read(self, reference: set[str]) -> bytes:
        return bytes.fromhex(reference.pop())


by_dict: ResultHandler[bytes, dict[str, str]] = ByDict()
by_bytes: ResultHandler[bytes] = ByBytes()  # type: ignore[assignment]
by_path: ResultHandler[bytes] = ByPath()  # type: ignore[assignment]
by_tuple: ResultHandler[bytes] = ByTuple()  # type: ignore[assignment]
by_set: ResultHandler[bytes] = BySet()  # type: ignore[assignment]


def bound_of_bytes(h: ResultHandler[bytes, bytes]) -> None:  # type: ignore[type-var]
    """The bound is checked where the type is named."""


def bound_of_path(h: ResultHandler[bytes, Path]) -> None:  # type: ignore[type-var]
    """The bound is checked where the type is named."""


# %% A TypedDict is no reference, the dict that it describes is one
class ByTypedDict:
    def write(self, value: bytes) -> Place:
        return {"bucket": "b", "name": value.hex()}

    def read(self, reference: Place) -> bytes:
        return bytes.fromhex(reference["name"])


class ByDescribedDict:
    """Says what it is at its face, and uses the TypedDict within."""

    def write(self, value: bytes) -> dict[str, str]:
        place: Place = {"bucket": "b", "name": value.hex()}
        return {"bucket": place["bucket"], "name": place["name"]}

    def read(self, reference: dict[str, str]) -> bytes:
        place: Place = {"bucket": reference["bucket"], "name": reference["name"]}
        return bytes.fromhex(place["name"])


by_typed_dict: ResultHandler[bytes] = ByTypedDict()  # type: ignore[assignment]
by_described_dict: ResultHandler[bytes, dict[str, str]] = ByDescribedDict()


def bound_of_typed_dict(h: ResultHandler[bytes, Place]) -> None:  # type: ignore[type-var]
    """The bound is checked where the type is named."""
