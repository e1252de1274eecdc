"""The local handler at work: values come back as they were, and nobody else's files are touched."""

import collections
import datetime
import decimal
import enum
import os
import pickle
import stat
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import cloudpickle
import numpy as np
import pandas as pd
import pytest
import resultspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resultspec.errors import InvalidReference, ReadError, UnknownReference, UnsupportedValue, WriteError
from resultspec_reference import LocalResultHandler, Result

KEY = b"0123456789abcdef0123456789abcdef"

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes()
HASHABLES = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5)
VALUES = st.recursive(
    HASHABLES, lambda inner: st.lists(inner) | st.dictionaries(HASHABLES, inner) | st.sets(HASHABLES), max_leaves=8
)


class Colour(enum.IntEnum):
    """A subclass that must come back as itself."""

    RED = 1


@attrs.define
class Point:
    """A class of somebody's own."""

    x: Any


@pytest.fixture(params=[None, KEY], ids=["checksum", "signature"])
def handler(request: pytest.FixtureRequest, tmp_path: Path) -> LocalResultHandler[Any]:
    """A handler with each kind of seal; whether it syncs is a matter for a few tests of its own."""
    return LocalResultHandler(tmp_path / "results", sync=False, key=request.param)


def test_it_is_a_handler(handler: LocalResultHandler[Any]) -> None:
    """It satisfies the Protocol."""
    assert isinstance(handler, resultspec.ResultHandler)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_round_trip(handler: LocalResultHandler[Any], value: Any) -> None:
    """Any plain value comes back equal and of the same types, NaN included: results compare so."""
    back = handler.read(handler.write(value))

    assert Result(back) == Result(value)


LARGE = 100_000


@pytest.mark.parametrize(
    "value",
    [
        "é" * LARGE,
        b"b" * LARGE,
        bytearray(b"b" * LARGE),
        [b"b" * LARGE, bytearray(LARGE), "s" * LARGE],
        list(range(LARGE)),
        Colour.RED,
        Point([Point(1)]),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, a=[1]),
        decimal.Decimal("1.10"),
        datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
        Path("a"),
        range(3),
        ...,
        int,
        len,
        1j,
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_kinds_of_values(handler: LocalResultHandler[Any], value: Any) -> None:
    """Large values, subclasses, one's own classes and other objects come back equal and of their type."""
    back = handler.read(handler.write(value))

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("size", [0, 3, LARGE])
@pytest.mark.parametrize("dtype", ["f8", "i2", "?", "U3", "O", "M8[s]", "i4,f8"])
@pytest.mark.parametrize("writable", [True, False])
def test_arrays(handler: LocalResultHandler[Any], size: int, dtype: str, writable: bool) -> None:
    """Arrays of any type and size come back, as writable as they were, and on memory of their own."""
    array = np.zeros(size, dtype)
    array.flags.writeable = writable
    reference = handler.write(array)

    back, again = handler.read(reference), handler.read(reference)

    np.testing.assert_array_equal(back, array, strict=True)
    # numpy itself forgets that an array of objects or dates is read-only.
    assert back.flags.writeable == writable or dtype in ("O", "M8[s]")
    assert not np.shares_memory(back, again)
    if writable and size:
        back[0] = np.ones((), dtype)
        np.testing.assert_array_equal(handler.read(reference), array)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(20_000.0).reshape(100, 200)),
        np.arange(20_000)[::2],
        np.arange(20_000).reshape(10, 20, 100).transpose(2, 0, 1),
        np.array(5.0),
        np.ma.masked_array(np.arange(3), [False, True, False]),
    ],
    ids=["fortran", "strided", "transposed", "0-d", "masked"],
)
def test_layouts_of_arrays(handler: LocalResultHandler[Any], array: Any) -> None:
    """Arrays that do not lie in one piece come back."""
    back = handler.read(handler.write({"a": [array, array]}))["a"][0]

    np.testing.assert_array_equal(back, array)
    assert type(back) is type(array)


def test_many_buffers_of_odd_lengths(handler: LocalResultHandler[Any]) -> None:
    """Each of many buffers, whose lengths are no multiple of anything, comes back in its place."""
    arrays = [np.full(4000 + 37 * n, n, "u1") for n in range(20)]

    back = handler.read(handler.write(arrays))

    assert [array.tobytes() for array in back] == [array.tobytes() for array in arrays]


