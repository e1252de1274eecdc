"""Any conforming handler within Prefect 3: its references go to Prefect, its values do not.

Prefect keeps a result as a *record*: what its *serializer* made of the value, with a few facts about it, in its *result
storage* under a key. A handler can take the place of either:

- :class:`HandlerSerializer`: the record holds the reference, and lies in whichever result storage Prefect is given;
- :class:`HandlerStorage`: a result storage for places where only that can be named, as in Prefect's settings.

Both name the handler, since Prefect builds them again in other processes from what it has stored of them.
"""

import json
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote

from prefect.filesystems import WritableFileSystem

# They are documented to be there, but not re-exported in the way that mypy asks for.
from prefect.results import ResultRecord, ResultRecordMetadata  # type: ignore[attr-defined]
from prefect.serializers import Serializer
from pydantic import BaseModel, Field, ValidationError
from resultspec import JSON, ResultHandler
from resultspec.errors import InvalidConfiguration, InvalidReference, UnsupportedValue


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
    module, _, attribute = name.partition(":")
    try:
        found: Any = getattr(import_module(module), attribute)
        handler: Any = found(**json.loads(options)) if isinstance(found, type) or not hasattr(found, "write") else found
    except Exception as error:
        raise InvalidConfiguration(
            f"{name!r} makes no result handler with these options: mend the name or the options"
        ) from error
    if not isinstance(handler, ResultHandler):
        raise InvalidConfiguration(f"{name!r} is no result handler: name one, as 'module:name'")
    return handler


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
        return json.dumps(self._handler().write(obj), allow_nan=False).encode()

    def loads(self, blob: bytes) -> Any:
        """Read the value that a reference names."""
        try:
            reference = json.loads(blob)
        except ValueError as error:
            raise InvalidReference("what Prefect kept of a result is no reference: it was damaged") from error
        return self._handler().read(reference)


class HandlerStorage(_NamesHandler, WritableFileSystem):
    """A Prefect result storage that keeps values by a result handler, and under each key the reference.

    Prefect hands over a value serialized; it is loaded again, so that the handler is given the value itself. The entries are
    replaced whole, so that readers find either the earlier or the later one.

    Args:
        handler: The handler, or a class or function that makes one, as ``"module:name"``.
        options: Keyword arguments of the class or function, stored openly in Prefect's database.
        references: The directory of the references, a file for each key; all processes must reach it by this path.

    Raises:
        ResultHandlerError: When used, what the handler raises; Prefect decides what comes of it.
        InvalidConfiguration: When used, the name or the options are unusable.
    """

    _block_type_name = "Result handler"
    _block_type_slug = "resultspec-handler"

    references: str

    # Prefect's own storages are called without awaiting too, and told so by this argument; their base class does not say it.
    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Return the record of a key, with the value that its reference names."""
        entry = json.loads(self._entry(path).read_bytes())
        metadata = ResultRecordMetadata.model_validate(entry["metadata"])
        return ResultRecord(metadata=metadata, result=self._handler().read(entry["reference"])).serialize()

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> None:  # type: ignore[override]
        """Write the value of a record, and keep its reference under the key."""
        try:
            record: ResultRecord[Any] = ResultRecord.deserialize(content)
        except ValidationError as error:
            raise UnsupportedValue("this is no record of a result: with key_storage, use HandlerSerializer") from error
        entry = {"metadata": record.metadata.model_dump(mode="json"), "reference": self._handler().write(record.result)}
        target = self._entry(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
            json.dump(entry, file, allow_nan=False)
        Path(file.name).replace(target)

    def _entry(self, path: str) -> Path:
        return Path(self.references) / quote(path, safe="")
