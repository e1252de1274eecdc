"""What an intruder tries, done in another process: functions that a worker runs with a handler of its own."""

import gc
import importlib
import os
import pickle
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from ..processes.patience import GaveUp, patience
from ..processes.worker import portable
from ..storage import StorageDoor
from ..trials.calling import call
from ..trials.outcomes import Outcome, attempt, one_line
from ..values.documents import leaves
from . import payloads
from .checksums import replaced_digests
from .databases import Below
from .hostile import exhausting
from .layers import regions
from .tampering import Mender, contents_of, largest_first, salts_of
from .watching import Watch, watched

DESCRIPTOR = 77
"""The number under which a planted file is open while hostile references are read."""


@attrs.frozen
class Errand:
    """References to read under watch.

    Attributes:
        references: What is read.
        outside: Directories with planted files.
        starts: The directories of the handler's own storage.
        planted: The file that is open as :data:`DESCRIPTOR`.
        progress: A file that tells which reference was being read when the process ended.
    """

    references: Sequence[Any]
    outside: tuple[str, ...]
    starts: tuple[str, ...]
    planted: str
    progress: str


@attrs.frozen
class Seen:
    """A hostile reference that was not simply refused.

    Attributes:
        index: Which of the references it was.
        outcome: What came of reading it.
        opened: What was opened outside, in words.
    """

    index: int
    outcome: Outcome
    opened: tuple[str, ...]


def read_watched(handler: Any, errand: Errand) -> list[Seen]:
    """Read references that lead out of the storage, and tell what was read or opened.

    Source: ``private.confined-read``.
    """
    seen: list[Seen] = []
    progress = os.open(errand.progress, os.O_WRONLY | os.O_CREAT, 0o600)
    planted = os.open(errand.planted, os.O_RDONLY)
    try:
        for index, reference in enumerate(errand.references):
            os.pwrite(progress, f"{index:<12}".encode(), 0)
            os.dup2(planted, DESCRIPTOR)
            os.lseek(DESCRIPTOR, 0, os.SEEK_SET)
            # The limits are for what opens an endless device unseen, the patience for what is blocked by a pipe so.
            with watched(Watch(errand.outside, errand.starts, DESCRIPTOR)) as watch, _limits():
                outcome = _read_patiently(handler, reference)
            if watch.opened or outcome.error is None:
                seen.append(Seen(index, portable(outcome), tuple(watch.opened)))
    finally:
        os.close(planted)
        os.close(progress)
        with suppress(OSError):
            os.close(DESCRIPTOR)
    return seen


def _read_patiently(handler: Any, reference: Any) -> Outcome:
    try:
        with patience():
            return attempt(handler.read, reference)
    except GaveUp:
        return Outcome(error="it did not end")


_MOST_OBJECTS = 4

MEMORY = 512 << 20
"""How many bytes reading a hostile reference may take."""

PROCESSOR = 5
"""How many seconds of processor time reading one kind of hostile reference may take."""


@attrs.frozen
class Strain:
    """Hostile references of one kind.

    Attributes:
        kind: One of :func:`~resultspec_conformance.attacks.hostile.exhausting`; empty: ``references``.
        good: A good reference, of which they are made, and which is read first.
        references: References that are given as they are.
        outside: Directories with planted pipes.
        starts: The directories of the handler's own storage.
    """

    kind: str
    good: Any
    references: Sequence[Any] = ()
    outside: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()


@attrs.frozen
class Strained:
    """What came of reading them.

    Attributes:
        read: How many were read.
        exceeded: Which bound was not kept, and how, or None.
        index: Which reference did it.
    """

    read: int
    exceeded: str | None = None
    index: int = 0


def read_bounded(handler: Any, strain: Strain) -> Strained:
    """Read hostile references with little memory and processor time; a process that uses more of the latter is killed.

    Source: ``private.bounded-read``.
    """
    attempt(handler.read, strain.good)  # so that what is loaded once is loaded
    gc.disable()  # else hundreds of thousands of containers are looked at again and again while they are made
    try:
        references = exhausting()[strain.kind](strain.good) if strain.kind else strain.references
    finally:
        gc.enable()
    for index, reference in enumerate(references):
        with watched(Watch(strain.outside, strain.starts, -1, special_only=True)) as watch, _limits():
            exceeded = _exceeds_memory(handler, reference)
        if watch.opened:
            return Strained(index + 1, f"opened {watch.opened[0]}, which would have blocked it for ever", index)
        if exceeded:
            return Strained(index + 1, f"ran out of the {MEMORY >> 20} MB of memory that it may take, and {exceeded}", index)
    return Strained(len(references))


def _exceeds_memory(handler: Any, reference: Any) -> str | None:
    """What became of a read that ran out of memory, in words, or None when it did not."""
    try:
        call(handler.read, reference)
    except BaseException as error:  # noqa: BLE001 - a refusal, unless there was no memory
        linked: BaseException | None = error
        while linked is not None:
            if isinstance(linked, MemoryError):
                told = one_line(error)
                return f"raised {told}" if linked is error else f"told its MemoryError as {told}"
            linked = linked.__cause__ or linked.__context__
    return None


