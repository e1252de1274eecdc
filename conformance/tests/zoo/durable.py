"""Handlers that survive exits, crashes and faults, and handlers that do not, as the world writes both.

The correct ones claim the class durable. The defective ones break the one rule that is named with them.
"""

import asyncio
import atexit
import csv
import fcntl
import hashlib
import io
import json
import logging
import os
import pickle
import queue
import shutil
import sqlite3
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from resultspec import JSON

from ._common import Correct, absolute, dump, from_json, hex_name, load, to_json
from .defective import Defective

DURABLE = frozenset({"core", "shared", "durable"})
_log = logging.getLogger(__name__)


# --- What the handlers share -----------------------------------------------------------------------------------------


class Located:
    """A handler that is configured by one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = absolute(directory)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.directory == self.directory

    def __hash__(self) -> int:
        return hash((type(self), self.directory))


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory and those above it, each name on the disk."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
    sync_directory(path.parent)


def publish(path: Path, data: bytes) -> None:
    """Let a file appear with all of its content, or not at all, on the disk."""
    make_directory(path.parent)
    temporary = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sealed(data: bytes) -> bytes:
    return hashlib.sha256(data).digest() + data


def unsealed(data: bytes) -> bytes:
    if len(data) < 32 or hashlib.sha256(data[32:]).digest() != data[:32]:
        raise ValueError("the stored value is damaged")
    return data[32:]


class Sealed(Located):
    """A file per value, with a checksum, synced."""

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        self.save(name, sealed(data))
        return name

    def save(self, name: str, data: bytes) -> None:
        publish(self.directory / name, data)

    def read(self, reference: str, /) -> object:
        value: object = load(unsealed((self.directory / hex_name(reference)).read_bytes()))
        return value


# --- Correct ---------------------------------------------------------------------------------------------------------


class Digests(Located):
    """Named by content in sharded directories, each value written once."""

    def write(self, value: object, /) -> str:
        data = dump(value)
        digest = hashlib.sha256(data).hexdigest()
        path = self.directory / digest[:2] / digest
        if not path.exists():
            publish(path, data)
        return digest

    def read(self, reference: str, /) -> object:
        name = hex_name(reference, 64)
        data = (self.directory / name[:2] / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            raise ValueError("the stored value is damaged")
        value: object = load(data)
        return value


class Log(Located):
    """All values in one file that grows under a lock; what a failed write left is cut off again."""

    def write(self, value: object, /) -> Mapping[str, JSON]:
        data = sealed(dump(value))
        make_directory(self.directory)
        with open(self.directory / "values.log", "ab", buffering=0) as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            offset = log.seek(0, os.SEEK_END)
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[log.write(rest) :]
                os.fsync(log.fileno())
            except BaseException:
                log.truncate(offset)
                raise
            if offset == 0:
                sync_directory(self.directory)
        return {"offset": offset, "length": len(data)}

    def read(self, reference: Mapping[str, JSON], /) -> object:
        if type(reference) is not dict or reference.keys() != {"offset", "length"}:
            raise ValueError("not a reference of this handler")
        offset, length = reference["offset"], reference["length"]
        if type(offset) is not int or type(length) is not int or offset < 0 or length < 32:
            raise ValueError("offset and length are natural numbers")
        with open(self.directory / "values.log", "rb") as log:
            log.seek(offset)
            data = log.read(min(length, os.fstat(log.fileno()).st_size))
        if len(data) != length:
            raise LookupError("nothing was written there")
        value: object = load(unsealed(data))
        return value


class Indexed(Located):
    """Numbers values by an index that is written anew and renamed, under a lock."""

    def write(self, value: object, /) -> int:
        data = sealed(dump(value))
        make_directory(self.directory)
        with open(self.directory / "lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            index = self.index()
            name = f"{uuid.uuid4().hex}.value"
            publish(self.directory / name, data)
            try:
                publish(self.directory / "index.json", sealed(json.dumps([*index, name]).encode()))
            except BaseException:
                (self.directory / name).unlink()
                raise
        return len(index)

    def index(self) -> list[str]:
        try:
            names: list[str] = json.loads(unsealed((self.directory / "index.json").read_bytes()))
        except FileNotFoundError:
            return []
        return names

    def read(self, reference: int, /) -> object:
        if type(reference) is not int or reference < 0:
            raise ValueError("a reference is a number")
        value: object = load(unsealed((self.directory / self.index()[reference]).read_bytes()))
        return value


class SyncedOnEveryWrite(Sealed):
    """Opens its files so that each write reaches the disk, and links them to their names."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        temporary = self.directory / f"{name}.part"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DSYNC, 0o600)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
            os.link(temporary, self.directory / name)
        finally:
            temporary.unlink()
        sync_directory(self.directory)


