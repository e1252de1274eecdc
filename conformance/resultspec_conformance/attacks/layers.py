"""The layers of stored bytes: what lies encoded in what, and how to put something else in its place.

A compressed file that holds JSON whose strings are base64 of pickles has four of them. Somebody who tampers with it
peels them off, replaces what is inside, and puts them back on; so does the suite.
"""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import pickletools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from ..values.documents import leaves

Put = Callable[[bytes], bytes]

_DEEPEST = 4
_MOST = 64
_SHORTEST_TEXT = 8


@attrs.frozen
class Region:
    """A part of stored bytes, decoded.

    Attributes:
        content: What it holds.
        put: Gives the whole stored bytes with other content in its place, encoded as this was.
        encodings: What it is encoded in, from the outside in; empty for the whole.
        put_raw: Gives the whole with other bytes in the place of the *encoded* part, or None for the whole.
    """

    content: bytes
    put: Put
    encodings: tuple[str, ...] = ()
    put_raw: Put | None = None


def regions(stored: bytes) -> Iterator[Region]:
    """Everything that is encoded in stored bytes, the whole first, then layer by layer.

    Source: ``private.safe-read``, ``private.tamper-evident``, ``private.bounded-read``.
    """
    waiting = [Region(stored, lambda new: new)]
    for region in waiting:
        yield region
        if len(region.encodings) >= _DEEPEST:
            continue
        for inner in _inner(region.content):
            if len(waiting) < _MOST:
                waiting.append(_within(region, inner))


def _within(outer: Region, inner: Region) -> Region:
    raw = None if inner.put_raw is None else _through(inner.put_raw, outer.put)
    return Region(inner.content, _through(inner.put, outer.put), (*outer.encodings, *inner.encodings), raw)


def _inner(content: bytes) -> Iterator[Region]:
    yield from _compressed(content)
    yield from _base64(content)
    yield from _json(content)
    yield from _zip(content)
    yield from _pickles(content)


class _Codec:
    """A way to compress, and how what it makes begins."""

    def __init__(self, name: str, magic: bytes, compress: Put, decompress: Callable[[bytes], tuple[bytes, bytes]]) -> None:
        self.name = name
        self.magic = re.compile(magic, re.DOTALL)
        self.compress = compress
        self.decompress = decompress


def _inflate(wbits: int) -> Callable[[bytes], tuple[bytes, bytes]]:
    def decompress(data: bytes) -> tuple[bytes, bytes]:
        inflater = zlib.decompressobj(wbits)
        content = inflater.decompress(data)
        if not inflater.eof:
            raise ValueError("not whole")
        return content, inflater.unused_data

    return decompress


def _by(make: Callable[[], Any]) -> Callable[[bytes], tuple[bytes, bytes]]:
    def decompress(data: bytes) -> tuple[bytes, bytes]:
        decompressor = make()
        content: bytes = decompressor.decompress(data)
        if not decompressor.eof:
            raise ValueError("not whole")
        return content, decompressor.unused_data

    return decompress


_CODECS = (
    _Codec("gzip", rb"\x1f\x8b\x08", lambda data: gzip.compress(data, mtime=0), _inflate(31)),
    _Codec("zlib", rb"x[\x01\x5e\x9c\xda]", zlib.compress, _inflate(15)),
    _Codec("bz2", rb"BZh[1-9]", bz2.compress, _by(bz2.BZ2Decompressor)),
    _Codec("lzma", rb"\xfd7zXZ\x00", lzma.compress, _by(lzma.LZMADecompressor)),
)


def _compressed(content: bytes) -> Iterator[Region]:
    for codec in _CODECS:
        for match in list(codec.magic.finditer(content))[:8]:
            start = match.start()
            try:
                inner, rest = codec.decompress(content[start:])
            except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
                continue
            put_raw = _splicing(content[:start], rest)
            yield Region(inner, _through(codec.compress, put_raw), (codec.name,), put_raw)
            break


