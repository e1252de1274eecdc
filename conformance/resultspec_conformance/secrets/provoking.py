"""Provokes errors of every kind and listens for secrets: a function that a worker runs with a handler of its own."""

import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from ..attacks.databases import Below
from ..processes.patience import GaveUp, patience
from ..storage import StorageDoor
from ..trials.calling import call
from ..values.documents import leaves
from ..values.references import cut, forged, wrong_types
from ..values.traps import Unwritable
from .credentials import credentials_of, signatures_in
from .listening import Overheard, overheard
from .recognising import secret_of
from .revealing import Secret, renderings, revealed, revealed_in

_TELLING = 12
_MOST_DAMAGED = 4


@attrs.frozen
class Provocation:
    """What errors are provoked with.

    Attributes:
        values: Values that carry canaries, of the handler's domain.
        text: A canary, of which values are made that no handler should accept.
        credentials: What the subject declares as credentials.
        directory: The scratch directory of the handler.
        tamper: Opens the handler's storage, or None where it lies in files below the directory.
        damaging: Whether stored values are damaged too.
    """

    values: Sequence[Any]
    text: str
    credentials: tuple[str, ...] = attrs.field(repr=False)
    directory: Path
    tamper: Callable[[Any], StorageDoor] | None
    damaging: bool = True


@attrs.frozen
class Leak:
    """A secret that came out.

    Attributes:
        action: What was done, in words.
        channel: Where the secret came out.
        secret: What it is, and in which encoding it came out.
        of_value: Whether it was the value, and not a credential.
        excerpt: What came out; empty for a credential, which the suite repeats no more than the handler should.
    """

    action: str
    channel: str
    secret: str
    of_value: bool
    excerpt: str


@attrs.frozen
class Provoked:
    """What came of it.

    Attributes:
        leak: The first secret that came out, or None.
        errors: How many errors were provoked, by kind.
        accepted: How many values were written.
        credentials: How many credentials were listened for.
    """

    leak: Leak | None
    errors: dict[str, int]
    accepted: int
    credentials: int


class _Found(Exception):
    """A secret came out; nothing more need be done."""


class _Listener:
    """Calls the handler, and searches what comes out."""

    def __init__(self, handler: Any, provocation: Provocation) -> None:
        self.handler = handler
        self.credentials = credentials_of(handler, provocation.credentials)
        self.errors: dict[str, int] = {}
        self.leak: Leak | None = None
        self._searched: set[tuple[str | Secret, ...]] = set()
        self._told: dict[str, set[Secret]] = {}
        self._public = list(renderings(f"{type(handler).__module__} {type(handler).__qualname__} {provocation.directory}"))

    def secret_of(self, value: Any) -> Secret:
        """What gives a value away; nothing where it is made of words that are public anyway."""
        secret = secret_of(value)
        return secret if revealed_in(self._public, [secret]) is None else Secret(secret.what, ())

    def write(self, value: Any, secret: Secret, kind: str) -> Any:
        """Write a value; the reference, or None when it was refused."""
        return self._call(kind, lambda: call(self.handler.write, value), (secret, *self.credentials)).value

    def read(self, reference: Any, secrets: Sequence[Secret], kind: str) -> None:
        """Read a reference. It may be told, so that what it reveals itself is no secret; a signature in it is."""
        text = repr(reference)
        if text not in self._told:
            told_by = list(renderings(text))
            self._told[text] = {secret for secret in secrets if revealed_in(told_by, [secret]) is not None}
        unsaid = [secret for secret in secrets if secret not in self._told[text]]
        listened_for = (*unsaid, *signatures_in(reference), *self.credentials)
        self._call(kind, lambda: call(self.handler.read, reference), listened_for, _texts(reference))

    def _call(self, kind: str, function: Callable[[], Any], secrets: Sequence[Secret], told: Sequence[str] = ()) -> Overheard:
        def patient() -> Any:
            with patience():
                return function()

        heard = overheard(patient)
        if isinstance(heard.error, GaveUp):
            return heard
        if heard.error is not None:
            self.errors[kind] = self.errors.get(kind, 0) + 1
        for said in heard.said:
            text = said.text
            for one in told:
                text = text.replace(one, "(the reference)")
            if (text, *secrets) in self._searched:
                continue
            self._searched.add((text, *secrets))
            if (found := revealed(text, secrets)) is not None:
                of_value = found.secret.what == "the value"
                self.leak = Leak(kind, said.channel, str(found), of_value, _excerpt(said.text) if of_value else "")
                raise _Found
        return heard