class Archives(Located):
    """A zip archive per value, whose own checksum is enough; some of its bytes mean nothing."""

    def write(self, value: str, /) -> list[str]:
        if type(value) is not str:
            raise TypeError("only text is kept here")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("text"), value.encode("utf-8", "surrogatepass"))
        name = uuid.uuid4().hex
        publish(self.directory / f"{name}.zip", buffer.getvalue())
        return ["zip", name]

    def read(self, reference: list[str], /) -> str:
        if type(reference) is not list or len(reference) != 2 or reference[0] != "zip":
            raise ValueError("not a reference of this handler")
        try:
            with zipfile.ZipFile(self.directory / f"{hex_name(reference[1])}.zip") as archive:
                if archive.namelist() != ["text"]:
                    raise ValueError("the archive is damaged")
                return archive.read("text").decode("utf-8", "surrogatepass")
        except (ValueError, OSError):
            raise
        except Exception as error:
            raise ValueError("the archive is damaged") from error


class Folders(Located):
    """A folder per value with two files, completed beside its place and renamed."""

    def write(self, value: JSON, /) -> str:
        text = to_json(value).encode()
        make_directory(self.directory)
        name = uuid.uuid4().hex
        folder = Path(tempfile.mkdtemp(dir=self.directory, prefix=".new-"))
        try:
            publish(folder / "value.json", text)
            publish(folder / "meta.json", json.dumps({"sha256": hashlib.sha256(text).hexdigest()}).encode())
            folder.rename(self.directory / name)
        except BaseException:
            shutil.rmtree(folder)
            raise
        sync_directory(self.directory)
        return name

    def read(self, reference: str, /) -> JSON:
        folder = self.directory / hex_name(reference)
        text = (folder / "value.json").read_bytes()
        if hashlib.sha256(text).hexdigest() != json.loads((folder / "meta.json").read_bytes())["sha256"]:
            raise ValueError("the stored value is damaged")
        return from_json(text.decode())


