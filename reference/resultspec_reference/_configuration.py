"""The user's choice of a handler: a file, environment variables over it, and a default under both."""

import os
import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, cast

import attrs
from platformdirs import user_config_path
from resultspec import ResultHandler
from resultspec.errors import InvalidConfiguration

from ._hierarchy import usable
from ._json import JSONResultHandler, NotJSON, decode
from ._local import LocalResultHandler
from ._object_stores import OBJECT_STORES, PATHS, open_fields
from ._quiet import quiet

_FILE_VARIABLE = "RESULTSPEC_CONFIG"
_KIND_VARIABLE = "RESULTSPEC_RESULT_HANDLER"
_OPTION_PREFIX = f"{_KIND_VARIABLE}_"
_TABLE = "result_handler"
_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


@attrs.frozen
class Configuration:
    """The handler that applies where neither task nor flow sets one.

    It is looked up each time :attr:`result_handler` is asked for, never before (``hierarchy.late-config``): first in
    the environment, then in the user's file, and where both say nothing it is ``LocalResultHandler()``.

    The file is ``config.toml`` in the user's configuration directory of ``resultspec``, or the one that the variable
    ``RESULTSPEC_CONFIG`` names; it may hold one table::

        [result_handler]
        kind = "local"
        directory = "~/results"

    ``kind`` names what makes the handler; every other key is a keyword argument of it:

    ``"local"``
        :class:`LocalResultHandler`: ``directory`` and ``key_file``, absolute or from ``~``, and ``sync``. It is what
        a table without ``kind`` means.
    ``"gcs"``
        :class:`GCSResultHandler`: ``bucket``, ``prefix``, ``endpoint``, ``timeout``, ``retry_for``, and the files
        ``credentials`` and ``key_file``, absolute or from ``~``.
    ``"s3"``
        :class:`S3ResultHandler`: ``bucket``, ``prefix``, ``region``, ``endpoint``, ``timeout``, ``retry_for`` and
        ``key_file``. The credential is what obstore finds in its own variables.
    ``"azure"``
        :class:`AzureResultHandler`: ``account``, ``container``, ``prefix``, ``endpoint``, ``timeout``, ``retry_for``
        and ``key_file``. The credential is what obstore finds in its own variables.
    ``"cloud"``
        :class:`CloudResultHandler`: ``endpoint``, ``timeout``, ``retry_for``, and the files ``token_file`` and
        ``key_file``. The token can be in the variable ``RESULTSPEC_CLOUD_TOKEN`` instead.
    ``"json"``
        :class:`JSONResultHandler`, without options.
    ``"module:Name"``
        A class or function to be imported, such as ``"lake.handlers:LakeResultHandler"``.

    The variable ``RESULTSPEC_RESULT_HANDLER`` names a kind and stands in place of the whole table.
    ``RESULTSPEC_RESULT_HANDLER_SYNC`` sets the option ``sync`` over what is set otherwise, and so any other
    option, its name in capitals; its value is taken as JSON where it is JSON (``false``, ``6379``), and else as text.
    """

    @property
    def result_handler(self) -> ResultHandler[Any, Any]:
        """The handler that applies now, newly made.

        Raises:
            InvalidConfiguration: The file or a variable is unusable; the error names it, the key, and what to do
                (``hierarchy.invalid-config``). There is no silent fallback.
        """
        settings = _settings()
        kind = settings.pop("kind", _Setting("local", "The default"))
        make = _maker(kind)
        _check_options(make, kind, settings)
        try:
            handler = make(**{key: setting.value for key, setting in settings.items()})
        except _Refused as refusal:
            raise InvalidConfiguration(f"{settings[refusal.key].source}: {refusal.mend}") from refusal
        except Exception as error:
            # Its text may quote an option, and that may be a credential.
            cause = quiet(error)
        else:
            return usable(handler, f"{kind.source}: what {kind.value!r} makes")
        raise InvalidConfiguration(f"{kind.source}: {kind.value!r} cannot be made with its options: {cause}") from cause


@attrs.frozen
class _Setting:
    """A value, and where it was set, to begin an error's text with."""

    value: Any
    source: str


class _Refused(Exception):
    """An option of a built-in kind is unusable."""

    def __init__(self, key: str, mend: str) -> None:
        super().__init__(mend)
        self.key = key
        self.mend = mend


def _settings() -> dict[str, _Setting]:
    kind = os.environ.get(_KIND_VARIABLE)
    settings = _settings_of_file() if kind is None else {"kind": _Setting(kind, _KIND_VARIABLE)}
    for variable, text in os.environ.items():
        if variable.startswith(_OPTION_PREFIX):
            key = variable.removeprefix(_OPTION_PREFIX).lower()
            settings[key] = _Setting(_value_of_variable(text), variable)
    return settings


