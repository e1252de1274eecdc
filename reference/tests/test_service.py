"""The managed service and its client, over a real socket."""

import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from resultspec.errors import InvalidReference, UnknownReference
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.storage import Files
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference import CloudResultHandler, make_converter
from resultspec_reference._store_errors import RefusedAccess, StoreError, UnreachableStore
from resultspec_reference.service import Tenants, new_token
from resultspec_reference.service._command import command

MOST = 64 << 20
NAME = "0" * 32 + ".result"


@attrs.frozen
class Service:
    """A service that is running."""

    address: str
    token: str
    others_token: str
    directory: Path

    @property
    def handler(self) -> CloudResultHandler[object]:
        """A handler of one of its two tenants."""
        return CloudResultHandler(self.address, token=self.token)

    @property
    def others_handler(self) -> CloudResultHandler[object]:
        """A handler of the other."""
        return CloudResultHandler(self.address, token=self.others_token)

    def kept(self) -> set[str]:
        """The files that it keeps."""
        return {path.name for path in self.directory.rglob("*") if path.is_file()}

    def request(self, method: str, name: str, **options: object) -> httpx.Response:
        """Send a request of the first tenant."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}  # type: ignore[dict-item]
        return httpx.request(method, f"{self.address}/v1/results/{name}", headers=headers, timeout=20, **options)  # type: ignore[arg-type]


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start the service by its command, with two tenants, and stop it at the end."""
    directory = tmp_path_factory.mktemp("service")
    (token, digest), (others_token, others_digest) = new_token(), new_token()
    tenants = directory / "tenants.toml"
    tenants.write_text(f'[tenants.one]\ntokens = ["{digest}"]\n[tenants.other]\ntokens = ["{others_digest}"]\n')
    port, address = free_port(), ""
    command_line = [sys.executable, "-m", "resultspec_reference.service", "--tenants", str(tenants)]
    command_line += ["--keep", str(directory / "kept"), "--port", str(port), "--max-size", str(MOST)]
    with (directory / "log").open("w") as log, subprocess.Popen(command_line, stdout=log, stderr=log) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(600):
                if process.poll() is not None:
                    break
                try:
                    httpx.get(f"{address}/v1/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            assert process.poll() is None, (directory / "log").read_text()
            yield Service(address, token, others_token, directory / "kept")
        finally:
            process.terminate()


@pytest.mark.parametrize("value", [None, {"a": (1, b"2")}, np.arange(5_000_000, dtype=np.float32), b"x" * (9 << 20)])
def test_values_come_back_from_their_address(service: Service, value: object) -> None:
    """The reference is the address of the result, and an equally configured handler reads the value from it."""
    reference = service.handler.write(value)
    back = pickle.loads(pickle.dumps(service.handler)).read(reference)

    assert reference.startswith(f"{service.address}/v1/results/")
    assert type(back) is type(value)
    assert np.array_equal(back, value) if isinstance(value, np.ndarray) else back == value


def test_a_tenant_sees_its_own_results_alone(service: Service) -> None:
    """Another tenant's reference is unknown, and cannot be told from one that was never written."""
    reference = service.handler.write("private")
    with pytest.raises(UnknownReference):
        service.others_handler.read(reference)
    name = reference.rpartition("/")[2]
    headers = {"Authorization": f"Bearer {service.others_token}"}
    foreign, absent = service.request("GET", name, headers=headers), service.request("GET", NAME, headers=headers)

    assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content) == (404, absent.content)
    assert service.handler.read(reference) == "private"


@pytest.mark.parametrize("token", ["", "wrong", "ключ", "x" * 10_000])
def test_a_wrong_token_is_refused(service: Service, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading and writing raise RefusedAccess, whose text does not show the token; a missing one says what to give."""
    reference = service.handler.write(1)
    (tmp_path / "token").write_text(token, encoding="utf-8")
    monkeypatch.delenv("RESULTSPEC_CLOUD_TOKEN", raising=False)
    handler = CloudResultHandler[object](service.address, token_file=tmp_path / "token")
    for call in (lambda: handler.read(reference), lambda: handler.write(1)):
        with pytest.raises(RefusedAccess) as caught:
            call()

        assert not token or token not in str(caught.value)


def test_without_a_token_the_error_says_what_to_give(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, and used once it is set."""
    monkeypatch.delenv("RESULTSPEC_CLOUD_TOKEN", raising=False)
    with pytest.raises(RefusedAccess, match="RESULTSPEC_CLOUD_TOKEN"):
        CloudResultHandler[object](service.address).write(1)
    monkeypatch.setenv("RESULTSPEC_CLOUD_TOKEN", service.token)
    handler = CloudResultHandler[object](service.address)

    assert handler.read(handler.write(1)) == 1


def test_a_name_is_used_once(service: Service) -> None:
    """A second result of a name is refused, whatever its size, and the first stays as it is."""
    for first, second in ((b"a" * 10, b"b"), (b"c" * (9 << 20), b"d" * (9 << 20))):
        name = f"{first[0]:032x}.result"
        made, refused = service.request("PUT", name, content=first), service.request("PUT", name, content=second)

        assert (made.status_code, refused.status_code) == (201, 412)
        assert made.json() == {"uri": f"{service.address}/v1/results/{name}"}
        assert service.request("GET", name).content == first


def test_ranges_are_as_http_says(service: Service) -> None:
    """A range is answered by 206 with its place in the whole, one beyond the end by 416."""
    name = "f" * 32 + ".result"
    service.request("PUT", name, content=b"0123456789")
    part = service.request("GET", name, headers={"Range": "bytes=3-5"})
    rest = service.request("GET", name, headers={"Range": "bytes=8-"})
    beyond = service.request("GET", name, headers={"Range": "bytes=10-11"})

    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"345", "bytes 3-5/10")
    assert (rest.status_code, rest.content) == (206, b"89")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")


