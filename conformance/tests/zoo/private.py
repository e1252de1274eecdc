"""Handlers that claim the class *private*: some keep it, and some break exactly one of its rules as the world does."""

import base64
import gzip
import hashlib
import hmac
import importlib
import io
import json
import logging
import os
import pickle
import re
import secrets
import sqlite3
import sys
import syslog
import unicodedata
import warnings
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from resultspec import JSON

from ._common import Correct, to_json

logger = logging.getLogger(__name__)

KEY = b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PRIVATE = frozenset({"core", "shared", "private"})
UNKEYED = frozenset({"private.tamper-evident"})
NAME = re.compile(r"[0-9a-f]{32}")


# --- Sound ones ------------------------------------------------------------------------------------------------------


class Damaged(ValueError):
    """What is stored is not what was written."""


class Vault:
    """JSON in files of their own with random names, for their owner alone; what it raises quotes nothing."""

    suffix = ".json"

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.directory == self.directory

    def __hash__(self) -> int:
        return hash((type(self), self.directory))

    def write(self, value: JSON, /) -> JSON:
        name = self.name(value)
        self.save(name, self.seal(name, self.encode(value)))
        return self.refer(name)

    def read(self, reference: JSON, /) -> JSON:
        name = self.resolve(reference)
        try:
            data = self.load(name)
        except FileNotFoundError as error:
            raise LookupError("nothing is kept under this reference") from error
        return self.decode(self.unseal(name, data))

    def name(self, value: Any) -> str:
        return secrets.token_hex(16)

    def refer(self, name: str) -> Any:
        return name

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not NAME.fullmatch(reference):
            raise ValueError("this is no reference of this handler")
        return reference

    def encode(self, value: Any) -> bytes:
        failure = None
        try:
            return to_json(value).encode()
        except (TypeError, ValueError, RecursionError) as error:
            failure = type(error).__name__
        raise TypeError(f"a value of type {type(value).__name__} is no JSON ({failure})")

    def decode(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            pass
        raise Damaged("the stored value is no JSON any more")

    def seal(self, name: str, data: bytes) -> bytes:
        return data

    def unseal(self, name: str, data: bytes) -> bytes:
        return data

    def path(self, name: str) -> Path:
        return self.directory / f"{name}{self.suffix}"

    def save(self, name: str, data: bytes) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def load(self, name: str) -> bytes:
        with open(os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read()


class Signed(Vault):
    """The same, signed with a key: the name too."""

    def __init__(self, directory: Path, key: bytes = KEY) -> None:
        super().__init__(directory)
        self._key = key

    def seal(self, name: str, data: bytes) -> bytes:
        return hmac.digest(self._key, name.encode() + b"\0" + data, "sha256") + data

    def unseal(self, name: str, data: bytes) -> bytes:
        if not hmac.compare_digest(data[:32], hmac.digest(self._key, name.encode() + b"\0" + data[32:], "sha256")):
            raise Damaged("the stored value bears another signature")
        return data[32:]


class SignedPickles(Signed):
    """Pickles, which nobody without the key can replace."""

    def encode(self, value: Any) -> bytes:
        super().encode(value)
        return pickle.dumps(value)

    def decode(self, data: bytes) -> Any:
        return pickle.loads(data)


class SignedInDirectories(Signed):
    """Signed and compressed, in directories by date, referred to by a relative path with a scheme."""

    suffix = ".json.gz"

    def refer(self, name: str) -> Any:
        return {"url": f"vault://{name[:2]}/{name}", "version": 2}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or reference.keys() != {"url", "version"} or reference["version"] != 2:
            raise ValueError("this is no reference of this handler")
        name = super().resolve(str(reference["url"])[len("vault://xx/") :])
        if reference["url"] != f"vault://{name[:2]}/{name}":
            raise ValueError("this is no reference of this handler")
        return name

    def path(self, name: str) -> Path:
        return self.directory / name[:2] / f"{name}{self.suffix}"

    def encode(self, value: Any) -> bytes:
        return gzip.compress(super().encode(value), mtime=0)

    def decode(self, data: bytes) -> Any:
        return super().decode(gzip.decompress(data))


class InRows:
    """BLOBs in a database for its owner alone."""

    table = "(name TEXT PRIMARY KEY, data BLOB NOT NULL)"
    directory: Path

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.directory / "rows.db", os.O_RDWR | os.O_CREAT, 0o600))
        try:
            with closing(sqlite3.connect(self.directory / "rows.db", timeout=60)) as connection, connection:
                connection.execute("PRAGMA synchronous=OFF")
                connection.execute(f"CREATE TABLE IF NOT EXISTS kept {self.table}")
                connection.execute("INSERT INTO kept VALUES (?, ?)", (name, data))
        except sqlite3.Error as error:
            raise OSError(f"the database refused the value: {error.sqlite_errorname}") from error

    def load(self, name: str) -> bytes:
        try:
            with closing(sqlite3.connect(f"{(self.directory / 'rows.db').as_uri()}?mode=ro", uri=True, timeout=60)) as connection:
                row = connection.execute("SELECT data FROM kept WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            raise LookupError("the database does not give it") from error
        if row is None:
            raise FileNotFoundError(name)
        return bytes(row[0])


class Rows(InRows, Vault):
    """JSON as BLOBs in a database."""


class SignedRows(InRows, Signed):
    """Signed BLOBs in a database whose rows have no numbers, under a lock that everybody may see, since it is empty."""

    table = f"{InRows.table} WITHOUT ROWID"

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "rows.db.lock").touch(0o644)
        super().save(name, data)


