"""What counts as revealed, as a credential, and as heard."""

import base64
import bz2
import codecs
import gzip
import hashlib
import json
import logging
import lzma
import os
import pickle
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from resultspec_conformance.secrets.canaries import canary_text
from resultspec_conformance.secrets.credentials import credentials_of, signatures_in
from resultspec_conformance.secrets.listening import overheard
from resultspec_conformance.secrets.recognising import secret_of
from resultspec_conformance.secrets.revealing import Secret, revealed

TEXT = canary_text()
DATA = TEXT.encode()


def b64(data: bytes) -> str:
    """Encode bytes as references carry them."""
    return base64.b64encode(data).decode()


REVEALING: dict[str, Any] = {
    "plain": TEXT,
    "preview": TEXT[:10] + "...",
    "lower case": TEXT.lower(),
    "reversed": TEXT[::-1],
    "rot13": codecs.encode(TEXT, "rot13"),
    "base64": b64(DATA),
    "base64, shifted": "/tmp/a-b/" + b64(b"x" + DATA),
    "base64, urlsafe, bare": base64.urlsafe_b64encode(b"\xff\xfe\xfd" + DATA).decode().rstrip("="),
    "base64 twice": b64(base64.b64encode(DATA)),
    "base32": base64.b32encode(DATA).decode(),
    "base85": base64.b85encode(DATA).decode(),
    "hex": DATA.hex(),
    "HEX": DATA.hex().upper(),
    "hex with colons": DATA.hex(":"),
    "hex in directories": f"{DATA.hex()[:2]}/{DATA.hex()[2:4]}/{DATA.hex()[4:]}",
    "zlib": b64(zlib.compress(DATA)),
    "gzip": b64(gzip.compress(DATA)),
    "bz2": b64(bz2.compress(DATA)),
    "lzma": b64(lzma.compress(DATA)),
    "raw deflate": b64(zlib.compress(DATA, wbits=-15)),
    "pickle": b64(pickle.dumps({"a": TEXT})),
    "pickle, zlib": b64(zlib.compress(pickle.dumps([TEXT, 1]))),
    "JSON in JSON": "".join(f"\\u{ord(c):04x}" for c in TEXT),
    "percent": "".join(f"%{byte:02x}" for byte in DATA),
    "percent twice": quote("".join(f"%{byte:02x}" for byte in DATA)),
    "codes": list(DATA),
    "one number": int.from_bytes(DATA, "big"),
    "UTF-16": b64(TEXT.encode("utf-16")),
    "repr of bytes": repr(DATA),
}


@pytest.mark.parametrize("shown", REVEALING.values(), ids=REVEALING)
def test_an_encoding_hides_nothing(shown: Any) -> None:
    """A text is found again in whatever it was encoded in, as JSON shows it."""
    found = revealed(json.dumps(shown), [Secret("the value", (DATA,))])

    assert found is not None


@pytest.mark.parametrize("before", [r"\\h", r"\777", r"\8", "\\", r"\\\h\n"])
def test_no_backslash_is_warned_of(before: str) -> None:
    """Text with escapes that Python warns of, as paths and patterns have them, is searched as other text is."""
    assert revealed(f"{before} and nothing else", [Secret("the value", (DATA,))]) is None


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512", "blake2b"])
def test_a_digest_reveals_nothing(name: str) -> None:
    """References may be made of a digest of the value, in any form."""
    digest = hashlib.new(name, DATA)
    shown = [digest.hexdigest(), b64(digest.digest()), list(digest.digest()), int.from_bytes(digest.digest(), "big")]

    assert revealed(json.dumps(shown), [secret_of(TEXT)]) is None


@pytest.mark.parametrize("value", [DATA, 123456789012345678, 0.5907038548738932, [TEXT], {TEXT: 1}, {"a": [(TEXT,)]}])
def test_values_of_many_types_are_recognised(value: Any) -> None:
    """Texts, bytes and long numbers give a value away, wherever in it they are."""
    assert revealed(repr(value), [secret_of(value)]) is not None
    assert revealed(b64(pickle.dumps(value)), [secret_of(value)]) is not None


@pytest.mark.parametrize("value", [None, True, 7, "short", b"\0" * 40, 0.5, [], {"a": 1}])
def test_what_anything_could_be_gives_nothing_away(value: Any) -> None:
    """Values without a telling part have no secret, so that they raise no alarm."""
    assert secret_of(value).pieces == ()


@dataclass
class Client:
    """A configuration as handlers have it."""

    api_key: str = "sk-51H8x0Q2eZvKYlo2C"
    key_prefix: str = "results/of/everybody"


class Slotted:
    """A handler with slots."""

    __slots__ = ("__secret", "region")

    def __init__(self) -> None:
        self.__secret = b"\x01\x02\x03\x04\x05\x06\x07\x08"
        self.region = "eu-west-1"


