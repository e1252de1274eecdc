"""Any filesystem of fsspec as a result handler (the extra ``fsspec``)."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any, TypeVar

import attrs

# fsspec has no types: what is asked of it is tried by the tests.
import fsspec.core  # pyright: ignore[reportMissingTypeStubs]
import typing_extensions

from .._objects import Absent, ObjectResultHandler, seconds
from .._quiet import quietly
from .._sealing import absolute, signing_key
from .._store_errors import MissingBucket, MissingExtra, RefusedAccess, StoreError, UnreachableStore

__all__ = ["FsspecResultHandler"]

T = typing_extensions.TypeVar("T", default=object)
_R = TypeVar("_R")

_url_to_fs: Any = fsspec.core.url_to_fs  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_LOCAL = ("file", "local")
# A password, a query and a fragment would be shown in every reference.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?![^/@]*:[^/]*@)[^?#]*")
# How much of a large value is in memory while it is sent.
_PIECE = 1 << 24


def _location(url: str) -> str:
    """Return the URL of a directory, which means the same place from every working directory."""
    scheme, _, path = url.partition("://") if "://" in url else ("file", "", url)
    # Without a path it is the root, as it is told below.
    if scheme in _LOCAL and (path.startswith("/") or url == "file://") and "::" not in path:
        scheme, path = "file", str(absolute(path or "/"))
    elif scheme in _LOCAL or not _URL.fullmatch(url) or "::" in url or ".." in url.split("/") or not url.isprintable():
        # It is not quoted: it may hold a password.
        raise ValueError("A location is an absolute path, or one URL such as s3://bucket/prefix without password and query")
    return f"{scheme}://{path.rstrip('/')}"


def _copy(options: Mapping[str, Any]) -> dict[str, Any]:
    return dict(options)


@attrs.frozen
class FsspecResultHandler(ObjectResultHandler[T]):
    """Keeps each value in a file of its own, on a filesystem of fsspec.

    A reference is the URL of a file, such as ``s3://bucket/prefix/name`` or ``file:///directory/name``, with a random name.
    Values are pickled, checked and signed as those of :class:`~resultspec_reference.LocalResultHandler` are: a file that is
    there in part, as some filesystems show it while it is written, is refused. Time limits and the tries of one request are
    the filesystem's own. A directory or bucket must exist, but for a local one.

    Handlers are equal when all that they were made with is. They are hashable, and pickle when the options do: the pickle of
    a handler with a credential among them carries it.

    Args:
        url: Where the files are: the absolute path of a directory, or the URL of a directory, bucket or prefix.
        storage_options: What the filesystem is made with, such as a credential; never shown.
        retry_for: For how many seconds a write is tried again that found the filesystem unreachable.
        key: What signs the files: at least 16 bytes, or the Path of a file that holds them.

    Raises:
        TypeError: The key is neither bytes nor a Path.
        ValueError: The URL is relative, a chain, or shows a password or a query; or a time or the key cannot be used.
    """

    url: str = attrs.field(converter=_location)
    """Where the files are, as a URL without a slash at its end."""

    storage_options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], converter=_copy, kw_only=True, repr=False)
    """What the filesystem is made with; never shown."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a write is tried again that found the filesystem unreachable."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the files, or the file that holds it; never shown."""

    def __hash__(self) -> int:
        # The options may have no hash.
        return hash((self.url, self.retry_for, self.key))

    @property
    def _root(self) -> str:
        return self.url

    def _connect(self) -> "_Filesystem":
        return _Filesystem(self.url, self.storage_options)


class _Filesystem:
    """A directory of a filesystem."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._options = {"auto_mkdir": True, **options} if url.startswith("file:") else options

    def create(self, key: str, file: IO[bytes], size: int) -> None:
        """Make a file. Its random name is not looked for: fsspec's creating "only where there is none" loses races."""
        file.seek(0)
        try:
            self._ask(lambda fs, path: _send(fs, path, file), key)
        except Absent as error:
            raise MissingBucket(f"There is no directory or bucket {self._url}: make it first") from error.__cause__

    def head(self, key: str, length: int) -> tuple[bytes, int]:
        """Return the first bytes of a file, and the size of all of it."""
        content = self.fetch(key, 0, length)
        if len(content) < length:
            return content, len(content)
        return content, self._ask(_size, key)

    def fetch(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes of a range."""
        return self._ask(lambda fs, path: bytes(fs.cat_file(path, start=start, end=end)), key)

    def _ask(self, request: Callable[[Any, str], _R], key: str) -> _R:
        """Do a request, and turn what the filesystem raises into errors that quote nothing."""

        def asked() -> _R:
            # One that fsspec keeps for these options, and for this thread where it is not for several.
            fs, root = _url_to_fs(f"{self._url}/", **self._options)
            return request(fs, f"{root.rstrip('/')}/{key}")

        return quietly(asked, self._failure)

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error, FileNotFoundError):
            return Absent()
        if isinstance(error, ImportError):
            return MissingExtra(f"fsspec wants another package for {self._url}: install what it names for that protocol")
        if isinstance(error, PermissionError):
            return RefusedAccess(f"Access to {self._url} was refused")
        if isinstance(error, ConnectionError | TimeoutError):
            return UnreachableStore(f"{self._url} cannot be reached: {type(error).__name__}")
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
        return StoreError(f"The filesystem cannot be used for {self._url}: {reason}")


def _size(fs: Any, path: str) -> int:
    # What has been listed through the same object may be older than the file.
    fs.invalidate_cache(path)
    return int(fs.info(path)["size"])


def _send(fs: Any, path: str, file: IO[bytes]) -> None:
    try:
        with fs.open(path, "wb") as target:
            copyfileobj(file, target, _PIECE)
    except BaseException:
        with suppress(Exception):
            fs.rm_file(path)
        raise
