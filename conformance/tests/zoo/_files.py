"""Handlers that keep values in files."""

import asyncio
import fcntl
import functools
import gzip
import hashlib
import io
import itertools
import json
import logging
import mmap
import os
import secrets
import shutil
import tempfile
import threading
import time
import uuid
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs
import cloudpickle
from attrs import field, frozen
from resultspec import JSON

from ._common import absolute, check_plain, check_size, dump, hex_name, is_hex, load, publish, to_json

if TYPE_CHECKING:
    from ipaddress import IPv4Address

T = TypeVar("T")
P = ParamSpec("P")
_log = logging.getLogger(__name__)


@frozen
class RandomNames:
    """One pickle per value under a random name."""

    directory: Path = field(converter=absolute)

    def write(self, value: object, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / name, data)
        return name

    def read(self, reference: str, /) -> object:
        value: object = load((self.directory / hex_name(reference)).read_bytes())
        return value


class Untyped:
    """Has no annotations at all, and makes its own empty directory when constructed."""

    def __init__(self, directory):  # type: ignore[no-untyped-def]
        self.directory = absolute(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def write(self, value):  # type: ignore[no-untyped-def]
        name = f"{os.getpid()}-{time.monotonic_ns()}-{secrets.token_hex(8)}.pickle"
        data = dump(value)
        with open(self.directory / name, "xb") as file:
            file.write(data)
        return name

    def read(self, ref):  # type: ignore[no-untyped-def]
        if type(ref) is not str or not ref.endswith(".pickle") or not set(ref[:-7]) <= set("0123456789abcdef-"):
            raise ValueError("not a name that this handler gives")
        with open(self.directory / ref, "rb") as file:
            return load(file.read())


@dataclass(frozen=True)
class ContentAddressed:
    """Named by content and created once, in sharded directories; equal values share a reference."""

    directory: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", absolute(self.directory))

    def _path(self, digest: str) -> Path:
        return self.directory / digest[:2] / digest[2:4] / digest

    def write(self, value: bytes, /) -> Mapping[str, JSON]:
        if type(value) is not bytes:
            raise TypeError("only bytes are kept here")
        digest = hashlib.sha256(value).hexdigest()
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix="tmp") as file:
                file.write(value)
                file.flush()
                try:
                    os.link(file.name, path)
                except FileExistsError:
                    pass  # somebody else wrote the same bytes
        return {"sha256": digest}

    def read(self, reference: Mapping[str, JSON], /) -> bytes:
        if type(reference) is not dict or reference.keys() != {"sha256"}:
            raise ValueError("not a reference of this handler")
        digest = hex_name(reference["sha256"], 64)
        data = self._path(digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError("the stored value is damaged")
        return data


@frozen
class AppendLog:
    """All values in one file that only grows, under a lock; the reference says where, and its digits grow with that."""

    MAGIC: ClassVar[bytes] = b"\x89VAL"
    directory: Path = field(converter=absolute)

    def write(self, value: object, /) -> Mapping[str, JSON]:
        data = dump(value)
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "values.log", "ab", buffering=0) as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            offset = log.seek(0, os.SEEK_END)
            rest = memoryview(self.MAGIC + hashlib.sha256(data).digest() + data)
            try:
                while rest:
                    rest = rest[log.write(rest) :]
            except BaseException:
                log.truncate(offset)
                raise
        return {"offset": offset, "length": len(data)}

    def read(self, reference: Mapping[str, JSON], /) -> object:
        if type(reference) is not dict or reference.keys() != {"offset", "length"}:
            raise ValueError("not a reference of this handler")
        offset, length = reference["offset"], reference["length"]
        if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
            raise ValueError("offset and length are natural numbers")
        with open(self.directory / "values.log", "rb") as log:
            if offset + 36 + length > os.fstat(log.fileno()).st_size:
                raise LookupError("nothing was written there")
            log.seek(offset)
            magic, digest, data = log.read(4), log.read(32), log.read(length)
        if magic != self.MAGIC or hashlib.sha256(data).digest() != digest:
            raise LookupError("no value begins there")
        value: object = load(data)
        return value


