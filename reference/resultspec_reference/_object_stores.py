"""The handlers over object stores, and which of their options may lie open: in a configuration, in a stored form."""

from collections.abc import Mapping
from typing import Any

import attrs

from ._azure import AzureResultHandler
from ._cloud import CloudResultHandler
from ._gcs import GCSResultHandler
from ._s3 import S3ResultHandler

OBJECT_STORES: Mapping[str, type[Any]] = {
    "gcs": GCSResultHandler,
    "s3": S3ResultHandler,
    "azure": AzureResultHandler,
    "cloud": CloudResultHandler,
}
"""The classes by their kind."""

PATHS = ("credentials", "token_file", "key_file")
"""The options that are paths of files with secrets: these paths may lie open. ``key_file`` is what ``key`` is called."""


def open_fields(cls: type[Any]) -> "dict[str, attrs.Attribute[Any]]":
    """Return the fields of a class that may lie open, by name: those that its repr shows."""
    return {field.name: field for field in attrs.fields(cls) if field.init and field.repr}


def secret_fields(cls: type[Any]) -> list[str]:
    """Return the names of the fields of a class that hold a part of a credential."""
    return [field.name for field in attrs.fields(cls) if field.init and not field.repr and field.name != "key"]
