"""The handlers over object stores at work, each on an emulator: what they keep, and what they refuse."""

import pickle
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import cloudpickle
import numpy as np
import pytest
import resultspec
from emulators import ACCOUNT_KEY, KINDS, SECRET, free_port
from resultspec.errors import CorruptResult, InvalidReference, UnknownReference, UnsupportedValue, WriteError
from resultspec_reference import (
    AzureResultHandler,
    GCSResultHandler,
    MissingBucket,
    RefusedAccess,
    Result,
    S3ResultHandler,
    StoreError,
    UnreachableStore,
    _objects,
    _obstore,
)

KEY = b"0123456789abcdef0123456789abcdef"
QUICK: dict[str, Any] = {"timeout": 5, "retry_for": 0.3}
NUMBERS = count()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, stores: Callable[[str], Any]) -> Any:
    """Each kind of store."""
    return stores(request.param)


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test writes under."""
    return f"tests/{next(NUMBERS)}"


@pytest.fixture
def handler(store: Any, prefix: str) -> Any:
    """A handler of each kind, with a prefix of its own."""
    return store.handler(prefix)


class Answering:
    """A server that answers every request alike, and counts them."""

    def __init__(self, status: int, body: str) -> None:
        self.requests = 0
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answering.requests += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815  # http.server's names.

            def log_message(self, *details: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], Answering]]:
    """Return a function that starts such a server."""
    started: list[Answering] = []

    def start(status: int, body: str) -> Answering:
        started.append(Answering(status, body))
        return started[-1]

    yield start
    for each in started:
        each.close()


def refusal(code: str) -> str:
    """Return what a store says when it refuses; it quotes what must not be seen."""
    return f"<Error><Code>{code}</Code><Message>sig={SECRET}</Message></Error>"


@attrs.define
class Point:
    """A class of somebody's own."""

    x: Any


@pytest.mark.parametrize("key", [None, KEY], ids=["checksum", "signature"])
def test_round_trip(store: Any, prefix: str, key: bytes | None) -> None:
    """Values of many kinds come back as they were, from an equally configured handler, signed or not."""
    written, read = (store.handler(prefix, key=key) for _ in range(2))
    assert isinstance(written, resultspec.ResultHandler)
    for value in (None, 0, "", b"", [], {"a": [1.5, {2}, (b"x", None)]}, Point(Point(1)), "é" * 5000, b"b" * 100_000):
        back = read.read(written.write(value))

        assert Result(back) == Result(value)


def test_references(handler: Any, store: Any) -> None:
    """A reference is the URI of the object, and names it by chance alone: equal values have different ones."""
    one, other = handler.write(1), handler.write(1)
    root, _, name = one.rpartition("/")

    assert root.startswith(f"{store.scheme}://bucket/tests/")
    assert name != other.rpartition("/")[2]
    assert store.door(handler).names() == sorted(each.rpartition("/")[2] for each in (one, other))


@pytest.mark.parametrize(
    "value",
    [
        np.arange(2_500_000.0),
        [bytes(9_000_000), bytearray(3_000_000), np.arange(300_000).astype("i2")],
        "s" * 5_000_000,
        list(range(900_000)),
    ],
    ids=["array", "buffers", "text", "stream"],
)
def test_large_values(handler: Any, value: Any) -> None:
    """Values that take many requests come back, with their types, on memory of their own."""
    back = handler.read(handler.write(value))

    assert type(back) is type(value)
    for one, other in zip(back, value, strict=True) if type(value) is list and len(value) == 3 else [(back, value)]:
        assert type(one) is type(other)
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
    if isinstance(back, np.ndarray):
        back[0] = 7


def test_large_values_are_not_copied(handler: Any) -> None:
    """Neither writing nor reading a large array takes memory for a second one."""
    array = np.ones(48_000_000, "u1")
    handler.read(handler.write(1))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        handler.read(handler.write(array))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < array.nbytes * 0.8