def _texts(reference: Any) -> list[str]:
    """The texts in a reference that are long enough to be nothing else."""
    texts = [leaf for leaf, _ in leaves(reference) if isinstance(leaf, str) and len(leaf) > _TELLING and "?" not in leaf]
    return sorted(
        {*texts, *(Path(text).name for text in texts if "/" in text and "\0" not in text)} - {""}, key=len, reverse=True
    )


def provoked(handler: Any, provocation: Provocation) -> Provoked:
    """Write values that carry canaries, provoke every kind of error, and listen to everything that comes out.

    Source: ``private.quiet-errors``.
    """
    listener = _Listener(handler, provocation)
    kept: list[tuple[Any, Secret]] = []
    with suppress(_Found):
        for value in provocation.values:
            secret = listener.secret_of(value)
            reference = listener.write(value, secret, "writing a value")
            if reference is not None:
                listener.read(reference, [secret], "reading a value")
                kept.append((reference, secret))
                if len(kept) == _MOST_DAMAGED:
                    _damaged(listener, kept, provocation)
        if kept:
            _misread(listener, kept)
            if len(kept) < _MOST_DAMAGED:
                _damaged(listener, kept, provocation)
        text = Secret("the value", (provocation.text.encode(),))
        for value in unsuitable(provocation.text):
            listener.write(value, text, "writing an unsuitable value")
        for value in provocation.values[:3]:
            with _full_disk():
                listener.write(value, listener.secret_of(value), "writing to a full disk")
    return Provoked(listener.leak, listener.errors, len(kept), len(listener.credentials))


def unsuitable(text: str) -> Iterator[Any]:
    """Fresh values that carry a text and that most handlers have to refuse, for what they are or for what is in them."""
    yield from (
        [text, Unwritable()], {"name": text, "tail": Unwritable()}, {text: Unwritable()}, (text, threading.Lock()), [text, {1, 2}],
        text + "\ud800", [text + "\ud800"], {text + "\ud800": 1}, {1: text, "1": text}, {(1, 2): text}, {text}, text.encode(),
        text, [text], {text: text}, int.from_bytes(text.encode(), "big"), [float("nan"), text], Carrier(text), (part for part in [text]),
        _looped(text), [[text] * 3, object()], Exception(text), memoryview(text.encode()),
    )  # fmt: skip


class Carrier:
    """An object of a class that no handler knows, whose repr tells what it holds."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Carrier({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Carrier cannot be pickled")


def _looped(text: str) -> list[Any]:
    loop: list[Any] = [text]
    loop.append(loop)
    return loop


def _misread(listener: _Listener, kept: Sequence[tuple[Any, Secret]]) -> None:
    """References that stand for nothing, and what is none; numbers, which can be taken for descriptors, are left out."""
    secrets = [secret for _, secret in kept]
    reference = kept[0][0]
    for unknown in forged(reference):
        listener.read(unknown, secrets, "reading an unknown reference")
    for malformed in (*cut(reference), *wrong_types(reference, {int, float, bool})):
        if not isinstance(malformed, int | float):
            listener.read(malformed, secrets, "reading a malformed reference")


def _damaged(listener: _Listener, kept: Sequence[tuple[Any, Secret]], provocation: Provocation) -> None:
    """Stored values that were cut, altered and lost."""
    if not provocation.damaging:
        return
    door = provocation.tamper(listener.handler) if provocation.tamper is not None else Below(provocation.directory)
    names = list(door.names())[:12]
    originals = {name: door.get(name) for name in names}
    for damage in DAMAGES:
        for name, original in originals.items():
            door.set(name, damage(original))
        for reference, secret in kept:
            listener.read(reference, [secret], "reading a damaged value")
        for name, original in originals.items():
            door.set(name, original)
    for name in originals:
        door.remove(name)
    for reference, secret in kept:
        listener.read(reference, [secret], "reading a value that was removed")
    for name, original in originals.items():
        door.set(name, original)


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x80 for byte in data[middle : middle + 1]) + data[middle + 1 :]


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: data[:-1],
    lambda data: data[: len(data) // 2],
    lambda data: data[1:],
    lambda data: data + b"\xff}",
    _flipped,
    lambda data: data[:-2] + b"\xff" + data[-1:],
    lambda data: b"",
)
"""Ways to damage a stored value so that most of it is still there to be quoted."""


@contextmanager
def _full_disk() -> Iterator[None]:
    """No file can grow, as on a full disk; the interpreter ignores the signal that goes with it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:200] + "..."
