"""Hypothesis strategies for the values of an annotation: what nobody thought of."""

import datetime as dt
import types
import typing
from collections import abc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import PurePath
from typing import Any, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from resultspec import JSON

from .annotations import fields_of, is_plain, normal

# All but surrogates is what UTF-8 has; asked for by that name, Hypothesis takes a second where it has no cache, as in most CI.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_OFFSETS = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=-3))])
_DATETIMES = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), _OFFSETS)
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.binary() | _DATETIMES
)  # fmt: skip
_HASHABLE = st.booleans() | st.integers() | _TEXT | st.binary() | st.tuples(st.integers(), _TEXT)


def _containers(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(items, max_size=6)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(_HASHABLE, items, max_size=5)
        | st.sets(_HASHABLE, max_size=5)
    )


PLAIN_STRATEGY: st.SearchStrategy[Any] = st.recursive(_SCALARS, _containers, max_leaves=8)
JSON_STRATEGY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda items: st.lists(items, max_size=6) | st.dictionaries(_TEXT, items, max_size=5),
    max_leaves=10,
)


def strategy_for(annotation: Any) -> st.SearchStrategy[Any]:
    """A strategy for the values that an annotation names."""
    annotation = normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_plain(annotation):
        return PLAIN_STRATEGY
    if annotation is JSON:
        return JSON_STRATEGY
    if annotation is str:
        return _TEXT
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
        parts = {name: strategy_for(hint) for name, hint in fields_of(annotation)}
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


_PATH_PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), max_size=8) | st.sampled_from(
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
            "text": column(_TEXT),
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
