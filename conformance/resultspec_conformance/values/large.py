"""Large values of an annotation: around the sizes of buffers, and past the limits that stores have."""

import types
from collections import abc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import is_dataclass, replace
from itertools import islice
from typing import Any, Union, get_args, get_origin

from resultspec import JSON

from .annotations import PLAIN, fields_of, is_array, is_plain, normal
from .telling import telling_values

_SIZES = (4_097, 8_193, 65_535, 65_536, 65_537, 131_073, 1_048_576, 1_048_577, 1_400_001, 4_194_305)
_UNIT = "".join(chr(33 + (index * 37) % 90) for index in range(251))


def large_values(annotation: Any) -> Iterator[object]:
    """Fresh values by growing size: around buffer sizes, and past the limits that stores have."""
    annotation = normal(annotation)
    cls = get_origin(annotation) or annotation
    arguments = get_args(annotation)
    if is_plain(annotation) or annotation is JSON:
        yield from large_values(str)
        if is_plain(annotation):
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
    elif is_array(cls):
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
        for name, hint in fields_of(annotation):
            for large in large_values(hint):
                with suppress(Exception):  # the class refuses it
                    yield replace(one, **{name: large})


def text_of_length(size: int) -> str:
    """Text without repetition at any power of two, so that a lost or swapped block shows."""
    return (_UNIT * (size // len(_UNIT) + 1))[:size]


def _cycle(items: list[object]) -> Iterator[object]:
    while True:
        yield from items
