"""A handler that keeps values in a bucket of S3, or of a service that speaks its language."""

import re
from pathlib import Path

import attrs
from typing_extensions import TypeVar

from ._objects import BucketResultHandler, bucket_name, object_prefix, seconds, service_endpoint, text_or_none
from ._obstore import TimedObstoreStore
from ._sealing import signing_key

T = TypeVar("T", default=object)


_REGION = re.compile(r"[a-z0-9-]{1,64}")


def _region(name: str | None) -> str | None:
    if name is not None and (not isinstance(name, str) or not _REGION.fullmatch(name)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("The name of a region has lower-case letters, digits and -")
    return name


@attrs.frozen
class S3ResultHandler(BucketResultHandler[T]):
    """Keeps each value in an object of its own, in a bucket of S3 or of a service that speaks its language.

    A reference is the URI of an object, ``s3://bucket/prefix/name``, with a random name: it reveals nothing of the
    value, and any equally configured handler reads it, in any process, on any machine. A handler reads nothing but
    objects directly under its bucket and prefix that it could have made. An object is made whole by one request that
    makes no second one of its name (``If-None-Match``); a value of more than 5000 MiB is sent in parts, which S3 puts
    together at once, after a look whether the name is free. When an answer is lost, the request is tried again, and
    what the first one has made counts. A large value is laid out in a temporary file and sent from there, and read in
    ranges into place, without a copy in memory.

    Values are pickled, checked and signed as :class:`LocalResultHandler` does: without a key, whoever can write into
    the bucket can make a reader run code; with a key, reading is safe as long as the key is secret
    (``private.safe-read``, ``private.tamper-evident``).

    Making a handler does nothing: obstore (the extra ``s3``) is imported, and the client made, when a value is first
    written or read. obstore does not survive a fork: start workers by ``spawn`` or ``forkserver``, or use the handler
    in them alone.

    Handlers are equal when all that they were made with is. They are hashable and pickle; the pickle of a handler with
    a key or a credential inline carries it, otherwise a pickle holds no secret.

    Keeps every rule of the classes *core*, *shared* and *durable*, and with a key of *private*.

    Args:
        bucket: The name of the bucket, which exists.
        prefix: What the names of the objects begin with, in segments between slashes; none by default.
        region: The bucket's region; left out, the variable ``AWS_REGION`` says, and else it is ``us-east-1``.
        endpoint: The URL of a service other than Amazon's.
        access_key_id: With ``secret_access_key``, the credential. Left out, obstore finds one: in the variables
            ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, by a web identity, or from the machine's own role.
        secret_access_key: The secret of ``access_key_id``.
        session_token: What comes with a temporary credential.
        timeout: How many seconds a request may take, and at least one more for each MiB that it carries.
        retry_for: For how many seconds a request that failed is tried again. A write may try for twice as long.
        key: What signs the objects: at least 16 bytes, or the Path of a file that holds them, byte for byte; the file
            is read when it is needed.

    Raises:
        TypeError: The key is neither bytes nor a Path, or a part of the credential is not a str.
        ValueError: A name, the endpoint, a time or the key cannot be used.
    """

    bucket: str = attrs.field(converter=bucket_name)
    """The name of the bucket."""

    prefix: str = attrs.field(default="", converter=object_prefix)
    """What the names of the objects begin with, without slashes around it."""

    region: str | None = attrs.field(default=None, converter=_region, kw_only=True)
    """The bucket's region, if it was given."""

    endpoint: str | None = attrs.field(default=None, converter=service_endpoint, kw_only=True)
    """The URL of a service other than Amazon's."""

    access_key_id: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """The public part of the credential, if it was given; never shown."""

    secret_access_key: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """The secret part of the credential, if it was given; never shown."""

    session_token: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """What comes with a temporary credential; never shown."""

    timeout: float = attrs.field(default=30.0, converter=seconds, kw_only=True)
    """How many seconds a request may take, and at least one more for each MiB that it carries."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a request that failed is tried again."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the objects, or the file that holds it; never shown."""

    @property
    def _bucket_uri(self) -> str:
        return f"s3://{self.bucket}"

    def _connect(self) -> TimedObstoreStore:
        options = {
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "session_token": self.session_token,
        }
        return TimedObstoreStore(
            extra="s3",
            service="S3",
            uri=self._bucket_uri,
            timeout=self.timeout,
            retry_for=self.retry_for,
            endpoint=self.endpoint,
            options=options,
            make=lambda stores, options: stores.S3Store(self.bucket, **options),
        )
