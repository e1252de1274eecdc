"""Saboteurs of handlers: each wraps any handler, and breaks exactly one rule."""

import copy
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs

from ..subjects import HandlerSubject
from ..trials.making import maker_for


class Wrapper:
    """Passes everything through to a handler; a saboteur overrides what it spoils.

    Args:
        handler: The handler to wrap.
        scratch: The directory that the handler was made on.
    """

    rule: ClassVar[str]

    def __init__(self, handler: Any, scratch: Path) -> None:
        self.__wrapped__ = handler
        self.scratch = scratch

    def write(self, value: Any, /) -> Any:
        """Write a value by the wrapped handler."""
        return self.__wrapped__.write(value)

    def read(self, reference: Any, /) -> Any:
        """Read a reference by the wrapped handler."""
        return self.__wrapped__.read(reference)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__wrapped__ == other.__wrapped__

    def __hash__(self) -> int:
        return hash((type(self), self.__wrapped__))


class TupleReference(Wrapper):
    """Returns a tuple, which JSON would make a list."""

    rule = "handler.json-reference"

    def write(self, value: Any, /) -> Any:
        return {"parts": (super().write(value),)}

    def read(self, reference: Any, /) -> Any:
        return super().read(reference["parts"][0])


class LosesTheTail(Wrapper):
    """Gives back text, bytes and lists of more than ten elements without the last."""

    rule = "handler.round-trip"

    def read(self, reference: Any, /) -> Any:
        value = super().read(reference)
        return value[:-1] if type(value) in (str, bytes, list) and len(value) > 10 else value


class ListsForTuples(Wrapper):
    """Gives back tuples as lists, at every depth."""

    rule = "handler.type-fidelity"

    def read(self, reference: Any, /) -> Any:
        return _listed(super().read(reference), depth=0)


def _listed(value: Any, depth: int) -> Any:
    if depth > 20:  # a list may contain itself
        return value
    if type(value) is tuple:
        return [_listed(item, depth + 1) for item in value]
    if type(value) is list:
        value[:] = [_listed(item, depth + 1) for item in value]
    return {key: _listed(item, depth + 1) for key, item in value.items()} if type(value) is dict else value


class SharedParts(Wrapper):
    """Returns the same list twice in a reference, and reads it only while it is the same."""

    rule = "handler.reference-transport"

    def write(self, value: Any, /) -> Any:
        part = [super().write(value)]
        return [part, part]

    def read(self, reference: Any, /) -> Any:
        if reference[0] is not reference[1]:
            raise LookupError("the parts of the reference are not the same")
        return super().read(reference[0][0])


class NoneAsText(Wrapper):
    """Keeps None as the word."""

    rule = "handler.none"

    def write(self, value: Any, /) -> Any:
        return super().write("None" if value is None else value)


class FalsyIsNothing(Wrapper):
    """Takes every falsy value for no value."""

    rule = "handler.falsy-values"

    def write(self, value: Any, /) -> Any:
        try:
            falsy = not value
        except ValueError:
            falsy = False
        return super().write(None if falsy else value)


class ReadTwiceAtMost(Wrapper):
    """Forgets a value after it was read twice."""

    rule = "handler.repeatable-read"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.reads: dict[str, int] = {}

    def read(self, reference: Any, /) -> Any:
        value = super().read(reference)
        key = json.dumps(reference)
        self.reads[key] = self.reads.get(key, 0) + 1
        if self.reads[key] > 2:
            raise LookupError("the value was read before")
        return value


class CaseDoesNotMatter(Wrapper):
    """Files text under its lower case, so that the later of two spellings takes the place of the earlier."""

    rule = "handler.independent-writes"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.spellings: dict[str, str] = {}
        self.filed: dict[str, str] = {}

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        if type(value) is str:
            self.filed[json.dumps(reference)] = value.lower()
            self.spellings[value.lower()] = value
        return reference

    def read(self, reference: Any, /) -> Any:
        value = super().read(reference)
        filed_under = self.filed.get(json.dumps(reference))
        return value if filed_under is None else self.spellings[filed_under]


