"""What is stored of results and handlers: every wire form in one place."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_origin

import attrs
from cattrs import Converter

from resultspec import HandledResult as HandledResultProtocol
from resultspec import ResultHandler
from resultspec.errors import ResultHandlerError

from ._json import JSONResultHandler, NotJSON, check
from ._local import LocalResultHandler
from ._noresult import NoResult, NoResultType
from ._results import HandledResult, RawResult, Result


class StoredFormError(ResultHandlerError, ValueError):
    """Something has no stored form, or what was given is not one."""


BUILT_IN_HANDLERS: Mapping[str, type] = {"json": JSONResultHandler, "local": LocalResultHandler}
