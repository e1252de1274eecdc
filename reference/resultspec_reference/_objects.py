"""What handlers over object stores have in common: one object a value, made whole or not at all.

A value is laid out in a temporary file without a name, as :mod:`._format` says, and then sent. It is read back in
ranges, straight into the memory that it stays in.
"""

import os
import random
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from io import SEEK_SET, BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Generic, Protocol

import attrs
from resultspec.errors import CorruptResult, ReadError, UnknownReference, WriteError
from typing_extensions import TypeVar

from ._format import Seal, dump, load_from
from ._sealing import new_name, own_name, seal_for
from ._store_errors import RefusedAccess, UnreachableStore

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T", default=object)

# The first request asks for this much: all of a small value.
_HEAD = 1 << 20
# The end of an object holds the table of its parts, which is looked at before them.
_TAIL = 1 << 16
# The most that one request brings.
_RANGE = 1 << 24

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
# Nothing that a client or a server would encode, decode or normalise.
_SEGMENT = re.compile(r"[A-Za-z0-9_=+@.-]+")
_LONGEST_PREFIX = 900
# A host or an address, a port, a path.
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[A-Za-z0-9._-]+)*/?")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 15.0
# Of its own: a workflow may have seeded the common one.
_JITTER = random.Random()


class Taken(Exception):
    """There is an object of that name, or somebody is just making one."""


class Absent(Exception):
    """There is no object of that name."""


class Store(Protocol):
    """**Protocol:** a client of one bucket; objects are named by their keys.

    Every method raises the errors of :mod:`._store_errors`, and tries again by the means of its library.
    """

    def create(self, key: str, file: IO[bytes], size: int) -> None:
        """Make an object from a whole file, visible only when all of it is there.

        Raises:
            Taken: There is one, which stays as it is.
        """
        ...

    def head(self, key: str, length: int) -> "tuple[Buffer, int]":
        """Return the first bytes of an object, and the size of all of it.

        Raises:
            Absent: There is none.
        """
        ...

    def fetch(self, key: str, start: int, end: int) -> "Buffer":
        """Return the bytes of a range, fewer where the object ends before.

        Raises:
            Absent: There is none.
        """
        ...


