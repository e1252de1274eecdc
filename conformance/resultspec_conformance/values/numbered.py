"""Values of an annotation that differ from each other, as many as are asked for."""

import datetime as dt
import types
from collections import abc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from resultspec import JSON

from .annotations import fields_of, is_array, is_plain, normal
from .telling import telling_values

_DAY = dt.datetime(2020, 1, 2)  # noqa: DTZ001 - naive on purpose
_NUMBERED: dict[Any, Callable[[int], object]] = {
    int: lambda number: number + 1_000,
    float: lambda number: number + 0.5,
    complex: lambda number: complex(number, 1),
    str: "value {}".format,
    bytes: lambda number: f"value {number}".encode(),
    bytearray: lambda number: bytearray(f"value {number}".encode()),
    dt.datetime: lambda number: _DAY + dt.timedelta(minutes=number),
    dt.date: lambda number: (_DAY + dt.timedelta(days=number)).date(),
    dt.timedelta: lambda number: dt.timedelta(seconds=number + 1),
    Decimal: lambda number: Decimal(number) + Decimal("0.1"),
    Fraction: lambda number: Fraction(number + 1, 7),
    UUID: lambda number: UUID(int=number + 1),
}


def numbered_values(annotation: Any) -> Callable[[int], object] | None:
    """A function that makes a different value of an annotation for every number, or None where none is known."""
    annotation = normal(annotation)
    cls, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if is_plain(annotation) or annotation is JSON:
        return lambda number: (f"value {number}", number, [number, "value"], {"number": number})[number % 4]
    if cls in _NUMBERED:
        return _NUMBERED[cls]
    if cls in (Union, types.UnionType):
        return next(filter(None, map(numbered_values, arguments)), None)
    if cls in (list, set, frozenset, abc.Sequence) or (cls is tuple and arguments[1:] in ((), (Ellipsis,))):
        make: Callable[[Any], object] = list if cls is abc.Sequence else cls
        items = numbered_values(arguments[0]) if arguments else _NUMBERED[int]
        return None if items is None else lambda number: make([items(number)])
    if cls in (dict, abc.Mapping, abc.MutableMapping):
        keys = numbered_values(arguments[0]) if arguments else _NUMBERED[str]
        item = next(telling_values(arguments[1] if arguments else int), _MISSING)
        return None if keys is None or item is _MISSING else lambda number: {keys(number): item}
    if is_array(cls):
        import numpy as np

        return lambda number: np.arange(number, number + 3)
    if is_dataclass(cls) and isinstance(cls, type):
        return _numbered_instances(annotation)
    return None


def _numbered_instances(annotation: Any) -> Callable[[int], object] | None:
    one: Any = next(telling_values(annotation), None)
    if one is None:
        return None
    for name, hint in fields_of(annotation):
        if (make := numbered_values(hint)) is not None:
            with suppress(Exception):  # the class refuses another value of this field
                replace(one, **{name: make(0)})
                return lambda number, name=name, make=make: replace(one, **{name: make(number)})  # type: ignore[misc]
    return None


_MISSING = object()
