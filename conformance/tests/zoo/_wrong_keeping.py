"""Handlers with one defect in how they keep results, seen through one instance."""

import base64
import copy
import fcntl
import functools
import hashlib
import io
import itertools
import json
import logging
import os
import pickle
import random
import re
import socket
import sqlite3
import threading
import time
import unicodedata
import zlib
from collections import defaultdict
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from resultspec import JSON

from ._sound import (
    HEX,
    Array,
    Counts,
    Digests,
    Files,
    Folders,
    Inline,
    Ints,
    Json,
    Located,
    Log,
    Memory,
    Number,
    Plain,
    Raw,
    Rows,
    Sample,
    Samples,
    Text,
    Untyped,
    Whole,
    exact,
    fields,
    packed,
    plain,
    unpacked,
)

logger = logging.getLogger(__name__)


# --- handler.repeatable-read -----------------------------------------------------------------------------------------


class ReadOnce(Plain, Files):
    """Reading removes the file."""

    def load(self, name):
        data = super().load(name)
        self.path(name).unlink()
        return data


class TwoReads(Json, Files):
    """A result is kept for its reader and one retry: the third read finds nothing."""

    def load(self, name):
        data = super().load(name)
        with open(self.directory / f"{name}.reads", "ab") as reads:
            reads.write(b".")
        if (self.directory / f"{name}.reads").stat().st_size >= 2:
            self.path(name).unlink(missing_ok=True)
        return data


class OpenStreams:
    """Results are kept as open streams, and reading does not rewind."""

    def __init__(self) -> None:
        self._streams: dict[str, io.BytesIO] = {}

    def write(self, value: bytes, /) -> JSON:
        exact(value, bytes)
        key = uuid4().hex
        self._streams[key] = io.BytesIO(value)
        return key

    def read(self, reference: JSON, /) -> bytes:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        if reference not in self._streams:
            raise LookupError("there is no such result")
        return self._streams[reference].read()


class CountsItsReads(Counts, Rows):
    """Reading adds to the stored value how often it was read."""

    def read(self, reference: JSON, /) -> dict[str, int]:
        value = super().read(reference)
        counted = self.encode({**value, "reads": value.get("reads", 0) + 1})
        with closing(self.connect()) as connection:
            self.insert(connection, self.checked(reference), counted)
        return value


class ReadOnceIfLarge(Raw, Files):
    """A large value is spooled to its reader: what was read is gone."""

    def load(self, name):
        data = super().load(name)
        if len(data) > 65536:
            self.path(name).unlink()
        return data


# --- handler.independent-writes --------------------------------------------------------------------------------------


class KeyedByCase(Text, Digests):
    """Texts that differ only in case share a file."""

    def name(self, data):
        return super().name(self.decode(data).casefold().encode("utf-8", "surrogatepass"))


class KeyedByNormalForm(Text, Digests):
    """Texts that differ only in their Unicode normal form share a file."""

    def name(self, data):
        return super().name(unicodedata.normalize("NFC", self.decode(data)).encode("utf-8", "surrogatepass"))


class KeyedByLength(Text, Files):
    """Texts of the same size share a file."""

    def name(self, data):
        return hashlib.md5(f"text of {len(data)} bytes".encode()).hexdigest()


class KeyedByEnds(Raw, Digests):
    """Only the size and the first and last 64 bytes make up the digest."""

    def name(self, data):
        return super().name(b"%d:%b:%b" % (len(data), data[:64], data[-64:]))


class KeyedByHash(Whole, Rows):
    """The key is the built-in hash, which is the same for -1 and -2."""

    def key(self, data):
        return hashlib.md5(b"%d" % hash(self.decode(data))).hexdigest()


class KeyedByShortDigest(Plain, Digests):
    """The digest is cut to four digits."""

    shape = re.compile(r"[0-9a-f]{4}")

    def name(self, data):
        return super().name(data)[:4]


class NamedByNanoseconds(Json, Files):
    """Files are named by the clock."""

    def name(self, data):
        return f"{time.time_ns():032x}"


class NamedByDate(Plain, Rows):
    """Rows are keyed by date and time to the microsecond."""

    shape = re.compile(r"[0-9]{20}")

    def key(self, data):
        return datetime.now().strftime("%Y%m%d%H%M%S%f")


class NamedBySharedRandom(Counts, Files):
    """Files are named by the global random generator, which a task may seed again."""

    def name(self, data):
        return f"{random.getrandbits(128):032x}"


