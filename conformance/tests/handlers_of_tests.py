"""Small handlers that the tests of the command line and of pytest name as targets."""

import json
import sqlite3
from pathlib import Path

from resultspec_conformance import HandlerConformance, HandlerSubject


class Flags:
    """A correct inline handler."""

    def write(self, value: bool, /) -> str:
        """Write a flag as JSON text."""
        if type(value) is not bool:
            raise TypeError("a bool is wanted")
        return json.dumps(value)

    def read(self, reference: str, /) -> bool:
        """Read a flag."""
        if reference not in ("true", "false"):
            raise ValueError("not a reference of this handler")
        return reference == "true"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flags)

    def __hash__(self) -> int:
        return hash(Flags)


class Shortened:
    """Loses what comes after the tenth character."""

    def write(self, value: str, /) -> str:
        """Write too little."""
        if type(value) is not str:
            raise TypeError("a str is wanted")
        return json.dumps(value[:10])

    def read(self, reference: str, /) -> str:
        """Read what is left."""
        return str(json.loads(reference))


class RefusesEverything:
    """Accepts nothing."""

    def write(self, value: object, /) -> str:
        """Refuse the value."""
        raise TypeError(f"no {type(value).__name__} today")

    def read(self, reference: str, /) -> object:
        """Refuse the reference."""
        raise LookupError(reference)


class Kept:
    """Takes a directory as text and another argument."""

    def __init__(self, directory: str, suffix: str) -> None:
        self.directory = Path(directory)
        self.suffix = suffix

    def write(self, value: bool, /) -> str:
        """Write a flag as JSON text with a suffix."""
        return Flags().write(value) + self.suffix

    def read(self, reference: str, /) -> bool:
        """Read a flag."""
        if not isinstance(reference, str) or not reference.endswith(self.suffix):
            raise ValueError("not a reference of this handler")
        return Flags().read(reference.removesuffix(self.suffix))


class InDirectory(Flags):
    """Wants its directory as a Path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()


class InDatabase(Flags):
    """Wants the name of a file as text, and opens it at once."""

    def __init__(self, database: str) -> None:
        sqlite3.connect(database).close()


def broken(scratch: Path) -> Flags:
    """Fail as a factory whose server is not there does."""
    raise ConnectionError(f"no server for {scratch.name}")


def hopeless() -> object:
    """Make something that is no handler."""
    return object()


def needs_two(client: object, bucket: str) -> Flags:
    """Ask for more than the suite can give."""
    raise AssertionError((client, bucket))


subject = HandlerSubject(Flags, name="flags by name")
flags = Flags()


class Described(HandlerConformance):
    """A pytest class that is named as a target."""

    subject = HandlerSubject(Flags)
