"""The contract between workflow engines and the places where their results are kept."""

from . import errors
from ._handlers import AsyncResultHandler, ResultHandler
from ._hierarchy import CarriesHandler, Parameter, Resolve
from ._json import JSON
from ._results import HandledResult, NoResultType, RawResult, Result
from ._states import State

SPEC_VERSION = "1.0"
"""The version of the rule set in :mod:`resultspec.rules`."""

__all__ = [
    "JSON",
    "SPEC_VERSION",
    "AsyncResultHandler",
    "CarriesHandler",
    "HandledResult",
    "NoResultType",
    "Parameter",
    "RawResult",
    "Resolve",
    "Result",
    "ResultHandler",
    "State",
    "errors",
]
