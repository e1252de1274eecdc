"""What gives a value away when it is met elsewhere: those of its parts that do not turn up by chance."""

import datetime as dt
import struct
from collections import abc
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import attrs

from .revealing import Secret

_TELLING_TEXT = 8
_TELLING_INT = 10**11
_MOST_PARTS = 200


def secret_of(value: object) -> Secret:
    """What gives a value away: each of its parts that is long enough not to be met by chance."""
    pieces = dict.fromkeys(piece for part in _parts(value, [0]) for piece in _pieces(part))
    return Secret("the value", tuple(pieces))


def _parts(value: Any, count: list[int], depth: int = 0) -> Iterator[Any]:
    """The value and everything in it, keys and names of columns among them; of large ones the beginning."""
    count[0] += 1
    if count[0] > _MOST_PARTS or depth > 8:
        return
    yield value
    inner: Iterable[Any] = ()
    if isinstance(value, abc.Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in fields(value)]
    elif attrs.has(type(value)):
        inner = [getattr(value, field.name) for field in attrs.fields(type(value))]
    elif _library(value) == "pandas" and hasattr(value, "to_dict"):
        inner = [*getattr(value, "columns", ()), *value.to_numpy().ravel().tolist()[:_MOST_PARTS]]
    elif _library(value) == "pyarrow" and hasattr(value, "to_pydict"):
        inner = [value.to_pydict()]
    for part in inner:
        yield from _parts(part, count, depth + 1)


def _library(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _pieces(part: Any) -> Iterator[bytes]:
    if isinstance(part, Enum):
        return
    if isinstance(part, str | PurePath):
        text = str(part)
        if _is_telling(text.encode("utf-8", "surrogatepass")):
            yield text.encode("utf-8", "surrogatepass")
    elif isinstance(part, bytes | bytearray):
        if _is_telling(bytes(part)):
            yield bytes(part)
    elif isinstance(part, bool):
        return
    elif isinstance(part, int):
        if abs(part) >= _TELLING_INT:
            yield from _pieces_of_int(abs(part))
    elif isinstance(part, float):
        if len(digits := repr(part).replace(".", "").lstrip("-0").partition("e")[0]) >= 14:
            yield from (digits.encode(), struct.pack("<d", part), struct.pack(">d", part))
    elif isinstance(part, Decimal):
        if len(digits := "".join(map(str, part.as_tuple().digits))) >= 12:
            yield digits.encode()
    elif isinstance(part, UUID):
        yield from (part.hex.encode(), str(part).encode(), part.bytes)
    elif isinstance(part, dt.datetime | dt.time):
        if part.microsecond >= 100_000 and part.second:
            yield from (f"{part:%H:%M:%S.%f}".encode(), f"{part:%H%M%S%f}".encode())
    elif _library(part) == "numpy" and hasattr(part, "tobytes") and getattr(part, "nbytes", 0) >= _TELLING_TEXT:
        data = part.ravel()[:64].tobytes()
        if _is_telling(data):
            yield data
        if part.dtype.kind in "iuf":
            yield from (piece for item in part.ravel()[:16].tolist() for piece in _pieces(item))


def _is_telling(data: bytes) -> bool:
    return len(data) >= _TELLING_TEXT and len(set(data)) >= 6


def _pieces_of_int(number: int) -> Iterator[bytes]:
    size = (number.bit_length() + 7) // 8
    if number < 10**4_000:  # longer ones the interpreter refuses to print
        yield str(number).encode()
    yield from (f"{number:x}".encode(), number.to_bytes(size, "big"), number.to_bytes(size, "little"))
