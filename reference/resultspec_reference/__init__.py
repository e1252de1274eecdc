"""The reference implementation of the contract that :mod:`resultspec` specifies."""

from ._configuration import Configuration
from ._hierarchy import Parameter, resolve
from ._json import JSONResultHandler
from ._local import LocalResultHandler
from ._noresult import NoResult, NoResultType
from ._results import HandledResult, RawResult, Result
from ._stored import StoredFormError, configure_converter, make_converter

__all__ = [
    "Configuration",
    "HandledResult",
    "JSONResultHandler",
    "LocalResultHandler",
    "NoResult",
    "NoResultType",
    "Parameter",
    "RawResult",
    "Result",
    "StoredFormError",
    "configure_converter",
    "make_converter",
    "resolve",
]