@pytest.mark.parametrize(
    "value", [bytearray(5_000_000), bytes(5_000_000), np.ones(5_000_000, "u1")], ids=["bytearray", "bytes", "array"]
)
def test_memory_of_its_own(handler: LocalResultHandler[Any], value: Any) -> None:
    """Values large enough for memory of their own keep their type, and can be altered and written again."""
    back = handler.read(handler.write(value))
    if not isinstance(back, bytes):
        back[-1] = 7
    again = handler.read(handler.write(back))

    assert type(again) is type(value)
    assert bytes(again) == bytes(back)


def test_frames(handler: LocalResultHandler[Any]) -> None:
    """A frame comes back."""
    frame = pd.DataFrame({"n": np.arange(LARGE), "x": np.arange(LARGE) / 7, "s": ["a"] * LARGE})

    pd.testing.assert_frame_equal(handler.read(handler.write(frame)), frame)


def test_what_only_cloudpickle_carries(handler: LocalResultHandler[Any]) -> None:
    """Functions and classes made on the spot come back."""
    offset = 2

    @attrs.define
    class Local:
        x: int

    assert handler.read(handler.write(lambda x: x + offset))(1) == 3
    assert handler.read(handler.write([Local(1)])) == [Local(1)]


def test_a_fresh_value_each_time(handler: LocalResultHandler[Any]) -> None:
    """Neither altering the value that was written nor one that was read alters the next read."""
    value: Any = {"a": [1], "b": bytearray(b"x" * LARGE), "c": np.zeros(LARGE)}
    reference = handler.write(value)
    for each in (value, handler.read(reference)):
        each["a"].append(2)
        each["b"][0] = 0
        each["c"][0] = 1

    read = handler.read(reference)

    assert read["a"] == [1]
    assert read["b"] == b"x" * LARGE
    assert not read["c"].any()


class Refusing:
    """Does not pickle."""

    def __reduce__(self) -> Any:
        raise ValueError("hunter2")


class Unreadable:
    """Pickles, and does not unpickle."""

    def __reduce__(self) -> Any:
        return int, ("hunter2",)


class Turncoat:
    """Comes back as something else."""

    def __reduce__(self) -> Any:
        return int, ("5",)


class Shrinking:
    """Equal to every other, once unpickled."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shrinking) and other.number == self.number

    def __reduce__(self) -> Any:
        return Shrinking, (0,)


class Deep:
    """Goes on forever."""

    def __reduce__(self) -> Any:
        return Deep, (Deep(),)


REFUSED: dict[str, Any] = {
    "does not pickle": Refusing(),
    "does not unpickle": Unreadable(),
    "other type": Turncoat(),
    "lock": threading.Lock(),
    "generator": (n for n in range(0)),
    "memoryview": memoryview(b"abc"),
    "large memoryview": memoryview(bytes(LARGE)),
    "PickleBuffer": pickle.PickleBuffer(b"abc"),
    "large PickleBuffer": pickle.PickleBuffer(bytes(LARGE)),
    "set that shrinks": {Shrinking(1), Shrinking(2)},
    "dict that shrinks": {Shrinking(1): 1, Shrinking(2): 2},
    "no end": Deep(),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [np.zeros(LARGE), v], lambda v: {"a": (v,)}, lambda v: {(0,): [v]}])
def test_refuses(handler: LocalResultHandler[Any], value: Any, wrap: Any) -> None:
    """What cannot be read back as it is is refused, at any depth, quietly, and nothing is left behind."""
    reference = handler.write("kept")

    with pytest.raises(UnsupportedValue) as caught:
        handler.write(wrap(value))

    assert handler.read(reference) == "kept"
    assert [path.name for path in handler.directory.iterdir()] == [Path(reference).name]
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error!r}{error}"

        error = error.__cause__ or error.__context__


def test_values_in_sets_are_refused_too(handler: LocalResultHandler[Any]) -> None:
    """The members of a set must come back as what they are."""
    with pytest.raises(UnsupportedValue, match="set changes the types"):
        handler.write({Turncoat()})


class Normalising:
    """Alters its array while it is unpickled."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getstate__(self) -> Any:
        return [self.array]

    def __setstate__(self, state: Any) -> None:
        (self.array,) = state
        self.array += 1


def test_the_proof_alters_nothing(handler: LocalResultHandler[Any]) -> None:
    """An object that alters its buffers while it is unpickled alters neither the value nor what is kept."""
    value = Normalising(np.zeros(LARGE))
    reference = handler.write(value)

    assert not value.array.any()
    assert (handler.read(reference).array == 1).all()
    assert (handler.read(reference).array == 1).all()