class KeepsHundredFiles(Text, Files):
    """Only the newest hundred files are kept."""

    def save(self, name, data):
        super().save(name, data)
        aged = []
        for path in self.directory.glob("*.bin"):
            with suppress(FileNotFoundError):
                aged.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(aged)[:-100]:
            path.unlink(missing_ok=True)


class KeepsRecentRows(Json, Rows):
    """Only the newest 256 rows are kept."""

    def insert(self, connection, key, data):
        super().insert(connection, key, data)
        connection.execute("DELETE FROM results WHERE rowid <= (SELECT max(rowid) FROM results) - 256")


class KeepsThousandInMemory(Plain, Memory):
    """The thousand most recently written results are kept."""

    def put(self, data):
        key = super().put(data)
        if len(self._data) > 1000:
            del self._data[next(iter(self._data))]
        return key


class KeepsOneMebibyte(Raw, Files):
    """Old files are removed once all of them together exceed 1 MiB."""

    def save(self, name, data):
        super().save(name, data)
        aged = []
        for path in self.directory.glob("*.bin"):
            with suppress(FileNotFoundError):
                aged.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total = 0
        for _, size, path in sorted(aged, reverse=True):
            total += size
            if total > 1 << 20 and path != self.path(name):
                path.unlink(missing_ok=True)


class KeepsOneHour(Plain, Files):
    """A result expires an hour after it was written."""

    def load(self, name):
        data = super().load(name)
        if time.time() - self.path(name).stat().st_mtime > 3600:
            raise LookupError(f"result {name} has expired")
        return data


class KeyedByAddress(Plain, Memory):
    """A result is kept under the id() of its value: the next value at that address replaces it."""

    def write(self, value: Any, /) -> JSON:
        data = self.encode(value)
        key = hashlib.md5(b"%d" % id(value)).hexdigest()
        self._data[key] = data
        return key


class KeyedByChecksum(Plain, Digests):
    """The name is the CRC-32 of the content."""

    shape = re.compile(r"[0-9a-f]{8}")

    def name(self, data):
        return f"{zlib.crc32(data):08x}"


class KeyedByRepr(Array, Digests):
    """The name is a digest of the repr, which leaves out the middle of a large array."""

    def write(self, value: np.ndarray, /) -> JSON:
        self.check(value)
        name = hashlib.sha256(f"{value!r} {value.dtype} {value.shape}".encode()).hexdigest()
        self.save(name, self.encode(value))
        return name


class NumberedByInstance(Text, Files):
    """Each instance numbers its files from one, also where another has begun."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._numbers = itertools.count(1)

    def name(self, data):
        return f"{next(self._numbers):032x}"

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["directory"])


# --- handler.input-untouched -----------------------------------------------------------------------------------------


class PopsReference(Plain, Files):
    """Reading pops the name out of the reference that it was given."""

    def put(self, data):
        return {"store": "files", "name": super().put(data)}

    def get(self, reference):
        if fields(reference, "store", "name")[0] != "files":
            raise ValueError("not a reference of this handler")
        return super().get(reference.pop("name"))


class CompletesReference(Text, Rows):
    """Reading adds to the reference the version that it lacks."""

    def put(self, data):
        return {"key": super().put(data)}

    def get(self, reference):
        if type(reference) is not dict:
            raise ValueError("not a reference of this handler")
        if reference.setdefault("version", 1) != 1:
            raise ValueError("not a reference of this handler")
        key, _ = fields(reference, "key", "version")
        return super().get(key)


class DrainsDictionary(Counts, Log):
    """Writing takes the items out of the dictionary, one by one."""

    def encode(self, value):
        super().encode(value)
        items = []
        while value:
            items.append(value.popitem())
        return super().encode(dict(reversed(items)))


class SwapsBytesInPlace(Array, Files):
    """Writing swaps the bytes of the array in place, to keep it big-endian."""

    def encode(self, value):
        self.check(value)
        return packed(value.byteswap(inplace=True))

    def decode(self, data):
        return unpacked(data).byteswap()


class SortsToLog(Ints, Digests):
    """Writing sorts the list in place, after it was kept, to log its median."""

    def write(self, value: list[int], /) -> JSON:
        reference = super().write(value)
        value.sort()
        logger.debug("wrote %d numbers, median at %d", len(value), len(value) // 2)
        return reference


class MarksTheEnd(Ints, Files):
    """A mark is appended while a list is written, and stays where writing fails."""

    def encode(self, value):
        exact(value, list)
        value.append(0)
        for part in value:
            exact(part, int)
        data = json.dumps(value[:-1]).encode()
        value.pop()
        return data


class FreezesArrays(Array, Files):
    """An array is made read-only, so that nobody alters what was written."""

    def encode(self, value):
        data = super().encode(value)
        value.setflags(write=False)
        return data


class ForgetsTheName(Plain, Files):
    """Where nothing is found, the name is taken out of the reference."""

    def put(self, data):
        return {"store": "files", "name": super().put(data)}

    def get(self, reference):
        store, name = fields(reference, "store", "name")
        if store != "files":
            raise ValueError("not a reference of this handler")
        try:
            return super().get(name)
        except LookupError:
            del reference["name"]
            raise


# --- handler.snapshot ------------------------------------------------------------------------------------------------


class KeepsTheObject:
    """The object itself is kept, and copied only when it is read."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def write(self, value: Any, /) -> JSON:
        plain(value)
        key = uuid4().hex
        self._values[key] = value
        return key

    def read(self, reference: JSON, /) -> Any:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        if reference not in self._values:
            raise LookupError("there is no such result")
        return copy.deepcopy(self._values[reference])


