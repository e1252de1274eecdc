"""The values that a handler is written for, from the annotation of its ``write``.

A domain is drawn from in three ways: a Hypothesis strategy for what nobody thought of, telling values that strategies
rarely draw, and values just outside it. Where the annotation says nothing, the domain is plain Python values.
"""

import ast
import copy
import datetime as dt
import http
import inspect
import sys
import types
import typing
from collections import Counter, OrderedDict, abc, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import chain, islice
from pathlib import PurePath, PurePosixPath
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import attrs
import typing_extensions
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from resultspec import JSON

from . import traps
from .strictjson import json_problem

PLAIN: Any = Any
"""The annotation that stands for plain Python values."""


@attrs.frozen
class Domain:
    """The values that a handler is written for.

    Attributes:
        annotation: What ``write`` names; ``Any`` where it names nothing.
        strategy: Draws values of the domain.
        declared: True when the author gave the strategy, so that the annotation only bounds the domain.
    """

    annotation: Any
    strategy: st.SearchStrategy[Any]
    declared: bool

    @property
    def is_plain(self) -> bool:
        """Whether the domain is plain Python values rather than something named."""
        return _is_plain(self.annotation)

    def telling(self) -> Iterator[object]:
        """Fresh small values of the domain that are known to break handlers; none where the author drew the domain."""
        return iter(()) if self.declared else telling_values(self.annotation)

    def large(self) -> Iterator[object]:
        """Fresh large values of the domain, by size; none where the author drew the domain."""
        return iter(()) if self.declared else large_values(self.annotation)

    def beyond(self) -> Iterator[object]:
        """Fresh values of types beyond plain values, where ``write`` names no type; none where the author drew the domain."""
        return iter(()) if self.declared or not self.is_plain else further_values()

    def numbered(self) -> Callable[[int], object] | None:
        """A function that makes a different value of the annotation for every number; None where none is known."""
        return numbered_values(self.annotation)

    def outside(self) -> Iterator[object]:
        """Fresh values that the annotation does not admit, near misses first; further types and traps where it admits all."""
        if self.is_plain:
            yield from self.beyond()
        else:
            inside = list(islice(telling_values(self.annotation), 24))
            near = chain.from_iterable(_near_misses(value) for value in inside)
            yield from (value for value in chain(near, plain_values(), further_values()) if not admits(self.annotation, value))
        yield from (value for value in traps.traps() if self.is_plain or not admits(self.annotation, value))

    def describe(self) -> str:
        """The domain in words that follow a number, for the report."""
        if self.declared:
            return "values of the subject's own strategy"
        return "plain Python values" if self.is_plain else f"values of {_annotation_name(self.annotation)}"


class CannotInfer(Exception):
    """No values are known for an annotation; the text says what to do."""


def domain_of(handler: object, values: st.SearchStrategy[Any] | None) -> Domain:
    """Find the domain of a handler.

    Raises:
        CannotInfer: The annotation names a type of which no values can be made.
    """
    while hasattr(handler, "__wrapped__"):  # a wrapper is written for what it wraps
        handler = handler.__wrapped__
    annotation = _normal(_annotation_of_write(handler))
    if values is not None:
        return Domain(annotation, values, declared=True)
    try:
        strategy = strategy_for(annotation)
        strategy.validate()
    except Exception as error:
        raise CannotInfer(
            f"no values can be made for the annotation {_annotation_name(annotation)} of write "
            f"({type(error).__name__}: {str(error).partition(chr(10))[0][:160]}); name a Hypothesis strategy as values="
        ) from error
    return Domain(annotation, strategy, declared=False)


def _annotation_of_write(handler: Any) -> Any:
    write = inspect.unwrap(getattr(handler.write, "__func__", handler.write))
    try:
        parameters = list(inspect.signature(handler.write).parameters.values())
    except (TypeError, ValueError):
        return PLAIN
    if not parameters or parameters[0].annotation is inspect.Parameter.empty:
        return PLAIN
    name = parameters[0].name
    raw = parameters[0].annotation
    if raw is JSON or raw == "JSON" or (isinstance(raw, str) and raw.rpartition(".")[2] == "JSON"):
        return JSON
    names = getattr(write, "__globals__", {})
    try:
        try:
            annotation = typing_extensions.get_type_hints(write).get(name, PLAIN)
        except NameError:
            names = names | _imported_for_checkers(names)
            annotation = typing_extensions.get_type_hints(write, names).get(name, PLAIN)
        annotation = _finite(annotation, names, _UNROLLED)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only
        return PLAIN if isinstance(raw, str) else raw
    return _bound(annotation, handler) if isinstance(annotation, TypeVar) else annotation


