"""Saboteurs that only a sequence of steps finds out: each works well enough for every single check of its rule."""

import copy
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..subjects import HandlerSubject
from .handlers import Wrapper, wrapping

_one_at_a_time = threading.Lock()  # of the module, since a handler with a lock does not pickle


class ClosesOnAMiss(Wrapper):
    """Has lost its connection after a read that found nothing, and notices at the next read."""

    rule = "handler.repeatable-read"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.closed = False

    def read(self, reference: Any, /) -> Any:
        if self.closed:
            self.closed = False
            raise ConnectionError("the connection was closed")
        try:
            return super().read(reference)
        except Exception:
            self.closed = True
            raise


class EverySeventhTurn(Wrapper):
    """Writes the value before once more at every seventh turn from reading to writing."""

    rule = "handler.independent-writes"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.turns = 0
        self.reading = False
        self.before: list[Any] = []

    def write(self, value: Any, /) -> Any:
        self.turns += self.reading
        late = self.reading and self.turns % 7 == 0
        self.reading = False
        reference = super().write(self.before[0] if late else value)
        self.before = [copy.deepcopy(value)]
        return reference

    def read(self, reference: Any, /) -> Any:
        self.reading = True
        return super().read(reference)


class KeepsRepeats(Wrapper):
    """Keeps hold of a value that it was given before, to save a write, and copies it only when it is read."""

    rule = "handler.snapshot"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.seen: set[str] = set()
        self.held: dict[str, Any] = {}

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        if ascii(value) in self.seen:
            self.held[json.dumps(reference)] = value
        self.seen.add(ascii(value))
        return reference

    def read(self, reference: Any, /) -> Any:
        key = json.dumps(reference)
        return copy.deepcopy(self.held[key]) if key in self.held else super().read(reference)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"seen": set(), "held": {}}


class CachesWhatIsPopular(Wrapper):
    """Hands the same object to everybody from the third read of a reference on."""

    rule = "handler.fresh-read"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.reads: dict[str, int] = {}
        self.cache: dict[str, Any] = {}

    def read(self, reference: Any, /) -> Any:
        key = json.dumps(reference)
        if key in self.cache:
            return self.cache[key]
        value = super().read(reference)
        self.reads[key] = self.reads.get(key, 0) + 1
        if self.reads[key] > 2:
            self.cache[key] = value
        return value

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"reads": {}, "cache": {}}


class TwoStrikes(Wrapper):
    """Writes nothing more once two writes in a row have failed."""

    rule = "handler.failed-write"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.strikes = 0

    def write(self, value: Any, /) -> Any:
        if self.strikes >= 2:
            raise OSError("the circuit is open")
        try:
            reference = super().write(value)
        except Exception:
            self.strikes += 1
            raise
        self.strikes = 0
        return reference


class ListsOnce(Wrapper):
    """Lists the store at its first read, and finds nothing later that another instance has written."""

    rule = "shared.instance"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.listing: list[str] | None = None

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        line = json.dumps(reference)
        with _one_at_a_time:
            with self._path.open("a") as file:
                file.write(line + "\n")
            if self.listing is not None:
                self.listing.append(line)
        return reference

    def read(self, reference: Any, /) -> Any:
        with _one_at_a_time:
            if self.listing is None:
                self.listing = self._path.read_text().splitlines() if self._path.exists() else []
        if json.dumps(reference) not in self.listing:
            raise LookupError("the store has no such result")
        return super().read(reference)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"listing": None}

    @property
    def _path(self) -> Path:
        return self.scratch / "listing"


class LosesTheIndex(Wrapper):
    """Drops its index when a write fails: who opens the store later finds nothing of what was there."""

    rule = "shared.instance"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.found_it_broken = self._mark.exists()
        self.own: list[str] = []

    def write(self, value: Any, /) -> Any:
        try:
            reference = super().write(value)
        except Exception:
            self._mark.touch()
            raise
        self.own.append(json.dumps(reference))
        return reference

    def read(self, reference: Any, /) -> Any:
        if self.found_it_broken and json.dumps(reference) not in self.own:
            raise LookupError("the index is broken")
        return super().read(reference)

    @property
    def _mark(self) -> Path:
        return self.scratch / "broken"


class CopyOfACopy(Wrapper):
    """Survives one pickling, and loses its credentials at the second."""

    rule = "shared.pickle"

    def __init__(self, handler: Any, scratch: Path) -> None:
        super().__init__(handler, scratch)
        self.generation = 0

    def read(self, reference: Any, /) -> Any:
        if self.generation > 1:
            raise PermissionError("no credentials")
        return super().read(reference)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"generation": state["generation"] + 1}


SEQUENCE_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {
    wrapper.rule: wrapping(wrapper)
    for wrapper in (
        ClosesOnAMiss, EverySeventhTurn, KeepsRepeats, CachesWhatIsPopular, TwoStrikes, ListsOnce, CopyOfACopy,
    )
}  # fmt: skip
"""By rule, a function that makes of a correct subject one that breaks the rule, by a sequence of steps alone."""
