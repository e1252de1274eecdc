"""How the handlers over object stores are made, shown, compared, configured and stored: nothing here needs a store."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from resultspec import ResultHandler
from resultspec.errors import InvalidConfiguration
from resultspec_reference import (
    AzureResultHandler,
    Configuration,
    GCSResultHandler,
    MissingExtra,
    S3ResultHandler,
    StoredFormError,
    make_converter,
)

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "hunter2hunter2hunter2"

MAKERS: dict[str, Callable[..., Any]] = {
    "gcs": lambda **options: GCSResultHandler("bucket", "a/b", **options),
    "s3": lambda **options: S3ResultHandler("bucket", "a/b", **options),
    "azure": lambda **options: AzureResultHandler("account", "bucket", "a/b", **options),
}


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of store."""
    return str(request.param)


@pytest.fixture
def make(kind: str) -> Callable[..., Any]:
    """Return a function that makes a handler of each kind, with options."""
    return MAKERS[kind]


VARIATIONS: list[dict[str, Any]] = [
    {},
    {"endpoint": "https://storage.example.com"},
    {"timeout": 1},
    {"retry_for": 1},
    {"key": KEY},
    {"key": Path("/key")},
]
SECRETS = {
    "gcs": [],
    "s3": [{"access_key_id": SECRET}, {"secret_access_key": SECRET}, {"session_token": SECRET}],
    "azure": [{"account_key": SECRET}, {"sas_token": SECRET}],
}


def test_equality(kind: str, make: Any) -> None:
    """Handlers are equal, and hash alike, when all their options are; copies of any kind are equal."""
    variations = [*VARIATIONS, *SECRETS[kind]]
    for one in variations:
        for other in variations:
            assert (make(**one) == make(**other)) == (one == other)
        handler = make(**one)
        for same in (make(**one), copy.copy(handler), copy.deepcopy(handler), pickle.loads(pickle.dumps(handler))):
            assert same == handler
            assert hash(same) == hash(handler)
    assert make() != attrs.evolve(make(), prefix="a")
    assert len({GCSResultHandler("bucket"), S3ResultHandler("bucket"), AzureResultHandler("bucket", "bucket")}) == 3


def test_slashes_around_a_prefix() -> None:
    """They change nothing."""
    assert S3ResultHandler("bucket", "/a/b/") == S3ResultHandler("bucket", "a/b")
    assert S3ResultHandler("bucket", "/") == S3ResultHandler("bucket")


def test_repr(kind: str, make: Any) -> None:
    """It shows where values are kept, and no secret."""
    for secret in [{"key": SECRET.encode()}, {"key": Path(f"/{SECRET}")}, *SECRETS[kind]]:
        text = f"{make(**secret)!r} {make(**secret)}"

        assert "bucket" in text
        assert "a/b" in text
        assert SECRET not in text
        assert "key" not in text


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"endpoint": f"https://user:{SECRET}@example.com"}, "endpoint"),
    ({"endpoint": f"https://example.com?sig={SECRET}"}, "endpoint"),
    ({"endpoint": "example.com"}, "endpoint"),
    ({"endpoint": "file:///a"}, "endpoint"),
    ({"endpoint": "https://example.com\n"}, "endpoint"),
    ({"endpoint": 5}, "endpoint"),
    ({"timeout": 0}, "seconds"),
    ({"timeout": float("inf")}, "seconds"),
    ({"timeout": float("nan")}, "seconds"),
    ({"retry_for": -1}, "seconds"),
    ({"retry_for": True}, "seconds"),
    ({"timeout": "5"}, "seconds"),
    ({"key": b"short"}, "16 bytes"),
    ({"key": SECRET}, "A key is bytes"),
]


@pytest.mark.parametrize(("options", "says"), UNUSABLE, ids=[f"{next(iter(one))}={n}" for n, (one, _) in enumerate(UNUSABLE)])
def test_unusable_options(make: Any, options: dict[str, Any], says: str) -> None:
    """They are refused at once, and not quoted."""
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        make(**options)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "prefix",
    ["..", "a/../b", ".", "a//b", "a b", "é", "a\0", "a\n", "%2e", "a?b", "a#b", "a\\b", "a*", "a" * 901, None, 5, b"a"],
)
def test_unusable_prefixes(prefix: Any) -> None:
    """A prefix that somebody on the way could encode, decode or normalise is refused."""
    with pytest.raises(ValueError, match="prefix"):
        S3ResultHandler("bucket", prefix)


