"""A handler that keeps values in a container of Azure Blob Storage."""

import re
from pathlib import Path

import attrs
from typing_extensions import TypeVar

from ._objects import BucketResultHandler, bucket_name, object_prefix, seconds, service_endpoint, text_or_none
from ._obstore import TimedObstoreStore
from ._sealing import signing_key

T = TypeVar("T", default=object)

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def _account(name: str) -> str:
    if not isinstance(name, str) or not _ACCOUNT.fullmatch(name):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("The name of a storage account has 3 to 24 lower-case letters and digits")
    return name


@attrs.frozen
class AzureResultHandler(BucketResultHandler[T]):
    """Keeps each value in a blob of its own, in a container of Azure Blob Storage.

    A reference is the URI of a blob, ``az://container/prefix/name``, with a random name: it reveals nothing of the
    value, and any equally configured handler reads it, in any process, on any machine. The account is the handler's
    to know, as the endpoint is: the same blob keeps its URI when it is reached another way. A handler reads nothing
    but blobs directly under its container and prefix that it could have made. A blob is made whole by one request that
    makes no second one of its name (``If-None-Match``); a value of more than 5000 MiB is sent in blocks, which Azure
    puts together at once, after a look whether the name is free. When an answer is lost, the request is tried again,
    and what the first one has made counts. A large value is laid out in a temporary file and sent from there, and read
    in ranges into place, without a copy in memory.

    Values are pickled, checked and signed as :class:`LocalResultHandler` does: without a key, whoever can write into
    the container can make a reader run code; with a key, reading is safe as long as the key is secret
    (``private.safe-read``, ``private.tamper-evident``).

    Making a handler does nothing: obstore (the extra ``azure``) is imported, and the client made, when a value is first
    written or read. obstore does not survive a fork: start workers by ``spawn`` or ``forkserver``, or use the handler
    in them alone.

    Handlers are equal when all that they were made with is. They are hashable and pickle; the pickle of a handler with
    a key or a credential inline carries it, otherwise a pickle holds no secret.

    Keeps every rule of the classes *core*, *shared* and *durable*, and with a key of *private*.

    Args:
        account: The name of the storage account.
        container: The name of the container, which exists.
        prefix: What the names of the blobs begin with, in segments between slashes; none by default.
        endpoint: The URL of the account's blob service, when it is not
            ``https://<account>.blob.core.windows.net``.
        account_key: The account's key, in Base64, as the credential. Left out, with ``sas_token`` too, obstore finds
            one: in the variables ``AZURE_STORAGE_ACCOUNT_KEY`` or ``AZURE_STORAGE_SAS_TOKEN``, by a service principal
            or a workload identity, or from the machine's own identity.
        sas_token: A shared access signature as the credential.
        timeout: How many seconds a request may take, and at least one more for each MiB that it carries.
        retry_for: For how many seconds a request that failed is tried again. A write may try for twice as long.
        key: What signs the blobs: at least 16 bytes, or the Path of a file that holds them, byte for byte; the file
            is read when it is needed.

    Raises:
        TypeError: The key is neither bytes nor a Path, or a credential is not a str.
        ValueError: A name, the endpoint, a time or the key cannot be used.
    """

    account: str = attrs.field(converter=_account)
    """The name of the storage account."""

    container: str = attrs.field(converter=bucket_name)
    """The name of the container."""

    prefix: str = attrs.field(default="", converter=object_prefix)
    """What the names of the blobs begin with, without slashes around it."""

    endpoint: str | None = attrs.field(default=None, converter=service_endpoint, kw_only=True)
    """The URL of the account's blob service, if it was given."""

    account_key: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """The account's key, if it was given; never shown."""

    sas_token: str | None = attrs.field(default=None, converter=text_or_none, kw_only=True, repr=False)
    """A shared access signature, if it was given; never shown."""

    timeout: float = attrs.field(default=30.0, converter=seconds, kw_only=True)
    """How many seconds a request may take, and at least one more for each MiB that it carries."""

    retry_for: float = attrs.field(default=120.0, converter=seconds, kw_only=True)
    """For how many seconds a request that failed is tried again."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the blobs, or the file that holds it; never shown."""

    @property
    def _bucket_uri(self) -> str:
        return f"az://{self.container}"

    def _connect(self) -> TimedObstoreStore:
        return TimedObstoreStore(
            extra="azure",
            service="Azure",
            uri=self._bucket_uri,
            timeout=self.timeout,
            retry_for=self.retry_for,
            endpoint=self.endpoint,
            options={"account_key": self.account_key, "sas_key": self.sas_token},
            make=lambda stores, options: stores.AzureStore(self.container, account_name=self.account, **options),
        )