class DirectoryPerValue:
    """A directory with two files per value, made elsewhere and moved into place; uses only `__slots__`."""

    __slots__ = ("root",)

    def __init__(self, directory: Path) -> None:
        self.root = os.path.abspath(directory)

    def write(self, value: JSON, /) -> str:
        text = to_json(value)
        name = secrets.token_hex(16)
        os.makedirs(self.root, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=self.root, prefix=".new")
        try:
            Path(temporary, "value.json").write_text(text, "utf-8", newline="")
            Path(temporary, "meta.json").write_text(json.dumps({"length": len(text)}))
            os.rename(temporary, os.path.join(self.root, name))
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return f"values/{name}"

    def read(self, reference: str, /) -> JSON:
        if type(reference) is not str or not reference.startswith("values/"):
            raise ValueError("not a reference of this handler")
        directory = Path(self.root, hex_name(reference.removeprefix("values/")))
        meta = json.loads((directory / "meta.json").read_bytes())
        text = (directory / "value.json").read_bytes().decode()
        if len(text) != meta["length"]:
            raise ValueError("the stored value is damaged")
        value: JSON = json.loads(text)
        return value


class GzipAbsolute:
    """Compressed text; the reference is an absolute path, which is checked, and identity is its equality."""

    def __init__(self, directory: Path) -> None:
        self._directory = Path(os.path.realpath(directory))

    def write(self, value: str, /) -> str:
        if type(value) is not str:
            raise TypeError("only text is kept here")
        path = self._directory / f"{uuid.uuid4()}.txt.gz"
        publish(path, gzip.compress(value.encode("utf-8", "surrogatepass"), 1, mtime=0))
        return str(path)

    def read(self, reference: str, /) -> str:
        path = Path(reference)
        name = path.name.removesuffix(".txt.gz").replace("-", "")
        if not is_hex(name) or reference != str(self._directory / f"{uuid.UUID(name)}.txt.gz"):
            raise ValueError("not a path that this handler gives")
        try:
            return gzip.decompress(path.read_bytes()).decode("utf-8", "surrogatepass")
        except (EOFError, zlib.error) as error:
            raise ValueError("the stored value is cut") from error


@frozen
class FileUrls:
    """References are file:// URLs, with a percent sign in each."""

    directory: Path = field(converter=absolute)

    def write(self, value: object, /) -> str:
        data = dump(value)
        path = self.directory / f"{uuid.uuid4().hex} value.pickle"
        publish(path, data)
        return path.as_uri()

    def read(self, reference: str, /) -> object:
        if type(reference) is not str:
            raise TypeError("the reference is a URL")
        path = Path(url2pathname(urlsplit(reference).path))
        if path.parent != self.directory or not is_hex(path.name[:32]) or path.name[32:] != " value.pickle":
            raise ValueError("not a URL that this handler gives")
        if path.as_uri() != reference:
            raise ValueError("not the spelling that this handler gives")
        value: object = load(path.read_bytes())
        return value


@frozen
class Counted:
    """The reference is an integer from a counter under a lock."""

    directory: Path = field(converter=absolute)

    def write(self, value: object, /) -> int:
        data = dump(value)
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "counter", "a+b") as counter:
            fcntl.flock(counter, fcntl.LOCK_EX)
            counter.seek(0, os.SEEK_END)
            counter.write(b".")  # the size is the count, so that an interrupted write loses no number
            counter.flush()
            number = counter.tell()
        publish(self.directory / f"{number}.pickle", data)
        return number

    def read(self, reference: int, /) -> object:
        if type(reference) is not int or not 0 < reference < 2**63:
            raise ValueError("the reference is a positive number")
        value: object = load((self.directory / f"{reference}.pickle").read_bytes())
        return value


@dataclass(frozen=True)
class Mapped:
    """Reads through a memory map, and keeps one byte before the value since an empty file cannot be mapped."""

    directory: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", absolute(self.directory))

    def write(self, value: bytes, /) -> str:
        if type(value) is not bytes:
            raise TypeError("only bytes are kept here")
        name = secrets.token_urlsafe(24)
        publish(self.directory / ("m" + name), b"=" + value)
        return name

    def read(self, reference: str, /) -> bytes:
        if type(reference) is not str or len(reference) != 32 or not reference.isascii():
            raise ValueError("not a reference of this handler")
        if not reference.replace("-", "a").replace("_", "a").isalnum():
            raise ValueError("not a reference of this handler")
        with (
            open(self.directory / ("m" + reference), "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
        ):
            if view[:1] != b"=":
                raise ValueError("the stored value is damaged")
            return view[1:]


@frozen
class Zipped:
    """A zip archive per value, its name bare in a list; moments play no part, so no clock can upset it."""

    directory: Path = field(converter=absolute)

    def write(self, value: JSON, /) -> list[JSON]:
        text = to_json(value)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("value.json"), text)
        name = uuid.uuid4().hex
        publish(self.directory / f"{name}.zip", buffer.getvalue())
        return ["zip", name]

    def read(self, reference: list[JSON], /) -> JSON:
        if type(reference) is not list or len(reference) != 2 or reference[0] != "zip":
            raise ValueError("not a reference of this handler")
        try:
            with zipfile.ZipFile(self.directory / f"{hex_name(reference[1])}.zip") as archive:
                value: JSON = json.loads(archive.read("value.json"))
        except zipfile.BadZipFile as error:
            raise ValueError("the stored value is damaged") from error
        return value