def test_references_are_opaque_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference is the absolute path of a file with a random name; equal values get different ones."""
    monkeypatch.chdir(tmp_path)
    handler = LocalResultHandler[str]("here")

    one, other = handler.write("v"), handler.write("v")

    assert one != other
    assert Path(one).parent == tmp_path / "here"
    assert len(one) == len(other)
    assert Path(one).is_file()


def test_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative directory means the one it meant at construction."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    handler = LocalResultHandler[int]("a/../here")
    monkeypatch.chdir("elsewhere")

    assert LocalResultHandler[int](tmp_path / "here").read(handler.write(1)) == 1


def test_the_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory, values lie in the user's data directory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert LocalResultHandler().directory == tmp_path / "resultspec" / "results"


def test_construction_is_passive(tmp_path: Path) -> None:
    """Constructing creates nothing; nor does a read."""
    handler = LocalResultHandler[int](tmp_path / "results")
    with pytest.raises(UnknownReference):
        handler.read(str(tmp_path / "results" / f"{'0' * 32}.result"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_modes(tmp_path: Path, umask: int) -> None:
    """Files and the directories above them are their owner's alone, whatever the umask."""
    before = os.umask(umask)
    try:
        reference = LocalResultHandler[int](tmp_path / "a" / "b").write(1)
    finally:
        os.umask(before)

    assert [stat.S_IMODE(Path(path).stat().st_mode) for path in (reference, tmp_path / "a", tmp_path / "a" / "b")] == [
        0o600,
        0o700,
        0o700,
    ]


def test_equality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equally configured handlers are equal and hash alike; others are not equal."""
    monkeypatch.chdir(tmp_path)
    handler = LocalResultHandler[Any](tmp_path)
    others: list[object] = [
        LocalResultHandler(tmp_path / "a"),
        LocalResultHandler(tmp_path, sync=False),
        LocalResultHandler(tmp_path, key=KEY),
        LocalResultHandler(tmp_path, key=tmp_path / "key"),
        None,
    ]

    assert handler == LocalResultHandler(".")
    assert hash(handler) == hash(LocalResultHandler("."))
    assert all(handler != other for other in others)
    assert LocalResultHandler(tmp_path, key=KEY) == LocalResultHandler(tmp_path, key=KEY)


def test_pickled_handlers_read_and_write(handler: LocalResultHandler[Any]) -> None:
    """A handler that was pickled, or cloudpickled, is equal, and reads and writes."""
    reference = handler.write(1)
    for copy in (pickle.loads(pickle.dumps(handler)), pickle.loads(cloudpickle.dumps(handler))):
        assert copy == handler
        assert copy.read(reference) == 1
        assert handler.read(copy.write(2)) == 2


def test_keys_are_never_shown(tmp_path: Path) -> None:
    """Neither repr, nor an error, nor the pickle of a handler with a key file shows the key."""
    file = tmp_path / "key"
    file.write_bytes(KEY)
    inline, filed = LocalResultHandler[Any](tmp_path, key=KEY), LocalResultHandler[Any](tmp_path, key=file)

    assert inline.read(filed.write(1)) == 1
    assert KEY not in pickle.dumps(filed)
    assert KEY.decode() not in repr(inline) + str(inline) + repr(filed)


@pytest.mark.parametrize(
    ("key", "error"),
    [(b"short-sec", ValueError), ("short-sec" * 3, TypeError), (bytearray(b"short-sec" * 3), TypeError)],
)
def test_unusable_keys(tmp_path: Path, key: Any, error: type[Exception]) -> None:
    """A short key, and one that is not bytes, is refused without being quoted."""
    with pytest.raises(error) as caught:
        LocalResultHandler(tmp_path, key=key)

    assert "short-sec" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"short"])
def test_unusable_key_files(tmp_path: Path, content: bytes | None) -> None:
    """A missing or short key file fails writes as a write error and reads as a read error, not as unknown."""
    file = tmp_path / "key"
    file.write_bytes(KEY)
    handler = LocalResultHandler[int](tmp_path / "results", key=file)
    reference = handler.write(1)
    file.unlink()
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(WriteError, match="key"):
        handler.write(1)
    with pytest.raises(ReadError, match="key") as caught:
        handler.read(reference)
    assert not isinstance(caught.value, UnknownReference)


@pytest.mark.parametrize("directory", ["a\0b", b"\xff".decode("utf-8", "surrogateescape")])
def test_directories_that_no_reference_could_name(directory: str) -> None:
    """A path that JSON or the system cannot carry is refused at construction."""
    with pytest.raises(ValueError, match="reference"):
        LocalResultHandler(directory)


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    """It fails the write, saying which directory and why."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(WriteError, match=r"file.*: Not a directory") as caught:
            LocalResultHandler[int](path).write(1)

        assert isinstance(caught.value.__cause__, OSError)