class TidiesUp(Wrapper):
    """Empties the lists and dicts it has written, to save memory."""

    rule = "handler.input-untouched"

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        if type(value) in (list, dict):
            value.clear()
        return reference


class WritesLater(Wrapper):
    """Keeps hold of the value that was written and copies it only when it is read."""

    rule = "handler.snapshot"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.pending: dict[str, Any] = {}

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        self.pending[json.dumps(reference)] = value
        return reference

    def read(self, reference: Any, /) -> Any:
        key = json.dumps(reference)
        return copy.deepcopy(self.pending[key]) if key in self.pending else super().read(reference)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"pending": {}}


class CachesWhatItGives(Wrapper):
    """Hands the same object to everybody who reads a reference."""

    rule = "handler.fresh-read"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.cache: dict[str, Any] = {}

    def read(self, reference: Any, /) -> Any:
        key = json.dumps(reference)
        if key not in self.cache:
            self.cache[key] = super().read(reference)
        return self.cache[key]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"cache": {}}


class NothingForUnknown(Wrapper):
    """Reads None where nothing is."""

    rule = "handler.unknown-reference"

    def read(self, reference: Any, /) -> Any:
        try:
            return super().read(reference)
        except Exception:  # noqa: BLE001 - the defect itself
            return None


class NothingForNonsense(Wrapper):
    """Reads None where the reference is no text."""

    rule = "handler.malformed-reference"

    def read(self, reference: Any, /) -> Any:
        return super().read(reference) if isinstance(reference, str) else None


class TextOfAnything(Wrapper):
    """Keeps the text of what it cannot keep."""

    rule = "handler.loud-refusal"

    def write(self, value: Any, /) -> Any:
        try:
            return super().write(value)
        except Exception:  # noqa: BLE001 - the defect itself
            return super().write(ascii(value))


class GivesUp(Wrapper):
    """Writes nothing more once a write has failed."""

    rule = "handler.failed-write"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.broken = False

    def write(self, value: Any, /) -> Any:
        if self.broken:
            raise OSError("the transaction was not closed")
        try:
            return super().write(value)
        except Exception:
            self.broken = True
            raise


class PreviewInReference(Wrapper):
    """Puts a preview of the value into the reference, as long as the value."""

    rule = "handler.bounded-reference"

    def write(self, value: Any, /) -> Any:
        return [super().write(value), ascii(value)]

    def read(self, reference: Any, /) -> Any:
        if len(reference) != 2:
            raise ValueError("a reference has two parts")
        return super().read(reference[0])


class _PrivateTrouble(Exception):
    """An error that nobody outside knows."""


class OwnErrors(Wrapper):
    """Raises an exception of its own that is none of the standard ones."""

    rule = "handler.standard-errors"

    def read(self, reference: Any, /) -> Any:
        try:
            return super().read(reference)
        except Exception as error:
            raise _PrivateTrouble from error


class OpensALog(Wrapper):
    """Opens a file for writing as soon as it is made."""

    rule = "handler.passive-construction"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        with tempfile.TemporaryFile("w") as log:
            log.write("ready")


class KnowsOnlyItself(Wrapper):
    """Signs references with a key that each instance makes for itself."""

    rule = "shared.instance"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.signature = secrets.token_hex(4)

    def write(self, value: Any, /) -> Any:
        return {"by": self.signature, "reference": super().write(value)}

    def read(self, reference: Any, /) -> Any:
        if reference["by"] != self.signature:
            raise LookupError("written by another instance")
        return super().read(reference["reference"])


class HoldsALock(Wrapper):
    """Has an attribute that does not pickle."""

    rule = "shared.pickle"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.lock = threading.Lock()


class KnowsOnlyItsProcess(Wrapper):
    """Puts the number of its process into the reference."""

    rule = "shared.process"

    def write(self, value: Any, /) -> Any:
        return {"process": os.getpid(), "reference": super().write(value)}

    def read(self, reference: Any, /) -> Any:
        if reference["process"] != os.getpid():
            raise LookupError("written by another process")
        return super().read(reference["reference"])


