"""Alters values in place, to see who else was holding on to them."""

from collections.abc import MutableMapping, MutableSequence, MutableSet
from dataclasses import is_dataclass
from datetime import tzinfo
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any


def alter(value: object) -> bool:
    """Alter every mutable part of a value; False when there is none.

    Immutable containers are searched for mutable parts.
    """
    return _alter(value, set())


def _alter(value: Any, seen: set[int]) -> bool:
    if id(value) in seen or isinstance(value, _SHARED):
        return False
    seen.add(id(value))
    altered = False
    for part in _parts(value):
        altered |= _alter(part, seen)
    return _alter_here(value) or altered


# What belongs to the whole process: altering it would harm others than its holder.
_SHARED = (type, Enum, ModuleType, FunctionType, tzinfo)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, MutableMapping | dict):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    if is_dataclass(value) or type(value).__module__ not in ("builtins", "datetime", "decimal", "uuid"):
        return list(getattr(value, "__dict__", {}).values())
    return []


def _alter_here(value: Any) -> bool:
    library = type(value).__module__.partition(".")[0]
    try:
        if library == "numpy":
            return _alter_array(value)
        if library == "pandas":
            value["altered"] = 1
        elif isinstance(value, bytearray):
            value[:] = bytes(byte ^ 0xFF for byte in value)  # of the same length, which holds also where it is looked into
        elif isinstance(value, MutableMapping):
            value["altered"] = "altered"
        elif isinstance(value, MutableSequence):
            value.reverse()
            value.append("altered")
        elif isinstance(value, MutableSet):
            value.add("altered")
        elif hasattr(value, "__dict__") and value.__dict__ and not isinstance(value, type | BaseException):
            name = next(iter(value.__dict__))
            setattr(value, name, "altered")
        else:
            return False
    except Exception:  # noqa: BLE001 - frozen after all
        return False
    return True


def _alter_array(value: Any) -> bool:
    if not getattr(value, "size", 0) or not getattr(getattr(value, "flags", None), "writeable", False):
        return False
    value[...] = value == 0
    return True


def outline(value: Any) -> Any:
    """What a container holds, part by part and by identity, to see later whether it holds the same."""
    return _outline(value, frozenset())


def _outline(value: Any, above: frozenset[int]) -> Any:
    if id(value) in above or not isinstance(value, list | tuple | dict):
        return id(value)
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return id(value), [_outline(part, above | {id(value)}) for part in parts]
