"""Handlers with one defect that shows between instances, threads and processes."""

import functools
import hashlib
import io
import itertools
import json
import os
import pickle
import random
import secrets
import sqlite3
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from resultspec import JSON

from ._sound import (
    HEX,
    Counts,
    Digests,
    Files,
    Folders,
    Ints,
    Json,
    Located,
    Log,
    Plain,
    Raw,
    Rows,
    Sample,
    Samples,
    Text,
    fields,
    plain,
)

# --- shared.instance -------------------------------------------------------------------------------------------------


class OwnSession(Plain, Files):
    """Each instance reads only what it wrote itself."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._session = uuid4().hex

    def put(self, data):
        return {"session": self._session, "name": super().put(data)}

    def get(self, reference):
        session, name = fields(reference, "session", "name")
        self.checked(session)
        if session != self._session:
            raise LookupError("the result belongs to another session")
        return super().get(name)


class OwnKey(Text, Rows):
    """Each instance encrypts with a key of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._key = secrets.token_bytes(32)

    def put(self, data):
        return super().put(encrypted(self._key, data))

    def get(self, reference):
        return decrypted(self._key, super().get(reference))


class IndexInMemory(Json, Files):
    """Only the instance that wrote a result knows in which file it is."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._index: dict[str, str] = {}

    def put(self, data):
        reference = uuid4().hex
        self._index[reference] = super().put(data)
        return reference

    def get(self, reference):
        if self.checked(reference) not in self._index:
            raise LookupError(f"there is no result {reference}")
        return super().get(self._index[reference])


class WritesBehind(Counts, Files):
    """Results are held back until there are 64 of them."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._held: dict[str, bytes] = {}

    def save(self, name, data):
        self._held[name] = data
        if len(self._held) >= 64:
            for held in list(self._held):
                with suppress(KeyError):
                    super().save(held, self._held[held])
                    del self._held[held]

    def load(self, name):
        held = self._held.get(name)
        return super().load(name) if held is None else held


class EmptyStaysHere(Plain, Files):
    """What is empty is not written, but remembered."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._empty: dict[str, bytes] = {}

    def save(self, name, data):
        if type(self.decode(data)) in (str, bytes, list, dict) and not self.decode(data):
            self._empty[name] = data
        else:
            super().save(name, data)

    def load(self, name):
        return self._empty[name] if name in self._empty else super().load(name)


class LargeStaysHere(Raw, Files):
    """What is large stays in memory, where it is faster."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._large: dict[str, bytes] = {}

    def save(self, name, data):
        if len(data) > 100_000:
            self._large[name] = data
        else:
            super().save(name, data)

    def load(self, name):
        return self._large[name] if name in self._large else super().load(name)