@contextmanager
def _limits() -> Iterator[None]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    bounds = {
        resource.RLIMIT_AS: _address_space() + MEMORY,
        resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + PROCESSOR,
    }
    before = {name: resource.getrlimit(name) for name in bounds}
    try:
        for name, bound in bounds.items():
            hard = before[name][1]
            resource.setrlimit(name, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
        yield
    finally:
        for name, limits in before.items():
            resource.setrlimit(name, limits)


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@attrs.frozen
class Attack:
    """A handler that is given payloads to read.

    Attributes:
        maker: The pickle of what makes handlers.
        value: What is written first.
        directory: The scratch directory of the handler.
        markers: An empty directory in which payloads leave a sign.
        tamper: Opens the handler's storage, or None where it lies below the directory.
    """

    maker: bytes
    value: Any
    directory: Path
    markers: Path
    tamper: Callable[[Any], StorageDoor] | None


@attrs.frozen
class Attacked:
    """What came of an attack.

    Attributes:
        references: How many hostile references were read.
        stored: How many tampered stored values were read; None: the storage could not be reached.
        ran: How code came to be run, in words, or None.
    """

    references: int
    stored: int | None
    ran: str | None = None


def attacked(handler: Any, attack: Attack) -> Attacked:
    """Read payloads in references and in stored values, and tell whether one was run.

    Source: ``private.safe-read``.
    """
    with _marking(attack.markers) as has_run:
        writer = handler if attack.tamper is not None else _made(attack)
        door: StorageDoor = Below(attack.directory) if attack.tamper is None else attack.tamper(handler)
        before = contents_of(door)
        reference = call(writer.write, attack.value)
        count = 0
        for what, candidate in _loaded(reference, str(attack.markers / "ran")):
            count += 1
            _tried(writer, candidate, attack)
            if has_run():
                return Attacked(count, 0, f"a reference with {what}")
        if attack.tamper is None:
            writer = None
            if contents_of(door):
                gc.collect()  # a database that is open would answer from memory
        contents = {name: data for name, data in contents_of(door).items() if before.get(name) != data}
        if not contents:
            return Attacked(count, None)
        stored = 0
        for name in largest_first(contents)[:_MOST_OBJECTS]:
            original = contents[name]
            beside = [data for other, data in contents_of(door).items() if other != name]
            mend = Mender(original, salts_of(name, reference, attack.directory), beside)
            for what, content, payload, old in _tampered(original, str(attack.markers / "ran")):
                for variant in mend(content, old, payload):
                    stored += 1
                    door.set(name, variant)
                    fitting = {
                        other: replaced_digests(original, variant, data) for other, data in contents.items() if other != name
                    }
                    changed = [other for other, data in fitting.items() if data != contents[other]]
                    for other in changed:
                        door.set(other, fitting[other])
                    _tried(writer, reference, attack)
                    if has_run():
                        return Attacked(count, stored, f"a stored value that was replaced by {what}")
                    for other in changed:
                        door.set(other, contents[other])
            door.set(name, original)
        return Attacked(count, stored)


def _tried(handler: Any, reference: Any, attack: Attack) -> None:
    """Read a reference by a handler, or by a fresh one, whatever comes of it."""
    with suppress(GaveUp, Exception), patience():
        attempt((handler or _made(attack)).read, reference)


def _made(attack: Attack) -> Any:
    return pickle.loads(attack.maker)(attack.directory)  # noqa: S301 - from our own suite


@contextmanager
def _marking(markers: Path) -> Iterator[Callable[[], bool]]:
    """Plant the module, and give a function that says whether a payload has run, and arms it again."""
    payloads.plant_module(markers)
    sys.path.insert(0, str(markers))
    importlib.invalidate_caches()

    def has_run() -> bool:
        ran = False
        for sign in (markers / "ran", payloads.module_ran(markers)):
            with suppress(OSError):
                sign.rmdir()
                ran = True
        return ran

    try:
        yield has_run
    finally:
        sys.path.remove(str(markers))
        sys.modules.pop(payloads.MODULE, None)


def _loaded(reference: Any, marker: str) -> Iterator[tuple[str, Any]]:
    """References that carry payloads, each with what it is."""
    for leaf, put in leaves(reference):
        if not isinstance(leaf, str):
            continue
        for text in payloads.wrapped(marker):
            yield "a pickle in it", put(text)
        for text in payloads.texts(marker):
            yield "a text in it that runs code where it is evaluated or loaded", put(text)
        for name in payloads.names_like(leaf):
            yield "the name of a module in it", put(name)
        encoded = leaf.encode("utf-8", "surrogatepass")
        mend = Mender(encoded, [])
        for region in regions(encoded):
            under = ", ".join(region.encodings) or "nothing"
            names = payloads.names_like(region.content.decode("latin-1"))
            for what, payload in (
                *((f"a pickle in it, under {under}", one) for one in payloads.pickles(marker)),
                *(("the name of a module in it", name.encode()) for name in names),
            ):
                for variant in mend(region.put(payload), region.content, payload):
                    yield what, put(variant.decode("utf-8", "replace"))
    for one in payloads.objects(marker):
        yield "JSON that names a function", one
        yield from (("JSON that names a function", put(one)) for _, put in leaves(reference))


def _tampered(original: bytes, marker: str) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Stored bytes with payloads: what it is, the whole, the payload, and what was in its place."""
    pickles = payloads.pickles(marker)
    for region in regions(original):
        under = f" under {', '.join(region.encodings)}" if region.encodings else ""
        for pickled in pickles:
            yield f"a pickle{under}", region.put(pickled), pickled, region.content
        if region.encodings and region.encodings[-1] == "pickle":
            continue
        if not region.encodings or region.encodings[-1] in ("gzip", "zlib", "bz2", "lzma", "zip"):
            array = payloads.object_array(marker)
            yield f"an array of objects{under}", region.put(array), array, region.content
        for text in payloads.texts(marker):
            yield f"a text that is evaluated or loaded{under}", region.put(text.encode()), text.encode(), region.content
        for name in payloads.names_like(region.content.decode("latin-1")):
            yield f"the name of a module{under}", region.put(name.encode()), name.encode(), region.content