class SignedBytes(Signed):
    """Keeps bytes alone, and does not say so in its annotations."""

    def encode(self, value: Any) -> bytes:
        if type(value) is not bytes:
            raise TypeError(f"bytes are kept here, and no {type(value).__name__}")
        return value

    def decode(self, data: bytes) -> Any:
        return data

    def write(self, value: Any, /) -> JSON:
        return super().write(value)

    def read(self, reference: JSON, /) -> Any:
        return super().read(reference)


class AsyncSigned:
    """An async twin of the signed one, with its parts in slots."""

    __slots__ = ("_inner",)

    def __init__(self, directory: Path) -> None:
        self._inner = Signed(directory)

    async def write(self, value: JSON, /) -> JSON:
        return self._inner.write(value)

    async def read(self, reference: JSON, /) -> JSON:
        return self._inner.read(reference)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncSigned) and self._inner == other._inner

    def __hash__(self) -> int:
        return hash(self._inner)


@dataclass(frozen=True)
class Connected(Vault):
    """Has an address with a password and a token, and shows neither; talks a lot, and says nothing."""

    directory: Path
    address: str = field(default="postgresql://worker:Tr0ub4dor%263@db.example/results", repr=False)
    token: str = field(default="ghp_16C7e42F292c6912E7710c838347Ae178B4a", repr=False)
    token_url: str = "https://auth.example/oauth2/token"
    key_prefix: str = "results/of/the/team/"

    def write(self, value: JSON, /) -> JSON:
        logger.debug("writing a value of type %s to %s", type(value).__name__, urlsplit(self.address).hostname)
        return super().write(value)

    def read(self, reference: JSON, /) -> JSON:
        logger.info("reading %r from %s%s", reference, self.token_url, self.key_prefix)
        return super().read(reference)


