"""Any store of obstore as a result handler (the extra ``obstore``)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from obstore.store import AzureStore, GCSStore, LocalStore, MemoryStore, S3Store
from typing_extensions import TypeVar

from .._objects import BucketResultHandler, object_prefix, seconds
from .._obstore import ObstoreStore
from .._sealing import signing_key

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["ObstoreResultHandler"]

T = TypeVar("T", default=object)

# The scheme of a bucket's URI, and what the store's configuration calls the bucket.
_BUCKETS: dict[type[Any], tuple[str, str]] = {
    S3Store: ("s3", "bucket"),
    GCSStore: ("gs", "bucket"),
    AzureStore: ("az", "container_name"),
}


def _uri(store: "ObjectStore") -> str:
    """Return the URI of what is directly in a store, without the slash at its end."""
    if isinstance(store, MemoryStore):
        return "memory://"
    if isinstance(store, LocalStore):
        directory = Path(store.prefix or "/")
        if not directory.is_absolute():
            raise ValueError("A LocalStore of a relative path is another place in every working directory: make it absolute")
        return directory.as_uri().removesuffix("/")
    if not isinstance(store, S3Store | GCSStore | AzureStore):
        # An HTTPStore makes no object on the condition that there is none of its name.
        raise TypeError(f"A {type(store).__qualname__} keeps no results: give a store of S3, GCS, Azure, a directory or memory")
    scheme, option = next(each for kind, each in _BUCKETS.items() if isinstance(store, kind))
    bucket = dict[str, Any](**store.config).get(option)
    if bucket is None:
        raise ValueError("The store has its bucket from a variable, so that no reference could name it: name it")
    return f"{scheme}://{bucket}/{store.prefix}" if store.prefix else f"{scheme}://{bucket}"


def _checked(store: "ObjectStore") -> "ObjectStore":
    _uri(store)
    return store


@attrs.frozen
class ObstoreResultHandler(BucketResultHandler[T]):
    """Keeps each value in an object of its own, in a store of obstore.

    A reference is the URI of an object, such as ``s3://bucket/prefix/name`` or ``file:///directory/prefix/name``, with a
    random name. Values are pickled, checked and signed as those of :class:`~resultspec_reference.S3ResultHandler` are, made
    whole by one request that makes no second object of a name, and read back in ranges. Time limits, credentials and the
    tries of one request are the store's own.

    Handlers are equal when their stores, as obstore compares them, and all else they were made with are. They are hashable,
    and pickle when their store does: the pickle of a store with a credential inline carries it.

    Args:
        store: An ``S3Store``, ``GCSStore``, ``AzureStore``, ``LocalStore`` of an absolute path, or ``MemoryStore``.
        prefix: What the names of the objects begin with, after the store's own prefix, in segments between slashes.
        retry_for: For how many seconds a write is tried again that found the store unreachable, or in trouble.
        key: What signs the objects: at least 16 bytes, or the Path of a file that holds them.

    Raises:
        TypeError: It is no such store, or the key is neither bytes nor a Path.
        ValueError: A store of a relative path or without a bucket, a prefix, a time or a key cannot be used.
    """

    store: "ObjectStore" = attrs.field(converter=_checked)
    """The store of obstore."""

    prefix: str = attrs.field(default="", converter=object_prefix)
    """What the names of the objects begin with, without slashes around it."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a write is tried again that found the store unreachable, or in trouble."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the objects, or the file that holds it; never shown."""

    def __hash__(self) -> int:
        # obstore's stores compare, but have no hash.
        return hash((self._root, self.retry_for, self.key))

    @property
    def _bucket_uri(self) -> str:
        return _uri(self.store)

    def _connect(self) -> ObstoreStore:
        service = type(self.store).__name__
        return ObstoreStore(extra="obstore", service=service, uri=self._bucket_uri, store=self.store)