def _imported_for_checkers(names: dict[str, Any]) -> dict[str, Any]:
    """What a module imports ``if TYPE_CHECKING:``, as far as it can be imported."""
    imported: dict[str, Any] = {"__package__": names.get("__package__"), "__name__": names.get("__name__")}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[names["__name__"]]))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in (getattr(node.test, "id", None), getattr(node.test, "attr", None)):
            for statement in node.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    with suppress(Exception):  # such as a stub, which does not exist when a program runs
                        exec(ast.unparse(statement), imported)  # noqa: S102 - an import of the author's
    return imported


_UNROLLED = 2
_ENDLESS = object()


def _finite(annotation: Any, names: dict[str, Any], levels: int) -> Any:
    """A recursive alias as an annotation with an end: written out a few times, then without the members that lead on."""
    if isinstance(annotation, str | typing.ForwardRef | typing_extensions.TypeAliasType):
        if levels == 0:
            return _ENDLESS
        meant = getattr(annotation, "__value__", getattr(annotation, "__forward_arg__", annotation))
        return _finite(eval(meant, names) if isinstance(meant, str) else meant, names, levels - 1)  # noqa: S307 - the author's
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (None, Literal, typing.Annotated, abc.Callable):
        return annotation
    finite = [_finite(argument, names, levels) for argument in arguments]
    if origin in (Union, types.UnionType) and (kept := tuple(argument for argument in finite if argument is not _ENDLESS)):
        return Union[kept]  # noqa: UP007 - of how many there are
    if _ENDLESS in finite:
        return _ENDLESS
    return annotation if finite == [*arguments] else origin[tuple(finite)]


def _bound(variable: Any, handler: Any) -> Any:
    """What a type variable stands for in this handler: its argument, its bound, or anything."""
    cls = type(handler)
    generics = [getattr(handler, "__orig_class__", None), *getattr(cls, "__orig_bases__", ())]
    for generic in generics:
        parameters = getattr(get_origin(generic), "__parameters__", ())
        if variable in parameters:
            argument = get_args(generic)[parameters.index(variable)]
            if not isinstance(argument, TypeVar):
                return argument
    return variable.__bound__ or PLAIN


def _normal(annotation: Any) -> Any:
    """Strip what does not change the values: Annotated, NewType, Final, type variables."""
    while True:
        if hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is typing.Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, TypeVar):
            annotation = annotation.__bound__ or PLAIN
        elif annotation is None:
            annotation = type(None)
        else:
            return annotation


def _is_plain(annotation: Any) -> bool:
    return annotation in (PLAIN, object) or (
        get_origin(annotation) in (Union, types.UnionType) and any(_is_plain(a) for a in get_args(annotation))
    )


def _annotation_name(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


_OFFSETS = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=-3))])
_DATETIMES = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), _OFFSETS)
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | _DATETIMES
)  # fmt: skip
_HASHABLE = st.booleans() | st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text())


def _containers(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(items, max_size=6)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(_HASHABLE, items, max_size=5)
        | st.sets(_HASHABLE, max_size=5)
    )


PLAIN_STRATEGY: st.SearchStrategy[Any] = st.recursive(_SCALARS, _containers, max_leaves=8)
JSON_STRATEGY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda items: st.lists(items, max_size=6) | st.dictionaries(st.text(), items, max_size=5),
    max_leaves=10,
)