class Uuid1Names:
    """Names made of the clock, the process and a counter; created exclusively, and made again where one is taken."""

    _count = itertools.count()

    def __init__(self, directory: Path) -> None:
        self.directory = absolute(directory)

    def write(self, value: object, /) -> str:
        data = dump(value)
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.directory, prefix="new.") as file:
            file.write(data)
            file.flush()
            while True:
                name = f"{uuid.uuid1().hex}-{os.getpid()}-{next(self._count)}"
                try:
                    os.link(file.name, self.directory / name)
                except FileExistsError:
                    continue
                return name

    def read(self, reference: str, /) -> object:
        if type(reference) is not str:
            raise TypeError("the reference is a name")
        stamp, process, count = reference.split("-")
        if not (is_hex(stamp) and f"{int(process)}-{int(count)}" == f"{process}-{count}"):
            raise ValueError("not a name that this handler gives")
        value: object = load((self.directory / reference).read_bytes())
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uuid1Names) and other.directory == self.directory

    def __hash__(self) -> int:
        return hash(self.directory)


class LazyDirectory:
    """Opens its directory on first use, keeps the descriptor, and works relative to it; pickles without it."""

    def __init__(self, directory: Path) -> None:
        self._path = os.path.abspath(directory)
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def _open(self) -> int:
        with self._lock:
            if self._descriptor is None:
                os.makedirs(self._path, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
            return self._descriptor

    def write(self, value: JSON, /) -> str:
        data = to_json(value).encode()
        name, directory = secrets.token_hex(16), self._open()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(f"{name}.new", flags, 0o600, dir_fd=directory), "wb") as file:
            file.write(data)
        os.rename(f"{name}.new", name, src_dir_fd=directory, dst_dir_fd=directory)
        return name

    def read(self, reference: str, /) -> JSON:
        with open(os.open(hex_name(reference), os.O_RDONLY, dir_fd=self._open()), "rb") as file:
            value: JSON = json.loads(file.read())
        return value

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (Path(self._path),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyDirectory) and other._path == self._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __del__(self) -> None:
        if (descriptor := getattr(self, "_descriptor", None)) is not None:
            os.close(descriptor)


