"""Handlers with one defect in what they take and give back: values, types, references."""

import enum
import json
import math
import os
import pickle
import struct
import unicodedata
import zlib
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from resultspec import JSON

from ._sound import (
    Array,
    Counts,
    Digests,
    Files,
    Folders,
    Inline,
    Ints,
    Json,
    Log,
    Memory,
    Moment,
    Number,
    Plain,
    Raw,
    Rows,
    Sample,
    Text,
    Untyped,
    Whole,
    exact,
    fields,
    packed,
    plain,
    rebuilt,
    refuse,
    unpacked,
)

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


class PartsAsTuple(Raw, Files):
    """The names of the parts of a large value come as a tuple."""

    def put(self, data):
        if len(data) <= 65536:
            return super().put(data)
        return tuple(super(PartsAsTuple, self).put(data[start : start + 65536]) for start in range(0, len(data), 65536))

    def get(self, reference):
        if type(reference) not in (list, tuple) or len(reference) < 2:
            return super().get(reference)
        return b"".join(super(PartsAsTuple, self).get(name) for name in reference)


class KnownName(Text, Digests):
    """A text that is there already is answered with an instance of a subclass of str."""

    def put(self, data):
        return FolderName(self.name(data)) if self.path(self.name(data)).exists() else super().put(data)

    def get(self, reference):
        return super().get(str(reference) if isinstance(reference, str) else reference)


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


class FullLastPart(Raw, Files):
    """Parts of 1 MiB: one that is full is taken for followed by another, so that the last is lost when it is full."""

    def put(self, data):
        last = len(data) % (1 << 20) or len(data) == 0
        return super().put(data if last else data[: -(1 << 20)])


class NormalisedKeys(Json, Digests):
    """The keys of objects are brought into normal form C."""

    def decode(self, data):
        return json.loads(data, object_pairs_hook=lambda pairs: {unicodedata.normalize("NFC", key): part for key, part in pairs})


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


class LargeIntoBuffer(Raw, Files):
    """Large bytes are read into a bytearray, which is what comes back."""

    def decode(self, data):
        return bytearray(data) if len(data) > 65536 else data


class LargeColumns(Plain, Digests):
    """A long list of numbers is kept as a column of one type."""

    def encode(self, value):
        plain(value)
        numbers = type(value) is list and len(value) > 50 and all(type(part) in (int, float) for part in value)
        if numbers and all(abs(part) < 2**53 for part in value):
            return b"column" + packed(np.asarray(value))
        return b"pickle" + pickle.dumps(value)

    def decode(self, data):
        return unpacked(data[6:]).tolist() if data[:6] == b"column" else pickle.loads(data[6:])


class RemembersEqualValues(Plain, Files):
    """What was written is remembered by its value, and True is equal to 1."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._known: dict[Any, str] = {}

    def write(self, value: Any, /) -> JSON:
        plain(value)
        try:
            name = self._known.get(value)
        except TypeError:  # not hashable
            return super().write(value)
        if name is None or not self.path(name).exists():
            name = self._known[value] = super().write(value)
        return name

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}}


class PlainReals(Plain, Files):
    """Numbers of NumPy, which are floats too, come back as Python's own."""

    def encode(self, value):
        return super().encode(rebuilt(value, lambda part: float(part) if isinstance(part, float) else part))


class PlainTuples(Untyped, Rows):
    """A named tuple comes back as a tuple, whatever may be written."""

    def encode(self, value):
        return super().encode(tuple(value) if isinstance(value, tuple) else value)


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


class AnyReal(Number, Files):
    """An instance of a subclass of float is accepted, and comes back as a float."""

    def encode(self, value):
        if not isinstance(value, float):
            refuse(value)
        return struct.pack(">d", value)


class AnyMoment(Moment, Rows):
    """An instance of a subclass of datetime is accepted, and comes back as a datetime."""

    def encode(self, value):
        if not isinstance(value, datetime):
            refuse(value)
        return super().encode(datetime.combine(value.date(), value.timetz()))


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
