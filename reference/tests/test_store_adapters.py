"""Handlers over stores of obstore and filesystems of fsspec: what they keep, and what they refuse."""

import copy
import errno
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import fsspec
import pytest
from adapted import EMULATED, FsspecS3, ObstoreS3
from emulators import SECRET
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from obstore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store
from resultspec.errors import CorruptResult, InvalidConfiguration, InvalidReference, UnknownReference, WriteError
from resultspec_reference import Configuration, MissingBucket, MissingExtra, RefusedAccess, StoreError, UnreachableStore
from resultspec_reference.adapters.fsspec import FsspecResultHandler
from resultspec_reference.adapters.obstore import ObstoreResultHandler

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = SECRET.encode()
NUMBERS = count()


@pytest.fixture(params=["obstore local", "obstore memory", "fsspec local", "fsspec memory", *EMULATED])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """A function that makes handlers with options, all of one store."""
    kind = request.param
    if kind in EMULATED:
        emulator, adapt = EMULATED[kind]
        store = adapt(request.getfixturevalue("stores")(emulator))
        prefix = f"adapters/{next(NUMBERS)}"
        return lambda **options: store.handler(prefix, **options)
    memory = MemoryStore()
    return {
        "obstore local": lambda **options: ObstoreResultHandler[Any](LocalStore(tmp_path), **options),
        "obstore memory": lambda **options: ObstoreResultHandler[Any](memory, **options),
        "fsspec local": lambda **options: FsspecResultHandler[Any](str(tmp_path), **options),
        "fsspec memory": lambda **options: FsspecResultHandler[Any](f"memory://{tmp_path}", **options),
    }[kind]


def test_large_values(make: Any) -> None:
    """What takes several requests to read, and more than a filesystem buffers to write, comes back."""
    value = [bytes(range(256)) * 100_000, b"end"]
    handler = make()

    assert handler.read(handler.write(value)) == value


def test_equality(make: Any) -> None:
    """Handlers of one store are equal, also when they are made by another thread; a key, a time or a prefix tells them apart."""
    handler, others = make(), [make(key=KEY), make(retry_for=7)]
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(make()))
    thread.start()
    thread.join()

    assert make() == handler == made[0] == copy.copy(handler)
    assert hash(make()) == hash(handler)
    assert len({handler, make(), *others}) == 3


def test_what_is_shown(make: Any) -> None:
    """No credential is in a repr or in a reference."""
    handler = make(key=KEY)

    assert SECRET not in f"{handler!r} {handler.write(SECRET)}"
    assert "key" not in repr(handler)


def test_pickling(make: Any) -> None:
    """A handler pickles as its store does: a store in memory of obstore does not, loudly; all others read what was written."""
    handler = make()
    if isinstance(getattr(handler, "store", None), MemoryStore):
        with pytest.raises(TypeError, match="cannot pickle 'MemoryStore'"):
            pickle.dumps(handler)
        return
    copied = pickle.loads(pickle.dumps(handler))

    assert copied == handler
    assert copied.read(handler.write([None])) == [None]