class LruBytes:
    """Keeps the last few stored forms in memory, each good only while its file is the same."""

    def __init__(self, directory: Path, *, size: int = 16) -> None:
        self._files = RandomNames(directory)
        self._size = size
        self._forms: OrderedDict[str, tuple[object, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def write(self, value: object, /) -> str:
        return self._files.write(value)

    def read(self, reference: str, /) -> object:
        path = self._files.directory / hex_name(reference)
        found = os.stat(path)
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        with self._lock:
            known, form = self._forms.get(reference, (None, b""))
            if known != state:
                form = path.read_bytes()
            self._forms[reference] = (state, form)
            self._forms.move_to_end(reference)
            if len(self._forms) > self._size:
                self._forms.popitem(last=False)
        value: object = load(form)
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self._files.directory, "size": self._size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        LruBytes.__init__(self, state["directory"], size=state["size"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LruBytes) and other.__getstate__() == self.__getstate__()


@attrs.define(eq=True, unsafe_hash=True)
class WriteThrough:
    """Keeps deep copies of what it wrote, and gives deep copies of those out while their files exist."""

    directory: Path = field(converter=absolute)
    _known: dict[str, object] = field(factory=dict, init=False, eq=False, repr=False)

    def write(self, value: object, /) -> str:
        name = RandomNames(self.directory).write(value)
        if len(self._known) > 100:
            self._known = {}
        self._known[name] = deepcopy(value)
        return name

    def read(self, reference: str, /) -> object:
        name = hex_name(reference)
        known = self._known
        if name in known and (self.directory / name).exists():
            return deepcopy(known[name])
        return RandomNames(self.directory).read(name)

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.directory,)


@frozen
class Hybrid:
    """Small values are in the reference, larger ones in a file; the reference grows up to a bound."""

    directory: Path = field(converter=absolute)

    def write(self, value: JSON, /) -> Mapping[str, JSON]:
        text = to_json(value)
        if len(text) <= 64:
            return {"json": text}
        name = uuid.uuid4().hex
        publish(self.directory / name, text.encode())
        return {"file": name}

    def read(self, reference: Mapping[str, JSON], /) -> JSON:
        if type(reference) is not dict or len(reference) != 1:
            raise ValueError("not a reference of this handler")
        if "json" in reference:
            text = reference["json"]
            if type(text) is not str or len(text) > 64:
                raise ValueError("not a reference of this handler")
        else:
            text = (self.directory / hex_name(reference["file"])).read_bytes().decode()
        value: JSON = json.loads(text)
        to_json(value)
        return value


class Slow(RandomNames):
    """Sleeps for two milliseconds in every call; inherits its methods' signatures."""

    def write(self, value: object, /) -> str:
        time.sleep(0.002)
        return super().write(value)

    def read(self, reference: str, /) -> object:
        time.sleep(0.002)
        return super().read(reference)


def _logged(method: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        _log.info("%s begins", method.__name__)
        try:
            return method(*args, **kwargs)
        except Exception:
            _log.warning("%s failed", method.__name__)
            raise

    return wrapped


class Logged(RandomNames):
    """Logs; its methods are decorated ones of its base."""

    write = _logged(RandomNames.write)
    read = _logged(RandomNames.read)


class Retrying:
    """Hands on to another handler and tries again where the operating system asked for that."""

    def __init__(self, inner: RandomNames) -> None:
        self.inner = inner

    def _retried(self, call: Any, argument: object) -> Any:
        for _ in range(2):
            try:
                return call(argument)
            except (InterruptedError, BlockingIOError):
                time.sleep(0.01)
        return call(argument)

    def write(self, value: object, /) -> str:
        reference: str = self._retried(self.inner.write, value)
        return reference

    def read(self, reference: str, /) -> object:
        value: object = self._retried(self.inner.read, reference)
        return value

    def __eq__(self, other: object) -> bool:
        return type(other) is Retrying and self.inner == other.inner

    @classmethod
    def over_files(cls, directory: Path) -> Self:
        return cls(RandomNames(directory))


class Verified:
    """Takes any object, but reads it back before it answers; cloudpickled, so classes of a notebook are welcome."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).expanduser().resolve()

    def write(self, value: Any, /) -> str:
        try:
            check_size(value)  # parts that are shared over and over take for ever to compare
            data = cloudpickle.dumps(value)
            back = load(data)
            try:
                check_plain(value)
            except TypeError:
                if type(back) is not type(value) or back != value or cloudpickle.dumps(back) != data:
                    raise
        except Exception as error:
            raise TypeError("the value cannot be pickled and read back") from error
        name = uuid.uuid4().hex
        publish(self.directory / name, data)
        return name

    def read(self, reference: str, /) -> Any:
        return load((self.directory / hex_name(reference)).read_bytes())

    def __repr__(self) -> str:
        return ""


class Store(Generic[T]):
    """Generic in its values, so that the annotation of `write` is a type variable."""

    def __init__(self, directory: Path, prefix: str = "store") -> None:
        self.directory = absolute(directory)
        self.prefix = prefix

    def write(self, value: T, /) -> str:
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / f"{self.prefix}{name}", data)
        return name

    def read(self, reference: str, /) -> T:
        value: T = load((self.directory / f"{self.prefix}{hex_name(reference)}").read_bytes())
        return value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)


class IntStore(Store[int]):
    """Says what its base is generic in."""


@frozen
class Addresses:
    """Its annotations name a class that is imported for type checkers only, so they cannot be evaluated."""

    directory: Path = field(converter=absolute)

    def write(self, value: "IPv4Address", /) -> str:
        from ipaddress import IPv4Address

        if type(value) is not IPv4Address:
            raise TypeError("only addresses are kept here")
        name = uuid.uuid4().hex
        publish(self.directory / name, value.packed)
        return name

    def read(self, reference: str, /) -> "IPv4Address":
        from ipaddress import IPv4Address

        data = (self.directory / hex_name(reference)).read_bytes()
        if len(data) != 4:
            raise ValueError("the stored value is damaged")
        return IPv4Address(data)


@frozen
class AsyncFiles:
    """An async twin that does its work in threads."""

    directory: Path = field(converter=absolute)

    async def write(self, value: object, /) -> str:
        return await asyncio.to_thread(RandomNames(self.directory).write, value)

    async def read(self, reference: str, /) -> object:
        return await asyncio.to_thread(RandomNames(self.directory).read, reference)


class AsyncDelegating:
    """An async twin whose methods are no coroutine functions: they return the coroutines of another handler."""

    def __init__(self, directory: Path) -> None:
        self.inner = AsyncFiles(directory)

    def write(self, value: object, /) -> Coroutine[Any, Any, str]:
        return self.inner.write(value)

    def read(self, reference: str, /) -> Coroutine[Any, Any, object]:
        return self.inner.read(reference)