@pytest.mark.parametrize(
    "bucket", ["", "a", "ab", "Bucket", "a/b", "a b", "-ab", "ab-", "bücket", "a\n", "b" * 223, None, b"bucket"]
)
def test_unusable_buckets(bucket: Any) -> None:
    """A name that no bucket has is refused."""
    for make in (GCSResultHandler, S3ResultHandler, lambda bucket: AzureResultHandler("account", bucket)):
        with pytest.raises(ValueError, match="bucket"):
            make(bucket)


@pytest.mark.parametrize("account", ["", "ab", "a" * 25, "Account", "a.b", "a/b", None])
def test_unusable_accounts(account: Any) -> None:
    """A name that no account has is refused: it is part of a host's name."""
    with pytest.raises(ValueError, match="account"):
        AzureResultHandler(account, "bucket")


@pytest.mark.parametrize("region", ["", "US", "a/b", "a.b", 5])
def test_unusable_regions(region: Any) -> None:
    """A name that no region has is refused: it is part of a host's name."""
    with pytest.raises(ValueError, match="region"):
        S3ResultHandler("bucket", region=region)


def test_credentials_of_a_wrong_type() -> None:
    """They are refused, and not quoted."""
    for make in (S3ResultHandler, lambda bucket, **options: AzureResultHandler("account", bucket, **options)):
        name = "session_token" if make is S3ResultHandler else "sas_token"
        with pytest.raises(TypeError, match="not a bytes") as caught:
            make("bucket", **{name: SECRET.encode()})
        assert SECRET not in str(caught.value)


LIGHT = """
import pickle, sys
import resultspec_reference as reference
handlers = [
    reference.GCSResultHandler("bucket"), reference.S3ResultHandler("bucket"), reference.AzureResultHandler("account", "bucket")
]
for handler in handlers:
    assert pickle.loads(pickle.dumps(handler)) == handler, repr(handler)
    reference.make_converter().unstructure(handler)
    try:
        handler.read("elsewhere")
    except ValueError:
        pass
print(sorted({name.partition(".")[0] for name in sys.modules} & {"obstore", "google", "requests", "urllib3", "boto3"}))
"""


def test_clients_are_imported_when_they_are_needed() -> None:
    """Neither the package, nor a handler that nobody has written with, imports a client or what it builds on."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"


def test_a_missing_extra(kind: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its client library, a handler says in one sentence what to install."""
    monkeypatch.setitem(sys.modules, "google.cloud", None)
    monkeypatch.setitem(sys.modules, "obstore", None)
    handler = make()
    for call in (lambda: handler.write(1), lambda: handler.read(f"{handler._root}/{1:032x}.result")):
        with pytest.raises(MissingExtra, match=rf"is not installed: pip install 'resultspec\[{kind}\]'") as caught:
            call()
        assert isinstance(caught.value, ImportError)


TIMES = {"timeout": 30.0, "retry_for": 120.0}
E, K = "https://e", "/k"
FORMS: list[tuple[Any, dict[str, Any]]] = [
    (GCSResultHandler("bucket"), {"kind": "gcs", "bucket": "bucket", "prefix": "", **TIMES}),
    (
        GCSResultHandler("bucket", "a/b", credentials=Path("/c"), endpoint=E, timeout=1, key=Path(K)),
        dict(kind="gcs", bucket="bucket", prefix="a/b", credentials="/c", endpoint=E, key_file=K, **{**TIMES, "timeout": 1.0}),
    ),
    (S3ResultHandler("bucket"), dict(kind="s3", bucket="bucket", prefix="", **TIMES)),
    (
        S3ResultHandler("bucket", "a/b", region="eu-west-1", endpoint=E, key=Path(K)),
        dict(kind="s3", bucket="bucket", prefix="a/b", region="eu-west-1", endpoint=E, key_file=K, **TIMES),
    ),
    (AzureResultHandler("acc", "con"), dict(kind="azure", account="acc", container="con", prefix="", **TIMES)),
    (
        AzureResultHandler("acc", "con", "a", endpoint=E),
        dict(kind="azure", account="acc", container="con", prefix="a", endpoint=E, **TIMES),
    ),
]


@pytest.mark.parametrize(("handler", "form"), FORMS, ids=[f"{form['kind']}{len(form)}" for _, form in FORMS])
def test_stored_forms(handler: Any, form: dict[str, Any]) -> None:
    """A handler is stored as its options that may lie open, and loads as an equal one of its class."""
    converter = make_converter()

    assert converter.unstructure(handler) == form
    for target in (type(handler), ResultHandler):
        assert converter.structure(form, target) == handler


