"""Handlers that the tests of the Airflow adapter name in Airflow's configuration."""

import os
from typing import Any

from resultspec.errors import WriteError
from resultspec_reference import LocalResultHandler
from resultspec_reference.adapters.airflow import ResultHandlerXCom


class Fragile:
    """Refuses one value, and raises another error than the specification's when it reads a second."""

    def __init__(self) -> None:
        self._kept = LocalResultHandler[Any](os.environ["RESULTS"], sync=False)

    def write(self, value: Any, /) -> str:
        """Write all but ``"refused"``."""
        if value == "refused":
            raise WriteError("nothing was written") from OSError("the disk is on fire")
        return self._kept.write(value)

    def read(self, reference: str, /) -> Any:
        """Read all but ``"vanishing"``."""
        value = self._kept.read(reference)
        if value == "vanishing":
            raise IndexError("no such row")
        return value


class FragileXCom(ResultHandlerXCom):
    """A backend whose handler is an attribute of its class."""

    result_handler = Fragile()


def broken() -> Fragile:
    """Fail to make a handler."""
    raise RuntimeError("the key is missing")


number = 3