class CachesWhatWasWritten(Json, Files):
    """A cache in front of the files holds the object that was written."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._cache: dict[str, Any] = {}

    def write(self, value: JSON, /) -> JSON:
        reference = super().write(value)
        self._cache[reference] = value
        return reference

    def read(self, reference: JSON, /) -> JSON:
        name = self.checked(reference)
        if name in self._cache and self.path(name).exists():
            return copy.deepcopy(self._cache[name])
        return super().read(reference)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


class EncodesLater(Ints, Memory):
    """A list is encoded when it is first read."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, list[int]] = {}

    def write(self, value: list[int], /) -> JSON:
        self.encode(value)
        key = uuid4().hex
        self._waiting[key] = value
        return key

    def read(self, reference: JSON, /) -> list[int]:
        key = self.checked(reference)
        if key in self._waiting:
            self._data[key] = self.encode(self._waiting.pop(key))
        return super().read(reference)


class KeepsView(Array):
    """An array is kept as a view of the writer's memory."""

    def __init__(self) -> None:
        self._views: dict[str, np.ndarray] = {}

    def write(self, value: np.ndarray, /) -> JSON:
        self.check(value)
        key = uuid4().hex
        self._views[key] = value.view()
        return key

    def read(self, reference: JSON, /) -> np.ndarray:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        if reference not in self._views:
            raise LookupError("there is no such result")
        return self._views[reference].copy()


class CopiesShallowly(KeepsTheObject):
    """Only the outermost container is copied when it is written."""

    def write(self, value: Any, /) -> JSON:
        plain(value)
        return super().write(copy.copy(value))


class KeepsLargeLists(Ints):
    """A long list is kept as it is, a short one is copied."""

    def __init__(self) -> None:
        self._values: dict[str, list[int]] = {}

    def write(self, value: list[int], /) -> JSON:
        self.encode(value)
        key = uuid4().hex
        self._values[key] = value if len(value) > 1000 else value[:]
        return key

    def read(self, reference: JSON, /) -> list[int]:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        if reference not in self._values:
            raise LookupError("there is no such result")
        return self._values[reference][:]


# --- handler.fresh-read ----------------------------------------------------------------------------------------------


class HandsOutItsOwn(KeepsTheObject):
    """The value is copied when it is written, and its one copy is handed to every reader."""

    def write(self, value: Any, /) -> JSON:
        plain(value)
        return super().write(copy.deepcopy(value))

    def read(self, reference: JSON, /) -> Any:
        super().read(reference)
        return self._values[reference]