def test_secrets_have_no_stored_form(kind: str, make: Any) -> None:
    """A handler with a key or a credential inline is not stored."""
    for secret in [{"key": SECRET.encode()}, *SECRETS[kind]]:
        with pytest.raises(StoredFormError, match="would lie open") as caught:
            make_converter().unstructure(make(**secret))
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": None},
        {"bucket": "B"},
        {"prefix": ".."},
        {"endpoint": "e"},
        {"timeout": "1"},
        {"timeout": None},
        {"region": "a/b"},
        {"key_file": "k"},
        {"key_file": 5},
        {"secret_access_key": "s"},
        {"key": "s"},
        {"_client": {}},
    ],
    ids=lambda change: "{}={}".format(*next(iter(change.items()))),
)
def test_what_is_no_stored_form(change: dict[str, Any]) -> None:
    """A form with anything wrong, missing or more does not load."""
    form = {**FORMS[2][1], **change}
    with pytest.raises(StoredFormError):
        make_converter().structure(form, S3ResultHandler)
    for lacking in ("bucket", "prefix", "timeout", "retry_for"):
        with pytest.raises(StoredFormError):
            make_converter().structure({name: value for name, value in FORMS[2][1].items() if name != lacking}, S3ResultHandler)


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that configures a handler by a file, and returns it."""
    monkeypatch.delenv("RESULTSPEC_RESULT_HANDLER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "config.toml"
    monkeypatch.setenv("RESULTSPEC_CONFIG", str(file))

    def configured(kind: str, *lines: str) -> Any:
        file.write_text("\n".join(("[result_handler]", f'kind = "{kind}"', *lines)))
        return Configuration().result_handler

    return configured


def test_configuration(configure: Any, tmp_path: Path) -> None:
    """Every option that may lie open can be set, and the others are the defaults."""
    times = ("timeout = 1", "retry_for = 2", 'key_file = "~/k"')
    common: dict[str, Any] = {"timeout": 1, "retry_for": 2, "key": tmp_path / "k"}

    assert configure("gcs", 'bucket = "bucket"') == GCSResultHandler("bucket")
    assert configure("s3", 'bucket = "bucket"', 'prefix = "a/b"') == S3ResultHandler("bucket", "a/b")
    assert configure("azure", 'account = "acc"', 'container = "con"') == AzureResultHandler("acc", "con")
    assert configure("gcs", 'bucket = "bucket"', 'credentials = "~/c"', 'endpoint = "https://e"', *times) == GCSResultHandler(
        "bucket", credentials=tmp_path / "c", endpoint="https://e", **common
    )
    assert configure("s3", 'bucket = "bucket"', 'region = "r"', 'endpoint = "https://e"', *times) == S3ResultHandler(
        "bucket", region="r", endpoint="https://e", **common
    )
    assert configure(
        "azure", 'account = "acc"', 'container = "con"', 'prefix = "p"', 'endpoint = "https://e"', *times
    ) == AzureResultHandler("acc", "con", "p", endpoint="https://e", **common)


def test_variables(configure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables set options over the file's."""
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER_TIMEOUT", "7")
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER_PREFIX", "a")

    assert configure("s3", 'bucket = "bucket"', "timeout = 1") == S3ResultHandler("bucket", "a", timeout=7)


@pytest.mark.parametrize(
    ("kind", "lines", "says"),
    [
        ("s3", [], "'bucket'"),
        ("azure", ['account = "acc"'], "'container'"),
        ("s3", ['bucket = "B"'], "result_handler.bucket: The name of a bucket"),
        ("s3", ["bucket = 5"], "result_handler.bucket: The name of a bucket"),
        ("s3", ['bucket = "bucket"', 'prefix = ".."'], "result_handler.prefix: A prefix has"),
        ("s3", ['bucket = "bucket"', f'endpoint = "https://u:{SECRET}@e"'], "result_handler.endpoint: An endpoint is"),
        ("s3", ['bucket = "bucket"', f'secret_access_key = "{SECRET}"'], "no option 'secret_access_key'"),
        ("s3", ['bucket = "bucket"', f'key = "{SECRET}"'], "no option 'key'"),
        ("gcs", ['bucket = "bucket"', 'credentials = "c"'], "result_handler.credentials: write an absolute path"),
        ("azure", ['account = "a/b"', 'container = "con"'], "result_handler.account: The name of a storage account"),
        ("azure", ['account = "acc"', 'container = "con"', 'timeout = "5"'], "result_handler.timeout: A time is"),
    ],
)
def test_unusable_configuration(configure: Any, kind: str, lines: list[str], says: str) -> None:
    """The error names the option and what to do, and shows no secret."""
    with pytest.raises(InvalidConfiguration) as caught:
        configure(kind, *lines)

    assert says in str(caught.value)
    assert SECRET not in str(caught.value)
