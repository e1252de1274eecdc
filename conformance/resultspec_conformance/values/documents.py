"""The leaves of JSON documents, and documents with other leaves."""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any


def leaves(reference: Any) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
    """The leaves of a reference, each with a function that gives the reference with something else in its place."""
    for leaf, path in _paths(reference, ()):
        yield leaf, partial(replaced, reference, path)


def lists(reference: Any) -> Iterator[tuple[list[Any], Callable[[Any], Any]]]:
    """The lists in a reference that are not empty, each with a function that gives the reference with something else in its place."""
    for path in _paths_of_lists(reference, ()):
        part = reference
        for key in path:
            part = part[key]
        yield part, partial(replaced, reference, path)


def _paths_of_lists(part: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(part, list) and part:
        yield path
    if isinstance(part, list | dict):
        for key, item in enumerate(part) if isinstance(part, list) else part.items():
            yield from _paths_of_lists(item, (*path, key))


def replaced(document: Any, path: Sequence[Any], new: Any) -> Any:
    """A JSON document with something else at a path of keys and indices; the document itself stays as it is."""
    if not path:
        return new
    copied = copy.copy(document)
    copied[path[0]] = replaced(document[path[0]], path[1:], new)
    return copied


def _paths(part: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    if isinstance(part, list | dict):
        for key, item in enumerate(part) if isinstance(part, list) else part.items():
            yield from _paths(item, (*path, key))
    elif isinstance(part, str | int | float) and not isinstance(part, bool):
        yield part, path