def test_values_too_large_for_one_request(store: Any, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a store does not take in one request is sent in parts, and makes no second object of a name either."""
    monkeypatch.setattr(_obstore, "LARGEST_PUT", 1 << 20)
    monkeypatch.setattr(_obstore, "_PART", 5 << 20)
    handler = store.handler(prefix)
    array = np.arange(1_500_000.0)

    assert np.array_equal(handler.read(handler.write(array)), array)

    name = f"{0:032x}.result"
    monkeypatch.setattr(_objects, "new_name", lambda: name)
    store.door(handler).set(name, b"another's")
    if store.scheme != "gs":
        # The emulator of GCS ignores the precondition of what is uploaded in chunks.
        with pytest.raises(WriteError, match="already"):
            store.handler(prefix, **QUICK).write(array)

        assert store.door(handler).get(name) == b"another's"


def test_writes_only_create(store: Any, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many writers that chance gave the same name, one succeeds; the others raise, and its value stays."""
    monkeypatch.setattr(_objects, "new_name", lambda: f"{0:032x}.result")

    def write(value: int) -> int | None:
        try:
            store.handler(prefix, timeout=20, retry_for=0.1).write(value)
        except WriteError:
            return None
        return value

    with ThreadPoolExecutor(8) as threads:
        winners = [value for value in threads.map(write, range(24)) if value is not None]

    assert len(winners) == 1
    handler = store.handler(prefix)
    assert handler.read(f"{handler._root}/{0:032x}.result") == winners[0]


def test_threads(handler: Any) -> None:
    """Threads that share a handler, and make its client all at once, write and read their own values."""
    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda n: handler.read(handler.write([n] * n)), range(40)))

    assert values == [[n] * n for n in range(40)]


def test_nothing_goes_on_after_a_call(store: Any, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler starts no thread of Python's, which would outlive the call, share its random numbers, or ask for more."""
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread))
    handler = store.handler(prefix, retry_for=77)
    handler.read(handler.write(1))

    assert started == []


def test_missing_objects(handler: Any, store: Any) -> None:
    """What was never written, or was removed, is an unknown reference."""
    reference = handler.write(1)
    root, _, name = reference.rpartition("/")
    store.door(handler).remove(name)
    for missing in (reference, f"{root}/{5:032x}.result"):
        with pytest.raises(UnknownReference, match="Nothing is kept as"):
            handler.read(missing)


def both(handler: Any) -> list[Callable[[], Any]]:
    """Return a write, and a read of something that may be there."""
    return [lambda: handler.write({"a": 1}), lambda: handler.read(f"{handler._root}/{1:032x}.result")]


def assert_quiet(error: BaseException) -> None:
    """Nothing that an error says, or what it chains, shows a credential."""
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert ACCOUNT_KEY not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__  # type: ignore[assignment]


def test_missing_bucket(store: Any, prefix: str) -> None:
    """A bucket that is not there is told from an object that is not, by writes and reads."""
    for call in both(store.handler(prefix, bucket="nobodys")):
        with pytest.raises(MissingBucket, match=r"no bucket.*://nobodys") as caught:
            call()
        assert_quiet(caught.value)


def test_refused_access(store: Any, prefix: str, answering: Any) -> None:
    """A credential that is refused is an error of its own, and also a PermissionError; it is not shown."""
    server = answering(403, refusal("SignatureDoesNotMatch"))
    for call in both(store.refused(prefix, server.url)):
        with pytest.raises(RefusedAccess, match=r"refused: .*403") as caught:
            call()
        assert isinstance(caught.value, PermissionError)
        assert_quiet(caught.value)


def test_unreachable(store: Any, prefix: str) -> None:
    """Nobody listening is an error of its own, and also a ConnectionError."""
    for call in both(store.handler(prefix, server=f"http://127.0.0.1:{free_port()}", **QUICK)):
        with pytest.raises(UnreachableStore, match="cannot be reached") as caught:
            call()
        assert isinstance(caught.value, ConnectionError)
        assert_quiet(caught.value)


def test_a_store_in_trouble(store: Any, prefix: str, answering: Any) -> None:
    """A store that only says it is in trouble is tried again, and then as good as unreachable."""
    server = answering(503, refusal("SlowDown"))
    for n, call in enumerate(both(store.handler(prefix, server=server.url, **QUICK))):
        with pytest.raises(UnreachableStore, match=r"in trouble.*503") as caught:
            call()
        assert server.requests >= 2 * (n + 1)
        assert_quiet(caught.value)


def test_other_refusals(store: Any, prefix: str, answering: Any) -> None:
    """Any other answer is a StoreError that names it, and nothing of what it says."""
    server = answering(400, refusal("InvalidArgument"))
    for call in both(store.handler(prefix, server=server.url, **QUICK)):
        with pytest.raises(StoreError, match="400") as caught:
            call()
        assert type(caught.value) is StoreError
        assert_quiet(caught.value)


