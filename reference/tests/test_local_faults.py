"""The local handler in trouble: damage, forgery, full disks, and the death of the writer."""

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resultspec.errors import CorruptResult, InvalidReference, ReadError, UnknownReference, WriteError
from resultspec_reference import LocalResultHandler

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(params=[None, KEY], ids=["checksum", "signature"])
def handler(request: pytest.FixtureRequest, tmp_path: Path) -> LocalResultHandler[Any]:
    """A handler with each kind of seal."""
    return LocalResultHandler(tmp_path / "results", sync=False, key=request.param)


def residue(handler: LocalResultHandler[Any]) -> set[str]:
    """Return the names of all files in the handler's directory."""
    return {path.name for path in handler.directory.iterdir()}


def test_every_flipped_byte_is_found(handler: LocalResultHandler[Any]) -> None:
    """Whichever byte of a file is altered, reading raises CorruptResult and returns nothing."""
    reference = handler.write([1, np.arange(1024)])
    path = Path(reference)
    whole = path.read_bytes()
    # Every byte but those of the array, of which every 97th.
    for offset in [n for n in range(len(whole)) if n < 512 or n > len(whole) - 512 or n % 97 == 0]:
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :])
        with pytest.raises(CorruptResult):
            handler.read(reference)
    path.write_bytes(whole)

    assert handler.read(reference)[0] == 1


def test_every_cut_is_found(handler: LocalResultHandler[Any]) -> None:
    """However much is cut off a file, or added to it, reading raises CorruptResult."""
    reference = handler.write({"a": 1})
    path = Path(reference)
    whole = path.read_bytes()
    for damaged in [*(whole[:length] for length in range(len(whole))), whole[1:], whole + b"\0", whole * 2]:
        path.write_bytes(damaged)
        with pytest.raises(CorruptResult):
            handler.read(reference)


def test_swapped_files_are_found(handler: LocalResultHandler[Any]) -> None:
    """A file put in another's place is found out, although it is whole."""
    one, other = Path(handler.write("a")), Path(handler.write("b"))
    other.replace(one)

    with pytest.raises(CorruptResult):
        handler.read(str(one))


def test_another_key_or_none(tmp_path: Path) -> None:
    """A handler reads neither what another key signed, nor what nobody did, and without a key nothing signed."""
    keys: list[bytes | None] = [None, KEY, KEY[::-1]]
    for written in keys:
        reference = LocalResultHandler[int](tmp_path, key=written).write(1)
        for key in keys:
            if key != written:
                with pytest.raises(CorruptResult):
                    LocalResultHandler[int](tmp_path, key=key).read(reference)


class Payload:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def forged(reference: str, stream: bytes) -> bytes:
    """Return a file with a right checksum, made by somebody who knows the format and has no key."""
    content = b"\x93resultspec\r\n" + bytes([1, 0, 0]) + stream + len(stream).to_bytes(8, "little") + bytes(8)
    return content + zlib.crc32(content, zlib.crc32(Path(reference).name.encode())).to_bytes(4, "little")


def test_forgery_is_not_run(tmp_path: Path) -> None:
    """A handler with a key does not unpickle what somebody without it put in a value's place."""
    mark = tmp_path / "mark"
    handler = LocalResultHandler[Any](tmp_path / "results", key=KEY)
    reference = handler.write(1)
    forgery = forged(reference, pickle.dumps(Payload(mark)))
    signed = forgery.replace(bytes([1, 0, 0]), bytes([1, 1, 0]), 1)
    for content in (forgery, signed, signed[:-4] + bytes(32)):
        Path(reference).write_bytes(content)
        with pytest.raises(CorruptResult):
            handler.read(reference)

    assert not mark.exists()


def test_the_forger_knows_the_format(tmp_path: Path) -> None:
    """Without a key, a forgery is believed: this is what a key is for, and shows that the test above tests it."""
    handler = LocalResultHandler[Any](tmp_path)
    reference = handler.write(1)
    Path(reference).write_bytes(forged(reference, pickle.dumps("forged")))

    assert handler.read(reference) == "forged"


@pytest.mark.parametrize("stream", [0, 2**40, 2**63, 2**64 - 1])
@pytest.mark.parametrize("count", [0, 1, 2**40, 2**64 - 1])
def test_hostile_lengths(handler: LocalResultHandler[Any], stream: int, count: int) -> None:
    """Lengths are compared with the file before anything of that size is allocated."""
    reference = handler.write("value")
    path = Path(reference)
    content = path.read_bytes()
    counts = len(content) - 16 - (4 if handler.key is None else 32)
    path.write_bytes(content[:counts] + stream.to_bytes(8, "little") + count.to_bytes(8, "little") + content[counts + 16 :])

    with pytest.raises(CorruptResult):
        handler.read(reference)


