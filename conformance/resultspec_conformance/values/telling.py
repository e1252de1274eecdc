"""Telling values of an annotation: small ones that are known to break handlers and that strategies rarely draw."""

import datetime as dt
import http
import types
import typing
from collections import Counter, OrderedDict, abc, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath, PurePosixPath
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from resultspec import JSON

from . import traps
from .annotations import PLAIN, fields_of, is_array, is_json, is_plain, normal

_TELLING_TEXT = [
    "", "a", "A", "plumless", " ", " a ", "a\n", "\n", "a\r\nb", "\r", "\x00", "a\x00", "\ufeff", "\ufeffa", "é", "e\u0301", "ß", "İ",
    "😀", "\ud800", "\u2028", "\x85", "\x1a", "\\n", '"', "'", "null", "None", "NaN", "true", "0", "1.0", "[]", "{}",
    "../a", "/a", "%41", "~", "{0}", "a" * 255, "a" * 256,
]  # fmt: skip
_TELLING_BYTES = [
    b"", b"a", b"plumless", b"\x00", b"a\x00", b" a ", b"\n", b"a\r\nb", b"\r", b"\x1a",
    b"\xff\xfe", b"\x80", b"\xef\xbb\xbfa", b"\x1f\x8b",
    b"null", bytes(range(256)),
]  # fmt: skip
_TELLING_INTS = [0, 1, -1, 255, 256, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30]
_TELLING_FLOATS = [
    0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e16 + 2, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.12345679,
    float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
_TELLING_DATETIMES = [
    dt.datetime(2020, 1, 2, 3, 4, 5),  # noqa: DTZ001 - naive on purpose
    dt.datetime(2020, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001 - naive on purpose
    dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    dt.datetime(1969, 7, 20, 20, 17, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    dt.datetime.min,  # noqa: DTZ901 - naive on purpose
    dt.datetime.max,  # noqa: DTZ901 - naive on purpose
]
_TELLING: dict[Any, list[Any]] = {
    type(None): [None],
    bool: [False, True],
    int: _TELLING_INTS,
    float: _TELLING_FLOATS,
    complex: [0j, 1 + 2j, complex(-0.0, -0.0)],
    str: _TELLING_TEXT,
    bytes: _TELLING_BYTES,
    bytearray: [bytearray(value) for value in _TELLING_BYTES],
    dt.datetime: _TELLING_DATETIMES,
    dt.date: [dt.date(2020, 2, 29), dt.date.min, dt.date.max],
    dt.time: [dt.time(0), dt.time(23, 59, 59, 999999), dt.time(1, tzinfo=dt.UTC)],
    dt.timedelta: [dt.timedelta(0), dt.timedelta(days=-1, microseconds=1), dt.timedelta(days=10**6, seconds=1)],
    Decimal: [Decimal(0), Decimal("0.1"), Decimal("1.10"), Decimal("1E+30"), Decimal("123456789.123456789123456789")],
    Fraction: [Fraction(0), Fraction(1, 3)],
    UUID: [UUID(int=0), UUID(int=2**127 + 1)],
}


def plain_values() -> Iterator[object]:
    """Fresh telling values of the types that a handler of anything is written for."""
    yield from (None, False, True)
    yield from _interleaved([_TELLING[cls] for cls in (int, float, str, bytes, dt.datetime)])
    yield from (
        [], {}, (), set(), [None], [[]], [1, 2.0, "3", b"4", None, True], [0, False, 0.0, -0.0, ""], [b"", (), {}, set()],
        (1, "a"), [(1, 2), [3]], {"a": (1,)}, {"a": [1, {"b": 2}]}, {1: "a"}, {1: "a", "1": "b"}, {None: 0, True: 1},
        [number if number % 3 else float(number) for number in range(1_200)],
        {"é": 1, "e\u0301": 2, "A": 3, "a": 4, "a ": 5},
        {(1, 2): "pair"}, {1.5: "x", b"k": "y"}, {"b": 1, "a": 2}, {1, 2, 3}, {"a", "b"}, {"a": [], "b": {}, "c": ""}, ({"": None},),
        [{"a": {1, 2}}, ({"k": (b"v",)},)], [float("nan"), float("inf")], {"x": -0.0}, {"n": [1, -0.0, 2**70]}, ["\ud800"],
        {"when": dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)},
        _nested(60),
    )  # fmt: skip


def further_values() -> Iterator[object]:
    """Fresh values of common types beyond those: subclasses, enumerations, numbers, paths."""
    yield from (
        frozenset({1, "a"}), bytearray(b"a"), 1 + 2j, OrderedDict(b=1, a=2), defaultdict(list, {"a": [1]}),
        Counter("aab"), Decimal("1.10"), Fraction(1, 3), UUID(int=7), dt.date(2020, 2, 29), dt.time(1, 2, 3),
        dt.timedelta(days=1, microseconds=1), PurePosixPath("a/b"), range(3), http.HTTPStatus.OK, [http.HTTPStatus.OK],
        http.HTTPMethod.GET, traps.Text("text"), traps.Number(7), traps.Items([1]), {"a": bytearray(b"a")}, [frozenset({1})],
        traps.Real(1.5), traps.Octets(b"a"), traps.Pair(1, 2), traps.Members({1}), traps.Moment(2020, 1, 2), deque([1]),
    )  # fmt: skip


def _nested(depth: int) -> object:
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def _interleaved(rows: list[list[object]]) -> Iterator[object]:
    """The first of each, then the second of each, so that a prefix is varied."""
    for column in range(max(map(len, rows), default=0)):
        yield from (row[column] for row in rows if column < len(row))


def telling_values(annotation: Any) -> Iterator[object]:
    """Fresh values of an annotation that are known to break handlers."""
    annotation = normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    cls = origin or annotation
    if is_plain(annotation):
        yield from plain_values()
    elif annotation is JSON:
        yield from (value for value in plain_values() if is_json(value))
        yield from ({"": 0, "a": [{}, [], None]}, {"b": 1, "a": 2}, [[[[]]]], {"x": [1, 1.0, True, "1", None]})
    elif annotation in _TELLING:
        yield from (type(value)(value) if isinstance(value, bytearray) else value for value in _TELLING[annotation])
    elif origin in (Union, types.UnionType):
        yield from _interleaved([list(telling_values(argument)) for argument in arguments])
    elif origin is Literal:
        yield from arguments
    elif cls in (list, set, frozenset, abc.Sequence):
        yield from _telling_collections(list if cls is abc.Sequence else cls, arguments)
    elif cls is tuple:
        yield from _telling_tuples(arguments)
    elif cls in (dict, abc.Mapping, abc.MutableMapping):
        yield from _telling_mappings(arguments)
    elif isinstance(cls, type) and issubclass(cls, Enum):
        yield from cls
    elif isinstance(cls, type) and issubclass(cls, PurePath):
        yield from map(cls, (".", "a", "A", "a/b.c", "/a", "../a", "é", "e\u0301", "a b", "~"))
    elif is_dataclass(cls) and isinstance(cls, type):
        yield from _telling_instances(annotation)
    elif is_array(cls):
        yield from _telling_arrays()


def _telling_instances(annotation: Any) -> Iterator[object]:
    """Instances of a dataclass, field by field; fewer where the class refuses a combination."""
    cls = get_origin(annotation) or annotation
    columns = {name: list(telling_values(hint)) for name, hint in fields_of(annotation)}
    columns = {name: column for name, column in columns.items() if column}
    for row in range(max(map(len, columns.values()), default=0)):
        with suppress(Exception):  # a field without telling values and without a default, or a combination that is refused
            yield cls(**{name: column[row % len(column)] for name, column in columns.items()})


def _telling_collections(cls: Callable[[list[Any]], Any], arguments: tuple[Any, ...]) -> Iterator[object]:
    items = [*telling_values(arguments[0] if arguments else PLAIN)]
    if cls in (set, frozenset):
        items = [item for item in items if getattr(item, "__hash__", None) and not isinstance(item, tuple)]
    yield cls([])
    yield from (cls([item]) for item in items)
    yield cls(items)
    if cls is list:
        yield from ([item, item] for item in items[:3])


def _telling_tuples(arguments: tuple[Any, ...]) -> Iterator[object]:
    if not arguments or arguments[-1] is Ellipsis:
        yield from (tuple(typing.cast("list[Any]", value)) for value in _telling_collections(list, arguments[:1]))
        return
    columns = [list(telling_values(argument)) for argument in arguments]
    if all(columns):
        for row in range(max(map(len, columns))):
            yield tuple(column[row % len(column)] for column in columns)


def _telling_mappings(arguments: tuple[Any, ...]) -> Iterator[object]:
    keys_of, items_of = arguments or (str, PLAIN)
    keys = [key for key in telling_values(keys_of) if getattr(key, "__hash__", None) and key == key]  # noqa: PLR0124
    items = list(telling_values(items_of))
    yield {}
    if keys and items:
        yield from ({keys[index % len(keys)]: items[index % len(items)]} for index in range(max(len(keys), len(items))))
        yield {key: items[index % len(items)] for index, key in enumerate(reversed(keys))}


def _telling_arrays() -> Iterator[object]:
    import numpy as np

    yield from (
        np.zeros((0,)), np.zeros((0, 3)), np.array(1.5), np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::2], np.array([np.nan, np.inf, -np.inf, -0.0, 0.0]), np.array([True, False]), np.array([1 + 2j]),
        np.array([2**63 - 1, -(2**63)]), np.array([2**64 - 1], dtype=np.uint64), np.array([1.5], dtype=np.float16),
        np.array([1, 2], dtype=np.int8), np.array([0.1], dtype=np.float32), np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
    )  # fmt: skip
