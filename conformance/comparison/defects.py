"""A correct key-value store of files, and stores that have one defect each, of the kinds that are found in the field.

A store keeps bytes under text keys, and can encode any Python value into bytes. Each kit that is compared puts the same store
under an API of its own.
"""

import copy
import hashlib
import json
import math
import os
import pickle
import struct
import time
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

LARGE = 64 * 1024


class Store:
    """The correct store: a file for each key, written aside and renamed.

    Args:
        directory: Where the files are.
    """

    defect: ClassVar[str] = ""
    values: ClassVar[bool] = False
    """Whether the defect is one of encoding Python values rather than of storing bytes."""
    outside: ClassVar[dict[str, str]] = {}
    """Of each kit whose API cannot tell the defect from correct behaviour: why not."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def set(self, key: str, data: bytes) -> None:
        """Keep data under a key, in place of what was there."""
        self.put(key, data)

    def get(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""
        return self.take(key)

    def delete(self, key: str) -> None:
        """Forget a key; one that is not there is no error."""
        self.path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """All keys."""
        for path in sorted(self.directory.glob("*.kept")):
            yield self.parted(path.read_bytes())[0]

    def encode(self, value: Any) -> bytes:
        """Make bytes of a value."""
        return pickle.dumps(value)

    def decode(self, data: bytes) -> Any:
        """Make the value of its bytes."""
        return pickle.loads(data)

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.directory / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.kept"

    def put(self, key: str, data: bytes) -> None:
        """Write the file of a key; a defect of the content is not in here."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        name = key.encode("utf-8", "surrogatepass")
        draft = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.{id(data)}")
        draft.write_bytes(struct.pack(">I", len(name)) + name + data)
        draft.replace(path)

    def take(self, key: str) -> bytes | None:
        """Read the file of a key; a defect of the content is not in here."""
        try:
            return self.parted(self.path(key).read_bytes())[1]
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    @staticmethod
    def parted(content: bytes) -> tuple[str, bytes]:
        """Part the content of a file into key and data."""
        (length,) = struct.unpack(">I", content[:4])
        return content[4 : 4 + length].decode("utf-8", "surrogatepass"), content[4 + length :]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)


class CorrectWithValues(Store):
    """The correct store, tried with values instead of bytes."""

    values = True


_OWN_KEYS = {"resultspec": "a handler chooses the keys of its store by itself"}
_MEMORY = "a store in the memory of one instance is legitimate there"
_NO_VALUES = {"zarr": "its stores keep bytes, not values"}


class Truncates(Store):
    """Keeps no more than 64 KiB of a value."""

    def set(self, key: str, data: bytes) -> None:
        super().set(key, data[:LARGE])


class DropsLarge(Store):
    """Swallows the error that a value of more than 64 KiB provokes, and keeps nothing."""

    def set(self, key: str, data: bytes) -> None:
        if len(data) <= LARGE:
            super().set(key, data)


class IgnoresCase(Store):
    """Takes keys that differ in case for one."""

    outside = _OWN_KEYS

    def path(self, key: str) -> Path:
        return super().path(key.lower())


class NormalisesKeys(Store):
    """Takes keys that differ in Unicode normal form for one."""

    outside = _OWN_KEYS

    def path(self, key: str) -> Path:
        return super().path(unicodedata.normalize("NFC", key))


class Evicts(Store):
    """Keeps the last hundred entries that were written."""

    def __init__(self, directory: str | Path) -> None:
        super().__init__(directory)
        self.written: list[str] = []

    def set(self, key: str, data: bytes) -> None:
        super().set(key, data)
        self.written.append(key)
        for old in self.written[:-100]:
            self.delete(old)
        del self.written[:-100]


class TranslatesLineEnds(Store):
    """Keeps CR LF as LF, as text mode does."""

    def set(self, key: str, data: bytes) -> None:
        super().set(key, data.replace(b"\r\n", b"\n"))


