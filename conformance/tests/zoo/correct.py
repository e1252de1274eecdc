"""Handlers that keep every MUST rule of the classes they claim, as different from each other as the world's are.

Whatever fails here is a false alarm of the suite.
"""

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import _awaitable, _databases, _domains, _files, _inline, _memory
from ._common import Correct

__all__ = ["CORRECT", "Correct"]

_CORE = frozenset({"core"})
_IDENTITY = frozenset({"shared.equality"})
_UNTYPED = frozenset({"static.typed"})  # the library has no types, or a bare array has elements of any type


def _addresses() -> Any:
    from hypothesis import strategies as st

    return st.ip_addresses(v=4)


def _integers() -> Any:
    from hypothesis import strategies as st

    return st.integers()


def _texts() -> Any:
    from hypothesis import strategies as st

    return st.lists(st.text(max_size=8) | st.none() | st.booleans())


def nested(directory: Path) -> _files.AppendLog:
    """Return a handler on a directory that is not there yet, deep below the scratch directory."""
    return _files.AppendLog(directory / "does not" / "exist yet %41" / "é")


_INLINE = (
    Correct("json-text", _inline.JsonText),
    Correct("json-itself", _inline.JsonItself),
    Correct("pickle-text", _inline.PickleText, warns=frozenset({"static.typed"})),
    Correct("zlib-text", _inline.ZlibText, warns=_IDENTITY),
    Correct("literals", _inline.Literals),
    Correct("envelope", _inline.Envelope),
    Correct("int-itself", _inline.IntItself),
    Correct("bits", _inline.Bits, warns=_IDENTITY),
    Correct("hex-floats", _inline.HexFloats, warns=_IDENTITY),
    Correct("text-itself", _inline.TextItself),
    Correct("slots-only", _inline.SlotsOnly),
    Correct("moments", _inline.Moments),
    Correct("decimals", _inline.Decimals),
    Correct("fractions", _inline.Fractions),
    Correct("integers", _inline.Integers, warns=_IDENTITY),
    Correct("pairs", _inline.Pairs, warns=_IDENTITY),
    Correct("colours", _inline.Colours, warns=_IDENTITY),
    Correct("readings", _inline.Readings),
    Correct("places", _inline.Places),
    Correct("maybe", _inline.Maybe),
    Correct("user-ids", _inline.UserIds),
    Correct("people", _inline.People),
    Correct("sizes", _inline.Sizes),
    Correct("labels", _inline.Labels),
    Correct("not-empty", _inline.NotEmpty, warns=_IDENTITY),
    Correct("own-errors", _inline.OwnErrors, warns=_IDENTITY | {"handler.standard-errors"}),
    Correct("delegating", _inline.Delegating, warns=_IDENTITY | {"static.typed"}),
    Correct("only-one", lambda: _inline.ONLY),
    Correct("functions", _inline.functions),
    Correct("compact", _inline.Compact, values=_texts, warns=_IDENTITY),
    Correct("async-json", _inline.AsyncJson, twin=_inline.JsonText),
)

_DOMAINS = (
    Correct("intervals", _domains.Intervals),
    Correct("people-of-attrs", _domains.People),
    Correct("trees", _domains.Trees),
    Correct("boxes", _domains.Boxes),
    Correct("spans", _domains.Spans),
    Correct("stamps", _domains.Stamps),
    Correct("paths", _domains.Paths),
    Correct("nothing", _domains.Nothing),
)

_FILES = (
    Correct("random-names", _files.RandomNames, twin=_files.AsyncFiles),
    Correct("untyped", _files.Untyped, warns=_IDENTITY | {"static.typed"}),
    Correct("content-addressed", _files.ContentAddressed),
    Correct("append-log", nested),
    Correct("directory-per-value", _files.DirectoryPerValue, warns=_IDENTITY),
    Correct("gzip-absolute", _files.GzipAbsolute, warns=_IDENTITY),
    Correct("file-urls", _files.FileUrls),
    Correct("counted", _files.Counted),
    Correct("mapped", _files.Mapped),
    Correct("zipped", _files.Zipped),
    Correct("uuid1-names", _files.Uuid1Names),
    Correct("lazy-directory", _files.LazyDirectory),
    Correct("lru-bytes", functools.partial(_files.LruBytes, size=2)),
    Correct("write-through", _files.WriteThrough),
    Correct("hybrid", _files.Hybrid),
    Correct("slow", _files.Slow),
    Correct("logged", _files.Logged),
    Correct("retrying", _files.Retrying.over_files),
    Correct("verified", _files.Verified, warns=_IDENTITY | {"static.typed"}),
    Correct("generic", _files.Store),
    Correct("generic-int", _files.IntStore, values=_integers),
    Correct("addresses", _files.Addresses, values=_addresses),
    Correct("async-files", _files.AsyncFiles),
    Correct("async-delegating", lambda scratch: _files.AsyncDelegating(scratch), warns=_IDENTITY),
)

_AWAITABLE = (
    Correct("tasks", _awaitable.Tasks, warns=_UNTYPED, twin=_awaitable.WriteNow),
    Correct("futures", _awaitable.Futures, warns=_UNTYPED),
    Correct("write-now", _awaitable.WriteNow, warns=_UNTYPED),
    Correct("own-awaitables", _awaitable.OwnAwaitables, warns=_UNTYPED),
    Correct("locked", _awaitable.Locked),
    Correct("any-library", _awaitable.AnyLibrary),
)

_DATABASES = (
    Correct("sqlite-per-call", _databases.SqlitePerCall),
    Correct("sqlite-per-thread", _databases.SqlitePerThread),
    Correct("sqlite-shared", _databases.SqliteShared, warns=_IDENTITY | {"handler.passive-construction"}),
    Correct("shelves", _databases.Shelves),
)

_MEMORY = (
    Correct("memory-bytes", _memory.MemoryBytes, claims=_CORE, warns=_IDENTITY),
    Correct("memory-list", _memory.MemoryList, claims=_CORE, warns=_IDENTITY),
    Correct("async-memory", _memory.AsyncMemory, claims=_CORE, warns=_IDENTITY),
)

_OTHERS: tuple[Correct, ...] = ()

if find_spec("numpy") and find_spec("pandas") and find_spec("pyarrow"):
    from . import _scientific

    _OTHERS += (
        Correct("array-text", _scientific.ArrayText, warns=_UNTYPED),
        Correct("npy-files", _scientific.NpyFiles),
        Correct("frames", _scientific.Frames, warns=_UNTYPED),
        Correct("tables", _scientific.Tables, warns=_UNTYPED),
    )

if find_spec("diskcache") and find_spec("cryptography") and find_spec("lmdb"):
    from . import _thirdparty

    _OTHERS += (
        Correct("disk-cached", _thirdparty.DiskCached),
        Correct("encrypted", _thirdparty.encrypted),
        Correct("mapped-tree", _thirdparty.MappedTree),
    )

CORRECT: tuple[Correct, ...] = _INLINE + _DOMAINS + _FILES + _AWAITABLE + _DATABASES + _MEMORY + _OTHERS
