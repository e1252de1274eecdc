"""Handlers of the suite that say what they were asked: for what does not need a real store."""

import copy
from typing import Any

from resultspec.errors import UnknownReference


class Spy:
    """Keeps values in memory and notes every call; equal to every spy of its name.

    Args:
        name: What tells it from other spies.
    """

    def __init__(self, name: str = "spy") -> None:
        self.name = name
        self.calls: list[tuple[str, Any]] = []
        self._values: dict[str, Any] = {}

    def write(self, value: Any, /) -> str:
        """Keep a value under the next number."""
        self.calls.append(("write", copy.deepcopy(value)))
        reference = str(len(self._values))
        self._values[reference] = copy.deepcopy(value)
        return reference

    def read(self, reference: str, /) -> Any:
        """Give back the value under a number."""
        self.calls.append(("read", reference))
        if reference not in self._values:
            raise UnknownReference(f"nothing is kept under {reference!r}")
        return copy.deepcopy(self._values[reference])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<handler {self.name!r}>"


class FalsySpy(Spy):
    """A handler that is falsy, as a container of nothing is."""

    def __bool__(self) -> bool:
        return False
