"""Values as text: as Python source for a script, and shortened for a message."""

import base64
import math
import re
import reprlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import GeneratorType
from typing import Any
from uuid import UUID

import cloudpickle

from . import traps

_SHOWN_LENGTH = 160
_LONG_LITERAL = 120
_LONGEST_PERIOD = 300
_DEEPEST_LITERAL = 50

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = _SHOWN_LENGTH
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = _short.maxfrozenset = 8


def shown(value: object) -> str:
    """A value for a human: its repr, shortened, on one line, and safe to print."""
    try:
        text = _short.repr(value)
    except Exception as error:  # noqa: BLE001 - a repr that raises must not hide the failure that it belongs to
        text = f"<{type(value).__qualname__} object whose repr raises {type(error).__name__}>"
    if isinstance(value, str | bytes) and len(value) > _SHOWN_LENGTH:
        text = f"{text} (length {len(value)})"
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return line if len(line) <= 2 * _SHOWN_LENGTH else line[: 2 * _SHOWN_LENGTH] + "..."


def source_of(value: object) -> str:
    """A Python expression that makes an equal value; what it needs is imported by :func:`imports_for`.

    What has no literal is carried as a pickle.
    """
    try:
        return _source(value, 0)
    except _NoLiteral:
        pass
    try:
        return f"cloudpickle.loads(base64.b64decode({base64.b64encode(cloudpickle.dumps(value)).decode()!r}))"
    except Exception:  # noqa: BLE001 - what nothing can write down is refused by most handlers, as any object() is
        return "object()"


def imports_for(script: str) -> list[str]:
    """The import lines that a script needs for the modules it names, sorted."""
    lines = [f"import {module}" for module in _IMPORTABLE if re.search(rf"(?<![\w.]){module}\.", script)]
    return [*lines, "from resultspec_conformance.values import traps"] if "traps." in script else lines


_IMPORTABLE = (
    "base64", "cloudpickle", "collections", "copy", "datetime", "decimal", "fractions", "json", "math", "os", "pathlib", "pickle",
    "random", "subprocess", "sys", "tempfile", "threading", "time_machine", "uuid",
)  # fmt: skip


class _NoLiteral(Exception):
    """The value has no literal."""


def _source(value: object, depth: int) -> str:
    maker = _MAKERS.get(type(value))
    if maker is None or depth > _DEEPEST_LITERAL:
        raise _NoLiteral
    return maker(value, depth + 1)


def _float(value: float, _: int) -> str:
    if math.isfinite(value):
        return repr(value)
    return "math.nan" if math.isnan(value) else "math.inf" if value > 0 else "-math.inf"


def _text(value: Any, _: int) -> str:
    """A literal, or ``unit * times + rest`` where the text is long and repeats itself."""
    if len(value) <= _LONG_LITERAL:
        return repr(value)
    for period in range(1, _LONGEST_PERIOD):
        times, rest = divmod(len(value), period)
        if value[:period] * times + value[:rest] == value:
            return f"({value[:period]!r} * {times}" + (f" + {value[:rest]!r})" if rest else ")")
    return repr(value)


def _items(opening: str, closing: str) -> Callable[[Any, int], str]:
    def source(value: Any, depth: int) -> str:
        return opening + ", ".join(_source(item, depth) for item in value) + closing

    return source


def _tuple(value: tuple[object, ...], depth: int) -> str:
    return "(" + "".join(f"{_source(item, depth)}, " for item in value).rstrip(" ") + ")"


def _set(value: set[object], depth: int) -> str:
    return _items("{", "}")(value, depth) if value else "set()"


def _dict(value: dict[object, object], depth: int) -> str:
    return "{" + ", ".join(f"{_source(key, depth)}: {_source(item, depth)}" for key, item in value.items()) + "}"


def _ordered(value: OrderedDict[object, object], depth: int) -> str:
    return f"collections.OrderedDict({_items('[', ']')(list(value.items()), depth)})"


def _repr(value: object, _: int) -> str:
    return repr(value)


def _in_module(module: str) -> Callable[[object, int], str]:
    def source(value: object, _: int) -> str:
        return f"{module}.{value!r}"

    return source


_MAKERS: dict[type, Callable[[Any, int], str]] = {
    type(None): _repr,
    bool: _repr,
    int: _repr,
    float: _float,
    complex: _repr,
    str: _text,
    bytes: _text,
    bytearray: lambda value, depth: f"bytearray({_text(bytes(value), depth)})",
    list: _items("[", "]"),
    tuple: _tuple,
    set: _set,
    frozenset: lambda value, depth: f"frozenset({_set(set(value), depth)})",
    dict: _dict,
    OrderedDict: _ordered,
    datetime: _repr,
    date: _repr,
    time: _repr,
    timedelta: _repr,
    timezone: _repr,
    Decimal: _in_module("decimal"),
    Fraction: _in_module("fractions"),
    UUID: _in_module("uuid"),
    traps.Unloadable: lambda value, depth: "traps.Unloadable()",
    traps.Unwritable: lambda value, depth: "traps.Unwritable()",
    GeneratorType: lambda value, depth: "(number for number in [1])",
    type(threading.Lock()): lambda value, depth: "threading.Lock()",
    PurePosixPath: _in_module("pathlib"),
}