class OneDesk(Wrapper):
    """Lays the value on a desk that all threads share before it writes it."""

    rule = "shared.threads"

    def write(self, value: Any, /) -> Any:
        self.desk = value
        time.sleep(1e-5)  # a moment in which another thread may lay down its own
        return super().write(self.desk)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "desk"}


_one_thread = threading.Lock()


class UnlockedIndex(Wrapper):
    """Numbers references by an index file that it reads and rewrites without a lock between processes."""

    rule = "shared.processes"

    def write(self, value: Any, /) -> Any:
        with _one_thread:
            index = self._index()
            time.sleep(1e-4)  # a moment in which another process may rewrite the index
            index.append(super().write(value))
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(index))
            draft.replace(self._path)
            return len(index) - 1

    def read(self, reference: Any, /) -> Any:
        if type(reference) is not int or reference < 0:
            raise ValueError("a reference is a number")
        with _one_thread:
            return super().read(self._index()[reference])

    @property
    def _path(self) -> Path:
        return self.scratch / "index.json"

    def _index(self) -> list[Any]:
        try:
            index: list[Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return []
        return index


class EqualsNobody(Wrapper):
    """Is equal to itself alone."""

    rule = "shared.equality"

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class NewFormatOnly(Wrapper):
    """Reads only references of its own version."""

    rule = "shared.golden"

    def write(self, value: Any, /) -> Any:
        return {"version": 2, "reference": super().write(value)}

    def read(self, reference: Any, /) -> Any:
        if not isinstance(reference, dict) or reference["version"] != 2:
            raise ValueError("not a reference of version 2")
        return super().read(reference["reference"])


_WRAPPERS: tuple[type[Wrapper], ...] = (
    TupleReference, LosesTheTail, ListsForTuples, SharedParts, NoneAsText, FalsyIsNothing, ReadTwiceAtMost, CaseDoesNotMatter,
    TidiesUp, WritesLater, CachesWhatItGives, NothingForUnknown, NothingForNonsense, TextOfAnything, GivesUp, PreviewInReference,
    OwnErrors, OpensALog, KnowsOnlyItself, HoldsALock, KnowsOnlyItsProcess, OneDesk, UnlockedIndex, EqualsNobody, NewFormatOnly,
)  # fmt: skip


@attrs.frozen
class Sabotaged:
    """A factory whose handlers are sabotaged.

    Attributes:
        wrapper: The saboteur.
        make: The class or factory of the handler that is wrapped.
    """

    wrapper: type[Wrapper]
    make: Callable[..., Any]

    @property
    def takes_scratch(self) -> bool:
        """Whether two directories make two differently configured handlers, as of the handler that is wrapped."""
        return maker_for(self.make).takes_scratch

    def __call__(self, scratch: Path) -> Wrapper:
        """Make a handler on a scratch directory, and wrap it."""
        return self.wrapper(maker_for(self.make)(scratch), scratch)


def wrapping(wrapper: type[Wrapper]) -> Callable[[HandlerSubject], HandlerSubject]:
    """Make the function that wraps the handlers of a subject in a saboteur."""

    def sabotage(subject: HandlerSubject) -> HandlerSubject:
        return attrs.evolve(subject, make=Sabotaged(wrapper, subject.make))

    sabotage.__doc__ = wrapper.__doc__
    return sabotage


def _forgets_its_configuration(subject: HandlerSubject) -> HandlerSubject:
    """Rebuilds from a description a handler that has forgotten where its values are."""

    def rebuild(description: Any) -> Any:
        raise LookupError(f"the description {description} does not say where the values are")

    return attrs.evolve(subject, describe=lambda handler: {}, rebuild=rebuild)


HANDLER_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {
    **{wrapper.rule: wrapping(wrapper) for wrapper in _WRAPPERS},
    "shared.describable": _forgets_its_configuration,
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""
