"""Handlers as the world writes them, each with exactly one defect: what the suite has to catch.

Each class breaks the one rule that :data:`DEFECTIVE` names, and keeps every other rule of the classes core and shared.
The first part of the module holds sound stores (``put`` and ``get`` bytes) and sound codecs (``write`` and ``read`` of
one domain, by way of ``encode`` and ``decode``). A defective handler is a codec and a store with one thing done wrong.
Sleeps stand between a check and its act, where real storage would have been slow.
"""

import base64
import binascii
import copy
import enum
import fcntl
import functools
import hashlib
import io
import itertools
import json
import logging
import math
import os
import pickle
import random
import re
import secrets
import socket
import sqlite3
import struct
import tempfile
import threading
import time
import unicodedata
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np

from resultspec import JSON

logger = logging.getLogger(__name__)

HEX = re.compile(r"[0-9a-f]{32}")


# --- Sound stores ----------------------------------------------------------------------------------------------------


def fields(reference: Any, *names: str) -> list[Any]:
    """Return the fields of a reference that is an object of exactly these names."""
    if type(reference) is not dict or set(reference) != set(names):
        raise ValueError(f"a reference of this handler has the fields {', '.join(names)}")
    return [reference[name] for name in names]


class Located:
    """A handler that is configured by one directory, and equal to any other of its class with the same."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.directory == self.directory

    def __hash__(self) -> int:
        return hash((type(self), self.directory))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.directory)!r})"


class Files(Located):
    """One file for each result, named at random, written beside its place and renamed."""

    shape = HEX

    def put(self, data: bytes) -> Any:
        name = self.name(data)
        self.save(name, data)
        return name

    def get(self, reference: Any) -> bytes:
        return self.load(self.checked(reference))

    def name(self, data: bytes) -> str:
        return uuid4().hex

    def checked(self, reference: Any) -> str:
        if type(reference) is not str or not self.shape.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        return reference

    def path(self, name: str) -> Path:
        return self.directory / f"{name}.bin"

    def save(self, name: str, data: bytes) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{uuid4().hex}.tmp")
        temporary.write_bytes(data)
        temporary.replace(path)

    def load(self, name: str) -> bytes:
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError as error:
            raise LookupError(f"there is no result {name}") from error


class Digests(Files):
    """One file for each content, named by its SHA-256."""

    shape = re.compile(r"[0-9a-f]{64}")

    def name(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()


class Folders(Files):
    """One folder for each result, with the data and a note of its size, made beside its place and renamed."""

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f"{uuid4().hex}.tmp"
        temporary.mkdir()
        (temporary / "data").write_bytes(data)
        (temporary / "meta.json").write_text(json.dumps({"size": len(data)}))
        temporary.rename(self.directory / name)

    def load(self, name: str) -> bytes:
        folder = self.directory / name
        try:
            size = json.loads((folder / "meta.json").read_text())["size"]
            data = (folder / "data").read_bytes()
        except FileNotFoundError as error:
            raise LookupError(f"there is no result {name}") from error
        if len(data) != size:
            raise ValueError(f"result {name} is damaged")
        return data


class Rows(Located):
    """One row of a SQLite table for each result; a connection for each operation."""

    shape = HEX

    def connect(self) -> sqlite3.Connection:
        self.directory.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.directory / "results.db", timeout=60, isolation_level=None)
        # Durability is not what these handlers are about, and a sync for each write is slow.
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def key(self, data: bytes) -> str:
        return uuid4().hex

    def put(self, data: bytes) -> Any:
        key = self.key(data)
        with closing(self.connect()) as connection:
            self.insert(connection, key, data)
        return key

    def insert(self, connection: sqlite3.Connection, key: str, data: bytes) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
        connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (key, data))
        connection.execute("COMMIT")

    def get(self, reference: Any) -> bytes:
        key = self.checked(reference)
        rows = self.select("SELECT data FROM results WHERE key = ?", key)
        if not rows:
            raise LookupError(f"there is no result {key}")
        return rows[0][0]

    def checked(self, reference: Any) -> Any:
        if type(reference) is not str or not self.shape.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        return reference

    def select(self, query: str, *parameters: Any) -> list[Any]:
        if not (self.directory / "results.db").exists():
            return []
        with closing(self.connect()) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'results'").fetchone()
            return connection.execute(query, parameters).fetchall() if known else []


class Log(Located):
    """One file to which results are appended under a lock; a reference says where, and which."""

    def put(self, data: bytes) -> Any:
        self.directory.mkdir(parents=True, exist_ok=True)
        key = uuid4()
        with open(self.directory / "results.log", "ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            offset = log.seek(0, os.SEEK_END)
            log.write(key.bytes + len(data).to_bytes(8, "big") + data)
            log.flush()
        return {"offset": offset, "key": key.hex}

    def get(self, reference: Any) -> bytes:
        offset, key = self.checked(reference)
        try:
            with open(self.directory / "results.log", "rb") as log:
                log.seek(offset)
                return self.record(log, key)
        except FileNotFoundError as error:
            raise LookupError(f"there is no result {key}") from error

    def checked(self, reference: Any) -> list[Any]:
        offset, key = fields(reference, "offset", "key")
        if type(offset) is not int or not 0 <= offset < 2**62 or type(key) is not str or not HEX.fullmatch(key):
            raise ValueError("not a reference of this handler")
        return [offset, key]

    def record(self, log: Any, key: str) -> bytes:
        head = log.read(24)
        if head[:16] != bytes.fromhex(key):
            raise LookupError(f"there is no result {key}")
        return log.read(int.from_bytes(head[16:], "big"))


class Memory:
    """A dictionary of this instance: core only."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def put(self, data: bytes) -> Any:
        key = uuid4().hex
        self._data[key] = data
        return key

    def get(self, reference: Any) -> bytes:
        key = self.checked(reference)
        if key not in self._data:
            raise LookupError(f"there is no result {key}")
        return self._data[key]

    def checked(self, reference: Any) -> str:
        if type(reference) is not str or not HEX.fullmatch(reference):
            raise ValueError("not a reference of this handler")
        return reference