def _settings_of_file() -> dict[str, _Setting]:
    named = os.environ.get(_FILE_VARIABLE)
    if named == "":
        raise InvalidConfiguration(f"{_FILE_VARIABLE} is empty: name a file, or unset it")
    path = _expanded(named) if named else user_config_path("resultspec", appauthor=False) / "config.toml"
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError as error:
        if not named:
            return {}
        raise InvalidConfiguration(f"{_FILE_VARIABLE}: there is no file {path}: write it, or unset it") from error
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(f"{path} cannot be read as TOML: mend it, or remove it") from error
    table = content.pop(_TABLE, {})
    if content:
        raise InvalidConfiguration(f"{path}: unknown key {min(content)!r}: the one key is {_TABLE!r}")
    if not isinstance(table, dict):
        raise InvalidConfiguration(f"{path}: {_TABLE} is not a table: begin it with [{_TABLE}]")
    options = cast("dict[str, Any]", table)
    return {key: _Setting(value, f"{path}: {_TABLE}.{key}") for key, value in options.items()}


def _value_of_variable(text: str) -> Any:
    try:
        return decode(text)
    except NotJSON:
        return text


def _maker(kind: _Setting) -> Callable[..., Any]:
    wanted = kind.value if isinstance(kind.value, str) else ""
    if wanted in _KINDS:
        return _KINDS[wanted]
    module, _, name = wanted.partition(":")
    if not (module and name):
        known = ", ".join(map(repr, _KINDS))
        raise InvalidConfiguration(f"{kind.source}: unknown kind: write {known} or 'module:Name'")
    try:
        make: object = getattr(import_module(module), name)
    except Exception as error:
        cause = quiet(error)
    else:
        if callable(make):
            return make
        raise InvalidConfiguration(f"{kind.source}: {kind.value!r} is neither a class nor a function: name one")
    raise InvalidConfiguration(
        f"{kind.source}: {kind.value!r} cannot be imported, mend its name or install it: {cause}"
    ) from cause


def _check_options(make: Callable[..., Any], kind: _Setting, settings: Mapping[str, _Setting]) -> None:
    """Find unknown and missing options before the call, whose errors cannot be quoted."""
    try:
        taken = signature(make)
    except ValueError:
        # Some classes written in C have none: the call will tell.
        return
    names = [name for name, parameter in taken.parameters.items() if parameter.kind in _NAMED]
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in taken.parameters.values())
    for key, setting in settings.items():
        if key not in names and not takes_any:
            known = ", ".join(map(repr, names)) or "none"
            raise InvalidConfiguration(f"{setting.source}: {kind.value!r} has no option {key!r}: it has {known}")
    try:
        taken.bind(**settings)
    except TypeError as error:
        raise InvalidConfiguration(f"{kind.source}: {kind.value!r} is {error}: set it") from error


def _local(directory: Any = None, sync: Any = True, key_file: Any = None) -> LocalResultHandler[Any]:
    if not isinstance(sync, bool):
        raise _Refused("sync", "write true or false")
    return LocalResultHandler(
        None if directory is None else _absolute("directory", directory),
        sync=sync,
        key=None if key_file is None else _absolute("key_file", key_file),
    )


class _ObjectStore:
    """Makes the handlers of an object store, with the options that may lie open, and the file of a key.

    Args:
        cls: The class of the handlers.
    """

    def __init__(self, cls: type[Any]) -> None:
        self._cls = cls
        self._fields = open_fields(cls)
        parameters = [
            Parameter(field.name, Parameter.KEYWORD_ONLY, default=Parameter.empty if field.default is attrs.NOTHING else None)
            for field in self._fields.values()
        ]
        # What the names of the options are checked against.
        self.__signature__ = Signature([*parameters, Parameter("key_file", Parameter.KEYWORD_ONLY, default=None)])

    def __call__(self, **options: Any) -> Any:
        given = {key: _absolute(key, value) if key in PATHS else value for key, value in options.items()}
        for key, value in given.items():
            field: Any = self._fields.get(key)
            convert = Path if field is None else field.converter
            try:
                convert(value)
            except (TypeError, ValueError) as error:
                # This package's own text, which quotes nothing.
                raise _Refused(key, str(error)) from error
        return self._cls(key=given.pop("key_file", None), **given)


def _absolute(key: str, path: Any) -> Path:
    # A relative path would mean another place in every working directory.
    if not isinstance(path, str) or "\0" in path or not _expanded(path).is_absolute():
        raise _Refused(key, "write an absolute path, or one that begins with ~/")
    return _expanded(path)


def _expanded(path: str) -> Path:
    # Path.expanduser raises where there is no such user; this leaves the path as it is.
    return Path(os.path.expanduser(path))  # noqa: PTH111


_KINDS: Mapping[str, Callable[..., Any]] = {
    "local": _local,
    **{kind: _ObjectStore(cls) for kind, cls in OBJECT_STORES.items()},
    "json": JSONResultHandler,
}