@pytest.mark.parametrize(
    ("handler", "root"),
    [
        (ObstoreResultHandler(S3Store("bucket", prefix="a/b"), "c/d"), "s3://bucket/a/b/c/d"),
        (ObstoreResultHandler(GCSStore("bucket", skip_signature=True)), "gs://bucket"),
        (ObstoreResultHandler(AzureStore("box", account_name="acc", sas_key=f"sig={SECRET}"), "c"), "az://box/c"),
        (ObstoreResultHandler(LocalStore()), "file://"),
        (ObstoreResultHandler(MemoryStore(), "c"), "memory:///c"),
        (FsspecResultHandler("/a b/../c/"), "file:///c"),
        (FsspecResultHandler("file:///a"), "file:///a"),
        (FsspecResultHandler("/"), "file://"),
        (FsspecResultHandler("memory://"), "memory://"),
        (FsspecResultHandler("local:///a://b?c"), "file:///a:/b?c"),
        (FsspecResultHandler("s3://bucket/a/"), "s3://bucket/a"),
        (FsspecResultHandler("abfs://box@acc.dfs.core.windows.net/a"), "abfs://box@acc.dfs.core.windows.net/a"),
        (FsspecResultHandler("sftp://me@example.com:22/a"), "sftp://me@example.com:22/a"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_references(handler: Any, root: str) -> None:
    """They are URIs, which mean the same place everywhere; another place is refused before anything is asked of the store."""
    assert handler._root == root
    for reference in (f"{root}/x", f"{root}/../{1:032x}.result", f"{root}x/{1:032x}.result", "memory://elsewhere/a", 5, None):
        with pytest.raises(InvalidReference):
            handler.read(reference)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "results",
        "./results",
        "~/results",
        "file://results",
        "simplecache::s3://bucket",
        "file:///a::b",
        f"ftp://me:{SECRET}@example.com/a",
        f"https://example.com/a?sig={SECRET}",
        "s3://bucket/../other",
        "s3://bucket/a\n",
        "s3://bucket/\udc80",
        "file:///\udc80",
        "file:///a\0",
    ],
)
def test_unusable_locations(url: str) -> None:
    """A place that is another one elsewhere, a chain and a URL with a secret are refused, and not quoted."""
    with pytest.raises(ValueError, match="path") as caught:
        FsspecResultHandler(url)

    assert SECRET not in str(caught.value)


def test_unusable_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that creates over others, one of a relative path, and what is no store are refused, and not quoted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_BUCKET", "bucket")
    stores: list[tuple[Any, type[Exception]]] = [
        (HTTPStore(f"https://me:{SECRET}@example.com"), TypeError),
        (f"s3://{SECRET}", TypeError),
        (None, TypeError),
        (LocalStore("."), ValueError),
        (S3Store(None), ValueError),  # type: ignore[arg-type] # obstore takes it, and the bucket from the variable
    ]
    for store, error in stores:
        with pytest.raises(error) as caught:
            ObstoreResultHandler(store)
        assert SECRET not in str(caught.value)


def test_one_form(stores: Callable[[str], Any]) -> None:
    """The handler of S3 and that of its obstore store keep values alike: each reads what the other wrote."""
    s3 = stores("s3")
    adapted, ours = ObstoreS3(s3).handler("one/form", key=KEY), s3.handler("one/form", key=KEY)

    assert ours.read(adapted.write([1, None])) == [1, None]
    assert adapted.read(ours.write([1, None])) == [1, None]


@pytest.mark.parametrize("adapt", [ObstoreS3, FsspecS3])
def test_missing_buckets(stores: Callable[[str], Any], adapt: Any) -> None:
    """A write into a bucket that does not exist says so, and does not make one."""
    handler = adapt(stores("s3")).handler("a", bucket="missing-bucket")
    for _ in range(2):
        with pytest.raises(MissingBucket, match="missing-bucket"):
            handler.write(1)


class Troubled(LocalFileSystem):  # type: ignore[misc] # fsspec has no types
    """A filesystem whose writing fails half-way, by an error that quotes a credential."""

    protocol = "troubled"
    error: Exception = OSError()
    threads: list[int] = []

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.threads.append(threading.get_ident())

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        if "w" in mode:
            file.f.write(b"half")
            file.f.write = self._fail
        return file

    def _fail(self, content: bytes) -> int:
        raise self.error


fsspec.register_implementation("troubled", Troubled, clobber=True)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (OSError(errno.ENOSPC, SECRET), StoreError, "No space left on device"),
        (PermissionError(errno.EACCES, SECRET), RefusedAccess, "was refused"),
        (TimeoutError(SECRET), UnreachableStore, "cannot be reached"),
        (ConnectionResetError(SECRET), UnreachableStore, "cannot be reached"),
        (ImportError(SECRET), MissingExtra, "another package"),
        (RuntimeError(SECRET), StoreError, "RuntimeError"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_failures_of_a_filesystem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: Any, says: str
) -> None:
    """They are errors of the reference, which quote nothing, and leave no file behind."""
    monkeypatch.setattr(Troubled, "error", error)
    handler = FsspecResultHandler(f"troubled://{tmp_path}", retry_for=0.1)
    with pytest.raises(kind, match=says) as caught:
        handler.write(1)

    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value, WriteError)
    assert list(tmp_path.iterdir()) == []


def test_unknown_protocols_and_missing_directories(tmp_path: Path) -> None:
    """A protocol that nobody speaks, and a directory that is not there and not to be made, are errors in one sentence."""
    with pytest.raises(StoreError, match=r"cannot be used for nonsense://a: ValueError"):
        FsspecResultHandler("nonsense://a").write(1)
    with pytest.raises(MissingBucket, match="make it first"):
        FsspecResultHandler(f"{tmp_path}/absent", storage_options={"auto_mkdir": False}).write(1)


def test_a_filesystem_belongs_to_a_thread(tmp_path: Path) -> None:
    """As in fsspec itself, where most filesystems are not for several at once: each thread makes its own, once."""
    Troubled.clear_instance_cache()
    Troubled.threads.clear()
    handler = FsspecResultHandler(f"troubled://{tmp_path}")
    together = threading.Barrier(3)

    def ask() -> int:
        # Threads that are there at the same time do not have the same number.
        together.wait(timeout=30)
        for _ in range(3):
            with pytest.raises(UnknownReference):
                handler.read(f"{handler.url}/{1:032x}.result")
        together.wait(timeout=30)
        return threading.get_ident()

    with ThreadPoolExecutor(3) as pool:
        threads = [asked.result() for asked in [pool.submit(ask) for _ in range(3)]]

    assert sorted(Troubled.threads) == sorted(threads)


