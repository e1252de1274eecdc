"""What the correct handlers share: the record that lists them, and a few careful helpers."""

import functools
import json
import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from types import NoneType
from typing import Any, ParamSpec, TypeVar

from resultspec import JSON

_P = ParamSpec("_P")
_T = TypeVar("_T")

_DEEPEST = 100
_MOST_PARTS = 1_000_000
_JSON_LEAVES = frozenset({NoneType, bool, int, float, str})
_PLAIN_LEAVES = frozenset({NoneType, bool, int, float, str, bytes, date, timedelta})
_PLAIN_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})


@dataclass(frozen=True)
class Correct:
    """A handler that keeps every MUST rule of the classes it claims."""

    name: str
    make: Callable[..., Any]
    """A class or factory that takes nothing, or one scratch `Path`."""
    values: Callable[[], Any] | None = None
    """Returns a Hypothesis strategy; None: the domain is inferred from the annotation of `write`."""
    claims: frozenset[str] = frozenset({"core", "shared"})
    warns: frozenset[str] = frozenset()
    """The SHOULD rules that it knowingly does not keep."""
    twin: Callable[..., Any] | None = None
    """The awaitable or blocking twin of the handler, made as it is."""


def absolute(directory: Path) -> Path:
    """Return the directory as seen from any working directory."""
    return Path(directory).absolute()


def _walk(value: object, leaves: frozenset[type], containers: frozenset[type], *, others: bool = False) -> None:
    """Raise unless all parts have exactly these types, and there are neither cycles nor too many parts."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    parts = 0
    while stack:
        item, depth = stack.pop()
        kind = type(item)
        if kind in leaves:
            continue
        if kind is dict and dict in containers:
            children = [*item.keys(), *item.values()]
        elif kind in containers:
            children = list(item)
        elif bytes in leaves and kind in (datetime, time) and (item.tzinfo is None or type(item.tzinfo) is timezone):
            continue
        elif others:
            continue
        else:
            raise TypeError(f"values of type {kind.__qualname__} are not kept here")
        parts += len(children)
        if depth >= _DEEPEST or parts > _MOST_PARTS:
            raise ValueError("the value is too deep or too large, or contains itself")
        stack.extend((child, depth + 1) for child in children)


def to_json(value: object) -> str:
    """Return the JSON text of exactly what JSON can carry, and refuse everything else."""
    _walk(value, _JSON_LEAVES, frozenset({list, dict}))
    _check_keys(value)
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()  # a lone surrogate raises here
    return text


def _check_keys(value: object) -> None:
    if type(value) is dict:
        if any(type(key) is not str for key in value):
            raise TypeError("keys must be text")
        for child in value.values():
            _check_keys(child)
    elif type(value) is list:
        for child in value:
            _check_keys(child)


def from_json(text: object) -> JSON:
    """Return what strict JSON text says."""
    if type(text) is not str:
        raise TypeError("the reference must be text")
    value: JSON = json.loads(text)
    to_json(value)  # NaN, Infinity and lone surrogates raise here
    return value


def check_plain(value: object, *, sets: bool = True) -> None:
    """Refuse everything but plain Python values."""
    _walk(value, _PLAIN_LEAVES, _PLAIN_CONTAINERS if sets else _PLAIN_CONTAINERS - {set, frozenset})


def check_size(value: object) -> None:
    """Refuse containers with cycles or too many parts, whatever objects they hold."""
    _walk(value, _PLAIN_LEAVES, _PLAIN_CONTAINERS, others=True)


def dump(value: object) -> bytes:
    """Pickle plain Python values and refuse everything else."""
    check_plain(value)
    return pickle.dumps(value, protocol=5)


def load(data: bytes) -> Any:
    """Return a pickled value; damage is a ValueError."""
    try:
        return pickle.loads(data)
    except Exception as error:
        raise ValueError("the stored value is damaged") from error


def publish(path: Path, data: bytes) -> None:
    """Make a file appear with all of its content, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def is_hex(reference: object, length: int = 32) -> bool:
    """Tell whether the reference is text of so many lower-case hexadecimal digits."""
    return type(reference) is str and len(reference) == length and not set(reference) - set("0123456789abcdef")


def hex_name(reference: object, length: int = 32) -> str:
    """Return a hexadecimal name, and refuse every other reference."""
    if not is_hex(reference, length):
        raise ValueError("the reference is not a name that this handler gives")
    assert isinstance(reference, str)
    return reference


def standard_errors(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Turn the errors of a library into a ValueError."""

    @functools.wraps(function)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except (LookupError, OSError, ValueError, TypeError):
            raise
        except Exception as error:
            raise ValueError("the value or the reference could not be used") from error

    return wrapped