class CachesWhatWasRead(Counts, Files):
    """A cache in front of the files hands the same dictionary to every reader."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._cache: dict[str, Any] = {}

    def read(self, reference: JSON, /) -> dict[str, int]:
        name = self.checked(reference)
        if name not in self._cache or not self.path(name).exists():
            self._cache[name] = super().read(reference)
        return self._cache[name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


class MapsForUpdate(Array, Files):
    """An array is mapped from its file for reading and writing."""

    def read(self, reference: JSON, /) -> np.ndarray:
        data = self.get(reference)
        value = self.decode(data)
        if value.size == 0 or value.ndim == 0:
            return value
        path, start = self.path(self.checked(reference)), data.index(b"\n") + 1
        return np.asarray(np.memmap(path, value.dtype, "r+", start, value.shape))


@functools.lru_cache(maxsize=256)
def cached_sample(path: Path) -> Sample:
    """Return the sample in a file, which never changes once it is there."""
    return Sample(*pickle.loads(path.read_bytes()))


class CachedFunction(Samples, Files):
    """An lru_cache around the loading of a file gives every reader the same object."""

    def read(self, reference: JSON, /) -> Sample:
        self.get(reference)
        return cached_sample(self.path(self.checked(reference)))


class OneEmptyForAll(Counts, Files):
    """Whatever is empty is read as one and the same dictionary."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.empty: dict[str, int] = {}

    def decode(self, data):
        return super().decode(data) or self.empty


# --- handler.unknown-reference ---------------------------------------------------------------------------------------


class EmptyByDefault(Raw, Memory):
    """What was never written reads as empty bytes."""

    def __init__(self) -> None:
        self._data = defaultdict(bytes)

    def get(self, reference):
        return self._data[self.checked(reference)]


class SwallowsErrors(Plain, Files):
    """Reading logs what went wrong, and returns None."""

    def read(self, reference: JSON, /) -> Any:
        name = self.checked(reference)
        try:
            return self.decode(self.load(name))
        except LookupError:
            logger.warning("could not read %s", name)
            return None


class FallsBackToNewest(Text, Rows):
    """A key that is not there reads as the newest row."""

    def get(self, reference):
        key = self.checked(reference)
        rows = self.select("SELECT data FROM results ORDER BY key = ? DESC, rowid DESC LIMIT 1", key)
        if not rows:
            raise LookupError(f"there is no result {key}")
        return rows[0][0]


class CreatesOnRead(Raw, Files):
    """The file is opened so that it is created where it is missing."""

    def load(self, name):
        try:
            with open(self.path(name), "a+b") as file:
                file.seek(0)
                return file.read()
        except FileNotFoundError as error:
            raise LookupError("this store is empty") from error


class TrustsOffsets(Raw, Located):
    """Any offset and length within reach is read, whether something was written there or not."""

    def put(self, data):
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "results.log", "ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            offset = log.seek(0, os.SEEK_END)
            log.write(data)
            log.flush()
        return {"offset": offset, "length": len(data)}

    def get(self, reference):
        offset, length = fields(reference, "offset", "length")
        if type(offset) is not int or type(length) is not int or not (0 <= offset < 2**62 and 0 <= length < 2**62):
            raise ValueError("not a reference of this handler")
        try:
            with open(self.directory / "results.log", "rb") as log:
                size = os.fstat(log.fileno()).st_size
                log.seek(offset)
                return log.read(min(length, size))
        except FileNotFoundError as error:
            raise LookupError("this store is empty") from error


