"""Searches what an engine has stored for a value: whether it is revealed, and whether it is there as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from resultspec import JSON

from .revealing import Secret, revealed

_DEEPEST = 5
_SHORTEST = 7


def reveals(pieces: Iterable[Any], canary: str | int) -> str | None:
    """Say how pieces of stored data show a value, such as ``under base64``, or return None when they do not.

    Args:
        pieces: What is stored: JSON, text, bytes, and lists of them.
        canary: A value that does not occur by chance: at least eight letters and digits, or a number of as many.
    """
    found = first_revealed(pieces, [canary])
    return None if found is None else found[1]


def first_revealed(pieces: Iterable[Any], canaries: Iterable[str | int], share: float = 1.0) -> tuple[str | int, str] | None:
    """Find one of several values in pieces of stored data: the value, and how it is shown as :func:`reveals` says it.

    Args:
        pieces: What is stored.
        canaries: The values.
        share: How much of a value gives it away, as of a :class:`~resultspec_conformance.secrets.revealing.Secret`.
    """
    secrets = {Secret("the value", _forms(canary), share=share): canary for canary in canaries}
    # An engine stores the same names and keys over and over.
    for data in dict.fromkeys(text for piece in pieces for text in _texts(piece)):
        if found := revealed(data, secrets):
            return secrets[found.secret], f"under {', '.join(found.encodings)}" if found.encodings else "as it is"
    return None


def holds_json(pieces: Iterable[Any], value: JSON) -> bool:
    """Whether pieces of stored data hold a value as JSON: as a part of a document, or as JSON text that is one."""
    sought = json.dumps(value, sort_keys=True)
    return any(_as_json(node) == sought for piece in pieces for node in _nodes(piece, _DEEPEST))


def _as_json(node: Any) -> str | None:
    try:
        return json.dumps(node, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None


def _forms(canary: str | int) -> list[bytes]:
    if isinstance(canary, str):
        return [canary.encode()]
    size = (canary.bit_length() + 7) // 8
    return [str(canary).encode(), canary.to_bytes(size, "little"), canary.to_bytes(size, "big"), f"{canary:x}".encode()]


def _nodes(piece: Any, depth: int) -> Iterator[Any]:
    """A piece and all its parts; text and bytes that hold JSON are parsed."""
    yield piece
    text = piece
    if isinstance(piece, bytes):
        try:
            text = piece.decode()
        except UnicodeDecodeError:
            return
    if isinstance(text, str):
        if depth and text[:1] in _BEGINS_JSON:
            with suppress(ValueError, RecursionError):
                yield from _nodes(json.loads(text), depth - 1)
    elif isinstance(piece, Mapping):
        for key, part in piece.items():
            yield from (*_nodes(key, depth), *_nodes(part, depth))
    elif isinstance(piece, list | tuple):
        for part in piece:
            yield from _nodes(part, depth)


_BEGINS_JSON = frozenset('[{"0123456789-tfn')


def _texts(piece: Any) -> Iterator[bytes]:
    for node in _nodes(piece, _DEEPEST):
        if isinstance(node, bytes):
            yield node
        elif isinstance(node, str):
            yield node.encode("utf-8", "surrogatepass")
        elif not isinstance(node, Mapping | list | tuple):
            yield repr(node).encode("utf-8", "surrogatepass")
        elif len(node) > _SHORTEST and all(type(part) is int and 0 <= part < 256 for part in node):
            yield bytes(node)