class ObjectResultHandler(Generic[T]):
    """The part of a handler that is the same for every store; what is configured is the subclass's, an attrs class."""

    __slots__ = ()

    if TYPE_CHECKING:
        retry_for: float
        key: bytes | Path | None

    @property
    def _root(self) -> str:
        """What comes before the name in every reference."""
        raise NotImplementedError

    def _connect(self) -> Store:
        """Make a client."""
        raise NotImplementedError

    def _connection(self) -> Any:
        """Return the handler as far as the client depends on it: equal ones share a client."""
        handler: Any = self
        return attrs.evolve(handler, key=None)

    def _key(self, name: str) -> str:
        """Return the key that the store knows an object by."""
        return name

    def write(self, value: T, /) -> str:
        """Keep a value in a new object.

        Args:
            value: What to keep.

        Returns:
            The URI of the object.

        Raises:
            UnsupportedValue: The value does not pickle, does not unpickle, or would come back as another type
                (``handler.loud-refusal``).
            MissingBucket: There is no such bucket or container.
            RefusedAccess: The credential is refused, may not write there, or is missing.
            UnreachableStore: The store gave no answer for as long as it was tried again. The value may then have been
                kept all the same, whole, where nobody knows its name.
            MissingExtra: The client library is not installed.
            WriteError: The key or the temporary directory is unusable, or the store failed in another way
                (:class:`~resultspec_reference.StoreError`).
        """
        name = new_name()
        seal = seal_for(name, self.key, WriteError)
        with _laid_out(value, seal) as file, _credentials_looked_for_anew():
            self._create(_client_of(self), name, file, seal.size)
        return f"{self._root}/{name}"

    def read(self, reference: str, /) -> T:
        """Return the value in an object.

        Args:
            reference: What :meth:`write` of an equally configured handler returned.

        Returns:
            A fresh value; its large buffers are its own and as writable as the original's.

        Raises:
            InvalidReference: It is not the URI of an object that this handler could have made; nothing is asked of the
                store then (``private.confined-read``).
            UnknownReference: There is no such object.
            CorruptResult: The object was altered, cut, put in another's place, or signed with another key.
            MissingBucket: There is no such bucket or container.
            RefusedAccess: The credential is refused, may not read there, or is missing. Some stores say so of a missing
                object too, to a credential that may not list the bucket.
            UnreachableStore: The store gave no answer for as long as it was tried again.
            MissingExtra: The client library is not installed.
            ReadError: The key is unusable, the value does not unpickle here or is too large for this machine's memory,
                or the store failed in another way (:class:`~resultspec_reference.StoreError`).
        """
        name = own_name(reference, self._root)
        try:
            with _credentials_looked_for_anew():
                value: T = self._load_twice(_client_of(self), name)
        except Absent as error:
            raise UnknownReference(f"Nothing is kept as {reference}") from error
        except MemoryError as error:
            raise ReadError(f"{reference} cannot be read: {type(error).__name__}") from error
        return value

    def _load_twice(self, store: Store, name: str) -> Any:
        try:
            return self._load(store, name)
        except CorruptResult:
            # A second look: the damage may be that of one transfer. A client may take the beginning of an answer for all
            # of it when the connection ends among the headers.
            return self._load(store, name)

    def _load(self, store: Store, name: str) -> Any:
        seal = seal_for(name, self.key, ReadError)
        key = self._key(name)
        head, size = store.head(key, _HEAD)
        content = memoryview(head)
        whole = size == len(content)
        return load_from(BytesIO(content) if whole else BufferedReader(_Object(store, key, content, size), _TAIL), size, seal)

    def _create(self, store: Store, name: str, file: IO[bytes], seal_size: int) -> None:
        """Make the object, also when it is not known whether a request that failed has made it already."""
        key = self._key(name)
        size = os.fstat(file.fileno()).st_size
        # The seal, by which what was written is known again.
        end = os.pread(file.fileno(), seal_size, size - seal_size)
        deadline = time.monotonic() + self.retry_for
        pause = _FIRST_PAUSE
        while True:
            try:
                store.create(key, file, size)
            except Taken as error:
                held = _fetched(store, key, size - seal_size, size)
                if held == end:
                    # An earlier request has made it, and its answer was lost.
                    return
                # Without content, somebody is just making it: perhaps the earlier request.
                if held is not None or time.monotonic() > deadline:
                    raise WriteError(f"There is another object {self._root}/{name} already") from error
            except UnreachableStore:
                if time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(pause * _JITTER.uniform(0.5, 1))
            pause = min(2 * pause, _LONGEST_PAUSE)


class BucketResultHandler(ObjectResultHandler[T]):
    """The part of a handler that is the same for every store of buckets."""

    __slots__ = ()

    if TYPE_CHECKING:
        prefix: str

    @property
    def _bucket_uri(self) -> str:
        """The URI of the bucket."""
        raise NotImplementedError

    @property
    def _root(self) -> str:
        return f"{self._bucket_uri}/{self.prefix}" if self.prefix else self._bucket_uri

    def _connection(self) -> Any:
        handler: Any = self
        return attrs.evolve(handler, prefix="", key=None)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


# The clients by the process, since no connection survives a fork, and by what is configured of the connection.
_clients: dict[tuple[int, Any], Store] = {}
_MOST_CLIENTS = 64


