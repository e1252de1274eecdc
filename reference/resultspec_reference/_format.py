"""How a value lies in a file: pickled, in parts that need not be copied, under a seal.

A file is, in this order::

    header    13 bytes of magic, the version of the format, the kind of seal, a zero
    stream    the pickle, protocol 5
    buffers   each of 4096 bytes or more, after zeros up to a multiple of 64, so that what is read in place is aligned
    table     for each buffer: its length (uint64) and the memory it is read into (uint8)
    counts    the length of the stream and the number of buffers (uint64 each)
    seal      of the file's name and of every byte before the seal

All numbers are little-endian. The counts come last because a stream's length is known only once it is written, and a
file is written in one go. A reader checks the counts against the file's size before it allocates anything, and the
seal before it unpickles anything.
"""

import hmac
import mmap
import os
import pickle
import struct
from collections import Counter
from contextlib import suppress
from enum import IntEnum
from io import BufferedReader, BytesIO
from pickle import PickleBuffer
from typing import Any

# cloudpickle carries no types.
import cloudpickle  # pyright: ignore[reportMissingTypeStubs]
from resultspec.errors import CorruptResult, ReadError, UnsupportedValue, WriteError

# zlib-ng does not say of what type the data is.
from zlib_ng.zlib_ng import crc32  # pyright: ignore[reportUnknownVariableType]

from ._quiet import quiet

_MAGIC = b"\x93resultspec\r\n"
_VERSION = 1
_HEADER_SIZE = 16
_ENTRY = struct.Struct("<QB")
_COUNTS = struct.Struct("<QQ")
_ALIGNMENT = 64

# A smaller buffer stays in the stream: its entry, padding and system calls would cost more than copying it. Part of the
# format, since a reader counts on it.
_SMALL = 4096

# How many bytes are gathered before they are written.
_CHUNK = 1 << 16

# Larger memory is worth a mapping of its own.
_LARGE = 1 << 22

_Bytes = bytes | bytearray | memoryview


class _Memory(IntEnum):
    """What a buffer is read into."""

    BYTES = 0
    """Bytes: the buffer is read-only."""
    BYTEARRAY = 1
    """A bytearray, which is the value itself."""
    WRITABLE = 2
    """Any memory that can be written to, such as an array's."""


class Checksum:
    """A seal against damage: CRC-32 of a file's name and content, which costs a small part of what it costs to copy them."""

    kind = 0
    size = 4

    def __init__(self, name: str) -> None:
        """Begin with the name, so that a file put in another's place is found out."""
        self.name = name
        self._value = crc32(name.encode())

    def update(self, data: _Bytes) -> None:
        """Take in more bytes."""
        self._value = crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""
        return self._value.to_bytes(self.size, "little")


class Signature:
    """A seal against forgery: HMAC-SHA-256 of a file's name and content."""

    kind = 1
    size = 32

    def __init__(self, name: str, key: bytes) -> None:
        """Begin with the name, so that a file put in another's place is found out."""
        self.name = name
        self._hmac = hmac.new(key, name.encode(), "sha256")

    def update(self, data: _Bytes) -> None:
        """Take in more bytes."""
        self._hmac.update(data)

    def digest(self) -> bytes:
        """Return the signature of all bytes so far."""
        return self._hmac.digest()


Seal = Checksum | Signature


def dump(value: Any, fd: int, seal: Seal) -> None:
    """Write a value into an empty file, and make sure that it can be read back.

    Large bytes, arrays and frames are written from where they are, without a copy. Whatever is not made of built-in
    types alone is unpickled once from what was written, its large buffers mapped and not copied: some objects pickle
    and do not unpickle, or come back as something else (``handler.loud-refusal``).

    Args:
        value: What to write.
        fd: The file, open for reading and writing.
        seal: A new seal.

    Raises:
        UnsupportedValue: The value does not pickle, or does not come back as it was.
        WriteError: The file could not be written.
    """
    sink = _Sink(fd, seal)
    sink.write(_header(seal))
    buffers = _Buffers()
    needs_proof = _pickle(value, sink, buffers)
    stream = slice(_HEADER_SIZE, sink.position)
    spans: list[tuple[slice, _Memory]] = []
    for buffer in buffers.kept:
        with buffer.raw() as raw:
            sink.write(bytes(-sink.position % _ALIGNMENT))
            spans.append((slice(sink.position, sink.position + raw.nbytes), _memory_for(raw, value)))
            sink.write(raw)
    for span, memory in spans:
        sink.write(_ENTRY.pack(span.stop - span.start, memory))
    sink.write(_COUNTS.pack(stream.stop - stream.start, len(spans)))
    sink.write(seal.digest())
    if needs_proof:
        content = sink.content()
        parts = [content[span].toreadonly() if memory == _Memory.BYTES else content[span] for span, memory in spans]
        _prove(value, content[stream], parts)
    sink.flush()