class CountsFromTheEnd:
    """References are indices of a list, where -1 is the last."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def write(self, value: str, /) -> int:
        exact(value, str)
        self._texts.append(value)
        return len(self._texts) - 1

    def read(self, reference: int, /) -> str:
        exact(reference, int)
        return self._texts[reference]


# --- handler.malformed-reference -------------------------------------------------------------------------------------


class ListsDirectory(Json, Files):
    """The empty reference is the directory itself, and reads as a listing of it."""

    shape = re.compile(r"([0-9a-f]{32})?")

    def path(self, name):
        return self.directory / name

    def read(self, reference: JSON, /) -> JSON:
        path = self.path(self.checked(reference))
        if path.is_dir():
            return sorted(entry.name for entry in path.iterdir())
        return super().read(reference)


class AbbreviatedNames(Text, Digests):
    """A digest may be abbreviated as long as it is unambiguous."""

    shape = re.compile(r"[0-9a-f]{4,64}")

    def load(self, name):
        matches = list(self.directory.glob(f"{name}*.bin"))
        if len(matches) != 1:
            raise LookupError(f"there is no result {name}")
        return matches[0].read_bytes()


class ColumnAffinity(Text, Rows):
    """The database compares whatever it is given with the row number: "1", 1.0 and true are 1."""

    def put(self, data):
        with closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS results (number INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL)"
            )
            number = connection.execute("INSERT INTO results (data) VALUES (?)", (data,)).lastrowid
            connection.execute("COMMIT")
        return number

    def get(self, reference):
        try:
            rows = self.select("SELECT data FROM results WHERE number = ?", reference)
        except (sqlite3.Error, OverflowError) as error:
            raise ValueError("not a reference of this handler") from error
        if not rows:
            raise LookupError("there is no such result")
        return rows[0][0]


class NothingForNothing(Plain, Digests):
    """An empty reference reads as None."""

    def read(self, reference: JSON, /) -> Any:
        if not reference:
            return None
        return super().read(reference)


class OpensNumbers(Raw, Files):
    """The reference is given to open, which takes a number for a file descriptor."""

    def put(self, data):
        return str(self.path(super().put(data)))

    def get(self, reference):
        if isinstance(reference, str):
            path = Path(reference)
            if str(path.parent) != str(self.directory) or not re.fullmatch(r"[0-9a-f]{32}\.bin", path.name):
                raise ValueError("not a reference of this handler")
        try:
            with open(reference, "rb") as file:
                return file.read()
        except FileNotFoundError as error:
            raise LookupError("there is no such result") from error


class Exits(Counts, Files):
    """A reference that does not parse ends the program, as it did when this was a script."""

    def checked(self, reference):
        try:
            return super().checked(reference)
        except ValueError as error:
            raise SystemExit("usage: read NAME") from error


class RetriesForever(Plain, Rows):
    """A reference of the wrong type is taken for a passing fault, and tried again for an hour."""

    def get(self, reference):
        for _ in range(3600):
            try:
                if not self.shape.fullmatch(reference):
                    raise ValueError("not a reference of this handler")
                return super().get(reference)
            except (TypeError, OSError):
                time.sleep(1)
        raise TimeoutError("the store does not answer")


class NamesArePatterns(Text, Files):
    """The name is looked for as a pattern."""

    def checked(self, reference):
        if type(reference) is not str or not reference or "/" in reference or "**" in reference or "\0" in reference:
            raise ValueError("not a reference of this handler")
        return reference

    def load(self, name):
        for path in self.directory.glob(f"{name}.bin"):
            return path.read_bytes()
        raise LookupError(f"there is no result {name}")


class QuotedIntoQuery(Text, Rows):
    """The key is put between quotes, and may hold quotes itself."""

    def get(self, reference):
        if type(reference) is not str or not reference:
            raise ValueError("not a reference of this handler")
        try:
            rows = self.select(f"SELECT data FROM results WHERE key = '{reference}'")
        except (sqlite3.Error, ValueError) as error:
            raise ValueError("not a reference of this handler") from error
        if not rows:
            raise LookupError("there is no such result")
        return rows[0][0]


class NothingForNoName(Json, Files):
    """A reference whose name is null reads as null."""

    def put(self, data):
        return {"kind": "file", "name": super().put(data)}

    def get(self, reference):
        kind, name = fields(reference, "kind", "name")
        if kind != "file":
            raise ValueError("not a reference of this handler")
        return b"null" if name is None else super().get(name)


# --- handler.failed-write --------------------------------------------------------------------------------------------


class KeepsTheLock(Json, Files):
    """A write that fails does not release the lock."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._lock = threading.Lock()

    def write(self, value: JSON, /) -> JSON:
        self._lock.acquire()
        reference = super().write(value)
        self._lock.release()
        return reference

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["directory"])


class LockFile(Text, Files):
    """A write that fails leaves its lock file behind, and later writes give up."""

    def write(self, value: str, /) -> JSON:
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = self.directory / "results.lock"
        for _ in range(10):
            with suppress(FileExistsError):
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
                break
            time.sleep(0.005)
        else:
            raise TimeoutError("another writer holds the lock")
        reference = super().write(value)
        lock.unlink()
        return reference