def test_a_result_that_is_too_large_is_refused(service: Service) -> None:
    """It is refused by what is announced, before anything is sent, and nothing is kept."""
    before = service.kept()
    with pytest.raises(StoreError, match="larger than the service"):
        service.handler.write(bytes(MOST + 1))
    unannounced = service.request("PUT", NAME, content=iter([b"of no length that is known"]))

    assert unannounced.status_code == 411
    assert service.kept() == before


@pytest.mark.parametrize("length", [1000, 20 << 20])
@pytest.mark.parametrize("sent", [0.0, 0.5, 0.99])
def test_an_interrupted_upload_leaves_nothing(service: Service, length: int, sent: float) -> None:
    """Whatever part of it came, the result does not exist, and no part of it is kept."""
    name = f"{length:031x}{int(sent * 10)}.result"
    before = service.kept()
    host, _, port = service.address.removeprefix("http://").partition(":")
    head = f"PUT /v1/results/{name} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {service.token}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + bytes(int(length * sent)))
    for _ in range(100):  # until the service has noticed that the client is gone
        if service.kept() == before:
            break
        time.sleep(0.05)

    assert service.request("GET", name).status_code == 404
    assert service.kept() == before


@pytest.mark.parametrize("name", ["x", "..%2f..%2ftenants.toml", "%2e%2e", f"one%2f{NAME}", NAME.upper() + "x"])
def test_only_names_of_results_are_looked_up(service: Service, name: str) -> None:
    """Whatever else is asked for does not exist, and cannot be made."""
    assert service.request("GET", name).status_code == 404
    assert service.request("PUT", name, content=b"x").status_code == 404


def test_a_reference_to_another_host_is_refused_without_a_request(service: Service) -> None:
    """The address of the service is the handler's, never the reference's."""
    reference = service.handler.write(1)
    elsewhere = reference.replace("127.0.0.1", "localhost")
    with pytest.raises(InvalidReference):
        service.handler.read(elsewhere)


def test_a_service_that_is_gone_is_an_error_of_its_own() -> None:
    """Where nobody answers, reading and writing raise UnreachableStore once they have tried for long enough."""
    handler = CloudResultHandler[object](f"http://127.0.0.1:{free_port()}", token="any", retry_for=0.2)
    with pytest.raises(UnreachableStore):
        handler.write(1)
    with pytest.raises(UnreachableStore):
        handler.read(f"{handler.endpoint}/v1/results/{NAME}")


def test_the_handler_shows_no_credential(service: Service, tmp_path: Path) -> None:
    """Neither its repr nor its stored form holds a token; a handler with one inline has no stored form."""
    handler = CloudResultHandler[object]("https://h/", token="very secret token", key=b"very secret signing key")
    (tmp_path / "token").write_text(service.token)
    storable = CloudResultHandler[object](service.address, token_file=tmp_path / "token")
    form = make_converter().unstructure(storable)

    assert "secret" not in repr(handler)
    assert make_converter().structure(form, CloudResultHandler) == storable
    assert form["token_file"] == str(tmp_path / "token")
    assert service.token not in repr(form)
    with pytest.raises(ValueError, match="lie open"):
        make_converter().unstructure(handler)


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    """Without tenants, with a file that is none, and with a size that is none: one sentence, exit code 2."""
    bad = tmp_path / "bad.toml"
    bad.write_text('[tenants.one]\ntokens = "text"\n')
    runs = {
        "--tenants FILE": CliRunner().invoke(command, []),
        "a list of SHA-256": CliRunner().invoke(command, ["--tenants", str(bad)]),
        "cannot be read as TOML": CliRunner().invoke(command, ["--tenants", str(tmp_path / "absent")]),
        "no size": CliRunner().invoke(command, ["--max-size", "much"]),
    }

    assert {sentence: run.exit_code for sentence, run in runs.items()} == dict.fromkeys(runs, 2)
    assert all(sentence in run.output for sentence, run in runs.items())


def test_a_new_token_is_what_the_file_wants(tmp_path: Path) -> None:
    """What the command prints for the file makes the token it prints that of the tenant."""
    printed = CliRunner().invoke(command, ["--new-token", "acme"]).output
    token = next(line.strip() for line in printed.splitlines() if line.startswith("    ") and "[" not in line and "=" not in line)
    file = tmp_path / "tenants.toml"
    file.write_text("\n".join(line.strip() for line in printed.splitlines() if "[" in line or "=" in line))

    assert Tenants.from_file(file).of(token) == "acme"
    assert Tenants.from_file(file).of("another") is None


def test_the_handler_keeps_every_rule_that_it_claims(service: Service) -> None:
    """With a key the suite finds nothing in any class, over the real socket, from other processes and in what is stored."""
    address, token, stored = service.address, service.token, service.directory / "one"

    def make() -> CloudResultHandler[object]:
        return CloudResultHandler(address, token=token, key=b"signs the results of this test")

    subject = HandlerSubject(
        make, claims=("core", "shared", "durable", "private"), credentials=(token,), tamper=lambda handler: Files(stored)
    )
    report = run(subject, Settings(examples=20, strict=True))
    claimed = [one for one in report.rules if one.cls in report.subject.claims]
    red = {
        one.id: f"{one.status}: {one.message or one.reason}" for one in claimed if one.status in ("failed", "error", "blocked")
    }

    assert red == {}
    # What only files of the handler's own could show.
    assert {one.id for one in claimed if one.status == "untested"} <= {
        "durable.full-disk",
        "durable.synced",
        "private.file-mode",
    }
    assert report.verdict == "conforms"
