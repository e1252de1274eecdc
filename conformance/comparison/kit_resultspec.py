"""A store under the API of a result handler, as a subject of this suite."""

import uuid
from pathlib import Path
from typing import Any

import attrs
from defects import Store
from resultspec_conformance.subjects import HandlerSubject


class Kept:
    """What the handlers of bytes and of values share: equality, and what a reference looks like."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _found(self, reference: str) -> bytes:
        if type(reference) is not str or not reference:
            raise ValueError("a reference is text")
        data = self.store.get(reference)
        if data is None:
            raise LookupError(f"there is nothing under {reference!r}")
        return data

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.store == other.store

    def __hash__(self) -> int:
        return hash(self.store)


class BytesHandler(Kept):
    """Keeps bytes under new names."""

    def write(self, value: bytes, /) -> str:
        """Keep bytes."""
        if type(value) is not bytes:
            raise TypeError("bytes are wanted")
        name = uuid.uuid4().hex
        self.store.set(name, value)
        return name

    def read(self, reference: str, /) -> bytes:
        """Give them back."""
        return self._found(reference)


class ValuesHandler(Kept):
    """Keeps any value that can be encoded and decoded, under new names."""

    def write(self, value: Any, /) -> str:
        """Keep a value."""
        name = uuid.uuid4().hex
        try:
            data = self.store.encode(value)
            Store(self.store.directory).decode(data)
        except Exception as error:
            raise TypeError(f"a {type(value).__qualname__} cannot be kept") from error
        self.store.set(name, data)
        return name

    def read(self, reference: str, /) -> Any:
        """Give it back."""
        return self.store.decode(self._found(reference))


@attrs.frozen
class _Make:
    """A factory of handlers over a store; what it makes says by its annotations which values are tried."""

    store: type[Store]

    def __call__(self, scratch: Path) -> BytesHandler | ValuesHandler:
        kept = self.store(scratch / "kept")
        return ValuesHandler(kept) if self.store.values else BytesHandler(kept)


def subject(store: type[Store]) -> HandlerSubject:
    """The subject of a store; of bytes, or of any values where the defect is one of encoding."""
    return HandlerSubject(_Make(store), name=store.__name__)
