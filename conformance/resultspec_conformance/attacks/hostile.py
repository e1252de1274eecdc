"""Hostile references: made of good ones, to lead a handler out of its storage or to exhaust it."""

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from ..values.documents import leaves, lists
from .layers import regions

_UP = "../" * 24
"""More than any storage is deep: above the root there is only the root."""


def escapes(own: Any, foreign: Any, targets: Iterable[str], others: Iterable[str], descriptor: int) -> Iterator[Any]:
    """References that name something outside a handler's storage.

    Args:
        own: A good reference of the handler.
        foreign: A reference to a value in somebody else's storage, or None.
        targets: Absolute paths that lie outside: whole, and without what the handler itself appends.
        others: More paths, relative ones and special files, which are spelled in fewer ways.
        descriptor: The number of an open file.

    Yields:
        Each reference once.

    Source: ``private.confined-read``.
    """
    seen = {json.dumps(own, sort_keys=True)}
    few = [*others, f"/dev/fd/{descriptor}", f"/proc/self/fd/{descriptor}"]
    for candidate in _escapes(own, foreign, list(targets), few, descriptor):
        if (key := json.dumps(candidate, sort_keys=True)) not in seen:
            seen.add(key)
            yield candidate


def _escapes(own: Any, foreign: Any, targets: list[str], others: list[str], descriptor: int) -> Iterator[Any]:
    if foreign is not None:
        yield foreign
        yield from _switched(own, foreign)
    # What identifies the planted value beside the path is right in the reference to it.
    bases = (own,) if foreign is None or len(list(leaves(own))) == 1 else (own, foreign)
    for base in bases:
        for leaf, put in leaves(base):
            if isinstance(leaf, str):
                for target in targets:
                    yield from map(put, (*_spellings(leaf, target), *_addresses(leaf, target)))
                for other in others:
                    yield from map(put, _few_spellings(leaf, other))
                yield from map(put, _within_an_encoding(leaf, targets))
            yield put(descriptor)
        for _, put in lists(base):
            yield from (put(parts) for target in targets for parts in ([*[".."] * 24, *target[1:].split("/")], [target]))
    for base in (own, foreign):
        if isinstance(base, dict):
            yield from ({**base, place: str(PurePosixPath(target).parent)} for place in _PLACES for target in targets[:6])
    yield from (descriptor, *targets)


# What a field may be called that says where a value lies, and that a good reference leaves out.
_PLACES = ("directory", "dir", "root", "base", "path", "folder", "location", "store", "bucket", "prefix")


