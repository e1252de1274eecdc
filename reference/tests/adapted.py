"""The emulated object stores by way of other libraries: obstore itself, and obstore as a filesystem of fsspec."""

from typing import Any

import attrs
import fsspec
from emulators import ACCOUNT, ACCOUNT_KEY, BUCKET, S3, SECRET, Azure, Door
from obstore.fsspec import FsspecStore
from obstore.store import AzureStore, S3Store
from resultspec_reference.adapters.fsspec import FsspecResultHandler
from resultspec_reference.adapters.obstore import ObstoreResultHandler

CREDENTIAL = {"access_key_id": "tests", "secret_access_key": SECRET}
HTTP = {"allow_http": True, "timeout": "20s"}
RETRIES: Any = {"max_retries": 1}


@attrs.frozen
class ObstoreS3:
    """moto's server of S3, through obstore."""

    store: S3
    scheme = "s3"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        made = S3Store(bucket, endpoint=server or self.store.server, client_options=HTTP, retry_config=RETRIES, **CREDENTIAL)
        return ObstoreResultHandler[Any](made, prefix, **options)

    def door(self, handler: Any) -> Door:
        return self.store.door(handler)


@attrs.frozen
class ObstoreAzure:
    """Azurite, through obstore."""

    store: Azure
    scheme = "az"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        made = AzureStore(
            bucket,
            account_name=ACCOUNT,
            account_key=ACCOUNT_KEY,
            endpoint=f"{server or self.store.server}/{ACCOUNT}",
            client_options=HTTP,
            retry_config=RETRIES,
        )
        return ObstoreResultHandler[Any](made, prefix, **options)

    def door(self, handler: Any) -> Door:
        return self.store.door(handler)


class S3Filesystem(FsspecStore):
    """S3 as a filesystem, by obstore; the package that fsspec would look for is not installed."""

    protocol = "s3"


fsspec.register_implementation("s3", S3Filesystem, clobber=True)


@attrs.frozen
class FsspecS3:
    """moto's server of S3, through fsspec."""

    store: S3
    scheme = "s3"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        given = {
            "config": {"endpoint": server or self.store.server, **CREDENTIAL},
            "client_options": HTTP,
            "retry_config": RETRIES,
        }
        return FsspecResultHandler[Any](f"s3://{bucket}/{prefix}", storage_options=given, **options)

    def door(self, handler: Any) -> Door:
        return self.store.door(attrs.make_class("Prefixed", ["prefix"])(handler.url.partition(f"{BUCKET}/")[2]))


# The emulator of each, and how it is reached.
EMULATED: dict[str, tuple[str, Any]] = {
    "obstore on S3": ("s3", ObstoreS3),
    "obstore on Azure": ("azure", ObstoreAzure),
    "fsspec on S3": ("s3", FsspecS3),
}
