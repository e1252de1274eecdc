"""A handler that keeps values in a bucket of Google Cloud Storage."""

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import attrs
import typing_extensions

from ._objects import Absent, BucketResultHandler, Taken, bucket_name, object_prefix, seconds, service_endpoint
from ._quiet import quietly
from ._sealing import absolute, signing_key
from ._store_errors import MissingBucket, MissingExtra, RefusedAccess, StoreError, UnreachableStore

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = typing_extensions.TypeVar("T", default=object)
_R = TypeVar("_R")

# How much of a large value is in memory while it is sent. The service wants a multiple of 256 KiB.
_CHUNK = 1 << 24


class _BeyondEnd(Exception):
    """An object ends before the range begins, as an empty one always does."""


# What a status says of the object that was asked for.
_TELLING: dict[int, type[Exception]] = {404: Absent, 412: Taken, 416: _BeyondEnd}
_REFUSING = (401, 403)
_IN_TROUBLE = (408, 429)


@attrs.frozen
class GCSResultHandler(BucketResultHandler[T]):
    """Keeps each value in an object of its own, in a bucket of Google Cloud Storage.

    A reference is the URI of an object, ``gs://bucket/prefix/name``, with a random name: it reveals nothing of the
    value, and any equally configured handler reads it, in any process, on any machine. A handler reads nothing but
    objects directly under its bucket and prefix that it could have made. An object appears whole, and only where there
    is none of its name (``if_generation_match=0``); a value of more than 8 MiB is sent in chunks by a resumable upload.
    When an answer is lost, the request is tried again, and what the first one has made counts. A large value is laid
    out in a temporary file and sent from there, and read in ranges into place, without a copy in memory.

    Values are pickled, checked and signed as :class:`LocalResultHandler` does: without a key, whoever can write into
    the bucket can make a reader run code; with a key, reading is safe as long as the key is secret
    (``private.safe-read``, ``private.tamper-evident``).

    Making a handler does nothing: google-cloud-storage (the extra ``gcs``) is imported, and the client made, when a
    value is first written or read, and again in a forked process.

    Handlers are equal when all that they were made with is. They are hashable and pickle; the pickle of a handler with
    its key inline carries it, otherwise a pickle holds no secret.

    Keeps every rule of the classes *core*, *shared* and *durable*, and with a key of *private*.

    Args:
        bucket: The name of the bucket, which exists.
        prefix: What the names of the objects begin with, in segments between slashes; none by default.
        credentials: The Path of the key file of a service account. Left out, the credentials are Google's application
            default ones.
        endpoint: The URL of the service when it is not Google's public one. To one without TLS no credential is sent.
        timeout: How many seconds the service may take to connect, to take more of a request, and to send more of its
            answer.
        retry_for: For how many seconds a request that failed is tried again. A write may try for twice as long.
        key: What signs the objects: at least 16 bytes, or the Path of a file that holds them, byte for byte; the file
            is read when it is needed.

    Raises:
        TypeError: The key is neither bytes nor a Path.
        ValueError: A name, the endpoint, a time or the key cannot be used.
    """

    bucket: str = attrs.field(converter=bucket_name)
    """The name of the bucket."""

    prefix: str = attrs.field(default="", converter=object_prefix)
    """What the names of the objects begin with, without slashes around it."""

    credentials: Path | None = attrs.field(default=None, converter=attrs.converters.optional(absolute), kw_only=True)
    """The file of the credentials, if it was given, absolute."""

    endpoint: str | None = attrs.field(default=None, converter=service_endpoint, kw_only=True)
    """The URL of the service when it is not Google's public one."""

    timeout: float = attrs.field(default=30.0, converter=seconds, kw_only=True)
    """How many seconds the service may take to connect, to take more of a request, and to send more of its answer."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a request that failed is tried again."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the objects, or the file that holds it; never shown."""

    @property
    def _bucket_uri(self) -> str:
        return f"gs://{self.bucket}"

    def _connect(self) -> "_GoogleStore":
        return _GoogleStore(self, self._bucket_uri)