def encrypted(key: bytes, data: bytes) -> bytes:
    """Return data with a nonce and a tag in front, and every bit of it mixed with a key stream."""
    nonce = secrets.token_bytes(16)
    stream = hashlib.shake_256(key + nonce).digest(len(data))
    mixed = (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
    return nonce + hashlib.blake2b(nonce + mixed, key=key, digest_size=16).digest() + mixed


def decrypted(key: bytes, data: bytes) -> bytes:
    """Return what was encrypted, or raise when the key is another."""
    nonce, tag, mixed = data[:16], data[16:32], data[32:]
    if hashlib.blake2b(nonce + mixed, key=key, digest_size=16).digest() != tag:
        raise ValueError("the result was encrypted with another key")
    stream = hashlib.shake_256(key + nonce).digest(len(mixed))
    return (int.from_bytes(mixed, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(mixed), "big")


# --- shared.pickle ---------------------------------------------------------------------------------------------------


class HoldsLock(Plain, Files):
    """The handler holds a lock, which does not pickle."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._lock = threading.Lock()

    def write(self, value: Any, /) -> JSON:
        with self._lock:
            return super().write(value)


class LeavesItsLockBehind(Plain, Files):
    """Pickling drops the lock, and nothing makes it anew: a copy reads, and cannot write."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def write(self, value: Any, /) -> JSON:
        with self._lock:
            return super().write(value)


class HoldsLambda(Text, Files):
    """The handler holds a lambda, which cloudpickle carries and pickle does not."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._namer = lambda: uuid4().hex

    def name(self, data):
        return self._namer()


ONE_AT_A_TIME = threading.RLock()


class HoldsConnection(Json, Rows):
    """The handler pickles until its first use opens a connection that it keeps."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._connection: tuple[int, sqlite3.Connection] | None = None

    def connection(self) -> sqlite3.Connection:
        if self._connection is None or self._connection[0] != os.getpid():
            self.directory.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.directory / "results.db", timeout=60, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
            self._connection = os.getpid(), connection
        return self._connection[1]

    def put(self, data):
        with ONE_AT_A_TIME:
            key = self.key(data)
            self.connection().execute("INSERT INTO results VALUES (?, ?)", (key, data))
            return key

    def select(self, query, *parameters):
        with ONE_AT_A_TIME:
            return self.connection().execute(query, parameters).fetchall()


class PicklesPublicState(Counts, Files):
    """Pickling drops all private attributes, the directory among them."""

    @property
    def directory(self) -> Path:
        return self._directory

    @directory.setter
    def directory(self, directory: Path) -> None:
        self._directory = directory

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")} or {"version": 1}


class PicklesAsDefault(Raw, Digests):
    """A pickled copy falls back to a default folder."""

    def __reduce__(self) -> Any:
        return type(self), (self.directory / "default",)


# --- shared.process --------------------------------------------------------------------------------------------------


class RelativePath(Plain, Files):
    """The reference is a path relative to the working directory of the writer."""

    def put(self, data):
        return os.path.relpath(self.path(super().put(data)))

    def get(self, reference):
        if type(reference) is not str or "\0" in reference:
            raise ValueError("not a reference of this handler")
        path = Path(os.path.abspath(reference))
        if path.parent != self.directory or path.suffix != ".bin":
            raise ValueError("not a reference of this handler")
        return super().get(path.stem)


class RelativeToHere(Plain, Files):
    """The same, and whatever the path leads to is read."""

    def put(self, data):
        return os.path.relpath(self.path(super().put(data)))

    def get(self, reference):
        if type(reference) is not str or "\0" in reference or not reference.endswith(".bin"):
            raise ValueError("not a reference of this handler")
        return Path(reference).read_bytes()


class SeededShards(Text, Files):
    """A file lies in a folder chosen by hash(), which differs with every interpreter."""

    def path(self, name):
        return self.directory / f"{hash(name) % 4096:03x}" / f"{name}.bin"


SHELVES: dict[Path, dict[str, bytes]] = {}


class ModuleDictionary(Json, Located):
    """Results are kept in a dictionary of this module."""

    def put(self, data):
        name = uuid4().hex
        SHELVES.setdefault(self.directory, {})[name] = data
        return name

    def get(self, reference):
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        try:
            return SHELVES[self.directory][reference]
        except KeyError as error:
            raise LookupError(f"there is no result {reference}") from error


@functools.cache
def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Return the temporary directory of this process."""
    return tempfile.TemporaryDirectory(prefix="results-")


class ProcessScratch(Counts, Files):
    """Results are kept in a temporary directory that each process makes, and removes when it ends."""

    def __init__(self) -> None:
        pass

    @property
    def directory(self) -> Path:
        return Path(scratch().name)


PROCESS_KEY = secrets.token_bytes(32)


class ProcessKey(Raw, Rows):
    """Results are encrypted with a key that is drawn when the module is imported."""

    def put(self, data):
        return super().put(encrypted(PROCESS_KEY, data))

    def get(self, reference):
        return decrypted(PROCESS_KEY, super().get(reference))


# --- shared.threads --------------------------------------------------------------------------------------------------


class SharedBuffer(Plain, Files):
    """All writes are encoded in one buffer."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._buffer = io.BytesIO()

    def encode(self, value):
        plain(value)
        self._buffer.seek(0)
        self._buffer.truncate()
        pickle.dump(value, self._buffer)
        self.directory.mkdir(parents=True, exist_ok=True)
        time.sleep(0.001)
        return self._buffer.getvalue()


class UnguardedCounter(Text, Files):
    """The number in a file's name is read, and counted up only when the file was written."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._session = uuid4().hex
        self._written = 0

    def name(self, data):
        return hashlib.md5(f"{os.getpid()} {self._session} {self._written}".encode()).hexdigest()

    def save(self, name, data):
        super().save(name, data)
        time.sleep(0.001)
        self._written += 1

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": uuid4().hex}


class ConnectionOfOneThread(Json, Rows):
    """The handler keeps a connection that only the thread of its first use may use."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._connection: tuple[int, sqlite3.Connection] | None = None

    def connection(self) -> sqlite3.Connection:
        if self._connection is None or self._connection[0] != os.getpid():
            connection = self.connect()
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
            self._connection = os.getpid(), connection
        return self._connection[1]

    def put(self, data):
        key = self.key(data)
        self.connection().execute("INSERT INTO results VALUES (?, ?)", (key, data))
        return key

    def select(self, query, *parameters):
        return self.connection().execute(query, parameters).fetchall()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connection": None}


class SharedPosition(Counts, Log):
    """All reads share one open file, and its position."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._file: tuple[int, Any] | None = None

    def get(self, reference):
        offset, key = self.checked(reference)
        try:
            if self._file is None or self._file[0] != os.getpid():
                self._file = os.getpid(), open(self.directory / "results.log", "rb", buffering=0)
        except FileNotFoundError as error:
            raise LookupError("this store is empty") from error
        log = self._file[1]
        log.seek(offset)
        time.sleep(0.001)
        return self.record(log, key)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}


class NameInAttribute(Ints, Files):
    """The name of the result being written is an attribute of the handler."""

    _current = ""

    def put(self, data):
        self._current = self.name(data)
        self.save(self._current, data)
        return self._current


class OneCursor(Json, Rows):
    """All threads share one cursor, which may bring down the interpreter."""

    _cursor: tuple[int, sqlite3.Connection, sqlite3.Cursor] | None = None

    def cursor(self) -> sqlite3.Cursor:
        if self._cursor is None or self._cursor[0] != os.getpid():
            self.directory.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.directory / "results.db", timeout=60, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
            self._cursor = os.getpid(), connection, connection.cursor()
        return self._cursor[2]

    def put(self, data):
        key = self.key(data)
        self.cursor().execute("INSERT INTO results VALUES (?, ?)", (key, data))
        return key

    def select(self, query, *parameters):
        return self.cursor().execute(query, parameters).fetchall()

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}


class SeeksAndReads(Counts, Log):
    """The same as SharedPosition, where nothing is slow."""

    _file: tuple[int, Any] | None = None

    def get(self, reference):
        offset, key = self.checked(reference)
        try:
            if self._file is None or self._file[0] != os.getpid():
                self._file = os.getpid(), open(self.directory / "results.log", "rb", buffering=0)
        except FileNotFoundError as error:
            raise LookupError("this store is empty") from error
        log = self._file[1]
        log.seek(offset)
        return self.record(log, key)

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}


class CountsWithoutLock(Text, Files):
    """The number in a file's name is counted up without a lock."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._session, self._written = uuid4().hex, 0

    def name(self, data):
        self._written += 1
        return hashlib.md5(f"{os.getpid()} {self._session} {self._written}".encode()).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": uuid4().hex}


# --- shared.processes ------------------------------------------------------------------------------------------------

NUMBERS = itertools.count()
WRITING = threading.Lock()


class NumberedByProcess(Plain, Files):
    """Files are numbered from zero in every process."""

    def name(self, data):
        return hashlib.md5(b"result %d" % next(NUMBERS)).hexdigest()


class CounterFile(Text, Files):
    """The next number is kept in a file, which is read and written without a lock between processes."""

    def name(self, data):
        self.directory.mkdir(parents=True, exist_ok=True)
        counter = self.directory / "counter"
        with WRITING:
            number = int(counter.read_text() or 0) if counter.exists() else 0
            time.sleep(0.001)
            counter.write_text(f"{number + 1}")
        return hashlib.md5(b"result %d" % number).hexdigest()


class TemporaryByProcess(Raw, Files):
    """Temporary files are numbered from zero in every process."""

    def save(self, name, data):
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f"writing-{next(NUMBERS)}.tmp"
        temporary.write_bytes(data)
        time.sleep(0.001)
        temporary.replace(self.path(name))


class LostIndexUpdates(Json, Files):
    """The index is read, changed and replaced without a lock between processes."""

    def put(self, data):
        reference, name = uuid4().hex, super().put(data)
        with WRITING:
            index = {**self.index(), reference: name}
            time.sleep(0.001)
            temporary = self.directory / f"{uuid4().hex}.tmp"
            temporary.write_text(json.dumps(index))
            temporary.replace(self.directory / "index.json")
        return reference

    def get(self, reference):
        try:
            return super().get(self.index()[self.checked(reference)])
        except KeyError as error:
            raise LookupError(f"there is no result {reference}") from error

    def index(self) -> dict[str, str]:
        path = self.directory / "index.json"
        return json.loads(path.read_text()) if path.exists() else {}


class AppendsWithoutLock(Counts, Log):
    """The end of the log is asked for first and appended to later, without a lock between processes."""

    def put(self, data):
        self.directory.mkdir(parents=True, exist_ok=True)
        key = uuid4()
        with WRITING, open(self.directory / "results.log", "ab") as log:
            offset = log.seek(0, os.SEEK_END)
            time.sleep(0.001)
            log.write(key.bytes + len(data).to_bytes(8, "big") + data)
            log.flush()
        return {"offset": offset, "key": key.hex}


class InheritedGenerator(Json, Files):
    """Names come from a random generator of the handler, which a fork inherits with all that it is going to draw."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._random = random.Random(os.urandom(16))

    def name(self, data):
        return f"{self._random.getrandbits(128):032x}"

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["directory"])


# --- shared.equality -------------------------------------------------------------------------------------------------


class EqualToAll(Plain, Files):
    """Handlers of this class are equal, whatever their directory."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqualToAll)

    def __hash__(self) -> int:
        return hash(EqualToAll)


class EqualToItself(Text, Rows):
    """A handler is equal to none but itself."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class HashOfTheInstance(Json, Digests):
    """Equal handlers have different hashes."""

    __eq__ = Located.__eq__
    __hash__ = object.__hash__


class ComparesSerials(Counts, Folders):
    """A number that each instance draws for its log lines takes part in the comparison."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.serial = uuid4().hex

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = Located.__hash__


class ComparesStatistics(Raw, Files):
    """A handler that has written is no longer equal to one that has not."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.writes = 0

    def write(self, value: bytes, /) -> JSON:
        reference = super().write(value)
        self.writes += 1
        return reference

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = Located.__hash__


class ComparesAnything(Plain, Files):
    """A handler takes whatever it is compared with for a handler."""

    def __eq__(self, other: Any) -> bool:
        return self.directory == other.directory

    __hash__ = Located.__hash__


# --- shared.describable ----------------------------------------------------------------------------------------------


class DescribesWithPath(Plain, Files):
    """The description holds a Path, which JSON does not know."""

    def describe(self) -> Any:
        return {"directory": self.directory}


class DescribesNameOnly(Text, Digests):
    """The description holds the last part of the directory only, and what is rebuilt reads elsewhere."""

    def describe(self) -> Any:
        return {"directory": self.directory.name}


class DescribesPassword(Json, Rows):
    """The description holds the password."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.password = hashlib.md5(str(self.directory).encode()).hexdigest()

    def describe(self) -> Any:
        return {"directory": str(self.directory), "password": self.password}


class DescribesAddress(Json, Rows):
    """The description holds the address of a service, and the address a password."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.address = f"redis://worker:{hashlib.md5(str(self.directory).encode()).hexdigest()}@cache.example/0"

    def describe(self) -> Any:
        return {"directory": str(self.directory), "address": self.address}


# --- shared.golden ---------------------------------------------------------------------------------------------------


class ForgetsOldNames(Json, Files):
    """References with a version in front, as earlier releases gave, are refused."""

    @classmethod
    def recorded(cls, directory: Path) -> list[tuple[Any, Any]]:
        """Write as an earlier release did."""
        old = Json.write(cls(directory), {"a": 1})
        return [(f"v1-{old}", {"a": 1})]


class ForgetsOldEncoding(Text, Digests):
    """Texts that an earlier release kept in UTF-16 are read as UTF-8."""

    @classmethod
    def recorded(cls, directory: Path) -> list[tuple[Any, Any]]:
        """Write as an earlier release did."""
        return [(cls(directory).put("\u20ac 5".encode("utf-16")), "\u20ac 5")]


class ForgetsOldFields(Files):
    """A field that was renamed is read from old results as its default."""

    def write(self, value: Sample, /) -> JSON:
        Samples().encode(value)
        record = {"label": value.label, "readings": value.readings, "attempts": value.attempts}
        return self.put(pickle.dumps(record))

    def read(self, reference: JSON, /) -> Sample:
        record = pickle.loads(self.get(reference))
        return Sample(record["label"], record["readings"], record.get("attempts", 0))

    @classmethod
    def recorded(cls, directory: Path) -> list[tuple[Any, Any]]:
        """Write as an earlier release did."""
        old = {"label": "a", "readings": [1.5], "tries": 3}
        return [(cls(directory).put(pickle.dumps(old)), Sample("a", [1.5], 3))]