def load(fd: int, seal: Seal) -> Any:
    """Return the value in a file; see :func:`load_from`.

    Args:
        fd: The file, open for reading, at its start.
        seal: A new seal.

    Raises:
        CorruptResult, ReadError, OSError: As :func:`load_from` does.
    """
    size = os.fstat(fd).st_size
    file = BytesIO(os.read(fd, size)) if size < _CHUNK else os.fdopen(fd, "rb", closefd=False)
    return load_from(file, size, seal)


def load_from(file: "BufferedReader[Any] | BytesIO", size: int, seal: Seal) -> Any:
    """Return the value that a file holds; nothing is unpickled before its seal was found to be whole.

    Args:
        file: What is read: here and there first, then once from start to end.
        size: How long it is.
        seal: A new seal.

    Raises:
        CorruptResult: The file was altered or cut, or sealed for another name, or with another key or none.
        ReadError: The value does not unpickle here.
        OSError: The file cannot be read.
    """
    file.seek(0)
    source = _Source(file, seal)
    if source.read(_HEADER_SIZE) != _header(seal):
        raise CorruptResult(f"{seal.name} does not begin as a result of this format, signed or not, does")
    table_end = size - _COUNTS.size - seal.size
    file.seek(max(table_end, 0))
    counts = _read(file, _COUNTS.size, seal)
    stream, count = _COUNTS.unpack(counts)
    table_start = table_end - count * _ENTRY.size
    # No buffer is smaller, so a forged count is found before a list of that length is made.
    if table_start < _HEADER_SIZE + count * _SMALL:
        raise CorruptResult(f"{seal.name} was altered or cut: its parts are longer than the file")
    file.seek(table_start)
    table = _read(file, count * _ENTRY.size, seal)
    entries: list[tuple[int, int]] = list(_ENTRY.iter_unpack(table))
    end = _HEADER_SIZE + stream
    for length, _ in entries:
        end += -end % _ALIGNMENT + length
    if end != table_start:
        raise CorruptResult(f"{seal.name} was altered or cut: its parts do not add up to the file")

    file.seek(_HEADER_SIZE)
    pickled = source.read(stream)
    buffers: list[_Bytes] = []
    for length, memory in entries:
        source.read(-source.position % _ALIGNMENT)
        if memory == _Memory.BYTES:
            buffers.append(source.read(length))
        else:
            buffers.append(source.read_into(_allocate(length, memory)))
    # What is sealed must be what the parts were cut by, also where somebody alters the file meanwhile.
    if source.read(len(table) + len(counts)) != table + counts:
        raise CorruptResult(f"{seal.name} was altered while it was read")
    if not hmac.compare_digest(seal.digest(), file.read()):
        raise CorruptResult(f"{seal.name} was altered, or sealed with another key")
    try:
        return pickle.loads(pickled, buffers=buffers)
    except Exception as error:
        cause = quiet(error)
    raise ReadError(f"{seal.name} is whole, but its value does not unpickle here: {cause}") from cause


def _header(seal: Seal) -> bytes:
    return _MAGIC + bytes([_VERSION, seal.kind, 0])


def _memory_for(raw: memoryview, value: Any) -> _Memory:
    if raw.readonly:
        return _Memory.BYTES
    return _Memory.BYTEARRAY if type(value) is bytearray else _Memory.WRITABLE


def _allocate(length: int, memory: int) -> bytearray | memoryview:
    if memory == _Memory.BYTEARRAY or length < _LARGE:
        return bytearray(length)
    # Not cleared twice, and in huge pages where the system has them: reading takes a fifth of the time.
    mapped = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            mapped.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(mapped)


def _read(file: "BufferedReader[Any] | BytesIO", length: int, seal: Seal) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise CorruptResult(f"{seal.name} was cut")
    return data


class _Sink:
    """Seals and writes; the file-like object that a pickler wants."""

    def __init__(self, fd: int, seal: Seal) -> None:
        self.position = 0
        self._fd = fd
        self._seal = seal
        self._gathered = bytearray()

    def write(self, data: _Bytes | PickleBuffer) -> None:
        # The pickler hands over large data as the object it found them in.
        view = memoryview(data)
        self._seal.update(view)
        self.position += len(view)
        if len(view) < _CHUNK:
            self._gathered += view
            if len(self._gathered) >= _CHUNK:
                self.flush()
        else:
            self.flush()
            self._write(view)

    def flush(self) -> None:
        self._write(memoryview(self._gathered))
        self._gathered = bytearray()

    def content(self) -> memoryview:
        """Return all that was written, in memory that may be altered without anybody else seeing it."""
        if len(self._gathered) == self.position:
            return memoryview(bytearray(self._gathered))
        self.flush()
        return memoryview(mmap.mmap(self._fd, 0, access=mmap.ACCESS_COPY))

    def _write(self, view: memoryview) -> None:
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise WriteError(f"The value could not be written: {error.strerror}") from error