class _GoogleStore:
    """A client of one bucket."""

    def __init__(self, handler: GCSResultHandler[Any], uri: str) -> None:
        try:
            # The library has no types: what is asked of it is tried by the tests.
            from google.cloud import storage  # pyright: ignore[reportMissingTypeStubs]
            from google.cloud.storage.retry import DEFAULT_RETRY  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise MissingExtra("google-cloud-storage is not installed: pip install 'resultspec[gcs]'") from error
        self._uri = uri
        self._options: dict[str, Any] = {
            "timeout": (handler.timeout, handler.timeout),
            "retry": DEFAULT_RETRY.with_predicate(self._is_passing)
            .with_delay(initial=0.1, maximum=15.0, multiplier=2.0)
            .with_timeout(handler.retry_for),
        }

        client: Any = storage.Client

        def make() -> Any:
            given: dict[str, Any] = {}
            if handler.endpoint is not None:
                given["client_options"] = {"api_endpoint": handler.endpoint}
            if handler.endpoint is not None and handler.endpoint.startswith("http:"):
                return client(use_auth_w_custom_endpoint=False, **given)
            if handler.credentials is not None:
                return client.from_service_account_json(str(handler.credentials), **given)
            return client(**given)

        self._client: Any = self._ask(make)
        # It would ask for the bucket's own data, for traces that nobody may have turned on, in a thread that goes on when
        # the call is over; and a credential that may only write and read objects has no right to them.
        self._client._bucket_metadata_cache = None
        # Its connections end with it.
        weakref.finalize(self, self._client.close)
        self._bucket: Any = self._client.bucket(handler.bucket)

    def create(self, key: str, file: IO[bytes], size: int) -> None:
        """Make an object, on the condition that there is no generation of it."""
        blob = self._bucket.blob(key, chunk_size=_CHUNK)
        try:
            self._ask(lambda: blob.upload_from_file(file, rewind=True, size=size, if_generation_match=0, **self._options))
        except Absent as error:
            # Nothing else can be missing.
            raise self._missing_bucket() from error

    def head(self, key: str, length: int) -> "tuple[Buffer, int]":
        """Return the first bytes of an object, and the size of all of it."""
        content = self._get(key, 0, length)
        if len(content) < length:
            return content, len(content)
        blob = self._bucket.blob(key)
        self._ask(lambda: blob.reload(**self._options))
        return content, blob.size

    def fetch(self, key: str, start: int, end: int) -> "Buffer":
        """Return the bytes of a range."""
        return self._get(key, start, end)

    def _get(self, key: str, start: int, end: int) -> bytes:
        blob = self._bucket.blob(key)
        # As it lies there: what somebody marked as compressed is not unpacked. The value has its own checksum.
        options = {"start": start, "end": end - 1, "raw_download": True, "checksum": None, **self._options}

        def request() -> bytes:
            content: bytes = blob.download_as_bytes(**options)
            return content

        try:
            return self._ask(request)
        except _BeyondEnd:
            return b""
        except Absent as error:
            if self._lacks_bucket(key):
                raise self._missing_bucket() from error
            raise

    def _lacks_bucket(self, key: str) -> bool:
        """Whether the bucket itself is missing; an answer about an object does not tell. False when it cannot be learned."""
        try:
            self._ask(lambda: list(self._client.list_blobs(self._bucket, prefix=key, max_results=1, **self._options)))
        except Absent:
            return True
        except StoreError:
            return False
        return False

    def _missing_bucket(self) -> MissingBucket:
        return MissingBucket(f"There is no bucket for {self._uri}")

    def _ask(self, request: Callable[[], _R]) -> _R:
        """Do a request, and turn what the library raises into errors that quote nothing."""
        return quietly(request, self._failure)

    def _is_passing(self, error: Exception) -> bool:
        """Whether a request that failed is tried again; the library asks of each."""
        response = getattr(error, "response", None)
        if response is not None:
            # A download that was answered with an error is left open otherwise, and its connection with it.
            response.close()
        return isinstance(self._failure(error), UnreachableStore)

    def _failure(self, error: BaseException | None) -> Exception:
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth
        from google.cloud.storage.exceptions import InvalidResponse  # pyright: ignore[reportMissingTypeStubs]
        from requests import exceptions as http
        from urllib3 import exceptions as wire

        if isinstance(error, api.RetryError):
            cause: BaseException | None = error.cause
            error = cause or error
        kind = type(error).__name__
        if isinstance(error, auth.TransportError | http.RequestException | wire.HTTPError | ConnectionError | TimeoutError):
            return UnreachableStore(f"Google Cloud Storage cannot be reached for {self._uri}: {kind}")
        if isinstance(error, auth.GoogleAuthError | OSError):
            return RefusedAccess(f"No credential for {self._uri} was found, or none that is of use: {kind}")
        status: int | None = None
        if isinstance(error, api.GoogleAPICallError):
            status = error.code
        elif isinstance(error, InvalidResponse):
            # What the parts of the library that move content raise, where the other parts do not turn it into the above.
            status = error.response.status_code  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if status is None:
            return StoreError(f"Google Cloud Storage cannot be used for {self._uri}: {kind}")
        if status in _TELLING:
            return _TELLING[status]()
        if status in _REFUSING:
            return RefusedAccess(f"Access to {self._uri} was refused: Google Cloud Storage answered {status}")
        if status >= 500 or status in _IN_TROUBLE:
            return UnreachableStore(f"Google Cloud Storage is in trouble, at {self._uri}: it answered {status}")
        return StoreError(f"The request for {self._uri} was refused: Google Cloud Storage answered {status}")
