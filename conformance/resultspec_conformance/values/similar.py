"""Values that are easily mistaken for others: of the same type, or just outside a domain."""

import copy
import datetime as dt
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any

from . import traps
from .annotations import is_array


def siblings(value: Any) -> Iterator[object]:
    """Values of the same type that are easily mistaken for this one: by case, normal form, spacing or length."""
    import unicodedata

    if type(value) in (str, bytes, list) and len(value) > _LONG:
        yield from _altered_inside(value)
    elif isinstance(value, str):
        variants = [
            value.replace(*_SAME_CHECKSUM), value.upper(), value.lower(), value.swapcase(),
            unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value), unicodedata.normalize("NFKC", value),
            value + " ", " " + value, value.strip(), value + "\n", value + "\x00", value + value,
            value[:-1], value + "x", value[::-1], value.replace("/", "_"), value.encode("ascii", "ignore").decode(), value + "/",
        ]  # fmt: skip
        yield from dict.fromkeys(variant for variant in variants if variant != value)
    elif isinstance(value, bytes):
        options = [
            value.replace(*_SAME_CHECKSUM_OF_BYTES),
            value.upper(),
            value.lower(),
            value + b"\x00",
            value.strip(),
            value[:-1],
            value[::-1],
            value + value,
            value + b"\n",
        ]
        yield from dict.fromkeys(option for option in options if option != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (-value, value + 1, value + 2**32, value + 2**61 - 1, value + 2**64, value * 10)
    elif isinstance(value, float):
        yield from (-value, value + 1.0, value * (1 + 2**-52))
    elif type(value) is list and value:
        yield from (value[::-1], value[:-1], value + value)
        yield from ([variant, *value[1:]] for variant in islice(siblings(value[0]), 6))
    elif type(value) is dict and value:
        key, item = next(iter(value.items()))
        yield from ({**value, key: variant} for variant in islice(siblings(item), 6))
        yield from ({variant: item} for variant in islice(siblings(key), 6))
    elif is_array(type(value)) and value.size:
        yield from _altered_arrays(value)


_LONG = 4_096
_SAME_CHECKSUM = ("plumless", "buckeroo")
_SAME_CHECKSUM_OF_BYTES = (b"plumless", b"buckeroo")
"""Words of the same CRC-32, in whatever they stand."""


def _altered_inside(value: Any) -> Iterator[object]:
    """A long value with one place altered: the middle, which whoever looks at a part or an abbreviation does not see."""
    for at in (len(value) // 2, len(value) - 1, 0):
        yield value[:at] + value[at - 1 : at] + value[at + 1 :]


def _altered_arrays(value: Any) -> Iterator[object]:
    for at in (value.size // 2, value.size - 1, 0):
        altered = value.copy()
        altered.flat[at] = not altered.flat[at]
        yield altered


def near_misses(value: object) -> Iterator[object]:
    """Values that look like this one to whoever checks loosely."""
    if isinstance(value, str):
        yield from (traps.Text(value), value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bool):
        yield int(value)
    elif isinstance(value, int):
        yield from (traps.Number(value), bool(value))
        yield from ([float(value)] if abs(value) < 2**1000 else [])
        yield str(value)
    elif isinstance(value, float):
        yield traps.Real(value)
        yield from ([int(value)] if abs(value) < 1e300 else [])
        yield Decimal("0.1")
    elif isinstance(value, bytes):
        yield from (traps.Octets(value), bytearray(value), memoryview(value), value.decode("latin-1"))
    elif isinstance(value, list):
        yield from (tuple(value), traps.Items(value))
        yield from ([*value, odd] for odd in (None, True, 1.5, "x", b"x", (1,), {1: 2}))
    elif isinstance(value, tuple):
        yield from (list(value), traps.Row(value))
        yield from ((*value[:-1], odd) for odd in (None, 1.5, "x", b"x", [1]) if value)
    elif isinstance(value, set | frozenset):
        yield from (list(value), frozenset(value) if isinstance(value, set) else set(value), traps.Members(value))
    elif isinstance(value, dict):
        yield OrderedDict(value)
        yield from ({**value, None: odd} for odd in value.values() if odd is not None)
        yield from ({**value, 1: odd} for odd in value.values() if odd is not None)
        yield from ({**value, "x": odd} for odd in (None, True, 1.5, "x", b"x", (1,), {1: 2}))
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        yield from (parts, types.SimpleNamespace(**parts))
        with suppress(TypeError):  # a class with slots
            special = copy.copy(value)
            object.__setattr__(special, "__class__", types.new_class(type(value).__name__, (type(value),)))
            yield special
    elif isinstance(value, Enum):
        yield value.value
    elif isinstance(value, dt.datetime):
        yield from (value.date(), value.isoformat(), traps.Moment.combine(value.date(), value.timetz()))
    elif is_array(type(value)):
        yield from _near_arrays(value)


def _near_arrays(value: Any) -> Iterator[object]:
    import numpy as np

    yield from (value.tolist(), value.astype(object), value.astype(value.dtype.newbyteorder()))
    if value.size:
        yield np.ma.masked_array(value, mask=np.arange(value.size).reshape(value.shape) == 0)
        yield value.flat[0]