class _Source:
    """Reads and seals."""

    def __init__(self, file: "BufferedReader[Any] | BytesIO", seal: Seal) -> None:
        self.position = 0
        self._file = file
        self._seal = seal

    def read(self, length: int) -> bytes:
        data = self._file.read(length)
        self._take(data, length)
        return data

    def read_into(self, memory: bytearray | memoryview) -> bytearray | memoryview:
        self._take(memory, self._file.readinto(memory))
        return memory

    def _take(self, data: _Bytes, length: int) -> None:
        if len(data) != length:
            raise CorruptResult(f"{self._seal.name} was cut")
        self._seal.update(data)
        self.position += length


def _pickle(value: Any, sink: _Sink, buffers: "_Buffers") -> bool:
    """Pickle a value, and say whether anything but built-in types was met."""
    pickler = _Pickler(sink, protocol=5, buffer_callback=buffers)
    # Bytes go beside the stream too, at the top: further down the pickler copies them into it on its own account.
    whole = type(value) is bytes or type(value) is bytearray
    try:
        pickler.dump(PickleBuffer(value) if whole else value)
    except WriteError:
        raise
    except Exception as error:
        cause = quiet(error)
    else:
        # A PickleBuffer among built-in values does come back as something else.
        return pickler.reduced is not None or (buffers.met and not whole)
    at = "" if pickler.reduced is None else f", at an object of type {_name(pickler.reduced)}"
    raise UnsupportedValue(f"A value of type {_name_of_type(value)} does not pickle{at}: {cause}") from cause


class _Buffers:
    """The buffers that are kept out of the stream."""

    def __init__(self) -> None:
        self.kept: list[PickleBuffer] = []
        self.met = False

    def __call__(self, buffer: PickleBuffer) -> bool:
        """Say whether a buffer stays in the stream; the pickler asks."""
        self.met = True
        with buffer.raw() as raw:
            small = raw.nbytes < _SMALL
        if not small:
            self.kept.append(buffer)
        return small


class _Pickler(pickle.Pickler):
    """The C pickler for built-in types, cloudpickle for the rest, such as what a notebook defines.

    Attributes:
        reduced: The type of the last object that was not of a built-in type, or None.
    """

    dispatch_table = cloudpickle.Pickler.dispatch_table
    reduced: type | None = None
    _cloudpickler: Any = None

    def reducer_override(self, obj: Any) -> Any:
        """Note the type, and have cloudpickle decide."""
        self.reduced = type(obj)
        if self._cloudpickler is None:
            # It remembers which functions share their globals: one for the whole value.
            self._cloudpickler = cloudpickle.Pickler(BytesIO(), protocol=5)
        return self._cloudpickler.reducer_override(obj)


def _prove(value: Any, stream: memoryview, buffers: list[memoryview]) -> None:
    """Unpickle a value, and compare the types; objects may alter their buffers while they are unpickled."""
    try:
        back = pickle.loads(stream, buffers=buffers)
    except Exception as error:
        cause = quiet(error)
    else:
        change = _change(value, back)
        if change is None:
            return
        raise UnsupportedValue(f"A value of type {_name_of_type(value)} would not come back as it is: {change}")
    raise UnsupportedValue(f"A value of type {_name_of_type(value)} pickles but does not unpickle: {cause}") from cause


def _change(value: Any, back: Any) -> str | None:
    """Say how types changed on the way, at any depth of built-in containers, or return None if they did not."""
    pairs = [(value, back)]
    seen: set[int] = set()
    while pairs:
        one, other = pairs.pop()
        kind = type(one)  # pyright: ignore[reportUnknownVariableType]
        if type(other) is not kind:
            return f"{_name_of_type(one)} becomes {_name_of_type(other)}"
        if kind not in (list, tuple, dict, set, frozenset) or id(one) in seen:
            continue
        seen.add(id(one))
        if len(other) != len(one):
            return f"a {kind.__name__} changes its length"
        if kind is dict:
            pairs += zip(one.keys(), other.keys(), strict=True)
            pairs += zip(one.values(), other.values(), strict=True)
        elif kind in (list, tuple):
            pairs += zip(one, other, strict=True)
        elif Counter(map(type, one)) != Counter(map(type, other)):
            # The members of a set cannot be paired.
            return f"a {kind.__name__} changes the types of its members"
    return None


def _name_of_type(value: object) -> str:
    return _name(type(value))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