def _client_of(handler: ObjectResultHandler[Any]) -> Store:
    """Return a client, the same for all handlers that differ in nothing that it depends on.

    A workflow unpickles a handler for every task: each would make connections of its own otherwise.
    """
    connection = os.getpid(), handler._connection()
    client = _clients.get(connection)
    if client is None:
        if len(_clients) >= _MOST_CLIENTS:
            _clients.clear()
        # Two threads may each make one; the one that is left over does no harm.
        client = _clients.setdefault(connection, handler._connect())
    return client


@contextmanager
def _credentials_looked_for_anew() -> Generator[None]:
    """Forget the clients when access is refused: variables may be set since they were made."""
    try:
        yield
    except RefusedAccess:
        _clients.clear()
        raise


def _laid_out(value: Any, seal: Seal) -> IO[bytes]:
    try:
        file = TemporaryFile()  # noqa: SIM115  # It is returned open.
        try:
            dump(value, file.fileno(), seal)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise WriteError(f"The value could not be laid out in a temporary file: {error.strerror}") from error
    return file


def _fetched(store: Store, key: str, start: int, end: int) -> bytes | None:
    try:
        return bytes(store.fetch(key, start, end))
    except Absent:
        return None


class _Object(RawIOBase):
    """An object as a file: its first bytes are here already, the others are fetched when they are read."""

    def __init__(self, store: Store, key: str, head: memoryview, size: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._head = head
        self._size = size
        self._tail_start = max(size - _TAIL, len(head))
        self._tail: memoryview | None = None
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        self._position = (0, self._position, self._size)[whence] + offset
        return self._position

    def readinto(self, memory: Any, /) -> int:
        target = memoryview(memory)
        piece = self._piece(self._position, min(self._position + len(target), self._size))
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _piece(self, start: int, end: int) -> memoryview:
        if end <= start:
            return memoryview(b"")
        if start < len(self._head):
            return self._head[start:end]
        if start < self._tail_start:
            return memoryview(self._store.fetch(self._key, start, min(end, start + _RANGE, self._tail_start)))
        if self._tail is None:
            self._tail = memoryview(self._store.fetch(self._key, self._tail_start, self._size))
        return self._tail[start - self._tail_start : end - self._tail_start]


def bucket_name(name: str) -> str:
    """Return the name of a bucket or container, checked as far as stores agree.

    Raises:
        ValueError: No store has a bucket of that name.
    """
    if not isinstance(name, str) or not _BUCKET.fullmatch(name):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("The name of a bucket or container has 3 or more lower-case letters, digits, and - _ . within")
    return name


def object_prefix(prefix: str) -> str:
    """Return what the names of a handler's objects begin with, without slashes around it.

    Raises:
        ValueError: It is not made of plain segments.
    """
    if not isinstance(prefix, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("A prefix is a str")
    bare = prefix.strip("/")
    segments = bare.split("/") if bare else []
    if len(bare) > _LONGEST_PREFIX or any(not _SEGMENT.fullmatch(each) or set(each) == {"."} for each in segments):
        raise ValueError("A prefix has up to 900 letters, digits and - _ . = + @, in segments between single slashes")
    return bare


def service_endpoint(endpoint: str | None) -> str | None:
    """Return the URL of a service, without a slash at its end.

    Raises:
        ValueError: It is no http or https URL, or holds a credential or a query, which would be shown.
    """
    if endpoint is None:
        return None
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):  # pyright: ignore[reportUnnecessaryIsInstance]
        # It is not quoted: it may hold a password.
        raise ValueError("An endpoint is a URL such as https://storage.example.com:9000, without user, query or fragment")
    return endpoint.rstrip("/")


def seconds(number: float) -> float:
    """Return a length of time.

    Raises:
        ValueError: It is not a finite number above zero.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e9:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("A time is a number of seconds above zero")
    return float(number)


def text_or_none(secret: str | None) -> str | None:
    """Return part of a credential.

    Raises:
        TypeError: It is not a str; the message does not show it.
    """
    if secret is not None and not isinstance(secret, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"A credential is a str, not a {type(secret).__qualname__}")
    return secret