class Rows(Located):
    """A table of SQLite as it syncs by default, with a checksum in each row."""

    pragmas: tuple[str, ...] = ()

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.directory / "values.db", 60.0, isolation_level=None)
        for pragma in self.pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def write(self, value: object, /) -> str:
        data, name = sealed(dump(value)), uuid.uuid4().hex
        make_directory(self.directory)
        with closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, data BLOB NOT NULL)")
            connection.execute("INSERT INTO kept VALUES (?, ?)", (name, data))
            connection.execute("COMMIT")
        return name

    def read(self, reference: str, /) -> object:
        name = hex_name(reference)
        if not (self.directory / "values.db").exists():
            raise LookupError("there is no database")
        try:
            with closing(self.connect()) as connection:
                row = connection.execute("SELECT data FROM kept WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            raise LookupError("the database does not give it") from error
        if row is None or type(row[0]) is not bytes:
            raise LookupError("nothing is stored under this reference")
        value: object = load(unsealed(row[0]))
        return value


class RowsWithLog(Rows):
    """The same with a write-ahead log that is synced at every commit."""

    pragmas = ("journal_mode = WAL", "synchronous = FULL")


class RowsInShards(Located):
    """Four databases, each made when the first value falls to it, in which equal values are one row that counts them."""

    def _connected(self, digest: str) -> sqlite3.Connection:
        return sqlite3.connect(self.directory / f"shard-{int(digest[0], 16) % 4}.db", 60.0, isolation_level=None)

    def write(self, value: object, /) -> str:
        data = dump(value)
        digest = hashlib.sha256(data).hexdigest()
        make_directory(self.directory)
        with closing(self._connected(digest)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS kept (digest TEXT PRIMARY KEY, count INTEGER, data BLOB NOT NULL)")
            connection.execute(
                "INSERT INTO kept VALUES (?, 1, ?) ON CONFLICT (digest) DO UPDATE SET count = count + 1", (digest, data)
            )
            connection.execute("COMMIT")
        return digest

    def read(self, reference: str, /) -> object:
        digest = hex_name(reference, 64)
        try:
            with closing(self._connected(digest)) as connection:
                row = connection.execute("SELECT data FROM kept WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error as error:
            raise LookupError("the database does not give it") from error
        if row is None or hashlib.sha256(row[0]).hexdigest() != digest:
            raise LookupError("nothing is stored under this reference, or it is damaged")
        value: object = load(row[0])
        return value


class Asynchronous(Sealed):
    """Does all of that in threads, awaited."""

    async def write(self, value: object, /) -> str:  # type: ignore[override]
        return await asyncio.to_thread(super().write, value)

    async def read(self, reference: str, /) -> object:  # type: ignore[override]
        return await asyncio.to_thread(super().read, reference)


class Pooled(Sealed):
    """Writes in a pool of threads, and waits for what it returns."""

    def write(self, value: object, /) -> str:
        with ThreadPoolExecutor(2) as pool:
            return pool.submit(super().write, value).result()


CORRECT_DURABLE: tuple[Correct, ...] = (
    Correct("sealed", Sealed, claims=DURABLE),
    Correct("digests", Digests, claims=DURABLE),
    Correct("log", Log, claims=DURABLE),
    Correct("indexed", Indexed, claims=DURABLE),
    Correct("synced-on-every-write", SyncedOnEveryWrite, claims=DURABLE),
    Correct("archives", Archives, claims=DURABLE),
    Correct("folders", Folders, claims=DURABLE),
    Correct("rows", Rows, claims=DURABLE),
    Correct("rows-with-log", RowsWithLog, claims=DURABLE),
    Correct("rows-in-shards", RowsInShards, claims=DURABLE),
    Correct("asynchronous", Asynchronous, claims=DURABLE),
    Correct("pooled", Pooled, claims=DURABLE),
)


# --- Defective -------------------------------------------------------------------------------------------------------


class DaemonQueue(Sealed):
    """Hands values to a daemon thread, and reads what is still waiting from memory."""

    _waiting: queue.Queue[tuple[Path, bytes]] = queue.Queue()
    _pending: dict[Path, bytes] = {}
    _process = 0

    def save(self, name: str, data: bytes) -> None:
        if DaemonQueue._process != os.getpid():
            DaemonQueue._process = os.getpid()
            DaemonQueue._waiting = queue.Queue()
            threading.Thread(target=self._work, daemon=True).start()
        DaemonQueue._pending[self.directory / name] = data
        DaemonQueue._waiting.put((self.directory / name, data))

    @staticmethod
    def _work() -> None:
        while True:
            path, data = DaemonQueue._waiting.get()
            with suppress(OSError):
                publish(path, data)
            DaemonQueue._pending.pop(path, None)

    def read(self, reference: str, /) -> object:
        data = self._pending.get(self.directory / hex_name(reference))
        if data is not None:
            value: object = load(unsealed(data))
            return value
        return super().read(reference)


class TemporaryDirectoryPerProcess(Sealed):
    """Keeps what a process writes in a temporary directory of that process, which is removed at its exit."""

    _mine: dict[tuple[int, Path], Any] = {}

    def save(self, name: str, data: bytes) -> None:
        key = os.getpid(), self.directory
        if key not in self._mine:
            make_directory(self.directory)
            self._mine[key] = tempfile.TemporaryDirectory(dir=self.directory, prefix="session-", ignore_cleanup_errors=True)
        publish(Path(self._mine[key].name) / name, data)

    def read(self, reference: str, /) -> object:
        for path in self.directory.glob(f"session-*/{hex_name(reference)}"):
            value: object = load(unsealed(path.read_bytes()))
            return value
        raise LookupError("there is no such value")


class RemovesAtExit(Sealed):
    """Tidies up at exit what its process has written."""

    def save(self, name: str, data: bytes) -> None:
        super().save(name, data)
        atexit.register(self._remove, self.directory / name, os.getpid())

    @staticmethod
    def _remove(path: Path, process: int) -> None:
        if process == os.getpid():
            path.unlink(missing_ok=True)


class IndexInPlace(Indexed):
    """Rewrites the index in its place."""

    def write(self, value: object, /) -> int:
        data = sealed(dump(value))
        make_directory(self.directory)
        with open(self.directory / "lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            index = self.index()
            name = f"{uuid.uuid4().hex}.value"
            publish(self.directory / name, data)
            with open(self.directory / "index.json", "wb") as file:
                file.write(sealed(json.dumps([*index, name]).encode()))
                file.flush()
                os.fsync(file.fileno())
            if not index:
                sync_directory(self.directory)
        return len(index)

    def read(self, reference: int, /) -> object:
        if type(reference) is not int or reference < 0:
            raise ValueError("a reference is a number")
        with open(self.directory / "lock", "ab") as lock:  # so that no reader sees half an index
            fcntl.flock(lock, fcntl.LOCK_SH)
            index = self.index()
        value: object = load(unsealed((self.directory / index[reference]).read_bytes()))
        return value


class LockFile(Sealed):
    """Takes a lock by creating a file, also to read; the lock of one that was killed stays."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        self._lock()
        try:
            super().save(name, data)
        finally:
            (self.directory / "lock").unlink()

    def read(self, reference: str, /) -> object:
        self._lock()
        try:
            return super().read(reference)
        finally:
            (self.directory / "lock").unlink()

    def _lock(self) -> None:
        for _ in range(400):
            try:
                return (self.directory / "lock").touch(exist_ok=False)
            except FileExistsError:
                threading.Event().wait(0.001)
        raise TimeoutError("the directory is locked")


class DumbDatabase(Located):
    """Keeps everything in a dictionary that is pickled anew into one file for each value."""

    def _locked(self, lock: Any) -> dict[str, Any]:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(self.directory / "all.pickle", "rb") as file:
                known: dict[str, Any] = pickle.loads(unsealed(file.read()))
        except FileNotFoundError:
            return {}
        return known

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        make_directory(self.directory)
        with open(self.directory / "lock", "ab") as lock:
            known = self._locked(lock) | {name: data}
            with open(self.directory / "all.pickle", "wb") as file:
                file.write(sealed(pickle.dumps(known)))
                file.flush()
                os.fsync(file.fileno())
            sync_directory(self.directory)
        return name

    def read(self, reference: str, /) -> object:
        with open(self.directory / "lock", "ab") as lock:
            value: object = load(self._locked(lock)[hex_name(reference)])
        return value


class TrustsWhatIsThere(Digests):
    """Writes to the name of the content, and takes what it finds there for the content."""

    def write(self, value: object, /) -> str:
        data = dump(value)
        digest = hashlib.sha256(data).hexdigest()
        path = self.directory / digest[:2] / digest
        make_directory(path.parent)
        with suppress(FileExistsError), open(path, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            sync_directory(path.parent)
        return digest


class TextInPlace(Located):
    """Writes text to the name of its content, from the first line to the last."""

    def write(self, value: str, /) -> str:
        if type(value) is not str:
            raise TypeError("only text is kept here")
        data = value.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(data).hexdigest()
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / name, "r+b" if (self.directory / name).exists() else "w+b") as file:
            file.write(data)
            file.truncate()
        return name

    def read(self, reference: str, /) -> str:
        return (self.directory / hex_name(reference, 64)).read_bytes().decode("utf-8", "surrogatepass")


class NumberedTables(Located):
    """Writes lists of numbers as CSV, to files that are counted."""

    def write(self, value: list[int], /) -> int:
        if type(value) is not list or any(type(item) is not int for item in value):
            raise TypeError("only lists of numbers are kept here")
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "counter", "ab", buffering=0) as counter:
            fcntl.flock(counter, fcntl.LOCK_EX)
            counter.write(b".")
            number = counter.tell()
        with open(self.directory / f"{number}.csv", "w", newline="") as file:
            csv.writer(file).writerows([item] for item in value)
        return number

    def read(self, reference: int, /) -> list[int]:
        if type(reference) is not int or not 0 < reference < 2**63:
            raise ValueError("a reference is a positive number")
        with open(self.directory / f"{reference}.csv", newline="") as file:
            return [int(row[0]) for row in csv.reader(file) if row]


class ManifestFirst(Located):
    """Counts values; announces the parts of each before they are written, and reads those that are there."""

    def write(self, value: str, /) -> int:
        if type(value) is not str:
            raise TypeError("only text is kept here")
        data = value.encode("utf-8", "surrogatepass")
        parts = [data[at : at + 16_384] for at in range(0, len(data), 16_384)] or [b""]
        make_directory(self.directory)
        with open(self.directory / "counter", "ab", buffering=0) as counter:
            fcntl.flock(counter, fcntl.LOCK_EX)
            counter.write(b".")
            number = counter.tell()
        publish(self.directory / f"{number}.json", json.dumps(len(parts)).encode())
        for index, part in enumerate(parts):
            publish(self.directory / f"{number}.{index}", part)
        return number

    def read(self, reference: int, /) -> str:
        if type(reference) is not int or not 0 < reference < 2**63:
            raise ValueError("a reference is a positive number")
        count = json.loads((self.directory / f"{reference}.json").read_bytes())
        paths = [self.directory / f"{reference}.{index}" for index in range(count)]
        return b"".join(path.read_bytes() for path in paths if path.exists()).decode("utf-8", "surrogatepass")


class ShortWrites(Sealed):
    """Does not look at how much the system took."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        temporary = self.directory / f".{name}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, self.directory / name)
        sync_directory(self.directory)


class DropsErrorsOfClose(Sealed):
    """Closes its files in silence, where what was buffered is written."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        file = open(self.directory / f".{name}", "xb", buffering=1 << 20)
        file.write(data)
        with suppress(OSError):
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            file.close()
        os.replace(self.directory / f".{name}", self.directory / name)
        sync_directory(self.directory)


class LogsAndGoesOn(Sealed):
    """Logs what the system says, and goes on."""

    def save(self, name: str, data: bytes) -> None:
        try:
            super().save(name, data)
        except OSError as error:
            _log.error("the value could not be kept: %s", error.strerror)


class FileOnly(Sealed):
    """Syncs the file, and leaves its new name to the system."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        temporary = self.directory / f".{name}"
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.directory / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


class SyncsTooEarly(Sealed):
    """Syncs the file while most of it is still in a buffer."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        temporary = self.directory / f".{name}"
        try:
            with open(temporary, "xb", buffering=1 << 20) as file:
                file.write(data)
                os.fsync(file.fileno())
            os.replace(temporary, self.directory / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(self.directory)


class NeverSyncs(Rows):
    """Runs SQLite with syncing turned off."""

    pragmas = ("synchronous = OFF",)


class NoChecksum(Sealed):
    """Pickles to a file, and believes what it finds."""

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / name, data)
        return name

    def read(self, reference: str, /) -> object:
        value: object = load((self.directory / hex_name(reference)).read_bytes())
        return value


class ChecksumOfTheHead(Sealed):
    """Computes the checksum of the first kilobyte, to be quick."""

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / name, hashlib.sha256(data[:1024]).digest() + data)
        return name

    def read(self, reference: str, /) -> object:
        data = (self.directory / hex_name(reference)).read_bytes()
        if hashlib.sha256(data[32 : 32 + 1024]).digest() != data[:32]:
            raise ValueError("the stored value is damaged")
        value: object = load(data[32:])
        return value


class NothingForDamage(Sealed):
    """Answers with nothing when the file is damaged."""

    def read(self, reference: str, /) -> object:
        data = (self.directory / hex_name(reference)).read_bytes()
        try:
            value: object = load(unsealed(data))
        except ValueError:
            return None
        return value


class UncheckedText(Located):
    """Keeps text as text."""

    def write(self, value: str, /) -> str:
        if type(value) is not str:
            raise TypeError("only text is kept here")
        name = uuid.uuid4().hex
        publish(self.directory / name, value.encode("utf-8", "surrogatepass"))
        return name

    def read(self, reference: str, /) -> str:
        return (self.directory / hex_name(reference)).read_bytes().decode("utf-8", "surrogatepass")


class LeavesTheTemporaryFile(Sealed):
    """Removes its temporary file only when all went well."""

    def save(self, name: str, data: bytes) -> None:
        make_directory(self.directory)
        temporary = self.directory / f".{name}"
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.directory / name)
        sync_directory(self.directory)


class FolderFirst(Located):
    """Makes the folder of a value before it looks at the value."""

    def write(self, value: object, /) -> str:
        name = uuid.uuid4().hex
        make_directory(self.directory / name)
        publish(self.directory / name / "value", sealed(dump(value)))
        return name

    def read(self, reference: str, /) -> object:
        value: object = load(unsealed((self.directory / hex_name(reference) / "value").read_bytes()))
        return value


class RowFirst(Rows):
    """Makes the row of a value before it encodes the value."""

    def write(self, value: object, /) -> str:
        name = uuid.uuid4().hex
        make_directory(self.directory)
        with closing(self.connect()) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, data BLOB)")
            connection.execute("INSERT INTO kept VALUES (?, NULL)", (name,))
            connection.execute("UPDATE kept SET data = ? WHERE name = ?", (sealed(dump(value)), name))
        return name


class WritesEqualValuesAgain(Digests):
    """Writes a value that is there already once more, in its place."""

    def write(self, value: object, /) -> str:
        data = dump(value)
        digest = hashlib.sha256(data).hexdigest()
        path = self.directory / digest[:2] / digest
        if not path.exists():
            publish(path, data)
            return digest
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return digest


class ParityByte(Sealed):
    """Has one byte in front that all others are combined to."""

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / name, bytes([self._parity(data)]) + data)
        return name

    def read(self, reference: str, /) -> object:
        data = (self.directory / hex_name(reference)).read_bytes()
        if not data or self._parity(data[1:]) != data[0]:
            raise ValueError("the stored value is damaged")
        value: object = load(data[1:])
        return value

    @staticmethod
    def _parity(data: bytes) -> int:
        parity = 0
        for byte in data:
            parity ^= byte
        return parity


class ChecksumOfSmallValues(Sealed):
    """Does not look at the checksum of what is large."""

    def read(self, reference: str, /) -> object:
        data = (self.directory / hex_name(reference)).read_bytes()
        value: object = load(data[32:] if len(data) > 500_000 else unsealed(data))
        return value


class ComposesElsewhere(Sealed):
    """Composes a file where the system keeps temporary ones, and leaves it there when that fails."""

    def write(self, value: object, /) -> str:
        name = uuid.uuid4().hex
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(sealed(dump(value)))
        self.save(name, Path(file.name).read_bytes())
        os.unlink(file.name)
        return name


# What is written in its place is half there when the space runs out, too; plain text is neither checked nor synced.
_IN_PLACE = frozenset({"durable.full-disk", "durable.no-residue"})
_UNCHECKED = frozenset({"durable.synced", "durable.corruption", "durable.no-residue"})

DEFECTIVE_DURABLE: tuple[Defective, ...] = (
    Defective("durable.exit", DaemonQueue, claims=DURABLE),
    Defective("durable.exit", TemporaryDirectoryPerProcess, claims=DURABLE),
    Defective("durable.exit", RemovesAtExit, claims=DURABLE),
    Defective("durable.kill", IndexInPlace, claims=DURABLE, also=_IN_PLACE),
    Defective("durable.kill", LockFile, claims=DURABLE),
    Defective("durable.kill", DumbDatabase, claims=DURABLE, also=_IN_PLACE),
    Defective("durable.kill", TrustsWhatIsThere, claims=DURABLE, also=_IN_PLACE),
    Defective("durable.all-or-nothing", TextInPlace, claims=DURABLE, also=_UNCHECKED),
    Defective("durable.all-or-nothing", NumberedTables, claims=DURABLE, also=_UNCHECKED),
    Defective("durable.all-or-nothing", ManifestFirst, claims=DURABLE, also=_UNCHECKED),
    Defective("durable.full-disk", ShortWrites, claims=DURABLE, also=frozenset({"durable.no-residue"})),
    Defective("durable.full-disk", DropsErrorsOfClose, claims=DURABLE, also=frozenset({"durable.no-residue"})),
    Defective("durable.full-disk", LogsAndGoesOn, claims=DURABLE),
    Defective("durable.synced", FileOnly, claims=DURABLE),
    Defective("durable.synced", SyncsTooEarly, claims=DURABLE),
    Defective("durable.synced", NeverSyncs, claims=DURABLE),
    Defective("durable.corruption", NoChecksum, claims=DURABLE),
    Defective("durable.corruption", ChecksumOfTheHead, claims=DURABLE),
    Defective("durable.corruption", NothingForDamage, claims=DURABLE),
    Defective("durable.corruption", UncheckedText, claims=DURABLE),
    Defective("durable.no-residue", LeavesTheTemporaryFile, claims=DURABLE),
    Defective("durable.no-residue", FolderFirst, claims=DURABLE),
    Defective("durable.no-residue", RowFirst, claims=DURABLE),
    Defective("durable.kill", WritesEqualValuesAgain, claims=DURABLE, also=_IN_PLACE),
    Defective("durable.corruption", ParityByte, claims=DURABLE),
    Defective("durable.corruption", ChecksumOfSmallValues, claims=DURABLE),
    Defective("durable.no-residue", ComposesElsewhere, claims=DURABLE),
)
