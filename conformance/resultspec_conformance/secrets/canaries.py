"""Values that are recognised wherever they turn up: each carries a canary, a pattern that nothing else has."""

import datetime as dt
import random
import string
import types
import typing
from collections import abc
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from resultspec import JSON

from ..values.annotations import PLAIN
from ..values.domain import Domain
from .recognising import secret_of
from .revealing import Secret

_LENGTH = 24


def canary_text(number: int = 0) -> str:
    """A text that turns up by chance nowhere; the same for the same number in every run."""
    return "".join(random.Random(f"canary {number}").choices(string.ascii_letters + string.digits, k=_LENGTH))


def canaries(domain: Domain, pool: Iterable[Any], number: int = 0) -> Iterator[tuple[Any, Secret]]:
    """Fresh values of a domain that carry a canary, each with what gives it away.

    Args:
        domain: The domain. Where the author drew it, the values that its annotation would allow come after the drawn ones.
        pool: Values of the domain; those that are telling enough serve as canaries themselves.
        number: Which canary they carry.
    """
    built = _bearers(domain.annotation, canary_text(number))
    telling = sorted((value for value in pool if secret_of(value).pieces), key=_weight)
    for value in (*telling[:8], *built) if domain.declared else (*built, *telling[:4]):
        if (secret := secret_of(value)).pieces:
            yield value, secret


def _weight(value: object) -> int:
    return sum(map(len, secret_of(value).pieces))


def _bearers(annotation: Any, text: str) -> Iterator[Any]:
    """Fresh values that an annotation names and that carry a text, small ones first; none where it has none."""
    while hasattr(annotation, "__supertype__"):
        annotation = annotation.__supertype__
    if get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    origin, arguments = get_origin(annotation), get_args(annotation)
    cls = origin or annotation
    if annotation in (PLAIN, object) or annotation is JSON:
        yield from (text, {text: 1}, {"name": text}, [1, [text]], _whole(text), _real(text), text * 14, [text] * 14, text * 3_000)
        if annotation is not JSON:
            yield from (text.encode(), (text, text.encode()), {text}, _moment(text))
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _bearers(argument, text)
    elif annotation in _SCALARS:
        yield from _SCALARS[annotation](text)
    elif cls in (list, set, frozenset, tuple, abc.Sequence):
        yield from _bearing_collections(cls, arguments or (PLAIN,), text)
    elif cls in (dict, abc.Mapping, abc.MutableMapping):
        yield from _bearing_mappings(arguments or (str, PLAIN), text)
    elif getattr(cls, "__module__", "").partition(".")[0] in ("numpy", "pandas", "pyarrow"):
        yield from _bearing_tables(cls, text)


def _whole(text: str) -> int:
    return int.from_bytes(text[:13].encode(), "big")


def _real(text: str) -> float:
    return random.Random(text).uniform(0.5, 0.6)


def _moment(text: str) -> dt.datetime:
    return dt.datetime(1987, 3, 29, 21, 47, 53, 100_000 + _whole(text) % 899_999)  # noqa: DTZ001 - naive ones are in every domain


_SCALARS: dict[Any, typing.Callable[[str], list[Any]]] = {
    str: lambda text: [text, text * 14, text * 3_000],
    bytes: lambda text: [text.encode(), text.encode() * 14, text.encode() * 3_000],
    bytearray: lambda text: [bytearray(text.encode()), bytearray(text.encode() * 14)],
    int: lambda text: [_whole(text), -_whole(text)],
    float: lambda text: [_real(text), -_real(text) * 1e9],
    complex: lambda text: [],
    Decimal: lambda text: [Decimal(_whole(text)), Decimal(_whole(text)).scaleb(-10)],
    UUID: lambda text: [UUID(bytes=text[:16].encode())],
    dt.datetime: lambda text: [_moment(text), _moment(text).replace(tzinfo=dt.UTC)],
    dt.time: lambda text: [_moment(text).time()],
}


def _bearing_collections(cls: Any, arguments: tuple[Any, ...], text: str) -> Iterator[Any]:
    make: Any = list if cls is abc.Sequence else cls
    if cls is tuple and arguments[-1] is not Ellipsis:
        columns = [list(_bearers(argument, text)) for argument in arguments]
        if all(columns):
            yield tuple(column[0] for column in columns)
        return
    items = list(_bearers(arguments[0], text))
    for item in items:
        if make in (list, tuple) or getattr(item, "__hash__", None):
            yield make([item])
    if items and make in (list, tuple):
        yield make([items[0]] * 2_000)


def _bearing_mappings(arguments: tuple[Any, ...], text: str) -> Iterator[Any]:
    keys = [key for key in _bearers(arguments[0], text) if getattr(key, "__hash__", None)]
    items = list(_bearers(arguments[1], text))
    if keys and items:
        yield from ({keys[0]: item} for item in items)
    elif items and arguments[0] is str:
        yield from ({"name": item} for item in items)


def _bearing_tables(cls: Any, text: str) -> Iterator[Any]:
    library, name = cls.__module__.partition(".")[0], cls.__qualname__
    if library == "numpy" and name == "ndarray":
        import numpy as np

        data = np.frombuffer(text.encode(), np.uint8)
        yield from (data.copy(), np.frombuffer(text.encode(), np.int64).copy(), np.array([_real(text)]), np.tile(data, 4_000))
    elif library == "pandas" and name == "DataFrame":
        import pandas as pd

        yield pd.DataFrame({text: [1, 2], "name": [text, text]})
    elif library == "pandas" and name == "Series":
        import pandas as pd

        yield pd.Series([_whole(text[:7])] * 2, name="number")
    elif library == "pyarrow" and name == "Table":
        import pyarrow as pa

        yield pa.table({text: [1, 2], "name": [text, text]})
