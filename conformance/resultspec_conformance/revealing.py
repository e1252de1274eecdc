"""Searches what somebody stored for a value: plain, and encoded in the ways in which programs encode."""

import base64
import binascii
import bz2
import json
import lzma
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from resultspec import JSON

_DEEPEST = 5
_MOST = 20_000
_LONGEST = 1 << 22


def reveals(pieces: Iterable[Any], canary: str | int) -> str | None:
    """Say how pieces of stored data show a value, such as ``in base64``, or return None when they do not.

    Text is looked for in UTF-8 and UTF-16, forwards and backwards, numbers as digits and as bytes; in what is stored, and in
    what can be decoded of it: JSON, base64, base32, base85, hexadecimal, zlib, gzip, bzip2, xz, lists of bytes, and any of them
    within another. Pickles show text as it is.

    Args:
        pieces: What is stored: JSON, text, bytes, and lists of them.
        canary: A value that does not occur by chance: at least eight letters and digits, or a number of as many.
    """
    wanted = _forms(canary)
    for data, how in _decoded(pieces):
        if any(form in data for form in wanted):
            return f"in {' in '.join(reversed(how))}" if how else "as it is"
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
    text = str(canary)
    forms = [text.encode(), text[::-1].encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
    if isinstance(canary, int):
        size = (canary.bit_length() + 7) // 8
        forms += [canary.to_bytes(size, "little"), canary.to_bytes(size, "big"), f"{canary:x}".encode()]
    return forms


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


def _decoded(pieces: Iterable[Any]) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    """All that can be decoded of pieces, the simplest first, with the encodings from the outermost inwards."""
    waiting: deque[tuple[bytes, tuple[str, ...]]] = deque()
    seen: set[bytes] = set()
    for piece in pieces:
        waiting += [(data, ()) for data in _texts(piece)]
    while waiting and len(seen) < _MOST:
        data, how = waiting.popleft()
        if data in seen:
            continue
        seen.add(data)
        yield data, how
        if len(how) < _DEEPEST:
            for name, decode in _DECODERS.items():
                waiting += [(found, (*how, name)) for found in decode(data) if found]


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


_SHORTEST = 7


_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_BASE32 = re.compile(rb"[A-Z2-7]{16,}")
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")


def _from_base64(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(re.sub(rb"\s+", b"", data)):
        letters = run.translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            whole = letters[start:]
            yield base64.b64decode(whole[: len(whole) // 4 * 4])
            if start == 0 and len(whole) % 4 > 1:
                yield base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _from_base32(data: bytes) -> Iterator[bytes]:
    for run in _BASE32.findall(data):
        yield base64.b32decode(run[: len(run) // 8 * 8])


def _from_base85(data: bytes) -> Iterator[bytes]:
    if len(data) > 11 and not re.search(rb"\s", data):
        for decode in (base64.b85decode, base64.a85decode):
            with suppress(ValueError):
                yield decode(data)


def _from_hex(data: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(data):
        for start in range(2):
            whole = run[start:]
            yield binascii.unhexlify(whole[: len(whole) // 2 * 2])


def _from_zlib(data: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", data):
        with suppress(zlib.error):
            yield zlib.decompressobj(47).decompress(data[found.start() :], _LONGEST)


def _from_bz2(data: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"BZh[1-9]", data):
        with suppress(OSError, ValueError):
            yield bz2.BZ2Decompressor().decompress(data[found.start() :], _LONGEST)


def _from_xz(data: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"\xfd7zXZ\x00", data):
        with suppress(lzma.LZMAError):
            yield lzma.LZMADecompressor().decompress(data[found.start() :], _LONGEST)


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "base64": _from_base64,
    "hexadecimal": _from_hex,
    "zlib": _from_zlib,
    "bzip2": _from_bz2,
    "xz": _from_xz,
    "base32": _from_base32,
    "base85": _from_base85,
}
