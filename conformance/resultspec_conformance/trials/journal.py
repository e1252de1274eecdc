"""A journal that several processes write: who did what, in which order."""

import base64
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs

from ..values.source import shown

Deed = Literal["write", "read", "call"]


@attrs.frozen
class Entry:
    """One line of a journal.

    Attributes:
        who: The name of the handler or task.
        deed: ``write`` or ``read`` of a handler, ``call`` of a task's body.
        value: The value that was written or read, or the inputs by name.
        reference: The reference that was returned or asked for; None for a task, and for a write that raised.
        raised: Whether it ended in an exception that was planned.
    """

    who: str
    deed: Deed
    value: Any
    reference: Any = None
    raised: bool = False


@attrs.frozen
class Unkept:
    """Stands in a journal for a value that does not pickle.

    Attributes:
        text: What it looked like.
    """

    text: str

    def __repr__(self) -> str:
        return self.text


class Journal:
    """The journal of one trial, in a file: what is noted in it is in the order in which it happened.

    Args:
        directory: Where the file is.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "journal"

    def note(self, entry: Entry) -> None:
        """Add a line, whole, at the end."""
        line = json.dumps([entry.who, entry.deed, _packed(entry.value), _packed(entry.reference), entry.raised]) + "\n"
        # One write to a file opened for appending: lines of several processes and threads do not mix.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """What was noted so far."""
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            who, deed, value, reference, raised = json.loads(line)
            yield Entry(who, deed, _unpacked(value), _unpacked(reference), raised)


def _packed(value: Any) -> str:
    try:
        kept = pickle.dumps(value)
    except Exception:  # noqa: BLE001 - an engine may pass a task anything
        kept = pickle.dumps(Unkept(shown(value)))
    return base64.b64encode(kept).decode()


def _unpacked(text: str) -> Any:
    return pickle.loads(base64.b64decode(text))  # noqa: S301 - from our own journal
