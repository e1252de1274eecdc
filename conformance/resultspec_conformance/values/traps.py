"""Values that a handler is right to refuse: they look storable, and are not.

They live in a module of their own so that any interpreter can import their classes.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple


class Unloadable:
    """An object that pickles, and that nothing can unpickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse_to_load, ()


class UnloadableError(Exception):
    """The same as it happens in the wild: an exception whose constructor asks for more than pickle kept."""

    def __init__(self, task: str, attempt: int) -> None:
        super().__init__(f"{task} failed at attempt {attempt}")


class Unwritable:
    """An object that no serialiser can write: it fails when it is reached, midway through a larger value."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("an Unwritable object cannot be pickled")


class Text(str):
    """A subclass of str, as type systems of databases and paths have them."""

    __slots__ = ()


class Number(int):
    """A subclass of int."""


class Real(float):
    """A subclass of float, as NumPy has one."""


class Octets(bytes):
    """A subclass of bytes."""


class Items(list[Any]):
    """A subclass of list."""


class Row(tuple[Any, ...]):
    """A subclass of tuple."""

    __slots__ = ()


class Pair(NamedTuple):
    """A named tuple."""

    left: int
    right: int


class Members(set[Any]):
    """A subclass of set."""


class Moment(datetime):
    """A subclass of datetime, as pandas has one."""


def _refuse_to_load() -> None:
    raise TypeError("an Unloadable object cannot be loaded")


def _numbers() -> Iterator[int]:
    yield 1


def traps() -> list[object]:
    """Fresh values that only some handlers can honour, whatever their domain."""
    loop: list[object] = []
    loop.append(loop)
    return [
        Unloadable(),
        UnloadableError("train", 1),
        [1, Unloadable()],
        _numbers(),
        threading.Lock(),
        loop,
    ]


def half_writable() -> list[object]:
    """Fresh values whose writing fails after much of them was written."""
    head = "head of a value " * 10_000
    return [[head, Unwritable()], {"head": head, "tail": Unwritable()}, head + "\ud800", Unwritable(), _numbers()]