_TEXTS: tuple[tuple[str, re.Pattern[bytes], Put, Put], ...] = (
    ("hex", re.compile(rb"(?:[0-9a-f]{2}){12,}|(?:[0-9A-F]{2}){12,}"), binascii.hexlify, binascii.unhexlify),
    ("base64", re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}"), base64.b64encode, base64.b64decode),
    ("base64url", re.compile(rb"[A-Za-z0-9_-]{16,}={0,2}"), base64.urlsafe_b64encode, base64.urlsafe_b64decode),
    ("base85", re.compile(rb"[!-~]{20,}"), base64.b85encode, base64.b85decode),
)


def _base64(content: bytes) -> Iterator[Region]:
    """Text that is an encoding as a whole, or after a mark such as a version and a colon."""
    for name, pattern, encode, decode in _TEXTS:
        match = next((found for found in pattern.finditer(content) if 2 * len(found.group()) > len(content.strip())), None)
        if match is None:
            continue
        run = match.group()
        padded = run + b"=" * (-len(run) % 4) if name.startswith("base64") else run
        try:
            inner = decode(padded)
        except ValueError:
            continue
        if not _makes_sense(inner):
            continue
        put_raw = _splicing(content[: match.start()], content[match.end() :])
        yield Region(inner, _through(_bare(encode) if padded != run else encode, put_raw), (name,), put_raw)


_TELLING = re.compile(rb"\x80[\x02-\x05]|[\[{\"(]|\x1f\x8b\x08|x[\x01\x5e\x9c\xda]|BZh[1-9]|\xfd7zXZ|PK\x03\x04|\x93NUMPY")


def _makes_sense(decoded: bytes) -> bool:
    """Whether what was decoded is something, and not what comes of decoding a text that was not encoded."""
    return (
        decoded.isascii()
        or _TELLING.match(decoded) is not None
        or (_TELLING.search(decoded[:64]) is not None and len(decoded) > 64)
    )


def _splicing(before: bytes, after: bytes) -> Put:
    return lambda new: before + new + after


def _through(encode: Put, put_raw: Put) -> Put:
    return lambda new: put_raw(encode(new))


def _bare(encode: Put) -> Put:
    """The same encoding without the padding."""
    return lambda new: encode(new).rstrip(b"=")


def _json(content: bytes) -> Iterator[Region]:
    """The strings in JSON, which may come after a header."""
    start = min((at for mark in b'{["' if (at := content.find(mark)) >= 0), default=-1)
    if start < 0:
        return
    try:
        text = content[start:].decode()
        document, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return
    before, after = content[:start], text[length:].encode()

    def splice(put: Callable[[str], Any], new: bytes) -> bytes:
        return before + json.dumps(put(new.decode("latin-1"))).encode() + after

    for leaf, put in leaves(document):
        if isinstance(leaf, str) and len(leaf) >= _SHORTEST_TEXT:
            yield Region(leaf.encode("utf-8", "surrogatepass"), partial(splice, put), ("JSON",), partial(splice, put))


def _zip(content: bytes) -> Iterator[Region]:
    if not content.startswith(b"PK\x03\x04"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError):
        return
    for chosen, inner in members.items():

        def put(new: bytes, chosen: zipfile.ZipInfo = chosen) -> bytes:
            made = io.BytesIO()
            with zipfile.ZipFile(made, "w") as archive:
                for info, data in members.items():
                    archive.writestr(info, new if info is chosen else data)
            return made.getvalue()

        yield Region(inner, put, ("zip",), None)


def _pickles(content: bytes) -> Iterator[Region]:
    """Pickles wherever they begin; what is put in their place keeps their length, since nothing is read after the end."""
    for match in list(re.finditer(rb"\x80[\x02-\x05]", content))[:16]:
        start = match.start()
        length = _length_of_pickle(content[start:])
        if length < 8 or (start == 0 and length == len(content)):
            continue
        put = _through(_padding(length), _splicing(content[:start], content[start + length :]))
        yield Region(content[start : start + length], put, ("pickle",), put)


def _padding(length: int) -> Put:
    return lambda new: new.ljust(length, b"\0")


def _length_of_pickle(data: bytes) -> int:
    try:
        for operation, _, position in pickletools.genops(data):
            if operation.name == "STOP" and position is not None:
                return position + 1
    except Exception:  # noqa: BLE001 - whatever the parser makes of what is no pickle
        return 0
    return 0