def test_a_directory_that_cannot_be_written() -> None:
    """It fails the write; /proc refuses even root."""
    with pytest.raises(WriteError, match="/proc/nowhere") as caught:
        LocalResultHandler[int]("/proc/nowhere").write(1)

    assert isinstance(caught.value.__cause__, OSError)


def test_a_moved_directory_behind_a_link(tmp_path: Path) -> None:
    """References stay good when the directory is moved and a link is put in its place."""
    handler = LocalResultHandler[int](tmp_path / "results")
    reference = handler.write(1)
    (tmp_path / "results").rename(tmp_path / "moved")
    (tmp_path / "results").symlink_to("moved")

    assert LocalResultHandler[int](tmp_path / "results").read(reference) == 1


def test_a_removed_value_is_unknown(handler: LocalResultHandler[Any]) -> None:
    """A reference whose file is gone, or whose whole directory is, raises UnknownReference."""
    reference = handler.write(None)
    Path(reference).unlink()
    with pytest.raises(UnknownReference):
        handler.read(reference)
    handler.directory.rmdir()
    with pytest.raises(UnknownReference):
        handler.read(reference)


MALFORMED: list[Any] = [
    None,
    True,
    0,
    1,
    1.5,
    [],
    {},
    b"a",
    "",
    ".",
    "/",
    "/dev/zero",
    "/etc/passwd",
    "{directory}",
    "{directory}/",
    "{directory}/..",
    "{directory}/../outside/{name}",
    "{directory}/./{name}",
    "{directory}//{name}",
    "{directory}/{name}/",
    "{directory}/{name}\n",
    "{directory}/{name}\0",
    "{directory}/{name}.new",
    "{directory}/.{name}.new",
    "{directory}/{upper}",
    "{directory}/%2e%2e/{name}",
    "{name}",
    "file://{directory}/{name}",
    "{directory}/{name}" * 2,
    "{directory}/" + "0" * 1_000_000,
]


@pytest.mark.parametrize("reference", MALFORMED, ids=lambda reference: f"{reference!r:.40}")
def test_malformed_references(handler: LocalResultHandler[Any], tmp_path: Path, reference: Any) -> None:
    """Only the exact path of a file that the handler named is opened; even a valid file elsewhere is not."""
    name = Path(handler.write("kept")).name
    outside = LocalResultHandler[str](tmp_path / "outside", key=handler.key)
    outside.write("outside")
    (tmp_path / "outside" / name).write_bytes((handler.directory / name).read_bytes())
    if isinstance(reference, str):
        reference = reference.format(directory=handler.directory, name=name, upper=name.upper())

    with pytest.raises(InvalidReference):
        handler.read(reference)


def test_threads(handler: LocalResultHandler[Any]) -> None:
    """Writes and reads of many threads do not disturb each other."""

    def there_and_back(n: int) -> bool:
        value = [n] * (n % 7) + [np.full(n % 3000, n)]
        return repr(handler.read(handler.write(value))) == repr(value)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, range(400)))


WRITER = """
import pickle, sys
handler = pickle.load(sys.stdin.buffer)
for n in range(100):
    print(handler.write({"n": n, "payload": bytes(10_000)}))
"""


def test_processes_start_together_and_elsewhere(tmp_path: Path) -> None:
    """Several processes, in another working directory, create the store together; what they wrote is read here."""
    handler = LocalResultHandler[Any](tmp_path / "a" / "results", sync=False)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdin is not None

        writer.stdin.write(pickle.dumps(handler))
        writer.stdin.close()
    for writer in writers:
        assert writer.stdout is not None

        with writer:
            references = writer.stdout.read().decode().split()

        assert writer.returncode == 0
        assert [handler.read(reference)["n"] for reference in references] == list(range(100))


@pytest.mark.parametrize("value", [bytes(20_000_000), np.zeros(2_500_000), pd.DataFrame({"a": np.zeros(2_500_000)})])
def test_memory(tmp_path: Path, value: Any) -> None:
    """Writing large bytes, an array or a frame takes little memory, reading little more than its size."""
    handler = LocalResultHandler[Any](tmp_path, sync=False)
    size = 20_000_000
    tracemalloc.start()
    try:
        reference = handler.write(value)
        _, written = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        back = handler.read(reference)
        _, read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert type(back) is type(value)
    assert written < 0.1 * size
    assert read < 1.1 * size
