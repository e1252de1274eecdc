"""The form of a stored value, where whoever keeps it is not to be trusted."""

import os
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pytest
from resultspec.errors import CorruptResult
from resultspec_reference._format import _COUNTS, _ENTRY, Signature, dump, load_from

KEY = b"0123456789abcdef0123456789abcdef"


def sealed(value: Any) -> bytes:
    """Return a value as a file, signed."""
    with TemporaryFile() as file:
        dump(value, file.fileno(), Signature("name", KEY))
        return os.pread(file.fileno(), 1 << 20, 0)


class Shifty(BytesIO):
    """A file of which some parts are others when they are read for the first time, by their position."""

    def __init__(self, content: bytes, first: dict[int, bytes]) -> None:
        super().__init__(content)
        self.first = first

    def read(self, size: int | None = -1, /) -> bytes:
        position = self.tell()
        data = super().read(size)
        return self.first.pop(position) if data and len(self.first.get(position, b"")) == len(data) else data


def test_it_reads_back() -> None:
    """A file that stays as it is is read, in one piece, at whatever position it stands."""
    content = sealed([1, np.arange(1000.0)])
    file = BytesIO(content)
    file.seek(5)

    assert load_from(file, len(content), Signature("name", KEY))[1][-1] == 999


def test_a_file_that_changes_while_it_is_read() -> None:
    """Where the parts lie is taken from what is sealed, not from what stood there a moment before.

    Otherwise somebody without the key could have the beginning of an array's content unpickled.
    """
    content = sealed(np.zeros(8192, "u1"))
    seal = Signature("name", KEY)
    counts = len(content) - seal.size - _COUNTS.size
    entry = counts - _ENTRY.size
    stream, number = _COUNTS.unpack_from(content, counts)
    length, memory = _ENTRY.unpack_from(content, entry)
    assert number == 1
    # As if the stream were longer by the padding and 64 bytes of the array, and the array shorter.
    longer = stream + -(16 + stream) % 64 + 64
    file = Shifty(content, {counts: _COUNTS.pack(longer, 1), entry: _ENTRY.pack(length - 64, memory)})

    with pytest.raises(CorruptResult, match="altered while it was read"):
        load_from(file, len(content), seal)
    assert file.first == {}