def strategy_for(annotation: Any) -> st.SearchStrategy[Any]:
    """A strategy for the values that an annotation names."""
    annotation = _normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if _is_plain(annotation):
        return PLAIN_STRATEGY
    if annotation is JSON:
        return JSON_STRATEGY
    if annotation is dt.datetime:
        return _DATETIMES
    if origin in (Union, types.UnionType):
        return st.one_of([strategy_for(argument) for argument in arguments])
    if (origin or annotation) in _BARE:
        return _BARE[origin or annotation](*[strategy_for(a) for a in arguments if a is not Ellipsis] or [PLAIN_STRATEGY])
    if (origin or annotation) is tuple:
        return _tuples(arguments)
    if (origin or annotation) in (dict, abc.Mapping, abc.MutableMapping):
        keys, items = map(strategy_for, arguments) if arguments else (_HASHABLE, PLAIN_STRATEGY)
        return st.dictionaries(keys, items, max_size=8)
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return st.lists(_PATH_PARTS, max_size=4).map(lambda parts: annotation(*parts))
    library = _library_strategy(annotation, origin)
    return _instances(annotation) if library is None else library


_NOT_TAKEN = object()


def _instances(annotation: Any) -> st.SearchStrategy[Any]:
    """Instances of a class; arguments that its constructor refuses, such as by a validator, are drawn anew."""
    if isinstance(annotation, type) and attrs.has(annotation):
        with suppress(Exception):  # names that exist for type checkers only
            attrs.resolve_types(annotation)
    generic: Any = get_origin(annotation)
    if is_dataclass(generic):
        parts = {name: strategy_for(hint) for name, hint in _fields_of(annotation)}
        strategy: st.SearchStrategy[Any] = st.builds(typing.cast("type", generic), **parts)
    else:
        strategy = st.from_type(annotation)

    @st.composite
    def taken(draw: st.DrawFn) -> Any:
        try:
            return draw(strategy)
        except HypothesisException:
            raise
        except Exception:  # noqa: BLE001 - whatever a constructor raises is its refusal
            return _NOT_TAKEN

    return taken().filter(lambda drawn: drawn is not _NOT_TAKEN)


_PATH_PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), max_size=8) | st.sampled_from(
    ["/", "..", "~", "a.b"]
)

_BARE: dict[Any, Callable[..., st.SearchStrategy[Any]]] = {
    list: lambda items: st.lists(items, max_size=8),
    abc.Sequence: lambda items: st.lists(items, max_size=8),
    set: lambda items: st.sets(items, max_size=8),
    frozenset: lambda items: st.frozensets(items, max_size=8),
}


def _tuples(arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if not arguments or arguments[-1] is Ellipsis:
        items = strategy_for(arguments[0]) if arguments else PLAIN_STRATEGY
        return st.lists(items, max_size=8).map(tuple)
    return st.tuples(*map(strategy_for, arguments))


def _library_strategy(annotation: Any, origin: Any) -> st.SearchStrategy[Any] | None:
    """Arrays and frames: dtypes that every writer of such handlers has in mind, in native order."""
    cls = origin or annotation
    library = getattr(cls, "__module__", "").partition(".")[0]
    name = getattr(cls, "__qualname__", "")
    if library == "numpy" and name == "ndarray":
        return _arrays()
    if library == "pandas" and name == "DataFrame":
        return _frames()
    if library == "pandas" and name == "Series":
        return _frames().map(lambda frame: frame["number"])
    if library == "pyarrow" and name == "Table":
        return _columns().map(_arrow_table)
    return None


def _arrays() -> st.SearchStrategy[Any]:
    from hypothesis.extra import numpy as hnp

    dtypes = (
        hnp.boolean_dtypes()
        | hnp.integer_dtypes(endianness="=")
        | hnp.unsigned_integer_dtypes(endianness="=")
        | hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64))
        | hnp.complex_number_dtypes(endianness="=", sizes=(64, 128))
    )
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    return dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes))