class Strips(Store):
    """Strips white space from the end of a value."""

    def get(self, key: str) -> bytes | None:
        data = super().get(key)
        return None if data is None else data.rstrip()


class StopsAtNul(Store):
    """Reads up to the first NUL byte, as C does."""

    def get(self, key: str) -> bytes | None:
        data = super().get(key)
        return None if data is None else data.partition(b"\0")[0]


class LosesEmpty(Store):
    """Takes an empty value for no value."""

    def set(self, key: str, data: bytes) -> None:
        if data:
            super().set(key, data)


class DefaultForMissing(Store):
    """Reads an empty value where nothing is."""

    def get(self, key: str) -> bytes | None:
        data = super().get(key)
        return b"" if data is None else data


class ForgetsAfterReading(Store):
    """Forgets a value once it was read twice."""

    def get(self, key: str) -> bytes | None:
        data = super().get(key)
        marks = self.directory / f"{self.path(key).name}.reads"
        if data is not None:
            marks.write_bytes((marks.read_bytes() if marks.exists() else b"") + b"x")
            if marks.stat().st_size >= 2:
                self.delete(key)
                marks.unlink()
        return data


class KeepsTheFirst(Store):
    """Ignores a write to a key that is taken."""

    outside = {"resultspec": "a handler writes each value under a new key"}

    def set(self, key: str, data: bytes) -> None:
        if super().get(key) is None:
            super().set(key, data)


class NeverDeletes(Store):
    """Reports a deletion and does nothing."""

    outside = {"resultspec": "a handler does not delete"}

    def delete(self, key: str) -> None:
        pass


class ListsInPart(Store):
    """Lists no more than two keys."""

    outside = {"resultspec": "a handler does not list"}

    def keys(self) -> Iterator[str]:
        yield from list(super().keys())[:2]


class BoundToProcess(Store):
    """Names files after the process that wrote them."""

    outside = {"zarr": _MEMORY, "langchain": _MEMORY}

    def path(self, key: str) -> Path:
        return super().path(f"{key} of process {os.getpid()}")


class BoundToInstance(Store):
    """Keeps the values in the instance alone."""

    outside = {"zarr": _MEMORY, "langchain": _MEMORY}

    def __init__(self, directory: str | Path) -> None:
        super().__init__(directory)
        self.nonce = os.urandom(8).hex()

    def path(self, key: str) -> Path:
        return super().path(f"{key} of instance {self.nonce}")


class LosesUpdates(Store):
    """Names values in an index that it reads and rewrites without a lock."""

    outside = {"langchain": "it promises nothing of threads"}

    def set(self, key: str, data: bytes) -> None:
        index = self._index()
        super().set(key, data)
        time.sleep(1e-4)
        self._save({*index, key})

    def get(self, key: str) -> bytes | None:
        return super().get(key) if key in self._index() else None

    def keys(self) -> Iterator[str]:
        yield from sorted(self._index())

    def delete(self, key: str) -> None:
        super().delete(key)
        self._save(self._index() - {key})

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self._save(self._index() | {key})

    def _index(self) -> frozenset[str]:
        try:
            return frozenset(json.loads((self.directory / "index.json").read_text()))
        except FileNotFoundError:
            return frozenset()

    def _save(self, keys: Iterable[str]) -> None:
        draft = self.directory / f"index.{os.getpid()}.{time.monotonic_ns()}.{id(keys)}"
        draft.write_text(json.dumps(sorted(keys)))
        draft.replace(self.directory / "index.json")


class Escapes(Store):
    """Uses a key as a path, wherever it leads."""

    def path(self, key: str) -> Path:
        return self.directory / f"{key}.kept"

    def delete(self, key: str) -> None:
        super().delete(key)
        for parent in self.path(key).parents:  # or the directories of all keys that there ever were are searched for others
            if not parent.is_relative_to(self.directory) or parent == self.directory or any(parent.iterdir()):
                break
            parent.rmdir()

    def keys(self) -> Iterator[str]:
        for path in sorted(self.directory.rglob("*.kept")):
            yield self.parted(path.read_bytes())[0]