class Inline:
    """The reference is the data, as text with a checksum."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def put(self, data: bytes) -> Any:
        return f"{zlib.crc32(data):08x}:{base64.b64encode(data).decode()}"

    def get(self, reference: Any) -> bytes:
        if type(reference) is not str or not reference.isascii():
            raise ValueError("not a reference of this handler")
        data = base64.b64decode(reference[9:], validate=True)
        if reference != f"{zlib.crc32(data):08x}:{base64.b64encode(data).decode()}":
            raise ValueError("the reference is damaged")
        return data


# --- Sound codecs ----------------------------------------------------------------------------------------------------

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, datetime, date, time_of_day, timedelta, Decimal, UUID})
CONTAINERS = frozenset({list, tuple, set, frozenset, dict})


def refuse(value: object) -> None:
    """Refuse a value, without telling what it is."""
    raise TypeError(f"this handler does not keep a {type(value).__qualname__}")


def exact(value: object, kind: type) -> None:
    """Refuse a value that is not an instance of exactly this class."""
    if type(value) is not kind:
        refuse(value)


def plain(value: Any, above: frozenset[int] = frozenset()) -> None:
    """Refuse what is not a plain Python value at every depth, and what is cyclic or very deep."""
    kind = type(value)
    if kind in CONTAINERS:
        if id(value) in above or len(above) > 100:
            raise ValueError("the value is cyclic, or too deep")
        above |= {id(value)}
        for part in itertools.chain(value, value.values()) if kind is dict else value:
            plain(part, above)
    elif kind not in ATOMS:
        refuse(value)
    elif kind in (datetime, time_of_day) and type(value.tzinfo) not in (type(None), timezone, ZoneInfo):
        refuse(value.tzinfo)


def strict(value: Any, above: frozenset[int] = frozenset()) -> None:
    """Refuse what strict JSON cannot carry."""
    kind = type(value)
    if kind in (list, dict):
        if id(value) in above or len(above) > 100:
            raise ValueError("the value is cyclic, or too deep")
        above |= {id(value)}
        for part in itertools.chain(value, value.values()) if kind is dict else value:
            strict(part, above)
        if kind is dict:
            for key in value:
                exact(key, str)
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError("JSON has neither NaN nor infinities")
    elif kind is str:
        value.encode()
    elif kind not in (type(None), bool, int):
        refuse(value)


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of a plain value with every part changed; keys and members of sets are left alone."""
    kind = type(value)
    if kind in (list, tuple):
        value = kind(rebuilt(part, change) for part in value)
    elif kind is dict:
        value = {key: rebuilt(part, change) for key, part in value.items()}
    return change(value)


