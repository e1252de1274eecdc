"""Saboteurs of durability: each wraps any handler, and breaks exactly one rule of the class *durable*."""

import atexit
import errno
import hashlib
import json
import os
import pickle
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from resultspec.errors import CorruptResult

from ..subjects import HandlerSubject
from .handlers import Wrapper, wrapping


class Noted(Wrapper):
    """Gives out names of its own, and keeps in a note under each what the wrapped handler returned: soundly, so far."""

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        name = self.name(value)
        self.publish(name, {"reference": reference})
        return name

    def read(self, reference: Any, /) -> Any:
        return super().read(self.note(reference)["reference"])

    def name(self, value: Any) -> str:
        """A name for a value."""
        return uuid4().hex

    def path(self, name: Any) -> Path:
        """The path of a note."""
        if type(name) is not str or set(name) - set("0123456789abcdef") or len(name) < 32:
            raise ValueError("not a name of a note")
        return self.scratch / f"{name}.note"

    def note(self, name: Any) -> dict[str, Any]:
        """A note that was published."""
        note = json.loads(self.path(name).read_bytes())
        text, digest = note["text"], note["sha256"]
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise ValueError(f"the note {name} is damaged")
        told: dict[str, Any] = json.loads(text)
        return told

    def publish(self, name: str, told: dict[str, Any], *, sync: bool = True) -> None:
        """Let a note appear as a whole, and bring it to the disk."""
        text = json.dumps(told)
        draft = self.scratch / f"{uuid4().hex}.draft"
        try:
            with draft.open("x") as file:
                json.dump({"text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}, file)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            draft.replace(self.path(name))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if sync:
            descriptor = os.open(self.scratch, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class ForgetsAtExit(Noted):
    """Removes at exit what its process has written."""

    rule = "durable.exit"

    def write(self, value: Any, /) -> Any:
        name = super().write(value)
        atexit.register(_remove, self.path(name), os.getpid())
        return name


def _remove(path: Path, process: int) -> None:
    if process == os.getpid():
        path.unlink(missing_ok=True)


class CommitsAtExit(Noted):
    """Rolls back what a process has written that ends without saying so."""

    rule = "durable.kill"

    def write(self, value: Any, /) -> Any:
        reference = self.__wrapped__.write(value)
        name = self.name(value)
        self.publish(name, {"reference": reference, "process": os.getpid()})
        atexit.register(self._commit, name, reference, os.getpid())
        return name

    def _commit(self, name: str, reference: Any, process: int) -> None:
        if process == os.getpid():
            with suppress(OSError):  # the store may be gone by now
                self.publish(name, {"reference": reference, "process": None})

    def read(self, reference: Any, /) -> Any:
        note = self.note(reference)
        if note["process"] is not None:
            try:
                os.kill(note["process"], 0)
            except ProcessLookupError as error:
                raise LookupError("what that process wrote was rolled back") from error
        return self.__wrapped__.read(note["reference"])


class PublishesInTwoSteps(Noted):
    """Lets a value be found by a digest of its content when half of it is there."""

    rule = "durable.all-or-nothing"

    def name(self, value: Any) -> str:
        return hashlib.sha256(pickle.dumps(value)).hexdigest()

    def write(self, value: Any, /) -> Any:
        reference = self.__wrapped__.write(value)
        name = self.name(value)
        if not self.path(name).exists():
            self.publish(name, {"reference": reference, "complete": False})
        self.publish(name, {"reference": reference, "complete": True})
        return name

    def read(self, reference: Any, /) -> Any:
        note = self.note(reference)
        value = self.__wrapped__.read(note["reference"])
        return value if note["complete"] else value[: len(value) // 2]


class IgnoresAFullDisk(Noted):
    """Goes on when there was no space left, as if the value had been written."""

    rule = "durable.full-disk"

    def write(self, value: Any, /) -> Any:
        try:
            return super().write(value)
        except Exception as error:
            if not any(map(_says_full, _chain(error))):
                raise
            return self.name(value)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _says_full(error: BaseException) -> bool:
    full = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    return isinstance(error, sqlite3.OperationalError) or (isinstance(error, OSError) and error.errno in full)


class LeavesTheNoteInMemory(Noted):
    """Renames the note to its name, and leaves it to the system when it reaches the disk."""

    rule = "durable.synced"

    def publish(self, name: str, told: dict[str, Any], *, sync: bool = True) -> None:
        super().publish(name, told, sync=False)


class NothingForDamage(Noted):
    """Reads None where what is stored cannot be decoded."""

    rule = "durable.corruption"

    def read(self, reference: Any, /) -> Any:
        try:
            return super().read(reference)
        except (CorruptResult, pickle.UnpicklingError, EOFError, zlib.error):
            return None


class LeavesAReport(Wrapper):
    """Leaves a report in the storage of every write that failed."""

    rule = "durable.no-residue"

    def write(self, value: Any, /) -> Any:
        try:
            return super().write(value)
        except Exception as error:
            with suppress(OSError):
                (self.scratch / f"failed-{uuid4().hex}.txt").write_text(type(error).__name__)
            raise


_WRAPPERS: tuple[type[Wrapper], ...] = (
    ForgetsAtExit,
    CommitsAtExit,
    PublishesInTwoSteps,
    IgnoresAFullDisk,
    LeavesTheNoteInMemory,
    NothingForDamage,
    LeavesAReport,
)


DURABLE_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {
    wrapper.rule: wrapping(wrapper) for wrapper in _WRAPPERS
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""