def test_no_credential(prefix: str, answering: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no credential is found, the error says so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    # What a machine in a cloud would ask.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", answering(403, "no role").url)
    for call in both(S3ResultHandler("bucket", prefix, endpoint="http://127.0.0.1:9", **QUICK)):
        with pytest.raises(RefusedAccess, match=r"No credential for s3://bucket"):
            call()
    file = tmp_path / "credentials.json"
    for call in both(GCSResultHandler("bucket", prefix, credentials=file, **QUICK)):
        file.unlink(missing_ok=True)
        with pytest.raises(RefusedAccess, match=r"No credential for gs://bucket"):
            call()
        file.write_text("{}")
        with pytest.raises(RefusedAccess, match=r"No credential for gs://bucket"):
            call()


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_variables_set_later(stores: Any, kind: str, prefix: str, monkeypatch: pytest.MonkeyPatch, answering: Any) -> None:
    """After a refusal the credential is looked for anew: it need not have been there when the first client was made."""
    store = stores(kind)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_METADATA_ENDPOINT", "AZURE_IDENTITY_ENDPOINT"):
        monkeypatch.setenv(name, answering(403, "no role").url)
    given = store.handler(prefix, **QUICK)
    inline = {"access_key_id": None, "secret_access_key": None} if store.scheme == "s3" else {"account_key": None}
    handler = attrs.evolve(given, **inline)
    with pytest.raises(RefusedAccess):
        handler.write(1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY)

    assert handler.read(handler.write(1)) == 1


def test_unusable_credentials(prefix: str) -> None:
    """A credential that the client does not take is an error that does not show it."""
    for call in both(AzureResultHandler("account", "bucket", prefix, account_key=f"{SECRET}!", **QUICK)):
        with pytest.raises(StoreError, match="Azure cannot be used") as caught:
            call()
        assert_quiet(caught.value)


def test_an_endpoint_without_tls(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that obstore finds in a variable, and does not allow, is not tried again as if the network were bad."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for call in both(S3ResultHandler("bucket", prefix, access_key_id="a", secret_access_key="b", timeout=5, retry_for=1000)):
        with pytest.raises(StoreError, match="S3 cannot be used"):
            call()


HOSTILE: list[Callable[[str, str], Any]] = [
    lambda root, name: f"{root}/../{name}",
    lambda root, name: f"{root}/./{name}",
    lambda root, name: f"{root}//{name}",
    lambda root, name: f"{root}/deeper/{name}",
    lambda root, name: f"{root}/%2e%2e/{name}",
    lambda root, name: f"{root}%2F{name}",
    lambda root, name: f"{root}x/{name}",
    lambda root, name: f"{root.rpartition('/')[0]}/{name}",
    lambda root, name: f"{root.replace('bucket', 'others')}/{name}",
    lambda root, name: f"{root.replace('://bucket', '://others@bucket')}/{name}",
    lambda root, name: f"{root.replace('://', ':/')}/{name}",
    lambda root, name: f"{root.replace('://', ':///')}/{name}",
    lambda root, name: f"file{root[root.index(':') :]}/{name}",
    lambda root, name: f"http://127.0.0.1/{name}",
    lambda root, name: f"/{name}",
    lambda root, name: name,
    lambda root, name: f"{root.upper()}/{name}",
    lambda root, name: f"{root}/{name.upper()}",
    lambda root, name: f"{root}/{name}?versionId=1",
    lambda root, name: f"{root}/{name}#1",
    lambda root, name: f"{root}/{name}\n",
    lambda root, name: f"{root}/{name}\0",
    lambda root, name: f" {root}/{name}",
    lambda root, name: f"{root}/{name}".replace("/", "\\"),
    lambda root, name: f"{root}/{name[:-1]}",
    lambda root, name: f"{root}/{name[1:]}",
    lambda root, name: f"{root}/",
    lambda root, name: root,
    lambda root, name: "",
    lambda root, name: f"{root}/{name}" * 100_000,
    lambda root, name: None,
    lambda root, name: 3,
    lambda root, name: True,
    lambda root, name: [f"{root}/{name}"],
    lambda root, name: {"reference": f"{root}/{name}"},
    lambda root, name: f"{root}/{name}".encode(),
]


def test_hostile_references(store: Any, prefix: str, answering: Any) -> None:
    """What the handler could not have returned is refused before anything is asked of the store."""
    server = answering(200, "")
    handler = store.handler(prefix, server=server.url)
    for make in HOSTILE:
        with pytest.raises(InvalidReference):
            handler.read(make(handler._root, f"{1:032x}.result"))

    assert server.requests == 0


def test_damage(handler: Any, store: Any) -> None:
    """Whatever is done to an object, reading raises CorruptResult, and the whole object reads again."""
    reference, other = handler.write([1, "two"]), handler.write("other")
    door, name = store.door(handler), reference.rpartition("/")[2]
    whole = door.get(name)
    flipped = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(0, len(whole), 7)]
    cut = [whole[:n] for n in (0, 1, 16, len(whole) // 2, len(whole) - 1)]
    for damaged in (*flipped, *cut, whole + b"\0", whole[1:], door.get(other.rpartition("/")[2])):
        door.set(name, damaged)
        with pytest.raises(CorruptResult):
            handler.read(reference)
    door.set(name, whole)

    assert handler.read(reference) == [1, "two"]


def test_damage_to_a_large_object(handler: Any, store: Any) -> None:
    """Damage is found wherever it is in an object that is read in ranges."""
    array = np.arange(400_000.0)
    reference = handler.write(array)
    door, name = store.door(handler), reference.rpartition("/")[2]
    whole = door.get(name)
    for damaged in (whole[:-1], whole[: 1 << 20], whole + b"\0", *(whole[:n] + b"?" + whole[n + 1 :] for n in (0, 1 << 21, -9))):
        door.set(name, damaged)
        with pytest.raises(CorruptResult):
            handler.read(reference)


class Payload:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.mark,)


def test_signed_objects_run_no_foreign_code(store: Any, prefix: str, tmp_path: Path) -> None:
    """With a key, an object that somebody without it has put in a value's place is refused and not unpickled."""
    mark = tmp_path / "mark"
    signed, unsigned, forger = (store.handler(prefix, key=key) for key in (KEY, None, KEY[::-1]))
    reference = signed.write("good")
    name = reference.rpartition("/")[2]
    for other in (unsigned, forger):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_objects, "new_name", lambda: name)
            store.door(signed).remove(name)
            with pytest.raises(UnsupportedValue):
                other.write(Payload(mark))
            mark.rmdir()
            patch.setattr("resultspec_reference._format._prove", lambda *details: None)
            other.write(Payload(mark))
        with pytest.raises(CorruptResult):
            signed.read(reference)

        assert not mark.exists()


def test_key_files(store: Any, prefix: str, tmp_path: Path) -> None:
    """A key file is read when it is needed; without it nothing is written or read."""
    file = tmp_path / "key"
    handler = store.handler(prefix, key=file)
    with pytest.raises(WriteError, match="holds no key"):
        handler.write(1)
    file.write_bytes(KEY)
    reference = handler.write(1)

    assert store.handler(prefix, key=KEY).read(reference) == 1
    assert handler.read(reference) == 1


def test_refused_values(handler: Any, store: Any) -> None:
    """A value that does not come back as it is is refused, and leaves nothing behind."""
    handler.write(1)
    before = store.door(handler).names()
    for value in (threading.Lock(), memoryview(b"x"), Payload(Path("/nonexistent/a"))):
        with pytest.raises(UnsupportedValue):
            handler.write(value)

    assert store.door(handler).names() == before


def test_copies(store: Any, prefix: str) -> None:
    """Pickled and cloudpickled handlers, also of a handler in use, are equal, and read its references."""
    handler = store.handler(prefix, key=KEY)
    reference = handler.write("value")
    for dumps in (pickle.dumps, cloudpickle.dumps):
        copy = pickle.loads(dumps(handler))

        assert copy == handler
        assert hash(copy) == hash(handler)
        assert copy.read(reference) == "value"


FORKED = """
import os, pickle, sys
handler = pickle.load(sys.stdin.buffer)
reference = handler.write(5)
child = os.fork()
if child == 0:
    try:
        print(handler.read(reference), flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(handler.read(reference))
"""


def test_forked_processes(handler: Any, store: Any) -> None:
    """In a child that was forked after its parent used a handler, the handler works, or says at once that it cannot."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED], input=pickle.dumps(handler), capture_output=True, timeout=60, check=True
    )
    child, parent = done.stdout.decode().splitlines()

    assert parent == "5"
    assert child == "5" if store.scheme == "gs" else child.startswith("StoreError obstore was in use before")
