"""The clients of stores that obstore speaks to."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from mmap import ACCESS_READ, mmap
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, TypeVar

from ._objects import Absent, Taken
from ._quiet import quietly
from ._store_errors import MissingBucket, MissingExtra, RefusedAccess, StoreError, UnreachableStore

if TYPE_CHECKING:
    from typing_extensions import Buffer

_R = TypeVar("_R")

_MEBIBYTE = 1 << 20

# What S3 and Azure take in one request, and only one request can be told to make no second object of a name. A larger
# value is sent in parts.
LARGEST_PUT = 5000 * _MEBIBYTE

_PART = 64 * _MEBIBYTE
# S3 takes no more parts.
_MOST_PARTS = 10_000
# How many are in memory at a time.
_PARTS_AT_ONCE = 4

# How many MiB one request for reading brings, at most.
_MOST_READ = 16

_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_REFUSING = ("401", "403")
# S3 says 400 and RequestTimeout to a request that came too slowly.
_IN_TROUBLE = ("408", "429", "RequestTimeout")
_RANGE_NOT_SATISFIABLE = "416"
# Where a machine in a cloud is asked for its own credentials, when there are no others.
_METADATA = re.compile(r"/(latest/api/token|metadata/identity/oauth2/token)[? ]")

# The process whose threads serve obstore: its children have the memory of them, and not them.
_served: list[int] = []


class _BeyondEnd(Exception):
    """An object ends before the range begins, as an empty one always does."""


class ObstoreStore:
    """A client of one bucket, which one obstore store serves.

    Args:
        extra: What brings obstore.
        service: What the service is called in errors.
        uri: The URI of the bucket, for errors.
        store: The obstore store; a subclass may make its own.

    Raises:
        MissingExtra: obstore is not installed.
        StoreError: It cannot be used here.
    """

    def __init__(self, *, extra: str, service: str, uri: str, store: Any = None) -> None:
        self._obstore, self._stores = _modules(extra)
        self._service = service
        self._uri = uri
        self._reading = store

    def create(self, key: str, file: IO[bytes], size: int) -> None:
        """Make an object: by one request as long as the service takes it, else in parts after a look whether it is free."""
        if size <= LARGEST_PUT:
            client = self._client_for(size)
            # Never closed, but dropped: after a time-out, the request may hold it a little longer.
            content: mmap | bytes = mmap(file.fileno(), size, access=ACCESS_READ)
            if isinstance(client, self._stores.MemoryStore):
                # It keeps what it is given, and that would keep the file open.
                content = content[:]
            self._ask(lambda: self._obstore.put(client, key, content, mode="create"))
            return
        with suppress(Absent):
            self._ask(lambda: self._obstore.head(self._reading, key))
            raise Taken
        part = max(_PART, -(-size // _MOST_PARTS))
        client = self._client_for(part)
        file.seek(0)
        self._ask(lambda: self._obstore.put(client, key, file, chunk_size=part, max_concurrency=_PARTS_AT_ONCE))

    def head(self, key: str, length: int) -> "tuple[Buffer, int]":
        """Return the first bytes of an object, and the size of all of it."""
        return self._get(key, 0, length)

    def fetch(self, key: str, start: int, end: int) -> "Buffer":
        """Return the bytes of a range."""
        return self._get(key, start, end)[0]

    def _get(self, key: str, start: int, end: int) -> "tuple[Buffer, int]":
        def request() -> "tuple[Buffer, int]":
            found = self._obstore.get(self._reading, key, options={"range": (start, end)})
            return found.bytes(), found.meta["size"]

        try:
            return self._ask(request)
        except _BeyondEnd:
            return b"", 0

    def _client_for(self, size: int) -> Any:
        """Return an obstore store for requests that carry that much."""
        return self._reading

    def _ask(self, request: Callable[[], _R]) -> _R:
        """Do a request, and turn what obstore raises into errors that quote nothing: its texts hold URLs, perhaps signed."""
        return quietly(request, self._failure)

    def _failure(self, error: Exception) -> Exception:
        text = str(error)
        status = _first(_STATUS, text)
        code = _first(_CODE, text)
        said = f"{self._service} answered {status} {code}".rstrip()
        kind = type(error).__name__
        if code in _NO_BUCKET:
            return MissingBucket(f"There is no bucket or container for {self._uri}: {said}")
        if isinstance(error, FileNotFoundError):
            return Absent()
        if kind in ("AlreadyExistsError", "PreconditionError"):
            return Taken()
        if _METADATA.search(text):
            return RefusedAccess(f"No credential for {self._uri} was found: neither options nor variables give one")
        # A status alone is that of a service which gives out credentials.
        if kind in ("PermissionDeniedError", "UnauthenticatedError") or status in _REFUSING:
            return RefusedAccess(f"Access to {self._uri} was refused: {said}")
        if status == _RANGE_NOT_SATISFIABLE:
            return _BeyondEnd()
        if not status:
            # Without a status there was no answer; a request that could not even be built would never have one.
            if "HTTP error" in text and "builder error" not in text:
                return UnreachableStore(f"{self._service} cannot be reached for {self._uri}")
            return StoreError(f"{self._service} cannot be used for {self._uri}: {kind}")
        if status.startswith("5") or status in _IN_TROUBLE or code in _IN_TROUBLE:
            return UnreachableStore(f"{self._service} is in trouble, at {self._uri}: {said}")
        return StoreError(f"The request for {self._uri} was refused: {said}")


class TimedObstoreStore(ObstoreStore):
    """A client of one bucket, whose requests have the more time the more they carry.

    Args:
        extra: What brings obstore.
        service: What the service is called in errors.
        uri: The URI of the bucket, for errors.
        timeout: How many seconds a request may take, and at least one more for each MiB that it carries.
        retry_for: For how many seconds a request that failed is tried again.
        endpoint: The URL of the service, if it was given.
        options: What else the handler was given for the client; None says that it was not.
        make: Makes the obstore store from the module ``obstore.store`` and all options.

    Raises:
        MissingExtra: obstore is not installed.
        StoreError: It cannot be used here, or not with these options.
    """

    def __init__(
        self,
        *,
        extra: str,
        service: str,
        uri: str,
        timeout: float,
        retry_for: float,
        endpoint: str | None,
        options: Mapping[str, str | None],
        make: Callable[[Any, dict[str, Any]], Any],
    ) -> None:
        super().__init__(extra=extra, service=service, uri=uri)
        self._timeout = timeout
        self._retry_for = retry_for
        self._allow_http = endpoint is not None and endpoint.startswith("http:")
        given = {name: value for name, value in {"endpoint": endpoint, **options}.items() if value is not None}
        self._make: Callable[[dict[str, Any]], Any] = lambda common: make(self._stores, {**common, **given})
        # An answer comes in pieces, and the time between two is bounded as well as the whole.
        self._reading = self._client(timeout + _MOST_READ, read_timeout=timedelta(seconds=timeout))
        self._writing: dict[int, Any] = {}

    def _client_for(self, size: int) -> Any:
        """Return an obstore store whose requests have the time to carry that much."""
        # Powers of two: a few serve all sizes.
        mebibytes = 1 << (size // _MEBIBYTE).bit_length() if size >= _MEBIBYTE else 0
        if mebibytes not in self._writing:
            self._writing[mebibytes] = self._client(self._timeout + mebibytes)
        return self._writing[mebibytes]

    def _client(self, timeout: float, **options: Any) -> Any:
        client_options = {
            "timeout": timedelta(seconds=timeout),
            "connect_timeout": timedelta(seconds=self._timeout),
            **options,
        }
        if self._allow_http:
            client_options["allow_http"] = True
        retry_config = {"retry_timeout": timedelta(seconds=self._retry_for)}
        return self._ask(lambda: self._make({"client_options": client_options, "retry_config": retry_config}))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _modules(extra: str) -> tuple[ModuleType, ModuleType]:
    try:
        import obstore
        import obstore.store
    except ImportError as error:
        raise MissingExtra(f"obstore is not installed: pip install 'resultspec[{extra}]'") from error
    if not _served:
        _served.append(os.getpid())
    if _served[0] != os.getpid():
        raise StoreError(
            "obstore was in use before this process was forked, and would hang: start workers by spawn or forkserver"
        )
    return obstore, obstore.store