def test_a_value_that_is_unknown_here(handler: LocalResultHandler[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A value whose class is not there any more raises ReadError, and does not count as damaged."""

    class Gone:
        """Importable while it is written."""

    Gone.__qualname__ = "Gone"
    monkeypatch.setattr(sys.modules[__name__], "Gone", Gone, raising=False)
    reference = handler.write(Gone())
    monkeypatch.delattr(sys.modules[__name__], "Gone")

    with pytest.raises(ReadError, match="does not unpickle here") as caught:
        handler.read(reference)
    assert not isinstance(caught.value, CorruptResult)


PLANTS: dict[str, Callable[[Path, Path], None]] = {
    "symlink to a valid file": lambda path, other: path.symlink_to(other),
    "symlink to nothing": lambda path, other: path.symlink_to("nothing"),
    "symlink to itself": lambda path, other: path.symlink_to(path.name),
    "FIFO": lambda path, other: os.mkfifo(path),
    "directory": lambda path, other: path.mkdir(),
    "device": lambda path, other: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_what_is_no_file(handler: LocalResultHandler[Any], tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    """A link, a FIFO or a directory in a value's place is not followed, nor waited for: reading raises."""
    reference = handler.write("value")
    outside = tmp_path / "outside"
    Path(reference).rename(outside)
    plant(Path(reference), outside)

    with pytest.raises(ReadError) as caught:
        handler.read(reference)
    assert not isinstance(caught.value, InvalidReference | UnknownReference)


class FullDisk:
    """Lets every file grow to a length only, as a full disk would."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __enter__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.length, self.before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


@pytest.mark.parametrize("value", [bytes(100_000), np.zeros(100_000), list(range(100_000)), "s" * 100_000, {"a": 1}])
def test_a_full_disk(handler: LocalResultHandler[Any], value: Any) -> None:
    """A write without room raises WriteError with its cause, leaves nothing, and harms nothing."""
    reference = handler.write("kept")
    with FullDisk(10), pytest.raises(WriteError) as caught:
        handler.write(value)

    assert residue(handler) == {Path(reference).name}
    assert handler.read(reference) == "kept"
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert type(handler.read(handler.write(value))) is type(value)


@pytest.mark.parametrize("call", ["fchmod", "write", "fsync", "rename", "mkdir", "open"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_call_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException) -> None:
    """Whichever call to the system fails, at whichever turn, nothing is left and the cause is kept."""
    handler = LocalResultHandler[Any](tmp_path / "results")
    original = getattr(os, call)
    for turn in range(10):
        calls = 0

        def failing(*args: Any, turn: int = turn, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls - 1 == turn:
                raise error
            return original(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            try:
                handler.write(1)
            except WriteError as failure:
                assert failure.__cause__ is error
            except KeyboardInterrupt as failure:
                assert failure is error
            else:
                break
        if handler.directory.exists():
            assert residue(handler) == set()
    else:
        pytest.fail("the call always fails")

    assert turn > 0
    assert len(residue(handler)) == 1


@pytest.mark.parametrize("sync", [True, False])
def test_the_order_of_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool) -> None:
    """The file is synced before it gets its name, the directory after; without ``sync`` neither is."""
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(fd: int) -> None:
        done.append("sync " + ("directory" if Path(f"/proc/self/fd/{fd}").is_dir() else "file"))
        fsync(fd)

    def noted_rename(*args: Any, **options: Any) -> None:
        done.append("rename")
        rename(*args, **options)

    handler = LocalResultHandler[int](tmp_path, sync=sync)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    handler.write(1)

    assert done == (["sync file", "rename", "sync directory"] if sync else ["rename"])


def test_new_directories_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each directory that the first write creates is on the disk before the reference is returned."""
    synced: list[str] = []
    fsync = os.fsync

    def noted_fsync(fd: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    LocalResultHandler[int](tmp_path / "a" / "b").write(1)

    assert {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")} <= set(synced)


VICTIM = """
import sys
from resultspec_reference import LocalResultHandler
handler = LocalResultHandler(sys.argv[1], sync=False)
n = 0
while True:
    print(handler.write([n] * 20_000 + [bytes(100_000)]), flush=True)
    n += 1
"""


@pytest.mark.parametrize("acknowledged", [1, 2, 7, 30])
def test_the_writer_is_killed(tmp_path: Path, acknowledged: int) -> None:
    """What was acknowledged before SIGKILL is read afterwards, and whatever has a name is whole."""
    with subprocess.Popen([sys.executable, "-c", VICTIM, str(tmp_path)], stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None

        references = [victim.stdout.readline().decode().strip() for _ in range(acknowledged)]
        victim.send_signal(signal.SIGKILL)
        references += [line.decode().strip() for line in victim.stdout if line.endswith(b"\n")]
    handler = LocalResultHandler[Any](tmp_path)

    assert [handler.read(reference)[0] for reference in references] == list(range(len(references)))
    for path in tmp_path.glob("*.result"):
        assert len(handler.read(str(path))) == 20_001