class Listed(LocalFileSystem):  # type: ignore[misc] # fsspec has no types
    """A filesystem that remembers what it has listed, by fsspec's own means, as those of clouds do."""

    protocol = "listed"

    def ls(self, path: str, detail: bool = False, **options: Any) -> Any:
        self.dircache[path] = super().ls(path, detail=True)
        return self.dircache[path]

    def info(self, path: Any, **options: Any) -> Any:
        found = self._ls_from_cache(path) if isinstance(path, str) else None
        return found[0] if found else super().info(path)

    def invalidate_cache(self, path: str | None = None) -> None:
        self.dircache.pop(self._parent(path), None)


fsspec.register_implementation("listed", Listed, clobber=True)


def test_a_listing_that_is_older(tmp_path: Path) -> None:
    """What somebody listed through the same filesystem, before another process wrote a large value, does not hide it."""
    handler = FsspecResultHandler[Any](f"listed://{tmp_path}")
    handler.write(1)
    fsspec.url_to_fs(handler.url)[0].ls(str(tmp_path))
    reference = FsspecResultHandler(str(tmp_path)).write(b"x" * (3 << 20)).replace("file://", "listed://")

    assert handler.read(reference) == b"x" * (3 << 20)


def test_a_file_that_is_there_in_part(tmp_path: Path) -> None:
    """A reader who comes while a local file is being written, in place as fsspec does it, gets nothing of it."""
    handler = FsspecResultHandler[Any](str(tmp_path), key=KEY)
    reference = handler.write([b"x" * 100_000])
    file = Path(reference.removeprefix("file://"))
    whole = file.read_bytes()
    for size in (0, 1, 50_000, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(CorruptResult):
            handler.read(reference)


def test_the_root_of_a_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the working directory, which fsspec takes an empty path for."""
    monkeypatch.chdir(tmp_path)
    name = Path(FsspecResultHandler(str(tmp_path)).write(1)).name
    memory = FsspecResultHandler[Any]("memory://")
    reference = memory.write(2)

    assert reference == f"memory:///{Path(reference).name}"
    assert memory.read(reference) == 2
    with pytest.raises(UnknownReference):
        FsspecResultHandler("/").read(f"file:///{name}")


def test_memory_is_shared_within_a_process() -> None:
    """Fsspec has one memory in a process: any handler of the URL reads it, whatever filesystem object wrote."""
    reference = FsspecResultHandler("memory://shared").write([1])

    assert FsspecResultHandler("memory://shared").read(reference) == [1]
    assert MemoryFileSystem().exists(reference)


def test_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration file can name a location of fsspec, with its options; one that cannot be used is not quoted."""
    file = tmp_path / "config.toml"
    kind = 'kind = "resultspec_reference.adapters.fsspec:FsspecResultHandler"'
    monkeypatch.delenv("RESULTSPEC_RESULT_HANDLER", raising=False)
    monkeypatch.setenv("RESULTSPEC_CONFIG", str(file))
    file.write_text(f'[result_handler]\n{kind}\nurl = "s3://bucket/results"\nstorage_options = {{ anon = false }}')
    assert Configuration().result_handler == FsspecResultHandler("s3://bucket/results", storage_options={"anon": False})
    file.write_text(f'[result_handler]\n{kind}\nurl = "ftp://me:{SECRET}@example.com"')
    with pytest.raises(InvalidConfiguration) as caught:
        _ = Configuration().result_handler
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["fsspec_handler", "obstore_handler"])
def test_the_examples(name: str, tmp_path: Path) -> None:
    """The examples of the documentation run: they print a reference that names the directory, and the value."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", tmp_path], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    reference, value = done.stdout.splitlines()
    assert reference.startswith(f"{tmp_path.as_uri()}/results/")
    assert value == "{'answer': (42, None)}"


@pytest.mark.parametrize("make", [lambda: ObstoreResultHandler(MemoryStore()), lambda: FsspecResultHandler("memory://open")])
def test_what_is_kept_in_memory_keeps_no_file_open(make: Callable[[], Any]) -> None:
    """However much is kept there; a process may have a thousand files open, and no more."""
    handler = make()
    handler.write(0)
    before = {path.readlink() for path in Path("/proc/self/fd").iterdir() if path.exists()}
    for number in range(20):
        handler.write(number)
    after = {path.readlink() for path in Path("/proc/self/fd").iterdir() if path.exists()}

    assert [path for path in after - before if "(deleted)" in str(path)] == []
