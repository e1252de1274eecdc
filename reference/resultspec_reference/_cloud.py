"""A handler that keeps values with the managed service."""

import os
import weakref
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs
from typing_extensions import TypeVar

from ._objects import Absent, ObjectResultHandler, Taken, seconds, service_endpoint, text_or_none
from ._quiet import quiet
from ._sealing import absolute, signing_key
from ._store_errors import MissingExtra, RefusedAccess, StoreError, UnreachableStore

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpx import Response
    from typing_extensions import Buffer

T = TypeVar("T", default=object)

_VARIABLE = "RESULTSPEC_CLOUD_TOKEN"
_PIECE = 1 << 20
_PATH = "v1/results"


def _service(endpoint: str) -> str:
    checked = service_endpoint(endpoint)
    if checked is None:
        raise ValueError("A handler of the managed service needs its endpoint, such as https://results.example.com")
    return checked


def _token_file(path: Path | None) -> Path | None:
    return None if path is None else absolute(path)


@attrs.frozen
class CloudResultHandler(ObjectResultHandler[T]):
    """Keeps each value with the managed service, ``resultspec-service``, which keeps it in a bucket.

    A reference is the address of a result, ``https://host/v1/results/name``, with a random name: it reveals nothing of the
    value, nor of whose it is. The service gives a result to nobody but those who have a token of the same tenant. A result
    is made once, and whole or not at all. When an answer is lost, the request is tried again, and what the first one has
    made counts.

    Values are pickled, checked and signed as :class:`LocalResultHandler` does: without a key, whoever runs the service can
    make a reader run code; with a key, reading is safe as long as the key is secret (``private.safe-read``,
    ``private.tamper-evident``).

    Making a handler does nothing: httpx (the extra ``cloud``) is imported, and the client made, when a value is first
    written or read.

    Handlers are equal when all that they were made with is. They are hashable and pickle; the pickle of a handler with a
    key or a token inline carries it, otherwise a pickle holds no secret.

    Keeps every rule of the classes *core*, *shared* and *durable*, and with a key of *private*.

    Args:
        endpoint: The URL of the service.
        token: What the service knows the tenant by; left out, the content of ``token_file``, or the variable
            ``RESULTSPEC_CLOUD_TOKEN``, when it is needed.
        token_file: A file that holds the token.
        timeout: How many seconds may pass without anything being sent or received.
        retry_for: For how many seconds a request that failed is tried again. A write may try for twice as long.
        key: What signs the results: at least 16 bytes, or the Path of a file that holds them, byte for byte; the file is
            read when it is needed.

    Raises:
        TypeError: The key is neither bytes nor a Path, or the token is not a str.
        ValueError: The endpoint, a time or the key cannot be used.
    """

    endpoint: str = attrs.field(converter=_service)
    """The URL of the service."""

    token: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """What the service knows the tenant by, if it was given; never shown."""

    token_file: Path | None = attrs.field(default=None, converter=_token_file, kw_only=True)
    """A file that holds the token."""

    timeout: float = attrs.field(default=30.0, converter=seconds, kw_only=True)
    """How many seconds may pass without anything being sent or received."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a request that failed is tried again."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the results, or the file that holds it; never shown."""

    @property
    def _root(self) -> str:
        return f"{self.endpoint}/{_PATH}"

    def _connect(self) -> "ServiceStore":
        return ServiceStore(self._root, self._bearer(), self.timeout, self.retry_for)

    def _bearer(self) -> str:
        if self.token is not None:
            return self.token
        if self.token_file is None:
            token = os.environ.get(_VARIABLE, "")
        else:
            try:
                token = self.token_file.read_text(encoding="ascii").strip()
            except (OSError, ValueError) as error:
                raise RefusedAccess(f"{self.token_file} holds no token: {type(error).__name__}") from error
        if not token:
            raise RefusedAccess(f"There is no token for {self.endpoint}: give token, token_file, or the variable {_VARIABLE}")
        return token


@cache
def _trusted() -> "SSLContext":
    """Whose certificates are trusted; reading them takes longer than all else that a client needs."""
    import httpx

    return httpx.create_ssl_context()


class ServiceStore:
    """A client of the managed service.

    Args:
        root: The address of the results.
        token: What the service knows the tenant by.
        timeout: How many seconds may pass without anything being sent or received.
        retry_for: For how many seconds a request for reading is tried again.

    Raises:
        MissingExtra: httpx is not installed.
    """

    def __init__(self, root: str, token: str, timeout: float, retry_for: float) -> None:
        try:
            import httpx
            import stamina
        except ImportError as error:
            raise MissingExtra("httpx is not installed: pip install 'resultspec[cloud]'") from error
        self._httpx = httpx
        self._root = root
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(headers=headers, timeout=timeout, verify=_trusted(), follow_redirects=False)
        weakref.finalize(self, self._client.close)
        self._persistent = stamina.retry(on=UnreachableStore, attempts=None, timeout=retry_for)

    def create(self, key: str, file: IO[bytes], size: int) -> None:
        """Make a result, sent piece by piece; tried once, since the caller looks what became of it before the next try."""
        file.seek(0)
        pieces = iter(lambda: file.read(_PIECE), b"")
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self._asked(lambda: self._client.put(f"{self._root}/{key}", content=pieces, headers=headers))

    def head(self, key: str, length: int) -> "tuple[Buffer, int]":
        """Return the first bytes of a result, and the size of all of it."""
        return self._get(key, 0, length)

    def fetch(self, key: str, start: int, end: int) -> "Buffer":
        """Return the bytes of a range."""
        return self._get(key, start, end)[0]

    def _get(self, key: str, start: int, end: int) -> "tuple[Buffer, int]":
        def once() -> "tuple[Buffer, int]":
            headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
            response = self._asked(lambda: self._client.get(f"{self._root}/{key}", headers=headers))
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b"", 0
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
            if response.status_code != HTTPStatus.PARTIAL_CONTENT or not total.isdecimal():
                raise StoreError(f"What answers for {self._root} is not the managed service")
            return response.content, int(total)

        return self._persistent(once)()

    def _asked(self, request: "Callable[[], Response]") -> "Response":
        """Do a request; errors quote nothing of what was sent or received."""
        try:
            response = request()
        except self._httpx.TransportError as error:
            cause = quiet(error)
        else:
            self._check(response.status_code)
            return response
        raise UnreachableStore(f"The service cannot be reached for {self._root}") from cause

    def _check(self, status: int) -> None:
        if status == HTTPStatus.NOT_FOUND:
            raise Absent
        if status == HTTPStatus.PRECONDITION_FAILED:
            raise Taken
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise RefusedAccess(f"The service refused the token for {self._root}")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise StoreError(f"The value is larger than the service at {self._root} takes")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise UnreachableStore(f"The service is in trouble, at {self._root}: it answered {status}")
        if status >= HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise StoreError(f"The service refused the request for {self._root}: it answered {status}")