class Plain:
    """Plain Python values, pickled."""

    def write(self, value: Any, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> Any:
        return self.decode(self.get(reference))

    def encode(self, value: Any) -> bytes:
        plain(value)
        return pickle.dumps(value)

    def decode(self, data: bytes) -> Any:
        return pickle.loads(data)


class Untyped(Plain):
    """Plain Python values again, where the author wrote no annotation."""

    def write(self, value, /):
        return self.put(self.encode(value))

    def read(self, reference, /):
        return self.decode(self.get(reference))


class Text:
    """Strings."""

    def write(self, value: str, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> str:
        return self.decode(self.get(reference))

    def encode(self, value: str) -> bytes:
        exact(value, str)
        return value.encode("utf-8", "surrogatepass")

    def decode(self, data: bytes) -> str:
        return data.decode("utf-8", "surrogatepass")


class Raw:
    """Bytes."""

    def write(self, value: bytes, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> bytes:
        return self.decode(self.get(reference))

    def encode(self, value: bytes) -> bytes:
        exact(value, bytes)
        return value

    def decode(self, data: bytes) -> bytes:
        return data


class Json:
    """Strict JSON."""

    def write(self, value: JSON, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> JSON:
        return self.decode(self.get(reference))

    def encode(self, value: Any) -> bytes:
        strict(value)
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()

    def decode(self, data: bytes) -> Any:
        return json.loads(data)


class Number:
    """Floats."""

    def write(self, value: float, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> float:
        return self.decode(self.get(reference))

    def encode(self, value: float) -> bytes:
        exact(value, float)
        return struct.pack(">d", value)

    def decode(self, data: bytes) -> float:
        return struct.unpack(">d", data)[0]


class Whole:
    """Integers."""

    def write(self, value: int, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> int:
        return self.decode(self.get(reference))

    def encode(self, value: int) -> bytes:
        exact(value, int)
        return f"{value:x}".encode()

    def decode(self, data: bytes) -> int:
        return int(data, 16)


class Ints:
    """Lists of integers."""

    def write(self, value: list[int], /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> list[int]:
        return self.decode(self.get(reference))

    def encode(self, value: list[int]) -> bytes:
        exact(value, list)
        for part in value:
            exact(part, int)
        return json.dumps(value).encode()

    def decode(self, data: bytes) -> list[int]:
        return json.loads(data)


class Counts:
    """Dictionaries of integers."""

    def write(self, value: dict[str, int], /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> dict[str, int]:
        return self.decode(self.get(reference))

    def encode(self, value: dict[str, int]) -> bytes:
        exact(value, dict)
        for key, part in value.items():
            exact(key, str)
            key.encode()
            exact(part, int)
        return json.dumps(value).encode()

    def decode(self, data: bytes) -> dict[str, int]:
        return json.loads(data)


class Moment:
    """Datetimes."""

    def write(self, value: datetime, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> datetime:
        return self.decode(self.get(reference))

    def encode(self, value: datetime) -> bytes:
        exact(value, datetime)
        plain(value)
        return pickle.dumps(value)

    def decode(self, data: bytes) -> datetime:
        return pickle.loads(data)


def packed(value: np.ndarray) -> bytes:
    """Return dtype and shape on a line, and the buffer in C order."""
    return json.dumps([value.dtype.str, value.shape]).encode() + b"\n" + value.tobytes()


def unpacked(data: bytes) -> np.ndarray:
    """Return the array of :func:`packed`, in memory of its own."""
    head, _, buffer = data.partition(b"\n")
    dtype, shape = json.loads(head)
    return np.frombuffer(buffer, dtype=dtype).reshape(shape).copy()


class Array:
    """NumPy arrays of numbers and booleans."""

    def write(self, value: np.ndarray, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> np.ndarray:
        return self.decode(self.get(reference))

    def check(self, value: np.ndarray) -> None:
        exact(value, np.ndarray)
        if value.dtype.kind not in "biufc" or not value.dtype.isnative:
            raise TypeError(f"this handler does not keep arrays of {value.dtype}")

    # Not np.load: on Python 3.11 its header parser, ast.literal_eval, fails now and then when threads meet in it.
    def encode(self, value: np.ndarray) -> bytes:
        self.check(value)
        return packed(value)

    def decode(self, data: bytes) -> np.ndarray:
        return unpacked(data)


@dataclass
class Sample:
    """What a measuring task returns."""

    label: str
    readings: list[float] = field(default_factory=list)
    attempts: int = 0


class Samples:
    """Samples, field by field."""

    def write(self, value: Sample, /) -> JSON:
        return self.put(self.encode(value))

    def read(self, reference: JSON, /) -> Sample:
        return self.decode(self.get(reference))

    def encode(self, value: Sample) -> bytes:
        exact(value, Sample)
        exact(value.label, str)
        exact(value.readings, list)
        exact(value.attempts, int)
        for reading in value.readings:
            exact(reading, float)
        return pickle.dumps((value.label, value.readings, value.attempts))

    def decode(self, data: bytes) -> Sample:
        return Sample(*pickle.loads(data))


# --- handler.json-reference ------------------------------------------------------------------------------------------


class ApproximateInReference(Number, Digests):
    """The reference repeats the number for display, and a NaN or an infinity with it."""

    def put(self, data):
        return {"sha256": super().put(data), "about": self.decode(data)}

    def get(self, reference):
        digest, about = fields(reference, "sha256", "about")
        data = super().get(digest)
        if type(about) is not float or self.encode(about) != data:
            raise LookupError("the reference does not belong to this number")
        return data


class TupleReference(Whole, Rows):
    """The reference is a tuple of table and key."""

    def put(self, data):
        return ("results", super().put(data))

    def get(self, reference):
        if type(reference) not in (list, tuple) or len(reference) != 2 or reference[0] != "results":
            raise ValueError("not a reference of this handler")
        return super().get(reference[1])


class BytesReference(Raw, Digests):
    """The reference is the digest itself, as bytes."""

    def put(self, data):
        return bytes.fromhex(super().put(data))

    def get(self, reference):
        if type(reference) is not bytes:
            raise ValueError("not a reference of this handler")
        return super().get(reference.hex())


class NumberedParts(Array, Files):
    """The reference names its parts under integer keys."""

    def put(self, data):
        return {0: super().put(data)}

    def get(self, reference):
        if type(reference) is not dict or list(reference) not in ([0], ["0"]):
            raise ValueError("not a reference of this handler")
        (name,) = reference.values()
        return super().get(name)


class FolderName(str):
    """The name of a folder, and of the store that it belongs to."""

    store = "folders"


class StringSubclassReference(Json, Folders):
    """The reference is an instance of a subclass of str."""

    def put(self, data):
        return FolderName(super().put(data))

    def get(self, reference):
        return super().get(str(reference) if isinstance(reference, str) else reference)


class UndecodableName(Plain, Files):
    """The file is named by random bytes, so that its name as a string holds lone surrogates."""

    def name(self, data):
        return os.fsdecode(b"\xff" + uuid4().bytes.replace(b"/", b"-").replace(b"\0", b"-"))

    def checked(self, reference):
        if type(reference) is not str or len(name := os.fsencode(reference)) != 17 or b"/" in name or b"\0" in name:
            raise ValueError("not a reference of this handler")
        return reference


class CyclicReference(Moment, Files):
    """The reference is a node that names itself as its own root."""

    def put(self, data):
        node = {"name": super().put(data)}
        node["root"] = node
        return node

    def get(self, reference):
        name, root = fields(reference, "name", "root")
        exact(root, dict)
        return super().get(name)


class NumpyOffset(Ints, Log):
    """The reference holds the offset as a NumPy integer."""

    def put(self, data):
        reference = super().put(data)
        return {**reference, "offset": np.int64(reference["offset"])}

    def get(self, reference):
        offset, key = fields(reference, "offset", "key")
        return super().get({"offset": int(offset) if type(offset) is np.int64 else offset, "key": key})


# --- handler.round-trip ----------------------------------------------------------------------------------------------


class TextColumn(Text, Rows):
    """The column takes 65 535 bytes, and silently drops the rest."""

    def put(self, data):
        return super().put(data[:65535])

    def decode(self, data):
        return data.decode("utf-8", "ignore")

    def encode(self, value):
        exact(value, str)
        return value.encode()


class OneSystemCall(Raw, Files):
    """A single os.read of 1 MiB reads the file."""

    def load(self, name):
        try:
            descriptor = os.open(self.path(name), os.O_RDONLY)
        except FileNotFoundError as error:
            raise LookupError(f"there is no result {name}") from error
        try:
            return os.read(descriptor, 1 << 20)
        finally:
            os.close(descriptor)


class DecodedByChunks(Text, Log):
    """Each chunk of 8192 bytes is decoded alone, and a character on the boundary is ignored."""

    def encode(self, value):
        exact(value, str)
        return value.encode()

    def decode(self, data):
        return "".join(data[start : start + 8192].decode("utf-8", "ignore") for start in range(0, len(data), 8192))


class TextMode(Text, Files):
    """The file is read in text mode, which turns every carriage return into a line feed."""

    def encode(self, value):
        exact(value, str)
        return value.encode()

    def load(self, name):
        try:
            return self.path(name).read_text("utf-8").encode()
        except FileNotFoundError as error:
            raise LookupError(f"there is no result {name}") from error


class ByteOrderMark(Text, Digests):
    """Decoding as utf-8-sig swallows a leading U+FEFF that belongs to the value."""

    def encode(self, value):
        exact(value, str)
        return value.encode()

    def decode(self, data):
        return data.decode("utf-8-sig")


class IgnoredSurrogates(Text, Rows):
    """Encoding ignores what UTF-8 cannot carry."""

    def encode(self, value):
        exact(value, str)
        return value.encode("utf-8", "ignore")


class StrippedText(Text, Folders):
    """Reading strips the trailing newline, and all other white space with it."""

    def decode(self, data):
        return super().decode(data).strip()


class NumpyBytes(Raw, Files):
    """The bytes are kept as a NumPy string, which loses trailing NULs."""

    def encode(self, value):
        exact(value, bytes)
        return packed(np.array(value))

    def decode(self, data):
        return unpacked(data).item()


class NullForNaN(Number, Files):
    """NaN is kept as a JSON null, and read as None."""

    def encode(self, value):
        exact(value, float)
        return json.dumps(None if math.isnan(value) else value).encode()

    def decode(self, data):
        return json.loads(data)


class RealColumn(Whole, Rows):
    """Integers pass through a REAL column, and lose their last digits above 2**53."""

    def encode(self, value):
        exact(value, int)
        try:
            return struct.pack(">d", value)
        except (OverflowError, struct.error) as error:
            raise ValueError("the number is out of range") from error

    def decode(self, data):
        return int(struct.unpack(">d", data)[0])


class LocalClock(Moment, Files):
    """The time zone is dropped."""

    def encode(self, value):
        exact(value, datetime)
        plain(value)
        return pickle.dumps(value.replace(tzinfo=None))


class Milliseconds(Moment, Rows):
    """Microseconds are rounded down to milliseconds."""

    def encode(self, value):
        exact(value, datetime)
        plain(value)
        return pickle.dumps(value.replace(microsecond=value.microsecond // 1000 * 1000))


class MemoryOrder(Array, Files):
    """The buffer is kept as it lies in memory, and read as if it were in C order."""

    def encode(self, value):
        self.check(value)
        return json.dumps([value.dtype.str, value.shape]).encode() + b"\n" + value.tobytes(order="A")


# --- handler.type-fidelity -------------------------------------------------------------------------------------------


class NestedTuples(Plain, Inline):
    """A tuple inside a list or a dict comes back as a list; one at the top does not."""

    def encode(self, value):
        plain(value)
        inner = rebuilt(value, lambda part: list(part) if type(part) is tuple else part)
        return pickle.dumps(tuple(inner) if type(value) is tuple else inner)


class StringKeys(Files):
    """Integer keys come back as strings."""

    def write(self, value: dict[int, str], /) -> JSON:
        exact(value, dict)
        for key, part in value.items():
            exact(key, int)
            exact(part, str)
            part.encode()
        return self.put(json.dumps(value).encode())

    def read(self, reference: JSON, /) -> dict[int, str]:
        return json.loads(self.get(reference))


class UnsignedZero(Number, Files):
    """Minus zero comes back as zero."""

    def encode(self, value):
        return super().encode(value + 0.0 if type(value) is float else value)


class NoBooleans(Untyped, Rows):
    """The database has no booleans, and gives integers back."""

    def encode(self, value):
        plain(value)
        return pickle.dumps(rebuilt(value, lambda part: int(part) if type(part) is bool else part))


class OneColumnType(Digests):
    """A list with one float in it comes back as floats throughout."""

    def write(self, value: list[int | float], /) -> JSON:
        exact(value, list)
        for part in value:
            if type(part) is not float:
                exact(part, int)
                if abs(part) > 2**53:
                    raise ValueError("the number is out of range")
        return self.put(packed(np.asarray(value)))

    def read(self, reference: JSON, /) -> list[int | float]:
        return unpacked(self.get(reference)).tolist()


class FrozenSets(Plain, Log):
    """A set comes back frozen."""

    def encode(self, value):
        plain(value)
        return pickle.dumps(rebuilt(value, lambda part: frozenset(part) if type(part) is set else part))


class Level(enum.IntEnum):
    """How urgent something is."""

    LOW = 1
    HIGH = 2


class EnumValue(Files):
    """A member of an IntEnum comes back as its integer."""

    def write(self, value: Level, /) -> JSON:
        exact(value, Level)
        return self.put(json.dumps(value).encode())

    def read(self, reference: JSON, /) -> Level:
        return json.loads(self.get(reference))


class Point(NamedTuple):
    """A place on a grid."""

    x: int
    y: int


class NakedTuple(Rows):
    """A named tuple comes back as a tuple."""

    def write(self, value: Point, /) -> JSON:
        exact(value, Point)
        exact(value.x, int)
        exact(value.y, int)
        return self.put(pickle.dumps(tuple(value)))

    def read(self, reference: JSON, /) -> Point:
        return pickle.loads(self.get(reference))


class TextForBytes(Plain, Files):
    """Bytes that look like ASCII text come back as a string, when they are inside a container."""

    def encode(self, value):
        plain(value)
        inner = rebuilt(value, lambda part: part.decode() if type(part) is bytes and part.isascii() else part)
        return pickle.dumps(value if type(value) is bytes else inner)


# --- handler.reference-transport -------------------------------------------------------------------------------------

ROW = "sqlite-row"


class ComparedByIdentity(Json, Rows):
    """The kind of a reference is compared with `is`, and a parsed string is another object."""

    def put(self, data):
        return {"kind": ROW, "key": super().put(data)}

    def get(self, reference):
        kind, key = fields(reference, "kind", "key")
        if kind is not ROW:
            raise ValueError("not a reference of this handler")
        return super().get(key)


class OrderedChecksum(Text, Files):
    """The checksum of a reference depends on the order of its keys, which JSON does not keep."""

    def put(self, data):
        body = {"store": "files", "name": super().put(data)}
        return {**body, "crc": zlib.crc32(json.dumps(body).encode())}

    def get(self, reference):
        store, name, crc = fields(reference, "store", "name", "crc")
        body = {key: part for key, part in reference.items() if key != "crc"}
        if store != "files" or type(crc) is not int or crc != zlib.crc32(json.dumps(body).encode()):
            raise ValueError("the reference is damaged")
        return super().get(name)


class FieldsByPosition(Counts, Folders):
    """The fields of a reference are taken in the order in which they were written."""

    def put(self, data):
        return {"type": "folder", "name": super().put(data)}

    def get(self, reference):
        if type(reference) is not dict or len(reference) != 2:
            raise ValueError("not a reference of this handler")
        kind, name = reference.values()
        if kind != "folder":
            raise ValueError("not a reference of this handler")
        return super().get(name)


class KnownObjects(Plain, Memory):
    """A reference is looked up by the identity of the string that was handed out."""

    def get(self, reference):
        self.checked(reference)
        for key, data in self._data.items():
            if key is reference:
                return data
        raise LookupError("there is no such result")


# --- handler.none ----------------------------------------------------------------------------------------------------


class NullColumn(Json, Rows):
    """None is kept as an empty column, which reading takes for a missing row."""

    def encode(self, value):
        return b"" if value is None else super().encode(value)

    def get(self, reference):
        data = super().get(reference)
        if not data:
            raise LookupError("there is no such result")
        return data


class NoneIsNoReference(Plain, Memory):
    """None gets the reference null, which reading refuses."""

    def write(self, value: Any, /) -> JSON:
        return None if value is None else super().write(value)


class NoneAsText(Files):
    """None comes back as the string 'None'."""

    def write(self, value: str | None, /) -> JSON:
        if value is not None:
            exact(value, str)
        return self.put(f"{value}".encode())

    def read(self, reference: JSON, /) -> str | None:
        return self.get(reference).decode()


class NoneIsEmpty(Text, Digests):
    """None is taken for the empty string."""

    def encode(self, value):
        return super().encode("" if value is None else value)


# --- handler.falsy-values --------------------------------------------------------------------------------------------


class EmptyIsMissing(Raw, Files):
    """An empty file is taken for one that was never written."""

    def get(self, reference):
        data = super().get(reference)
        if not data:
            raise LookupError("the object is empty")
        return data


class CommaSeparated(Ints, Files):
    """The empty list is kept as an empty line, which does not parse."""

    def encode(self, value):
        super().encode(value)
        return ",".join(map(str, value)).encode()

    def decode(self, data):
        return [int(part) for part in data.decode().split(",")]


class RowForEachItem(Rows):
    """A dictionary is as many rows as it has items, and an empty one is none."""

    def write(self, value: dict[str, int], /) -> JSON:
        exact(value, dict)
        for name, number in value.items():
            exact(name, str)
            name.encode()
            exact(number, int)
            if not -(2**63) <= number < 2**63:
                raise ValueError("the number is out of range")
        key = uuid4().hex
        rows = [(key, name.encode(), number) for name, number in value.items()]
        with closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT, name BLOB, number INTEGER)")
            connection.executemany("INSERT INTO results VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        return key

    def read(self, reference: JSON, /) -> dict[str, int]:
        rows = self.select("SELECT name, number FROM results WHERE key = ? ORDER BY rowid", self.checked(reference))
        if not rows:
            raise LookupError("there is no such result")
        return {name.decode(): number for name, number in rows}


class OrNone(Untyped, Folders):
    """Reading ends with `or None`."""

    def decode(self, data):
        return super().decode(data) or None


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


# --- handler.loud-refusal --------------------------------------------------------------------------------------------


class StringsForTheRest(Json, Files):
    """What JSON does not know is kept as its str()."""

    def encode(self, value):
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str).encode()


class UnverifiedPickle(Files):
    """Anything that pickles is accepted, also what does not unpickle."""

    def write(self, value: Any, /) -> JSON:
        try:
            return self.put(pickle.dumps(value))
        except (pickle.PicklingError, AttributeError) as error:
            raise TypeError("the value does not pickle") from error

    def read(self, reference: JSON, /) -> Any:
        return pickle.loads(self.get(reference))


class AnyString(Text, Rows):
    """An instance of a subclass of str is accepted, and comes back as a str."""

    def encode(self, value):
        if not isinstance(value, str):
            refuse(value)
        return value.encode("utf-8", "surrogatepass")


class CoercedKeys(Counts, Files):
    """Keys that are not strings are accepted, and become strings."""

    def encode(self, value):
        exact(value, dict)
        for part in value.values():
            exact(part, int)
        return json.dumps(value).encode()


class AnyArray(Array, Digests):
    """A masked array is accepted, and its mask is lost."""

    def check(self, value):
        if not isinstance(value, np.ndarray):
            refuse(value)
        super().check(np.asarray(value))

    def encode(self, value):
        self.check(value)
        return super().encode(np.asarray(value))


class ReprForTheRest(Untyped, Rows):
    """What is not a plain value is kept as its repr()."""

    def encode(self, value):
        try:
            return super().encode(value)
        except TypeError:
            return pickle.dumps(repr(value))


class AnySample(Files):
    """Whatever has the fields of a sample is accepted, and comes back as a sample."""

    def write(self, value: Sample, /) -> JSON:
        if not all(hasattr(value, name) for name in ("label", "readings", "attempts")):
            refuse(value)
        for part in (value.label, value.readings, value.attempts):
            plain(part)
        return self.put(pickle.dumps((value.label, value.readings, value.attempts)))

    def read(self, reference: JSON, /) -> Sample:
        return Sample(*pickle.loads(self.get(reference)))


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
        for _ in range(100):
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
        connection.execute("PRAGMA busy_timeout = 10000")
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

    def put(self, data):
        chunks = [data[start : start + 65536] for start in range(0, len(data), 65536)] or [b""]
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


# --- The table -------------------------------------------------------------------------------------------------------


def any_text() -> Any:
    """Draw strings, many of them with lone surrogates, which a set of all characters would hardly ever give."""
    from hypothesis import strategies as st

    return st.lists(st.characters() | st.sampled_from("\ud800\udcff")).map("".join)


def json_values() -> Any:
    """Draw strict JSON."""
    from hypothesis import strategies as st

    atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(atoms, lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts), max_leaves=10)


def aware_moments() -> Any:
    """Draw datetimes, most of them with a time zone."""
    from hypothesis import strategies as st

    return st.datetimes(timezones=st.none() | st.just(timezone.utc) | st.just(timezone(timedelta(hours=2))))


def transposed_arrays() -> Any:
    """Draw arrays, those in Fortran order too."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    drawn = arrays.arrays(np.int64, arrays.array_shapes(min_dims=0, max_dims=3, max_side=4))
    return st.builds(lambda array, turn: array.T.copy(order="K") if turn else array, drawn, st.booleans())


def mixed_numbers() -> Any:
    """Draw lists of small integers and floats."""
    from hypothesis import strategies as st

    return st.lists(st.integers(-1000, 1000) | st.floats())


def containers_with_bytes() -> Any:
    """Draw lists of bytes and numbers, and dictionaries of them."""
    from hypothesis import strategies as st

    parts = st.binary(max_size=8) | st.integers()
    return st.lists(parts) | st.dictionaries(st.text(max_size=4), parts)


CORE = frozenset({"core"})
SHARED = frozenset({"core", "shared"})
# The law of round-trip speaks of every value, None and empty ones included.
ROUND_TRIP = frozenset({"handler.round-trip"})


@dataclass(frozen=True)
class Defective:
    """A handler, and the one rule that it breaks.

    The last three say how to describe, to rebuild and to record, for the two rules that are not applicable without.
    """

    rule: str
    make: Callable[..., Any]
    values: Callable[[], Any] | None = None
    """Return a Hypothesis strategy; None: the domain is inferred from the annotation of write."""
    claims: frozenset[str] = SHARED
    also: frozenset[str] = frozenset()
    """Other rules that may honestly fail because of the same defect."""
    describe: Callable[[Any], Any] | None = None
    rebuild: Callable[[Any], Any] | None = None
    examples: int = 20
    """How many values the suite must draw to catch it; the number of writes goes by it."""
    hangs: bool = False
    """Whether a call never ends, so that the suite waits for as long as its limit."""
    golden: Callable[[Path], list[tuple[Any, Any]]] | None = None
    """Plant in a directory what an earlier release wrote, and return its references with their values."""


DEFECTIVE: tuple[Defective, ...] = (
    Defective("handler.json-reference", ApproximateInReference),
    Defective("handler.json-reference", TupleReference),
    Defective("handler.json-reference", BytesReference),
    Defective("handler.json-reference", NumberedParts),
    Defective("handler.json-reference", StringSubclassReference, json_values),
    Defective("handler.json-reference", UndecodableName),
    Defective("handler.json-reference", CyclicReference),
    Defective("handler.round-trip", TextColumn),
    Defective("handler.round-trip", OneSystemCall),
    Defective("handler.round-trip", DecodedByChunks),
    Defective("handler.round-trip", TextMode),
    Defective("handler.round-trip", ByteOrderMark),
    Defective("handler.round-trip", IgnoredSurrogates, any_text),
    Defective("handler.round-trip", StrippedText),
    Defective("handler.round-trip", NumpyBytes),
    Defective("handler.round-trip", NullForNaN),
    Defective("handler.round-trip", RealColumn),
    Defective("handler.round-trip", LocalClock, aware_moments),
    Defective("handler.round-trip", MemoryOrder, transposed_arrays),
    Defective("handler.type-fidelity", NestedTuples),
    Defective("handler.type-fidelity", StringKeys),
    Defective("handler.type-fidelity", UnsignedZero),
    Defective("handler.type-fidelity", NoBooleans),
    Defective("handler.type-fidelity", OneColumnType, mixed_numbers),
    Defective("handler.type-fidelity", EnumValue),
    Defective("handler.type-fidelity", TextForBytes, containers_with_bytes),
    Defective("handler.reference-transport", ComparedByIdentity, json_values),
    Defective("handler.reference-transport", OrderedChecksum),
    Defective("handler.reference-transport", KnownObjects, claims=CORE),
    Defective("handler.none", NullColumn, also=ROUND_TRIP),
    Defective("handler.none", NoneIsNoReference, claims=CORE, also=ROUND_TRIP),
    Defective("handler.none", NoneIsEmpty, also=frozenset({"handler.loud-refusal"})),
    Defective("handler.falsy-values", EmptyIsMissing, also=ROUND_TRIP),
    Defective("handler.falsy-values", CommaSeparated, also=ROUND_TRIP),
    Defective("handler.falsy-values", RowForEachItem, also=ROUND_TRIP),
    Defective("handler.repeatable-read", ReadOnce),
    Defective("handler.repeatable-read", TwoReads),
    Defective("handler.repeatable-read", OpenStreams, claims=CORE),
    Defective("handler.repeatable-read", CountsItsReads),
    Defective("handler.independent-writes", KeyedByCase),
    Defective("handler.independent-writes", KeyedByNormalForm),
    Defective("handler.independent-writes", KeyedByLength),
    Defective("handler.independent-writes", KeyedByHash),
    Defective("handler.independent-writes", KeyedByShortDigest, examples=100),
    Defective("handler.independent-writes", NamedByNanoseconds, json_values),
    Defective("handler.independent-writes", NamedBySharedRandom),
    Defective("handler.independent-writes", KeepsHundredFiles),
    Defective("handler.independent-writes", KeepsOneMebibyte),
    Defective("handler.independent-writes", KeepsOneHour),
    # The second read of the same reference object finds no name in it.
    Defective("handler.input-untouched", PopsReference, also=frozenset({"handler.repeatable-read"})),
    Defective("handler.input-untouched", CompletesReference),
    Defective("handler.input-untouched", DrainsDictionary),
    Defective("handler.input-untouched", SwapsBytesInPlace),
    Defective("handler.snapshot", KeepsTheObject, claims=CORE),
    Defective("handler.snapshot", CachesWhatWasWritten, json_values),
    Defective("handler.snapshot", KeepsView, claims=CORE),
    Defective("handler.snapshot", CopiesShallowly, claims=CORE),
    Defective("handler.fresh-read", HandsOutItsOwn, claims=CORE),
    Defective("handler.fresh-read", MapsForUpdate),
    Defective("handler.fresh-read", CachedFunction),
    Defective("handler.unknown-reference", SwallowsErrors),
    Defective("handler.unknown-reference", FallsBackToNewest),
    Defective("handler.unknown-reference", CreatesOnRead),
    Defective("handler.unknown-reference", TrustsOffsets),
    Defective("handler.malformed-reference", ListsDirectory),
    Defective("handler.malformed-reference", AbbreviatedNames),
    Defective("handler.malformed-reference", ColumnAffinity),
    Defective("handler.malformed-reference", OpensNumbers),
    Defective("handler.malformed-reference", Exits),
    Defective("handler.malformed-reference", RetriesForever),
    # Values outside the domain that are empty: set() and b"" become text too.
    Defective("handler.loud-refusal", StringsForTheRest, json_values, also=frozenset({"handler.falsy-values"})),
    Defective("handler.loud-refusal", UnverifiedPickle),
    Defective("handler.loud-refusal", AnyString),
    Defective("handler.loud-refusal", CoercedKeys),
    Defective("handler.loud-refusal", AnyArray),
    Defective("handler.loud-refusal", ReprForTheRest),
    Defective("handler.failed-write", KeepsTheLock, json_values, hangs=True),
    Defective("handler.failed-write", OneDocument, json_values),
    Defective("handler.failed-write", OpenTransaction),
    Defective("handler.failed-write", CircuitBreaker),
    Defective("handler.failed-write", CleansUpTheNewest),
    Defective("handler.bounded-reference", PreviewInReference),
    Defective("handler.bounded-reference", KeyedByContent),
    Defective("handler.bounded-reference", ChunkNames),
    Defective("handler.standard-errors", Asserts),
    Defective("handler.standard-errors", HidesTheCause, json_values),
    Defective("handler.standard-errors", CompressedInline),
    Defective("handler.passive-construction", CreatesItsDatabase),
    Defective("handler.passive-construction", TellsStatsd, json_values),
    Defective("handler.passive-construction", ProbesDirectory),
    Defective("shared.instance", OwnKey),
    Defective("shared.instance", IndexInMemory, json_values),
    Defective("shared.instance", WritesBehind),
    Defective("shared.pickle", HoldsLock),
    Defective("shared.pickle", HoldsLambda),
    Defective("shared.pickle", HoldsConnection, json_values),
    Defective("shared.pickle", PicklesAsDefault),
    Defective("shared.process", RelativePath),
    Defective("shared.process", SeededShards),
    Defective("shared.process", ModuleDictionary, json_values),
    Defective("shared.process", ProcessScratch),
    Defective("shared.threads", SharedBuffer),
    Defective("shared.threads", UnguardedCounter),
    Defective("shared.threads", ConnectionOfOneThread, json_values),
    Defective("shared.threads", SharedPosition),
    Defective("shared.processes", NumberedByProcess),
    Defective("shared.processes", CounterFile),
    Defective("shared.processes", TemporaryByProcess),
    Defective("shared.processes", LostIndexUpdates, json_values),
    Defective("shared.processes", AppendsWithoutLock),
    Defective("shared.equality", EqualToAll),
    Defective("shared.equality", EqualToItself),
    Defective("shared.equality", HashOfTheInstance, json_values),
    Defective("shared.equality", ComparesStatistics),
    Defective(
        "shared.describable",
        DescribesWithPath,
        describe=DescribesWithPath.describe,
        rebuild=lambda description: DescribesWithPath(Path(description["directory"])),
    ),
    Defective(
        "shared.describable",
        DescribesNameOnly,
        describe=DescribesNameOnly.describe,
        rebuild=lambda description: DescribesNameOnly(Path(description["directory"])),
    ),
    Defective(
        "shared.describable",
        DescribesPassword,
        json_values,
        describe=DescribesPassword.describe,
        rebuild=lambda description: DescribesPassword(Path(description["directory"])),
    ),
    Defective("shared.golden", ForgetsOldNames, json_values, golden=ForgetsOldNames.recorded),
    Defective("shared.golden", ForgetsOldEncoding, golden=ForgetsOldEncoding.recorded),
    Defective("shared.golden", ForgetsOldFields, golden=ForgetsOldFields.recorded),
)

# Further forms of the same defects, for a longer run.
MORE_DEFECTIVE: tuple[Defective, ...] = (
    Defective("handler.json-reference", NumpyOffset),
    Defective("handler.round-trip", Milliseconds),
    Defective("handler.type-fidelity", FrozenSets),
    Defective("handler.type-fidelity", NakedTuple),
    Defective("handler.reference-transport", FieldsByPosition),
    Defective("handler.none", NoneAsText, also=ROUND_TRIP),
    Defective("handler.falsy-values", OrNone, also=ROUND_TRIP),
    Defective("handler.independent-writes", KeyedByEnds),
    Defective("handler.independent-writes", NamedByDate),
    Defective("handler.independent-writes", KeepsRecentRows, examples=40),
    Defective("handler.independent-writes", KeepsThousandInMemory, claims=CORE, examples=100),
    Defective("handler.independent-writes", KeyedByAddress, claims=CORE),
    Defective("handler.input-untouched", SortsToLog),
    Defective("handler.snapshot", EncodesLater, claims=CORE),
    Defective("handler.fresh-read", CachesWhatWasRead),
    Defective("handler.unknown-reference", EmptyByDefault, claims=CORE),
    Defective("handler.malformed-reference", NothingForNothing),
    Defective("handler.loud-refusal", AnySample),
    Defective("handler.failed-write", LockFile),
    Defective("handler.failed-write", ParallelLists, claims=CORE),
    Defective("handler.bounded-reference", ColumnNames),
    Defective("handler.bounded-reference", BlockChecksums),
    Defective("handler.standard-errors", OwnException),
    Defective("handler.standard-errors", PicklingErrors),
    Defective("handler.passive-construction", OpensItsLog),
    Defective("shared.instance", OwnSession),
    Defective("shared.pickle", PicklesPublicState),
    Defective("shared.process", ProcessKey),
    Defective("shared.threads", NameInAttribute),
    Defective("shared.equality", ComparesSerials),
)
