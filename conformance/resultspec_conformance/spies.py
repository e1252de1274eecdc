"""Handlers of the suite that say what they were asked: for what does not need a real store."""

import copy
import pickle
from pathlib import Path
from typing import Any, Literal

import attrs
from resultspec.errors import ReadError, UnknownReference, WriteError

from .trials.journal import Entry, Journal


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


@attrs.frozen
class FileSpy:
    """Keeps values in a directory, and notes every call in the journal there; it works the same in every process.

    It pickles, and its attributes are plain, so that an engine can store how to make it again.

    Attributes:
        name: What tells it from other spies.
        directory: Where the values and the journal are; spies of one directory share the journal.
        fails: What it cannot do; it then raises ``WriteError`` or ``ReadError`` with :attr:`complaint`.
        truth: Its truth value: handlers that are falsy count as handlers.
    """

    name: str
    directory: str
    fails: Literal["nothing", "write", "read"] = "nothing"
    truth: bool = True

    @property
    def complaint(self) -> str:
        """What its errors say."""
        return f"the handler {self.name} is out of order"

    def write(self, value: Any, /) -> str:
        """Keep a value under the next number.

        Raises:
            WriteError: It was told to fail.
        """
        if self.fails == "write":
            self._note(Entry(self.name, "write", value, raised=True))
            raise WriteError(self.complaint)
        content, number = pickle.dumps(value), 0
        while True:
            reference = f"{self.name}-{number}"
            try:
                with self._file(reference).open("xb") as file:
                    file.write(content)
                break
            except FileExistsError:
                number += 1
        self._note(Entry(self.name, "write", value, reference))
        return reference

    def read(self, reference: str, /) -> Any:
        """Give back the value under a reference.

        Raises:
            ReadError: It was told to fail.
            UnknownReference: The reference is none of its own.
        """
        if self.fails == "read":
            self._note(Entry(self.name, "read", None, reference, raised=True))
            raise ReadError(self.complaint)
        own = isinstance(reference, str) and reference.rpartition("-")[0] == self.name and self._file(reference).exists()
        if not own:
            raise UnknownReference(f"the handler {self.name} keeps nothing under {reference!r}")
        value = pickle.loads(self._file(reference).read_bytes())  # noqa: S301 - what it has written itself
        self._note(Entry(self.name, "read", value, reference))
        return value

    def _file(self, reference: str) -> Path:
        return Path(self.directory) / f"{reference}.kept"

    def _note(self, entry: Entry) -> None:
        Journal(Path(self.directory)).note(entry)

    def __bool__(self) -> bool:
        return self.truth