class Suppressing(Signed):
    """Raises `from None` whatever quotes its input."""

    def encode(self, value: Any) -> bytes:
        try:
            return to_json(value).encode()
        except UnicodeEncodeError:
            raise ValueError("text that UTF-8 cannot carry") from None

    def decode(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except json.JSONDecodeError:
            raise Damaged("the stored value is no JSON any more") from None


class Drawer:
    """Pickles in memory."""

    def __init__(self, key: bytes | None = None) -> None:
        self.cells: dict[str, bytes] = {}
        self._key = key

    def write(self, value: object, /) -> str:
        name = secrets.token_hex(16)
        data = pickle.dumps(value)
        self.cells[name] = self._signature(name, data) + data
        return name

    def read(self, reference: str, /) -> object:
        cell = self.cells[reference]
        signature, data = cell[: len(self._signature("", b""))], cell[len(self._signature("", b"")) :]
        if not hmac.compare_digest(signature, self._signature(reference, data)):
            raise Damaged("the stored value bears another signature")
        return pickle.loads(data)

    def _signature(self, name: str, data: bytes) -> bytes:
        return b"" if self._key is None else hmac.digest(self._key, name.encode() + data, "sha256")


def drawer_with_lock() -> Drawer:
    """Return a drawer whose cells are signed."""
    return Drawer(KEY)


class Cells:
    """The door to a drawer."""

    def __init__(self, drawer: Drawer) -> None:
        self.cells = drawer.cells

    def names(self) -> list[str]:
        return list(self.cells)

    def get(self, name: str) -> bytes:
        return self.cells[name]

    def set(self, name: str, content: bytes) -> None:
        self.cells[name] = content

    def remove(self, name: str) -> None:
        del self.cells[name]


KEEPS_PRIVATE: tuple[Correct, ...] = (
    Correct("vault", Vault, claims=PRIVATE, warns=UNKEYED),
    Correct("signed", Signed, claims=PRIVATE),
    Correct("signed-pickles", SignedPickles, claims=PRIVATE),
    Correct("signed-in-directories", SignedInDirectories, claims=PRIVATE),
    Correct("rows", Rows, claims=PRIVATE, warns=UNKEYED),
    Correct("signed-rows", SignedRows, claims=PRIVATE),
    Correct("signed-bytes", SignedBytes, claims=PRIVATE),
    Correct("async-signed", AsyncSigned, claims=PRIVATE),
    Correct("connected", Connected, claims=PRIVATE, warns=UNKEYED),
    Correct("suppressing", Suppressing, claims=PRIVATE),
)


# --- private.opaque-reference ----------------------------------------------------------------------------------------


class Speaking(Signed):
    """Names a result after what is in it, for the convenience of people."""

    def name(self, value: Any) -> str:
        return f"{re.sub('[^a-z0-9]+', '-', json.dumps(value).lower()).strip('-')[:20]}.{super().name(value)}"

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not re.fullmatch(r"[a-z0-9-]*\.[0-9a-f]{32}", reference):
            raise ValueError("this is no reference of this handler")
        return reference


class Summarised(Signed):
    """Lists the names of the fields beside the name."""

    def write(self, value: JSON, /) -> JSON:
        reference = super().write(value)
        fields: list[JSON] = [base64.b64encode(name.encode()).decode() for name in value][:9] if isinstance(value, dict) else []
        return [reference, fields]

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is not list or len(reference) != 2:
            raise ValueError("this is no reference of this handler")
        return super().read(reference[0])


class CodesOfCharacters(Signed):
    """Keeps small values in the reference, as a list of numbers that nobody would read."""

    def write(self, value: JSON, /) -> JSON:
        data = self.encode(value)
        return list(data[::-1]) if len(data) < 64 else super().write(value)

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is not list:
            return super().read(reference)
        if any(type(code) is not int or not 0 <= code < 256 for code in reference):
            raise ValueError("this is no reference of this handler")
        return self.decode(bytes(reference)[::-1])


class Tagged(Signed):
    """Has a tag beside the name, made of the value."""

    def write(self, value: JSON, /) -> JSON:
        return [super().write(value), self.tag(json.dumps(value))]

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is not list or len(reference) != 2:
            raise ValueError("this is no reference of this handler")
        return super().read(reference[0])

    def tag(self, text: str) -> JSON:
        return ""


class Previewed(Tagged):
    """Shows the first four letters, for display."""

    def tag(self, text: str) -> JSON:
        return re.sub(r"\W", "", text)[:4]


class Backwards(Tagged):
    """Turns the base64 of the value round."""

    def tag(self, text: str) -> JSON:
        return base64.b64encode(text[:60].encode()).decode()[::-1]


class InBase36(Tagged):
    """Writes the value as one number, by digits and letters."""

    def tag(self, text: str) -> JSON:
        number, digits = int.from_bytes(text[:60].encode(), "big"), ""
        while number:
            number, digit = divmod(number, 36)
            digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        return digits


class LetterByLetter(Tagged):
    """Lists the letters."""

    def tag(self, text: str) -> JSON:
        return list(text[:40])


# --- private.quiet-errors --------------------------------------------------------------------------------------------


class QuotesTheValue(Signed):
    """Tells what it could not write."""

    def encode(self, value: Any) -> bytes:
        try:
            return super().encode(value)
        except TypeError:
            raise TypeError(f"cannot write {value!r:.60}") from None


class QuotesTheCause(Vault):
    """Chains what the decoder raised, which holds all of its input."""

    def decode(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise Damaged("the stored value is no JSON any more") from error


class LogsEverything(Signed):
    """Logs in all detail, since nobody looks at the lowest level."""

    def write(self, value: JSON, /) -> JSON:
        reference = super().write(value)
        logger.log(5, "stored", extra={"payload": base64.b64encode(json.dumps(value).encode()).decode()})
        return reference


class PrintsToTheTerminal(Signed):
    """Still has the line that its author debugged it with."""

    def decode(self, data: bytes) -> Any:
        os.write(2, data[:30] + b"\n")
        return super().decode(data)


class WarnsOfLargeValues(Signed):
    """Warns of a value that it finds large, and shows it."""

    def encode(self, value: Any) -> bytes:
        data = super().encode(value)
        if len(data) > 200:
            warnings.warn(f"a large value: {data[:40]!r}...", ResourceWarning, stacklevel=2)
        return data


class NotesTheValue(Signed):
    """Adds a note to what goes wrong."""

    def encode(self, value: Any) -> bytes:
        try:
            return super().encode(value)
        except TypeError as error:
            error.add_note(f"while writing {value!r:.80}")
            raise


@dataclass(frozen=True)
class TellsItsAddress(Vault):
    """Tells where it looked in vain, by the whole address."""

    directory: Path
    address: str = field(default="redis://:hunter2secret@cache.example:6379/0", repr=False)

    def load(self, name: str) -> bytes:
        try:
            return super().load(name)
        except FileNotFoundError as error:
            raise LookupError(f"there is no {name} at {self.address}") from error


@dataclass(frozen=True)
class LogsItsAddress(Vault):
    """Logs where it is going to connect to, when it is made."""

    directory: Path
    address: str = field(default="redis://:hunter2secret@cache.example:6379/0", repr=False)

    def __post_init__(self) -> None:
        logger.info("results go to %s", self.address)


class TellsTheSystem(Signed):
    """Tells the log of the system what it wrote."""

    def write(self, value: JSON, /) -> JSON:
        reference = super().write(value)
        syslog.syslog(syslog.LOG_DEBUG, f"kept {value!r:.60}")
        return reference


# --- private.quiet-repr ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShowsItsPassword(Vault):
    """Has the repr that dataclasses have."""

    directory: Path
    password: str = "correct-horse-battery"


@dataclass(frozen=True)
class ShowsItsPool(Vault):
    """Has a secret that no name tells as one."""

    directory: Path
    pool: str = "pool-of-tears"


class ShowsItsHeaders(Signed):
    """Shows the header that it sends, in which the token is but encoded."""

    def __init__(self, directory: Path, token: str = "s3cr3t-t0k3n-of-the-team") -> None:
        super().__init__(directory)
        self.token = token

    def __str__(self) -> str:
        return f"Authorization: Basic {base64.b64encode(f'worker:{self.token}'.encode()).decode()}"


class ShowsItsCache(Signed):
    """Keeps what it read last, and has a repr made of all it has."""

    def read(self, reference: JSON, /) -> JSON:
        self.last = super().read(reference)
        return json.loads(json.dumps(self.last))

    def __repr__(self) -> str:
        return f"ShowsItsCache({self.directory}, last={getattr(self, 'last', None)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "last"}


class ShowsItsLastError(Signed):
    """Shows in its repr what it refused last."""

    error = ""

    def write(self, value: JSON, /) -> JSON:
        try:
            return super().write(value)
        except TypeError:
            self.error = f"refused {value!r:.60}"
            raise

    def __repr__(self) -> str:
        return f"ShowsItsLastError({self.directory}, {self.error})"


class ShowsItsClient(Signed):
    """Has a client with a key, and the repr of the client in its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.client = Client("wJalrXUtnFEMI/K7MDENG/bPxRfiCY")

    def __repr__(self) -> str:
        return f"ShowsItsClient({self.client!r})"


class Client:
    """A client as libraries have them."""

    def __init__(self, secret_key: str) -> None:
        self.secret_key = secret_key

    def __repr__(self) -> str:
        return f"Client({self.secret_key!r})"


# --- private.confined-read -------------------------------------------------------------------------------------------


class JoinsPaths(Vault):
    """Joins its directory and the reference."""

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference or "\0" in reference:
            raise ValueError("this is no reference of this handler")
        return reference

    def path(self, name: str) -> Path:
        return self.directory / f"{name}{self.suffix}"


class ChecksThePrefix(Vault):
    """Asks whether a path begins as its directory does."""

    def refer(self, name: str) -> Any:
        return str(self.path(name))

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not os.path.normpath(reference).startswith(str(self.directory)) or "\0" in reference:
            raise ValueError("this is no reference of this handler")
        return reference

    def load(self, name: str) -> bytes:
        return Path(name).read_bytes()


class DecodesLate(Vault):
    """Decodes percent signs after it has looked for dots."""

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference or ".." in reference or reference.startswith("/"):
            raise ValueError("this is no reference of this handler")
        name = unquote(reference)
        if "\0" in name:
            raise ValueError("this is no reference of this handler")
        return name


class StripsDots(Vault):
    """Takes out what leads upwards, once."""

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference or "\0" in reference:
            raise ValueError("this is no reference of this handler")
        return reference.replace("../", "").lstrip("/")


class FollowsAddresses(Vault):
    """Opens whatever file an address names."""

    def refer(self, name: str) -> Any:
        return self.path(name).as_uri()

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference.startswith("file://"):
            raise ValueError("this is no reference of this handler")
        return unquote(urlsplit(reference).path)

    def load(self, name: str) -> bytes:
        return Path(name).read_bytes()


class TakesDescriptors(Vault):
    """Opens what it is given; a number is a descriptor to `open`."""

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is int and reference > 2:
            with open(reference, "rb", closefd=False) as file:
                return self.decode(file.read())
        return super().read(reference)


class TrustsTheDirectory(Vault):
    """Has the directory in the reference, so that it can be moved."""

    def refer(self, name: str) -> Any:
        return {"directory": str(self.directory), "name": name}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or reference.keys() != {"directory", "name"} or type(reference["directory"]) is not str:
            raise ValueError("this is no reference of this handler")
        if "\0" in reference["directory"]:
            raise ValueError("this is no reference of this handler")
        return str(Path(reference["directory"], super().resolve(reference["name"])))

    def path(self, name: str) -> Path:
        return Path(self.directory, f"{name}{self.suffix}")


class EncodesPaths(Vault):
    """Has the path in its reference, in base64."""

    def refer(self, name: str) -> Any:
        return base64.urlsafe_b64encode(f"{name}{self.suffix}".encode()).decode()

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference:
            raise ValueError("this is no reference of this handler")
        try:
            path = base64.urlsafe_b64decode(reference).decode()
        except ValueError:
            raise ValueError("this is no reference of this handler") from None
        if not path or "\0" in path:
            raise ValueError("this is no reference of this handler")
        return path

    def load(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()


class TakesADirectory(Vault):
    """Looks elsewhere where a reference says so, which its own never do."""

    def refer(self, name: str) -> Any:
        return {"name": name}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or not {"name"} <= reference.keys() <= {"name", "directory"}:
            raise ValueError("this is no reference of this handler")
        directory = reference.get("directory", "")
        if type(directory) is not str or "\0" in directory:
            raise ValueError("this is no reference of this handler")
        return str(Path(directory, super().resolve(reference["name"])))


class NormalisesLate(Vault):
    """Brings a reference into a normal form after it has looked for dots and slashes."""

    def resolve(self, reference: Any) -> str:
        if type(reference) is not str or not reference or ".." in reference or "/" in reference or "\0" in reference:
            raise ValueError("this is no reference of this handler")
        return unicodedata.normalize("NFKC", reference)


# --- private.safe-read -----------------------------------------------------------------------------------------------


class Pickles(Vault):
    """Pickles what is JSON."""

    def encode(self, value: Any) -> bytes:
        super().encode(value)
        return pickle.dumps(value)

    def decode(self, data: bytes) -> Any:
        failure = None
        try:
            return pickle.loads(data)
        except Exception as error:
            failure = type(error).__name__
        raise Damaged(f"the stored value cannot be unpickled: {failure}")


class BuiltinsAlone(Pickles):
    """Unpickles with builtins alone, eval among them."""

    def decode(self, data: bytes) -> Any:
        try:
            return FromBuiltins(io.BytesIO(data)).load()
        except Exception:
            pass
        raise Damaged("the stored value cannot be unpickled")


class FromBuiltins(pickle.Unpickler):
    """Knows no module but one."""

    def find_class(self, module: str, name: str) -> Any:
        if module != "builtins":
            raise pickle.UnpicklingError("this is forbidden here")
        return super().find_class(module, name)


class SummedPickles(Pickles):
    """Has a checksum in front that anybody can compute."""

    def seal(self, name: str, data: bytes) -> bytes:
        return hashlib.sha256(name.encode() + data).hexdigest().encode() + b"\n" + zlib.compress(data)

    def unseal(self, name: str, data: bytes) -> bytes:
        digest, _, body = data.partition(b"\n")
        failure = None
        try:
            content = zlib.decompress(body)
            if hashlib.sha256(name.encode() + content).hexdigest().encode() == digest:
                return content
        except zlib.error as error:
            failure = type(error).__name__
        raise Damaged(f"the checksum is wrong ({failure})")


class PicklesInJson(Pickles):
    """Wraps pickles in JSON, with their digest."""

    def seal(self, name: str, data: bytes) -> bytes:
        return json.dumps({"md5": hashlib.md5(data).hexdigest(), "pickle": base64.b64encode(data).decode()}).encode()

    def unseal(self, name: str, data: bytes) -> bytes:
        try:
            envelope = json.loads(data)
            content = base64.b64decode(envelope["pickle"], validate=True)
            if hashlib.md5(content).hexdigest() == envelope["md5"]:
                return content
        except (ValueError, TypeError, KeyError):
            pass
        raise Damaged("the digest is wrong")


class Evaluates(Vault):
    """Writes reprs and evaluates them."""

    def encode(self, value: Any) -> bytes:
        super().encode(value)
        return ascii(value).encode()

    def decode(self, data: bytes) -> Any:
        failure = None
        try:
            return eval(data, {"__builtins__": {"__import__": __import__}})
        except Exception as error:
            failure = type(error).__name__
        raise Damaged(f"the stored value is no Python any more: {failure}")


class NamesItsCodec(Vault):
    """Says in the reference which function decodes the value."""

    def refer(self, name: str) -> Any:
        return {"name": name, "decoder": "json:loads"}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or reference.keys() != {"name", "decoder"} or type(reference["decoder"]) is not str:
            raise ValueError("this is no reference of this handler")
        module, _, function = reference["decoder"].partition(":")
        if not callable(getattr(importlib.import_module(module), function, None)):
            raise ValueError("there is no such decoder")
        return super().resolve(reference["name"])


class SignsAfterwards(Signed):
    """Unpickles first and looks at the signature then."""

    def encode(self, value: Any) -> bytes:
        super().encode(value)
        return pickle.dumps(value)

    def unseal(self, name: str, data: bytes) -> bytes:
        try:
            pickle.loads(data[32:])
        except Exception:
            pass
        return super().unseal(name, data)

    def decode(self, data: bytes) -> Any:
        return pickle.loads(data)


# --- private.tamper-evident ------------------------------------------------------------------------------------------


class SignsTheValueAlone(Signed):
    """Signs the bytes, and not the name."""

    def seal(self, name: str, data: bytes) -> bytes:
        return super().seal("", data)

    def unseal(self, name: str, data: bytes) -> bytes:
        return super().unseal("", data)


class LeavesTheKey(Vault):
    """Signs with a key that it keeps beside the values."""

    def _key(self) -> bytes:
        try:
            return (self.directory / "signing.key").read_bytes()
        except FileNotFoundError:
            self.directory.mkdir(parents=True, exist_ok=True)
            draft = self.directory / f".{secrets.token_hex(8)}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(32).encode())
            try:
                os.link(draft, self.directory / "signing.key")
            except FileExistsError:
                pass
            draft.unlink()
            return (self.directory / "signing.key").read_bytes()

    def seal(self, name: str, data: bytes) -> bytes:
        return data + hmac.new(self._key(), name.encode() + data, "sha256").hexdigest().encode()

    def unseal(self, name: str, data: bytes) -> bytes:
        if not hmac.compare_digest(data, self.seal(name, data[:-64])):
            raise Damaged("the stored value bears another signature")
        return data[:-64]


class Summed(Vault):
    """Has a checksum of the name and the bytes at the end, without a key."""

    def seal(self, name: str, data: bytes) -> bytes:
        return data + zlib.crc32(name.encode() + data).to_bytes(4, "big")

    def unseal(self, name: str, data: bytes) -> bytes:
        if data[-4:] != zlib.crc32(name.encode() + data[:-4]).to_bytes(4, "big"):
            raise Damaged("the checksum is wrong")
        return data[:-4]


class BelievesTheUnsigned(Signed):
    """Takes what has no signature for older than signatures."""

    def seal(self, name: str, data: bytes) -> bytes:
        return b"signed:" + super().seal(name, data)

    def unseal(self, name: str, data: bytes) -> bytes:
        return super().unseal(name, data[7:]) if data.startswith(b"signed:") else data


class SignsBeside(Vault):
    """Has the signature in a file beside, and believes what has none."""

    def _signature(self, name: str, data: bytes) -> bytes:
        return hmac.digest(KEY, name.encode() + data, "sha256")

    def save(self, name: str, data: bytes) -> None:
        super().save(name, data)
        super().save(f"{name}.signature", self._signature(name, data))

    def load(self, name: str) -> bytes:
        data = super().load(name)
        try:
            signature = super().load(f"{name}.signature")
        except FileNotFoundError:
            return data
        if not hmac.compare_digest(signature, self._signature(name, data)):
            raise Damaged("the stored value bears another signature")
        return data


class NamesItsAlgorithm(Signed):
    """Says in the envelope how it was signed, and that may be not at all."""

    def seal(self, name: str, data: bytes) -> bytes:
        return json.dumps(
            {"algorithm": "hs256", "signature": super().seal(name, data)[:32].hex(), "data": data.decode()}
        ).encode()

    def unseal(self, name: str, data: bytes) -> bytes:
        try:
            envelope = json.loads(data)
            algorithm, signature, content = envelope["algorithm"], envelope["signature"], envelope["data"].encode()
        except Exception:
            raise Damaged("the envelope is damaged") from None
        if algorithm == "none":
            return content
        if type(signature) is not str or not hmac.compare_digest(signature, super().seal(name, content)[:32].hex()):
            raise Damaged("the stored value bears another signature")
        return content


class SignsTheBeginning(Signed):
    """Signs the first 16 bytes and the length."""

    def _signature(self, name: str, data: bytes) -> bytes:
        return hmac.digest(self._key, b"%b %b %d" % (name.encode(), data[:16], len(data)), "sha256")

    def seal(self, name: str, data: bytes) -> bytes:
        return self._signature(name, data) + data

    def unseal(self, name: str, data: bytes) -> bytes:
        if not hmac.compare_digest(data[:32], self._signature(name, data[32:])):
            raise Damaged("the stored value bears another signature")
        return data[32:]


# --- private.bounded-read --------------------------------------------------------------------------------------------


class Inflates(Signed):
    """Keeps small values in the reference, sealed and compressed, and inflates a reference before it looks at the seal."""

    def write(self, value: JSON, /) -> JSON:
        name = super().write(value)
        return base64.b64encode(zlib.compress(f"{name}".encode() * 2)).decode()

    def read(self, reference: JSON, /) -> JSON:
        if type(reference) is not str:
            raise ValueError("this is no reference of this handler")
        try:
            names = zlib.decompress(base64.b64decode(reference, validate=True))
        except (ValueError, zlib.error) as error:
            raise ValueError("this is no reference of this handler") from error
        if names[:32] != names[32:]:
            raise ValueError("this is no reference of this handler")
        return super().read(names[:32].decode("ascii", "replace"))


class Pads(Signed):
    """Makes a table as large as the reference squared."""

    def resolve(self, reference: Any) -> str:
        if type(reference) is str and len(reference) > 32:
            bytearray(len(reference) ** 2)
        return super().resolve(reference)


class PadsQuietly(Pads):
    """The same, and takes running out of memory for a bad reference."""

    def resolve(self, reference: Any) -> str:
        try:
            return super().resolve(reference)
        except MemoryError as error:
            raise ValueError("this is no reference of this handler") from error


class MakesRoom(Signed):
    """Makes as much room as the reference says."""

    def refer(self, name: str) -> Any:
        return {"name": name, "size": 64}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or reference.keys() != {"name", "size"} or type(reference["size"]) is not int:
            raise ValueError("this is no reference of this handler")
        try:
            bytearray(reference["size"])
        except (OverflowError, MemoryError) as error:
            raise ValueError("this is no reference of this handler") from error
        return super().resolve(reference["name"])


class ReadsEveryPart(Signed):
    """Reads as many parts as the reference lists."""

    def refer(self, name: str) -> Any:
        return {"parts": [name]}

    def resolve(self, reference: Any) -> str:
        if type(reference) is not dict or reference.keys() != {"parts"} or type(reference["parts"]) is not list:
            raise ValueError("this is no reference of this handler")
        names = [super(ReadsEveryPart, self).resolve(part) for part in reference["parts"]]
        for name in names:
            self.load(name)
        if not names:
            raise ValueError("this is no reference of this handler")
        return names[0]


# --- private.file-mode -----------------------------------------------------------------------------------------------


class OpensPlainly(Signed):
    """Writes as everybody does."""

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path(f".{secrets.token_hex(8)}")
        try:
            draft.write_bytes(data)
            draft.replace(self.path(name))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


class ClosesLate(Signed):
    """Takes others' rights away when all is written."""

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self.path(f".{secrets.token_hex(8)}")
        try:
            draft.write_bytes(data)
            draft.chmod(0o600)
            draft.replace(self.path(name))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


class ComposesForAll(Signed):
    """Composes a file that everybody can read, and copies it into one for its owner."""

    def save(self, name: str, data: bytes) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self.path(f".{secrets.token_hex(8)}")
        try:
            draft.write_bytes(data)
            with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(draft.read_bytes())
        finally:
            draft.unlink(missing_ok=True)


class LargeForAll(OpensPlainly):
    """Writes as everybody does where a value is large."""

    def save(self, name: str, data: bytes) -> None:
        (super() if len(data) > 10_000 else super(OpensPlainly, self)).save(name, data)


BREAKS_PRIVATE: dict[str, tuple[Callable[[Path], Any], ...]] = {
    "private.opaque-reference": (Speaking, Summarised, CodesOfCharacters, Previewed, Backwards, InBase36, LetterByLetter),
    "private.quiet-errors": (
        QuotesTheValue, QuotesTheCause, LogsEverything, PrintsToTheTerminal, WarnsOfLargeValues, NotesTheValue, TellsItsAddress,
        LogsItsAddress, TellsTheSystem,
    ),
    "private.quiet-repr": (ShowsItsPassword, ShowsItsHeaders, ShowsItsCache, ShowsItsLastError, ShowsItsClient),
    "private.confined-read": (
        JoinsPaths, ChecksThePrefix, DecodesLate, StripsDots, FollowsAddresses, TakesDescriptors, TrustsTheDirectory,
        EncodesPaths, TakesADirectory, NormalisesLate,
    ),
    "private.safe-read": (Pickles, SummedPickles, PicklesInJson, Evaluates, NamesItsCodec, SignsAfterwards, BuiltinsAlone),
    "private.tamper-evident": (
        SignsTheValueAlone, LeavesTheKey, Summed, BelievesTheUnsigned, SignsBeside, NamesItsAlgorithm, SignsTheBeginning,
    ),
    "private.bounded-read": (Inflates, Pads, PadsQuietly, MakesRoom, ReadsEveryPart),
    "private.file-mode": (OpensPlainly, ClosesLate, ComposesForAll, LargeForAll),
}  # fmt: skip
"""By rule, handlers that break it."""
