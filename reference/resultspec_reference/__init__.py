"""The reference implementation of the contract that :mod:`resultspec` specifies."""

from ._azure import AzureResultHandler
from ._cloud import CloudResultHandler
from ._configuration import Configuration
from ._gcs import GCSResultHandler
from ._hierarchy import Parameter, resolve
from ._json import JSONResultHandler
from ._local import LocalResultHandler
from ._noresult import NoResult, NoResultType
from ._results import HandledResult, RawResult, Result
from ._s3 import S3ResultHandler
from ._store_errors import MissingBucket, MissingExtra, RefusedAccess, StoreError, UnreachableStore
from ._stored import StoredFormError, configure_converter, make_converter

__all__ = [
    "AzureResultHandler",
    "CloudResultHandler",
    "Configuration",
    "GCSResultHandler",
    "HandledResult",
    "JSONResultHandler",
    "LocalResultHandler",
    "MissingBucket",
    "MissingExtra",
    "NoResult",
    "NoResultType",
    "Parameter",
    "RawResult",
    "RefusedAccess",
    "Result",
    "S3ResultHandler",
    "StoreError",
    "StoredFormError",
    "UnreachableStore",
    "configure_converter",
    "make_converter",
    "resolve",
]
