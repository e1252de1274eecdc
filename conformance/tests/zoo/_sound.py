"""Sound stores (``put`` and ``get`` bytes) and sound codecs (``write`` and ``read`` of one domain) to build handlers of.

A codec encodes and decodes; a handler is a codec and a store. Sleeps stand between a check and its act, where real storage
would have been slow.
"""

import base64
import fcntl
import hashlib
import itertools
import json
import math
import os
import pickle
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
from resultspec import JSON

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
