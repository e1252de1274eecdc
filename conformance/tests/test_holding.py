"""What an engine has stored is searched for values, plain and encoded; spies and journals tell what happened."""

import base64
import bz2
import gzip
import json
import lzma
import pickle
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from resultspec.errors import ReadError, UnknownReference, WriteError
from resultspec_conformance.secrets.holding import holds_json, reveals
from resultspec_conformance.spies import FileSpy
from resultspec_conformance.trials.journal import Entry, Journal, Unkept

TEXT = "Kestrel4417Meadow"
NUMBER = 7_204_519_336_688_190_143


def within(data: bytes) -> bytes:
    """Put other data around some."""
    return b"some text before " + data + b" and after"


STORED: dict[str, Callable[[str | int], Any]] = {
    "as it is": lambda canary: f"a message about {canary}",
    "a key of a document": lambda canary: {"states": [{str(canary): 1}]},
    "a leaf of a document": lambda canary: {"states": [{"value": canary}]},
    "JSON within JSON": lambda canary: json.dumps({"row": json.dumps([{"value": canary}])}),
    "a field of a row": lambda canary: [["run", 1, None, pickle.dumps(canary)]],
    "pickled": lambda canary: pickle.dumps({"value": [canary]}),
    "pickled by the first protocol": lambda canary: pickle.dumps({"value": [canary]}, 0),
    "base64": lambda canary: {"value": base64.b64encode(within(str(canary).encode())).decode()},
    "base64 in lines": lambda canary: base64.encodebytes(b"x" * 55 + str(canary).encode() + b"x" * 60),
    "base64 for URLs": lambda canary: base64.urlsafe_b64encode(b"\xff\xfe" + str(canary).encode()),
    "base64 of a pickle": lambda canary: {"blob": base64.b64encode(pickle.dumps(canary)).decode()},
    "base32": lambda canary: base64.b32encode(within(str(canary).encode())).decode(),
    "base85": lambda canary: base64.b85encode(within(str(canary).encode())).decode(),
    "hexadecimal": lambda canary: "0x" + within(str(canary).encode()).hex(),
    "zlib": lambda canary: b"header" + zlib.compress(within(str(canary).encode())),
    "gzip": lambda canary: gzip.compress(within(str(canary).encode())),
    "bzip2": lambda canary: bz2.compress(within(str(canary).encode())),
    "xz": lambda canary: lzma.compress(within(str(canary).encode())),
    "zlib in base64": lambda canary: {"blob": base64.b64encode(zlib.compress(pickle.dumps([canary]))).decode()},
    "base64 in gzip in hexadecimal": lambda canary: gzip.compress(base64.b64encode(within(str(canary).encode()))).hex(),
    "a list of bytes": lambda canary: {"data": list(within(str(canary).encode()))},
    "UTF-16": lambda canary: str(canary).encode("utf-16"),
    "backwards": lambda canary: str(canary)[::-1],
}


@pytest.mark.parametrize("canary", [TEXT, NUMBER], ids=["text", "number"])
@pytest.mark.parametrize("how", STORED)
def test_a_value_is_found_however_it_is_stored(how: str, canary: str | int) -> None:
    """Each way of storing a value reveals it, and storing another value in the same way does not."""
    other = "Bittern9025Gravel" if isinstance(canary, str) else NUMBER + 2

    assert reveals([STORED[how](canary)], canary) is not None
    assert reveals([STORED[how](other)], canary) is None


def test_the_encoding_is_told() -> None:
    """Where a value was found is said from the inside outwards."""
    blob = base64.b64encode(zlib.compress(f"{TEXT} {TEXT}".encode())).decode()

    assert reveals([{"blob": blob}], TEXT) == "under base64, compression"


def test_searching_much_data_ends() -> None:
    """Data that decodes to ever more data is not searched for ever."""
    data = b"x\x9c" * 3000 + base64.b64encode(bytes(range(256)) * 200)

    assert reveals([data, data.hex()], TEXT) is None


@pytest.mark.parametrize(
    ("piece", "found"),
    [
        ({"a": [1, None]}, True),
        ({"row": {"a": [1, None]}}, True),
        ([["run", '{"a": [1,null]}']], True),
        (b'[{"value": "{\\"a\\": [1, null]}"}]', True),
        ({"row": {"a": [1.5, None]}}, False),
        (base64.b64encode(b'{"a": [1, null]}').decode(), False),
        (pickle.dumps('{"a": [1, null]}'), False),
        ([b"\xff", object()], False),
    ],
)
def test_json_is_found_where_a_person_can_read_it(piece: Any, found: bool) -> None:
    """A value is there as JSON when a document or its text holds it, and not when it is encoded once more."""
    assert holds_json([piece], {"a": [1, None]}) is found


def test_spies_note_what_they_are_asked_in_one_journal(tmp_path: Path) -> None:
    """Two spies of a directory share a journal, which has the order of events and the values as they were."""
    one, other = FileSpy("one", str(tmp_path)), FileSpy("other", str(tmp_path))
    value = [1]
    reference = one.write(value)
    value.append(2)
    read = pickle.loads(pickle.dumps(one)).read(reference)
    with pytest.raises(UnknownReference):
        other.read(reference)

    assert read == [1]
    assert list(Journal(tmp_path).entries()) == [Entry("one", "write", [1], reference), Entry("one", "read", [1], reference)]


def test_a_spy_fails_as_it_was_told(tmp_path: Path) -> None:
    """A spy that cannot write or read raises its complaint, and notes that it was asked."""
    with pytest.raises(WriteError, match="the handler one is out of order"):
        FileSpy("one", str(tmp_path), fails="write").write("text")
    with pytest.raises(ReadError, match="the handler one is out of order"):
        FileSpy("one", str(tmp_path), fails="read").read("one-0")

    assert [(entry.deed, entry.raised) for entry in Journal(tmp_path).entries()] == [("write", True), ("read", True)]


def test_a_journal_keeps_every_line_of_many_threads(tmp_path: Path) -> None:
    """Lines that are noted at the same time do not mix, and none is lost."""
    spy = FileSpy("one", str(tmp_path))
    threads = [threading.Thread(target=lambda n=n: [spy.write((n, m)) for m in range(20)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(Journal(tmp_path).entries())

    assert {entry.value for entry in entries} == {(n, m) for n in range(8) for m in range(20)}
    assert len({entry.reference for entry in entries}) == len(entries) == 160


def test_a_journal_notes_what_does_not_pickle(tmp_path: Path) -> None:
    """A task may be given anything; what cannot be kept is told by what it looked like."""
    Journal(tmp_path).note(Entry("task", "call", {"x": threading.Lock()}))
    [entry] = Journal(tmp_path).entries()

    assert isinstance(entry.value, Unkept)
    assert "lock" in repr(entry.value)