def _columns() -> st.SearchStrategy[dict[str, list[Any]]]:
    def columns(rows: int) -> st.SearchStrategy[dict[str, list[Any]]]:
        def column(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
            return st.lists(cells, min_size=rows, max_size=rows)

        return st.fixed_dictionaries({
            "number": column(st.integers(-(2**63), 2**63 - 1)),
            "real": column(st.floats()),
            "text": column(st.text(st.characters(codec="utf-8"))),
            "flag": column(st.booleans()),
        })  # fmt: skip

    return st.integers(0, 4).flatmap(columns)


def _frames() -> st.SearchStrategy[Any]:
    import pandas as pd

    types_of = {"number": "int64", "real": "float64", "text": "object", "flag": "bool"}
    return _columns().map(lambda columns: pd.DataFrame(columns).astype(types_of))


def _arrow_table(columns: dict[str, list[Any]]) -> Any:
    import pyarrow as pa

    types_of = {"number": pa.int64(), "real": pa.float64(), "text": pa.string(), "flag": pa.bool_()}
    return pa.table({name: pa.array(cells, types_of[name]) for name, cells in columns.items()})


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
    annotation = _normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    cls = origin or annotation
    if _is_plain(annotation):
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
    elif _is_array(cls):
        yield from _telling_arrays()


def _is_array(cls: Any) -> bool:
    return getattr(cls, "__module__", "").partition(".")[0] == "numpy" and cls.__qualname__ == "ndarray"


def _telling_instances(annotation: Any) -> Iterator[object]:
    """Instances of a dataclass, field by field; fewer where the class refuses a combination."""
    cls = get_origin(annotation) or annotation
    columns = {name: list(telling_values(hint)) for name, hint in _fields_of(annotation)}
    columns = {name: column for name, column in columns.items() if column}
    for row in range(max(map(len, columns.values()), default=0)):
        with suppress(Exception):  # a field without telling values and without a default, or a combination that is refused
            yield cls(**{name: column[row % len(column)] for name, column in columns.items()})


def _fields_of(annotation: Any) -> list[tuple[str, Any]]:
    """The fields that a dataclass is made with and their annotations, those left out that lead back to dataclasses."""
    cls = get_origin(annotation) or annotation
    try:
        hints = typing_extensions.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only
        return []
    meant = dict(zip(getattr(cls, "__parameters__", ()), get_args(annotation), strict=False))
    hints = {name: _with_arguments(hint, meant) for name, hint in hints.items()}
    return [
        (field.name, hints[field.name]) for field in fields(cls) if field.init and not _is_made_of_dataclasses(hints[field.name])
    ]


def _with_arguments(hint: Any, meant: dict[Any, Any]) -> Any:
    """An annotation with the arguments of a generic class in the place of its type variables."""
    if isinstance(hint, TypeVar):
        return meant.get(hint, hint)
    variables = getattr(hint, "__parameters__", ()) if get_origin(hint) is not None else ()
    return hint[tuple(meant.get(variable, variable) for variable in variables)] if variables else hint


def _is_made_of_dataclasses(annotation: Any) -> bool:
    """Whether a dataclass is named in an annotation, which may be the one that it belongs to."""
    return is_dataclass(annotation) or any(map(_is_made_of_dataclasses, get_args(annotation)))


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


_SIZES = (4_097, 8_193, 65_535, 65_536, 65_537, 131_073, 1_048_576, 1_048_577, 1_400_001, 4_194_305)
_UNIT = "".join(chr(33 + (index * 37) % 90) for index in range(251))


def large_values(annotation: Any) -> Iterator[object]:
    """Fresh values by growing size: around buffer sizes, and past the limits that stores have."""
    annotation = _normal(annotation)
    cls = get_origin(annotation) or annotation
    arguments = get_args(annotation)
    if _is_plain(annotation) or annotation is JSON:
        yield from large_values(str)
        if _is_plain(annotation):
            yield from large_values(bytes)
        yield list(range(10_000))
        yield [number if number % 3 else float(number) for number in range(20_000)]
        yield {f"key {index}": index for index in range(2_000)}
    elif annotation is str:
        yield from (text_of_length(size) for size in _SIZES)
        yield "é" * 5_000
        yield "a" + "😀" * 20_000
        yield "a\n" * 5_000
    elif annotation in (bytes, bytearray):
        yield from (annotation(text_of_length(size).encode()) for size in _SIZES)
    elif annotation is int:
        yield from (10**100 + 1, 2**1_000, -(10**1_000), 10**4_000)
    elif _is_array(cls):
        import numpy as np

        yield from (np.arange(size) for size in (1_025, 8_193, 131_073))
    elif cls in (list, abc.Sequence) or (cls is tuple and (not arguments or arguments[-1] is Ellipsis)):
        items = list(telling_values(arguments[0] if arguments else PLAIN))
        make: Callable[[Any], Any] = tuple if cls is tuple else list
        yield from (make(islice(_cycle(items), size)) for size in (1_001, 10_001) if items)
        yield from (make([item]) for item in large_values(arguments[0] if arguments else str))
    elif cls in (dict, abc.Mapping) and arguments and arguments[0] is str:
        if items := list(telling_values(arguments[1])):
            yield {f"key {index}": items[index % len(items)] for index in range(5_000)}
        yield from ({"large": item} for item in large_values(arguments[1]))
    elif get_origin(annotation) in (Union, types.UnionType):
        for argument in arguments:
            yield from large_values(argument)
    elif is_dataclass(cls) and isinstance(cls, type):
        yield from _large_instances(annotation)


def _large_instances(annotation: Any) -> Iterator[object]:
    """Instances of a dataclass with one large field."""
    one: Any = next(telling_values(annotation), None)
    if one is not None:
        for name, hint in _fields_of(annotation):
            for large in large_values(hint):
                with suppress(Exception):  # the class refuses it
                    yield replace(one, **{name: large})


def text_of_length(size: int) -> str:
    """Text without repetition at any power of two, so that a lost or swapped block shows."""
    return (_UNIT * (size // len(_UNIT) + 1))[:size]


def _cycle(items: list[object]) -> Iterator[object]:
    while True:
        yield from items


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
    annotation = _normal(annotation)
    cls, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if _is_plain(annotation) or annotation is JSON:
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
    if _is_array(cls):
        import numpy as np

        return lambda number: np.arange(number, number + 3)
    if is_dataclass(cls) and isinstance(cls, type):
        return _numbered_instances(annotation)
    return None


def _numbered_instances(annotation: Any) -> Callable[[int], object] | None:
    one: Any = next(telling_values(annotation), None)
    if one is None:
        return None
    for name, hint in _fields_of(annotation):
        if (make := numbered_values(hint)) is not None:
            with suppress(Exception):  # the class refuses another value of this field
                replace(one, **{name: make(0)})
                return lambda number, name=name, make=make: replace(one, **{name: make(number)})  # type: ignore[misc]
    return None


_MISSING = object()


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
    elif _is_array(type(value)) and value.size:
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


def _near_misses(value: object) -> Iterator[object]:
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
    elif _is_array(type(value)):
        yield from _near_arrays(value)


def _near_arrays(value: Any) -> Iterator[object]:
    import numpy as np

    yield from (value.tolist(), value.astype(object), value.astype(value.dtype.newbyteorder()))
    if value.size:
        yield np.ma.masked_array(value, mask=np.arange(value.size).reshape(value.shape) == 0)
        yield value.flat[0]


def is_json(value: object) -> bool:
    """Whether a value is JSON of exactly the types that JSON text gives back, finite and with valid text."""
    return json_problem(value) is None


def admits(annotation: Any, value: object) -> bool:
    """Whether an annotation names a value, by exact types; True where that cannot be told."""
    annotation = _normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    cls = origin or annotation
    if _is_plain(annotation):
        return True
    if annotation is JSON:
        return is_json(value)
    if origin in (Union, types.UnionType):
        return any(admits(argument, value) for argument in arguments)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if cls in (abc.Sequence, abc.Mapping, abc.MutableMapping):
        cls = list if cls is abc.Sequence else dict
    if cls in (list, set, frozenset):
        return type(value) is cls and all(admits(a, item) for a in arguments for item in typing.cast("list[Any]", value))
    if cls is tuple:
        return type(value) is tuple and _tuple_admits(arguments, value)
    if cls is dict:
        return type(value) is dict and all(
            admits(arguments[0], key) and admits(arguments[1], item) for key, item in value.items() if arguments
        )
    if typing_extensions.is_typeddict(cls):
        return type(value) is dict
    if _is_array(cls):
        dtype = getattr(value, "dtype", None)
        return type(value) is cls and dtype is not None and dtype.kind in "biufc" and dtype.isnative
    return type(value) is cls if isinstance(cls, type) and not inspect.isabstract(cls) and not _is_protocol(cls) else True


def _tuple_admits(arguments: tuple[Any, ...], value: tuple[object, ...]) -> bool:
    if not arguments:
        return True
    if arguments[-1] is Ellipsis:
        return all(admits(arguments[0], item) for item in value)
    return len(value) == len(arguments) and all(map(admits, arguments, value))


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))
