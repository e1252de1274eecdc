"""Any conforming handler within Prefect 3: its references go to Prefect, its values do not.

What a handler does, Prefect has two things do: a *serializer* makes bytes of a value, and a *result storage* keeps them under a
key of Prefect's. A handler can take the place of either:

- :class:`HandlerSerializer`: the handler is given the values, and Prefect's storage the references;
- :class:`HandlerStorage`: the handler is given the bytes, and a directory the references, by their keys.

Both name the handler, since Prefect builds them again in other processes from what it has stored of them.
"""

import json
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote

from prefect.filesystems import WritableFileSystem
from prefect.serializers import Serializer
from pydantic import BaseModel, Field
from resultspec import JSON, ResultHandler
from resultspec.errors import InvalidReference, UnknownReference

from ._naming import named_handler


class _NamesHandler(BaseModel):
    """What names a handler, in terms that Prefect can store.

    Attributes:
        handler: A handler, or a class or function that makes one, as ``"module:name"``.
        options: Its keyword arguments. Prefect stores them openly: a credential belongs into the module or the environment.
    """

    handler: str
    options: dict[str, Any] = Field(default_factory=dict)

    def _handler(self) -> ResultHandler[Any, JSON]:
        return _made(self.handler, json.dumps(self.options, sort_keys=True))


@cache
def _made(name: str, options: str) -> ResultHandler[Any, JSON]:
    """The one handler of this process for a name and options: it may hold connections."""
    return named_handler(name, f"The handler {name!r}", json.loads(options))


class HandlerSerializer(_NamesHandler, Serializer):
    """A Prefect serializer that writes values by a result handler, and serializes their references.

    Args:
        handler: The handler, or a class or function that makes one, as ``"module:name"``.
        options: Keyword arguments of the class or function, stored openly with every result.

    Raises:
        ResultHandlerError: When used, what the handler raises; Prefect decides what comes of it.
        InvalidConfiguration: When used, the name or the options are unusable.
        InvalidReference: When a result is read, what Prefect kept of it is no reference.
    """

    type: str = Field(default="resultspec", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Write a value, and return its reference as JSON text."""
        return _write(self._handler(), obj)

    def loads(self, blob: bytes) -> Any:
        """Read the value that a reference names."""
        return _read(self._handler(), blob)


class HandlerStorage(_NamesHandler, WritableFileSystem):
    """A Prefect result storage that keeps by a result handler the bytes that Prefect makes of results.

    A reference is kept in a file for its key, which is replaced whole: readers find either the earlier or the later one.

    Args:
        handler: The handler, or a class or function that makes one, as ``"module:name"``; ``bytes`` are within its domain.
        options: Keyword arguments of the class or function, stored openly in Prefect's database.
        references: The directory of the references; every process must reach it by this path.

    Raises:
        ResultHandlerError: When used, what the handler raises; Prefect decides what comes of it.
        InvalidConfiguration: When used, the name or the options are unusable.
        UnknownReference: When a result is read, there is none under its key.
    """

    _block_type_name = "Result handler"
    _block_type_slug = "resultspec-handler"

    references: str

    # Prefect calls both without awaiting, too, and says so by an argument that its abstract base class does not have.
    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Read what the reference under a key names."""
        try:
            reference = self._entry(path).read_bytes()
        except FileNotFoundError as error:
            raise UnknownReference(f"there is no result under the key {path!r}") from error
        content: bytes = _read(self._handler(), reference)
        return content

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> None:  # type: ignore[override]
        """Write the bytes, and keep their reference under the key."""
        reference = _write(self._handler(), content)
        entry = self._entry(path)
        entry.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=entry.parent, delete=False) as file:
            file.write(reference)
        Path(file.name).replace(entry)

    def _entry(self, path: str) -> Path:
        return Path(self.references) / quote(path, safe="")


def _write(handler: ResultHandler[Any, JSON], value: Any) -> bytes:
    return json.dumps(handler.write(value), allow_nan=False).encode()


def _read(handler: ResultHandler[Any, JSON], reference: bytes) -> Any:
    try:
        loaded = json.loads(reference)
    except ValueError as error:
        raise InvalidReference("what was kept of a result is no reference: it was damaged") from error
    return handler.read(loaded)