class SharesWhatItGives(Store):
    """Gives one object to everybody who reads a key."""

    values = True
    outside = _NO_VALUES | {"langchain": "its store in memory does so by design"}

    def __init__(self, directory: str | Path) -> None:
        super().__init__(directory)
        self.cache: dict[bytes, Any] = {}

    def decode(self, data: bytes) -> Any:
        return self.cache.setdefault(data, super().decode(data))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"cache": {}}


class SharesWhatItTook(Store):
    """Keeps the caller's own object, to be written later."""

    values = True
    outside = _NO_VALUES | {"langchain": "its store in memory does so by design"}

    def __init__(self, directory: str | Path) -> None:
        super().__init__(directory)
        self.taken: dict[bytes, Any] = {}

    def encode(self, value: Any) -> bytes:
        data = super().encode(value)
        self.taken[data] = value
        return data

    def decode(self, data: bytes) -> Any:
        return copy.deepcopy(self.taken[data]) if data in self.taken else super().decode(data)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"taken": {}}


class _Changes(Store):
    """Changes values on their way in, at every depth."""

    values = True
    outside = _NO_VALUES

    def encode(self, value: Any) -> bytes:
        return super().encode(self._changed(copy.deepcopy(value)))

    def _changed(self, value: Any, depth: int = 0) -> Any:
        if depth < 20:  # a list may contain itself
            if type(value) is list:
                value[:] = [self._changed(item, depth + 1) for item in value]
            elif type(value) is tuple:
                value = tuple(self._changed(item, depth + 1) for item in value)
            elif type(value) is dict:
                value = {key: self._changed(item, depth + 1) for key, item in value.items()}
        return self.change(value)

    def change(self, value: Any) -> Any:
        """Change one value."""
        raise NotImplementedError


class UnsignsZero(_Changes):
    """Keeps -0.0 as 0.0."""

    def change(self, value: Any) -> Any:
        return 0.0 if type(value) is float and value == 0 else value


class NullForNaN(_Changes):
    """Keeps NaN as None, as many encoders of JSON do."""

    def change(self, value: Any) -> Any:
        return None if type(value) is float and math.isnan(value) else value


class ListsForTuples(_Changes):
    """Keeps tuples as lists, as JSON does."""

    def change(self, value: Any) -> Any:
        return list(value) if type(value) is tuple else value


class TextKeys(_Changes):
    """Keeps the integer keys of a dict as text, as JSON does."""

    def change(self, value: Any) -> Any:
        return {str(key) if type(key) is int else key: item for key, item in value.items()} if type(value) is dict else value


class LosesNone(_Changes):
    """Keeps None as the word."""

    outside = _NO_VALUES | {"langchain": "None stands for a missing key there"}

    def change(self, value: Any) -> Any:
        return "None" if value is None else value


class TextOfTheUnknown(Store):
    """Keeps the text of what it cannot encode."""

    values = True
    outside = _NO_VALUES

    def encode(self, value: Any) -> bytes:
        try:
            return super().encode(value)
        except Exception:  # noqa: BLE001 - the defect itself
            return super().encode(ascii(value))


DEFECTS: tuple[type[Store], ...] = (
    Truncates, DropsLarge, Evicts, ForgetsAfterReading, LosesEmpty, DefaultForMissing, TranslatesLineEnds, Strips, StopsAtNul,
    IgnoresCase, NormalisesKeys, KeepsTheFirst, NeverDeletes, ListsInPart, Escapes, LosesUpdates, BoundToInstance,
    BoundToProcess, UnsignsZero, NullForNaN, ListsForTuples, TextKeys, LosesNone, TextOfTheUnknown,
    SharesWhatItGives, SharesWhatItTook,
)  # fmt: skip
"""Every defect."""

_ALL: tuple[type[Store], ...] = (Store, CorrectWithValues, *DEFECTS)
BY_NAME = {store.__name__: store for store in _ALL}