FOUND: list[tuple[Any, set[bytes]]] = [
    (SimpleNamespace(password="hunter22", user="worker"), {b"hunter22"}),
    (SimpleNamespace(_key=b"0123456789abcdef"), {b"0123456789abcdef"}),
    (SimpleNamespace(aws_secret_access_key="wJalrXUtnFEMI/K7MDENG", aws_access_key_id="AKIAIOSFODNN7EXAMPLE"), {b"wJalrXUtnFEMI/K7MDENG"}),
    (SimpleNamespace(url="postgresql://worker:s3cr%21tpw@db/results"), {b"s3cr%21tpw", b"s3cr!tpw"}),
    (SimpleNamespace(dsn="AccountName=a;AccountKey=c2VjcmV0a2V5;Suffix=b"), {b"c2VjcmV0a2V5"}),
    (SimpleNamespace(config=Client()), {b"sk-51H8x0Q2eZvKYlo2C"}),
    (SimpleNamespace(client={"token": "abcdefghij"}), {b"abcdefghij"}),
    (Slotted(), {b"\x01\x02\x03\x04\x05\x06\x07\x08"}),
    (SimpleNamespace(key="results/2025/", key_file="/etc/key", token_url="https://a.example/t", secret_name="prod/db", keys=["a"]), set()),
    (SimpleNamespace(directory=Path("/tmp/results"), key=None, password=None, tokens=3, monkey="a banana a day"), set()),
]  # fmt: skip


@pytest.mark.parametrize(("handler", "expected"), FOUND)
def test_credentials_are_found_by_name_and_by_form(handler: Any, expected: set[bytes]) -> None:
    """What is named as a secret is one; what is said about one, or is a path or a prefix, is none."""
    assert {piece for secret in credentials_of(handler) for piece in secret.pieces} == expected


def test_a_key_file_is_read(tmp_path: Path) -> None:
    """The content of a file that a handler names as its key is a credential."""
    (tmp_path / "key").write_bytes(b"0123456789abcdef\n")

    assert [secret.pieces for secret in credentials_of(SimpleNamespace(key=tmp_path / "key"))] == [(b"0123456789abcdef",)]


def test_a_signature_in_a_reference_is_a_credential() -> None:
    """A signed address may be a reference, and still its signature may appear in no error."""
    signed = "https://bucket.example/name?X-Amz-Signature=0123456789abcdef&X-Amz-Date=20250101"

    assert [secret.pieces for secret in signatures_in([signed])] == [(b"0123456789abcdef",)]


def chained() -> None:
    """Raise an error that is quiet itself, because of one that is not."""
    try:
        json.loads(f'["{TEXT}"')
    except ValueError as error:
        raise LookupError("nothing to see") from error


def in_passing() -> None:
    """Raise an error that is quiet itself, while one is handled that is not."""
    try:
        json.loads(f'["{TEXT}"')
    except ValueError:
        raise LookupError("nothing to see")  # noqa: B904 - chained without being told to


def suppressed() -> None:
    """Raise an error that is quiet itself, and let nobody see the other."""
    try:
        json.loads(f'["{TEXT}"')
    except ValueError:
        raise LookupError("nothing to see") from None


def noted() -> None:
    """Raise an error with a note."""
    error = LookupError("nothing to see")
    error.add_note(TEXT)
    raise error


def logged() -> None:
    """Log at the lowest level, by a logger that passes nothing on."""
    logger = logging.getLogger("resultspec.tests.private")
    logger.propagate = False
    logger.log(3, "a value: %s", TEXT)


TALKING: dict[str, Callable[[], Any]] = {
    "the document of a cause": chained,
    "the document of a context": in_passing,
    "a note": noted,
    "a group": lambda: (_ for _ in ()).throw(ExceptionGroup("several", [ValueError(TEXT)])),
    "a log record": logged,
    "a warning": lambda: warnings.warn(TEXT, DeprecationWarning, stacklevel=1),
    "a descriptor": lambda: os.write(2, DATA),
    "a print": lambda: print(TEXT, file=sys.__stdout__),
}


@pytest.mark.parametrize("function", TALKING.values(), ids=TALKING)
def test_whatever_comes_out_is_heard(function: Callable[[], Any]) -> None:
    """Errors with their whole chain, log records of all levels, warnings and both outputs are heard."""
    said = overheard(function).said

    assert any(revealed(one.text, [secret_of(TEXT)]) for one in said), said


def test_a_suppressed_context_is_not_heard() -> None:
    """What was raised `from None` shows nothing of what it was raised over, so nothing of it comes out."""
    said = overheard(suppressed).said

    assert [one for one in said if revealed(one.text, [secret_of(TEXT)])] == []


def test_listening_leaves_nothing_behind() -> None:
    """Levels, filters and descriptors are afterwards as they were before."""
    before = (logging.root.level, list(warnings.filters), sorted(Path("/proc/self/fd").iterdir()))
    overheard(logged)

    assert (logging.root.level, list(warnings.filters), sorted(Path("/proc/self/fd").iterdir())) == before
