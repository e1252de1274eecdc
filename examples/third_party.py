"""Result handlers over stores that others keep, plainly written: what most of us would write first."""

import dbm
import pickle
import shelve
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import joblib
import obstore
from cachelib import FileSystemCache
from obstore.store import LocalStore


class CachelibHandler:
    """Keeps values in a cachelib directory, without a bound on their number or age."""

    def __init__(self, directory: Path) -> None:
        self.cache = FileSystemCache(str(directory), threshold=0, default_timeout=0)

    def write(self, value: Any, /) -> str:
        """Keep a value under a new name."""
        name = uuid4().hex
        self.cache.set(name, value)
        return name

    def read(self, reference: str, /) -> Any:
        """Return the value that is kept under a name."""
        return self.cache.get(reference)


class JoblibHandler:
    """Keeps each value in a file by joblib."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, value: Any, /) -> str:
        """Keep a value in a new file."""
        path = self.directory / f"{uuid4().hex}.joblib"
        joblib.dump(value, path)
        return str(path)

    def read(self, reference: str, /) -> Any:
        """Return the value in a file."""
        return joblib.load(reference)


class FsspecLocalHandler:
    """Keeps each value in a file by fsspec's local file system."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.fs = fsspec.filesystem("file")

    def write(self, value: Any, /) -> str:
        """Keep a value in a new file."""
        path = f"{self.directory}/{uuid4().hex}"
        self.fs.pipe_file(path, pickle.dumps(value))
        return path

    def read(self, reference: str, /) -> Any:
        """Return the value in a file."""
        return pickle.loads(self.fs.cat_file(reference))


class FsspecMemoryHandler:
    """Keeps each value in fsspec's memory file system."""

    def __init__(self) -> None:
        self.fs = fsspec.filesystem("memory")

    def write(self, value: Any, /) -> str:
        """Keep a value in a new file of memory."""
        path = f"/{uuid4().hex}"
        self.fs.pipe_file(path, pickle.dumps(value))
        return path

    def read(self, reference: str, /) -> Any:
        """Return the value in a file of memory."""
        return pickle.loads(self.fs.cat_file(reference))


class ObstoreHandler:
    """Keeps each value in an object of an obstore directory."""

    def __init__(self, directory: Path) -> None:
        self.store = LocalStore(directory)

    def write(self, value: Any, /) -> str:
        """Keep a value in a new object."""
        name = uuid4().hex
        obstore.put(self.store, name, pickle.dumps(value), mode="create")
        return name

    def read(self, reference: str, /) -> Any:
        """Return the value in an object."""
        return pickle.loads(bytes(obstore.get(self.store, reference).bytes()))


class ShelveHandler:
    """Keeps values in a shelf."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "shelf")

    def write(self, value: Any, /) -> str:
        """Keep a value under a new name."""
        name = uuid4().hex
        with shelve.open(self.path) as shelf:
            shelf[name] = value
        return name

    def read(self, reference: str, /) -> Any:
        """Return the value that is kept under a name."""
        try:
            with shelve.open(self.path, "r") as shelf:
                return shelf[reference]
        except dbm.error as error:
            raise LookupError("nothing has been kept") from error


class SqliteHandler:
    """Keeps values in rows of a SQLite database."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "results.sqlite"

    def write(self, value: Any, /) -> int | None:
        """Keep a value in a new row."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("create table if not exists results (id integer primary key, value blob)")
            return connection.execute("insert into results (value) values (?)", [pickle.dumps(value)]).lastrowid

    def read(self, reference: int, /) -> Any:
        """Return the value in a row."""
        with closing(sqlite3.connect(self.path)) as connection:
            [(value,)] = connection.execute("select value from results where id = ?", [reference])
        return pickle.loads(value)