def _within_an_encoding(leaf: str, targets: list[str]) -> Iterator[str]:
    """A leaf that is text in an encoding, such as base64 or JSON, with paths in the place of the text."""
    for region in regions(leaf.encode("utf-8", "surrogatepass")):
        if region.encodings and region.content.isascii():
            for target in targets:
                for spelling in _few_spellings(region.content.decode(), target):
                    yield region.put(spelling.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def naming(good: Any, paths: Iterable[str]) -> Iterator[Any]:
    """References that name paths in the commonest spellings, each in the place of one leaf of a good reference."""
    for leaf, put in leaves(good):
        if isinstance(leaf, str):
            for path in paths:
                yield from map(put, _few_spellings(leaf, path))


def _few_spellings(leaf: str, path: str) -> Iterator[str]:
    """The commonest spellings of a path, absolute or relative."""
    up = _UP + path.lstrip("/") if path.startswith("/") else path
    yield from (path, up, _encoded(up))
    directory, slash, name = leaf.rpartition("/")
    if slash:
        yield f"{directory}/{up}"
    if path.startswith("/"):
        yield f"file://{path}"
    elif "." in name:
        yield path + name[name.index(".") :]


def _spellings(leaf: str, target: str) -> Iterator[str]:
    """A path, as somebody would write it who wants it to be opened in the place of a leaf."""
    up = _UP + target.lstrip("/")
    yield from (
        target, up, "./" + up, "/" + target, "file://" + target, "file://localhost" + target, "file:" + target,
        _encoded(up), _encoded(_encoded(up)), _encoded(target), quote(up, safe=""), "..%2f" * 24 + target.lstrip("/"),
        up.replace("/", "\\"), "....//" * 24 + target.lstrip("/"), "..;/" * 24 + target.lstrip("/"),
        target + "\0", up + "\0", f"{up}\0{leaf}", up.replace("../", "．．／"), up.replace("../", "‥/"), up.replace("/", "∕"),
        up.translate(_FULL_WIDTH),
        "~/" + up, "~root/" + up, "$HOME/" + up, "${HOME}/" + up, f"{leaf}/{up}", f"{leaf}/../{up}", f"{leaf}\n{target}", f" {target}",
    )  # fmt: skip
    directory, slash, name = leaf.rpartition("/")
    if slash:
        yield from (f"{directory}/{up}", f"{directory}/./{up}", f"{directory}/{_encoded(up)}", f"{directory}//{target}")
        yield f"{directory}/{up}".replace("/", "\\")
    if "." in name:
        suffix = name[name.index(".") :]
        yield from (f"{target}\0{suffix}", f"{up}\0{suffix}", f"{directory}{slash}{up}\0{suffix}", target + suffix, up + suffix)


_FULL_WIDTH = str.maketrans("./", "．／")


def _addresses(leaf: str, target: str) -> Iterator[str]:
    """The same where the leaf is an address: its scheme and host kept, or its scheme alone."""
    if "://" not in leaf:
        return
    try:
        address = urlsplit(leaf)
    except ValueError:  # brackets that enclose no address
        return
    up, base = _UP + target.lstrip("/"), f"{address.scheme}://{address.netloc}"
    yield from (
        f"{base}{target}", f"{base}/{up}", f"{base}//{target}", f"{base}/{_encoded(up)}", f"{base}/{_encoded(_encoded(up))}",
        f"{address.scheme}://{target}", f"{address.scheme}:{target}", f"{base}/{quote(up, safe='')}",
    )  # fmt: skip


def _encoded(text: str) -> str:
    """Every character that is no letter or digit as a percent sign and its code, dots too."""
    return "".join(c if c.isascii() and c.isalnum() else "".join(f"%{b:02x}" for b in c.encode()) for c in text)


def _switched(own: Any, foreign: Any) -> Iterator[Any]:
    """The handler's own reference with one leaf, or the host of an address, taken from somebody else's."""
    others = [leaf for leaf, _ in leaves(foreign)]
    for (leaf, put), other in zip(leaves(own), others, strict=False):
        if type(leaf) is type(other):
            yield put(other)
        if isinstance(leaf, str) and isinstance(other, str) and "://" in leaf and "://" in other:
            mine, theirs = urlsplit(leaf), urlsplit(other)
            yield put(f"{mine.scheme}://{theirs.netloc}{mine.path}")
            yield put(f"{mine.scheme}://{mine.netloc}@{theirs.netloc}{theirs.path}")
            yield put(f"{mine.scheme}://{mine.netloc}{theirs.path}")


_HUGE = 2 << 20
_DEEP = 200_000
_DOUBLING = 60
"""So deep that nobody comes to an end who does twice as much at every level, and that nobody's stack is exhausted before."""


def exhausting() -> dict[str, Callable[[Any], list[Any]]]:
    """Ways to make references that cost a line to write: by name, a function from a good reference to hostile ones.

    They are made where they are read, since they are too large or too deep to be sent.

    Source: ``private.bounded-read``.
    """
    return {
        "a huge text": lambda good: [_huge_text(good, text) for text in ("a" * _HUGE, "/" * _HUGE, "../" * (_HUGE // 3))],
        "a text that ends a huge name": lambda good: [_huge_text(good, str(leaf) + "a" * _HUGE) for leaf, _ in leaves(good)][:2],
        "text that makes patterns backtrack": lambda good: [
            *(_huge_text(good, text) for text in _BACKTRACKING),
            *(put(leaf[:-1] + "!") for leaf, put in leaves(good) if isinstance(leaf, str)),
        ],
        "text that is deep": lambda good: [
            _huge_text(good, text) for text in ("[" * _DEEP, '{"a":' * _DEEP, "(" * _DEEP, "[" * _DEEP + "]" * _DEEP)
        ],
        "a deep list": lambda good: [_deep_list(), _deep_list(_DOUBLING)],
        "a deep object": lambda good: [_deep_object()],
        "a list of a million": lambda good: [[good] * 1_000_000, *(put(part * 1_000_000) for part, put in lists(good))],
        "a huge number": lambda good: [
            *(put(10**9) for _, put in leaves(good)),
            *(put(2**400_000) for leaf, put in leaves(good) if not isinstance(leaf, str)),
            10**30,
        ],
        "huge and odd floats": lambda good: [put(1e308) for _, put in leaves(good)],
        "a compressed bomb": bombs,
    }


_BACKTRACKING = (
    "a" * 50_000 + "!",
    "0" * 50_000 + "!",
    "/" * 50_000 + "!",
    " " * 50_000 + "!",
    "a.a-a_" * 8_000 + "!",
    "é" * 50_000,
)


def _huge_text(good: Any, text: str) -> Any:
    """A reference with a text in the place of its longest one; the text itself where it has none."""
    texts = sorted(((leaf, put) for leaf, put in leaves(good) if isinstance(leaf, str)), key=lambda one: len(one[0]))
    return texts[-1][1](text) if texts else text


def _deep_list(depth: int = _DEEP) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def _deep_object() -> dict[str, Any]:
    deep: dict[str, Any] = {}
    for _ in range(_DEEP):
        deep = {"a": deep}
    return deep


def bombs(good: Any) -> list[Any]:
    """References whose compressed parts are replaced by a gigabyte of zeros; none where no part is compressed."""
    made: list[Any] = []
    for leaf, put in leaves(good):
        if isinstance(leaf, str):
            for region in regions(leaf.encode("utf-8", "surrogatepass")):
                if region.encodings and (bomb := _BOMBS.get(region.encodings[-1])) is not None and region.put_raw is not None:
                    made.append(put(region.put_raw(bomb()).decode("utf-8", "surrogateescape")))
    return made


_BLOCK = 16 << 20
_TIMES = 64


def _zlib_bomb(wbits: int) -> bytes:
    """Blocks that were flushed can be repeated: no state is carried from one to the next."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, wbits)
    head = compressor.compress(b"\0") + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(_BLOCK)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return head + block * _TIMES + compressor.flush()


_BOMBS: dict[str, Callable[[], bytes]] = {
    "zlib": lambda: _zlib_bomb(15),
    "gzip": lambda: _zlib_bomb(31),
    "bz2": lambda: bz2.compress(bytes(_BLOCK)) * _TIMES,
    "lzma": lambda: lzma.compress(bytes(_BLOCK), preset=0) * _TIMES,
}