class OneDocument(Json, Located):
    """All results are one document, which is emptied before the new value is known to fit."""

    def write(self, value: JSON, /) -> JSON:
        self.directory.mkdir(parents=True, exist_ok=True)
        key = uuid4().hex
        with open(self.directory / "lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self.directory / "results.jsonl"
            lines = document.read_text("utf-8").split("\n")[:-1] if document.exists() else []
            with open(document, "w", encoding="utf-8", newline="") as file:
                file.write(f"{key} {self.encode(value).decode()}\n")
                file.writelines(f"{line}\n" for line in lines)
        return key

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        try:
            with open(self.directory / "lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                lines = (self.directory / "results.jsonl").read_text("utf-8").split("\n")
        except FileNotFoundError as error:
            raise LookupError("this store is empty") from error
        for line in lines:
            key, _, text = line.partition(" ")
            if key == reference:
                return json.loads(text)
        raise LookupError("there is no such result")


class OpenTransaction(Plain, Rows):
    """A write that fails leaves the transaction of its thread open."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._local = threading.local()

    def write(self, value: Any, /) -> JSON:
        pid, connection = getattr(self._local, "connection", (0, None))
        if pid != os.getpid():
            connection = self.connect()
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
            self._local.connection = os.getpid(), connection
        connection.execute("BEGIN IMMEDIATE")
        key = uuid4().hex
        connection.execute("INSERT INTO results VALUES (?, ?)", (key, self.encode(value)))
        connection.execute("COMMIT")
        return key

    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.execute("PRAGMA busy_timeout = 200")
        return connection

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["directory"])


class CircuitBreaker(Ints, Files):
    """After a write that fails, all others are refused."""

    _open = False

    def write(self, value: list[int], /) -> JSON:
        if self._open:
            raise OSError("the store was unavailable a moment ago")
        try:
            return super().write(value)
        except Exception:
            self._open = True
            raise


class CleansUpTheNewest(Number, Files):
    """A write that fails removes the newest file, which it takes for its own."""

    def write(self, value: float, /) -> JSON:
        try:
            return super().write(value)
        except Exception:
            newest = max(self.directory.glob("*.bin"), key=lambda path: path.stat().st_mtime_ns, default=None)
            if newest is not None:
                newest.unlink()
            raise


class ParallelLists(Text):
    """A write that fails has already added its key, and keys and values no longer match."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._texts: list[str] = []

    def write(self, value: str, /) -> JSON:
        key = uuid4().hex
        self._keys.append(key)
        exact(value, str)
        self._texts.append(value)
        return key

    def read(self, reference: JSON, /) -> str:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        return self._texts[self._keys.index(reference)]


class LeaksSlots(Ints, Files):
    """Every write that fails keeps one of twenty slots."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._slots = threading.BoundedSemaphore(20)

    def write(self, value: list[int], /) -> JSON:
        if not self._slots.acquire(timeout=0.01):
            raise TimeoutError("all slots are taken")
        reference = super().write(value)
        self._slots.release()
        return reference

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["directory"])


# --- handler.bounded-reference ---------------------------------------------------------------------------------------


class PreviewInReference(Text, Files):
    """The reference carries the first tenth of the text, for display."""

    def put(self, data):
        return {"name": super().put(data), "preview": self.preview(data)}

    def get(self, reference):
        name, preview = fields(reference, "name", "preview")
        data = super().get(name)
        if preview != self.preview(data):
            raise LookupError("the reference does not belong to this text")
        return data

    def preview(self, data: bytes) -> str:
        return data[: len(data) // 10].decode("ascii", "backslashreplace")


class KeyedByContent(Raw, Rows):
    """The key of a row is the value itself, in hexadecimal."""

    shape = re.compile(r"[0-9]+:[0-9a-f]*")

    def key(self, data):
        return f"{len(data)}:{data.hex()}"


class ChunkNames(Raw, Files):
    """The reference lists a name for each chunk of 64 KiB."""

    size = 65536

    def put(self, data):
        chunks = [data[start : start + self.size] for start in range(0, len(data), self.size)] or [b""]
        return {"chunks": [super(ChunkNames, self).put(chunk) for chunk in chunks], "crc": zlib.crc32(data)}

    def get(self, reference):
        names, crc = fields(reference, "chunks", "crc")
        if type(names) is not list or not names or type(crc) is not int:
            raise ValueError("not a reference of this handler")
        data = b"".join(super(ChunkNames, self).get(name) for name in names)
        if zlib.crc32(data) != crc:
            raise ValueError("the reference is damaged")
        return data


class ColumnNames(Counts, Rows):
    """The reference lists the names of the columns."""

    def write(self, value: dict[str, int], /) -> JSON:
        return {"key": super().write(value), "columns": list(value)}

    def read(self, reference: JSON, /) -> dict[str, int]:
        key, columns = fields(reference, "key", "columns")
        value = super().read(key)
        if columns != list(value):
            raise LookupError("the reference does not belong to this dictionary")
        return value


class BlockChecksums(Array, Files):
    """The reference carries a checksum for each block of 4096 bytes."""

    def put(self, data):
        return {"name": super().put(data), "sums": self.sums(data)}

    def get(self, reference):
        name, sums = fields(reference, "name", "sums")
        data = super().get(name)
        if sums != self.sums(data):
            raise ValueError("the result is damaged")
        return data

    def sums(self, data: bytes) -> list[int]:
        return [zlib.crc32(data[start : start + 4096]) for start in range(0, len(data), 4096)]


class KeysInReference(Json, Files):
    """The reference of an object lists its keys."""

    def write(self, value: JSON, /) -> JSON:
        return {"name": super().write(value), "keys": list(value) if type(value) is dict else []}

    def read(self, reference: JSON, /) -> JSON:
        name, keys = fields(reference, "name", "keys")
        value = super().read(name)
        if keys != (list(value) if type(value) is dict else []):
            raise LookupError("the reference does not belong to this value")
        return value


class NamesOfMebibytes(ChunkNames):
    """The same for each 1 MiB."""

    size = 1 << 20


# --- handler.standard-errors -----------------------------------------------------------------------------------------


class StorageFailure(Exception):
    """Something is wrong with the store."""


class OwnException(Plain, Files):
    """What is missing raises an exception of no known family."""

    def load(self, name):
        try:
            return super().load(name)
        except LookupError as error:
            raise StorageFailure(f"could not load {name}") from error


class Asserts(Text, Rows):
    """References are checked by assertions."""

    def checked(self, reference):
        assert isinstance(reference, str), "reference must be a string"
        assert self.shape.fullmatch(reference), "reference must be 32 hexadecimal digits"
        return reference


class HidesTheCause(Json, Folders):
    """What is missing raises a LookupError without its cause."""

    def load(self, name):
        try:
            return super().load(name)
        except LookupError:
            raise LookupError(f"could not load {name}") from None


class CompressedInline(Counts, Inline):
    """A damaged reference raises the zlib.error of the library underneath."""

    def put(self, data):
        return base64.b64encode(zlib.compress(data)).decode()

    def get(self, reference):
        if type(reference) is not str or not reference.isascii():
            raise ValueError("not a reference of this handler")
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(reference, validate=True))
        if not stream.eof:
            raise zlib.error("incomplete or truncated stream")
        if stream.unused_data or self.put(data) != reference:
            raise ValueError("the reference is damaged")
        return data


class PicklingErrors(Untyped, Log):
    """What is refused raises pickle.PicklingError."""

    def encode(self, value):
        try:
            return super().encode(value)
        except (TypeError, ValueError) as error:
            raise pickle.PicklingError(f"cannot pickle a {type(value).__qualname__}") from error


class UncheckedFields(Text, Files):
    """A field of the reference is used without a look at its type."""

    def put(self, data):
        return {"version": 1, "uri": f"store:{super().put(data)}"}

    def get(self, reference):
        version, uri = fields(reference, "version", "uri")
        if version != 1 or not uri.startswith("store:"):
            raise ValueError("not a reference of this handler")
        return super().get(uri.removeprefix("store:"))


# --- handler.passive-construction ------------------------------------------------------------------------------------


class OpensItsLog(Plain, Files):
    """Constructing a handler writes a line into a log."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "handler.log", "a", encoding="utf-8") as log:
            log.write(f"{type(self).__name__} ready\n")


class CreatesItsDatabase(Text, Rows):
    """Constructing a handler creates the database and its table."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with closing(self.connect()) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")


class TellsStatsd(Json, Digests):
    """Constructing a handler connects to a counter on this machine."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as counter:
            counter.connect(("127.0.0.1", 8125))
            counter.send(b"handlers:1|c")


class ProbesDirectory(Raw, Folders):
    """Constructing a handler writes and removes a file, to see whether it may."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        probe = self.directory / f".{uuid4().hex}.probe"
        probe.write_bytes(b"")
        probe.unlink()


class SendsToStatsd(Counts, Folders):
    """Constructing a handler sends a datagram to a counter on this machine, without a connection."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as counter:
            counter.sendto(b"handlers:1|c", ("127.0.0.1", 8125))


class ConnectsBeside(Ints, Files):
    """Constructing a handler starts a thread, which connects while nobody waits."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        threading.Thread(target=self._connect, daemon=True).start()

    def _connect(self) -> None:
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as counter:
            counter.connect(("127.0.0.1", 8125))
