"""Handlers that keep values in databases."""

import dbm.dumb
import fcntl
import os
import shelve
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from attrs import field, frozen
from resultspec import JSON

from ._common import absolute, dump, from_json, hex_name, load, to_json

_BUSY = 60.0
_OPENING = threading.Lock()


@contextmanager
def _lookup_errors() -> Iterator[None]:
    """Turn the errors of a database into a LookupError."""
    try:
        yield
    except sqlite3.Error as error:
        raise LookupError("the database does not give it") from error


@frozen
class SqlitePerCall:
    """One table and a connection per call."""

    directory: Path = field(converter=absolute)

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        self.directory.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.directory / "values.db", _BUSY, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, data BLOB NOT NULL)")
            connection.execute("INSERT INTO kept VALUES (?, ?)", (name, data))
            connection.execute("COMMIT")
        return name

    @_lookup_errors()
    def read(self, reference: str, /) -> object:
        name, where = hex_name(reference), (self.directory / "values.db").as_uri()
        with closing(sqlite3.connect(f"{where}?mode=rw", _BUSY, uri=True)) as connection:
            row = connection.execute("SELECT data FROM kept WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise LookupError("nothing is stored under this reference")
        value: object = load(row[0])
        return value


class _Connection:
    """A connection of one thread, closed when the thread ends."""

    def __init__(self, path: Path) -> None:
        self.process = os.getpid()
        self.raw = sqlite3.connect(path, _BUSY, isolation_level=None, check_same_thread=False)

    def __del__(self) -> None:
        if self.process == os.getpid() and hasattr(self, "raw"):
            self.raw.close()


class SqlitePerThread:
    """A write-ahead log, a connection per thread, and the row's number as the reference."""

    def __init__(self, directory: Path) -> None:
        self.directory = absolute(directory)
        self._local = threading.local()

    def _connect(self) -> sqlite3.Connection:
        held: _Connection | None = getattr(self._local, "held", None)
        if held is None or held.process != os.getpid():
            self.directory.mkdir(parents=True, exist_ok=True)
            with open(self.directory / "lock", "ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                held = _Connection(self.directory / "rows.sqlite")
                held.raw.execute("PRAGMA journal_mode=WAL")
                held.raw.execute("PRAGMA synchronous=NORMAL")
                held.raw.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)")
            self._local.held = held
        return held.raw

    def _execute(self, statement: str, *arguments: object) -> sqlite3.Cursor:
        for _ in range(200):  # sqlite may say that it is busy at once while a log is recovered or removed
            try:
                return self._connect().execute(statement, arguments)
            except sqlite3.OperationalError:
                time.sleep(0.01)
        return self._connect().execute(statement, arguments)

    def write(self, value: JSON, /) -> int:
        number = self._execute("INSERT INTO rows (text) VALUES (?)", to_json(value)).lastrowid
        if number is None:
            raise OSError("the database gave no number")
        return number

    def read(self, reference: int, /) -> JSON:
        if type(reference) is not int or not 0 < reference < 2**63:
            raise ValueError("the reference is a positive number")
        row = self._execute("SELECT text FROM rows WHERE id = ?", reference).fetchone()
        if row is None:
            raise LookupError("nothing is stored under this reference")
        return from_json(row[0])

    def __getstate__(self) -> Path:
        return self.directory

    def __setstate__(self, directory: Path) -> None:
        SqlitePerThread.__init__(self, directory)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SqlitePerThread) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)


class SqliteShared:
    """Opens one connection when it is constructed, and guards it with a lock."""

    def __init__(self, directory: Path) -> None:
        self._path = absolute(directory) / "blobs.db"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._process = -1
        self._reopen()

    def _reopen(self) -> None:
        self._process = os.getpid()
        self._connection = sqlite3.connect(self._path, _BUSY, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("CREATE TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB)")

    def _fetch(self, statement: str, argument: object) -> Any:
        with self._lock:
            if self._process != os.getpid():  # a connection does not survive a fork
                self._reopen()
            rows = self._connection.execute(statement, (argument,)).fetchall()
            return rows[0] if rows else None

    def write(self, value: object, /) -> str:
        (number,) = self._fetch("INSERT INTO blobs (blob) VALUES (?) RETURNING id", dump(value))
        return f"blob:{number:08d}"

    def read(self, reference: str, /) -> object:
        if type(reference) is not str or not reference.startswith("blob:"):
            raise ValueError("not a reference of this handler")
        number = int(reference.removeprefix("blob:"))
        if f"blob:{number:08d}" != reference or not 0 < number < 2**63:
            raise ValueError("not a reference of this handler")
        row = self._fetch("SELECT blob FROM blobs WHERE id = ?", number)
        if row is None:
            raise KeyError(reference)
        value: object = load(row[0])
        return value

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Path]]:
        return type(self), (self._path.parent,)

    def __del__(self) -> None:
        if getattr(self, "_process", None) == os.getpid() and hasattr(self, "_connection"):
            self._connection.close()


@dataclass(frozen=True)
class Shelves:
    """A shelf per first digit of the key, each under a lock."""

    directory: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", absolute(self.directory))

    @contextmanager
    def _shelf(self, key: str, flag: Literal["r", "c"]) -> Iterator[shelve.Shelf[Any]]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / f"{key[0]}.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with _OPENING:  # it sets the umask and sets it back, which threads must not do at once
                database: Any = dbm.dumb.open(str(self.directory / key[0]), flag)
            with shelve.Shelf[Any](database) as shelf:
                yield shelf

    def write(self, value: object, /) -> str:
        data, key = dump(value), uuid.uuid4().hex
        with self._shelf(key, "c") as shelf:
            shelf[key] = data
        return key

    def read(self, reference: str, /) -> object:
        key = hex_name(reference)
        with self._shelf(key, "r") as shelf:
            data = shelf[key]
        value: object = load(data)
        return value
