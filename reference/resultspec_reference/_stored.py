"""What is stored of results and handlers: every wire form in one place."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

from cattrs import Converter
from resultspec import ResultHandler
from resultspec.errors import ResultHandlerError

from ._json import JSONResultHandler, NotJSON, check
from ._local import LocalResultHandler
from ._noresult import NoResult, NoResultType
from ._object_stores import OBJECT_STORES, PATHS, open_fields, secret_fields
from ._results import HandledResult, RawResult, Result


class StoredFormError(ResultHandlerError, ValueError):
    """Something has no stored form, or what was given is not one."""


def make_converter(handlers: Mapping[str, type] | None = None) -> Converter:
    """Return a new converter that knows every stored form; see :func:`configure_converter`."""
    converter = Converter()
    configure_converter(converter, handlers)
    return converter


def configure_converter(converter: Converter, handlers: Mapping[str, type] | None = None) -> None:
    """Teach a converter the stored forms of results and handlers.

    What is stored is strict JSON and holds no raw data (``result.stored-form``, ``noresult.stored-form``,
    ``engine.only-handled-stored``) and no secret (``shared.describable``)::

        NoResult                                 {"type": "no-result"}
        Result(ref, handled=True, ...)           {"type": "result", "value": ref, "handler": a handler's form}
        Result(value, handled=False, ...)        has none
        JSONResultHandler()                      {"kind": "json"}
        LocalResultHandler("/a")                 {"kind": "local", "directory": "/a", "sync": true}
        LocalResultHandler("/a", key=Path("/k")) {"kind": "local", "directory": "/a", "sync": true, "key_file": "/k"}
        GCSResultHandler("b", "p")               {"kind": "gcs", "bucket": "b", "prefix": "p",
                                                  "timeout": 30.0, "retry_for": 120.0}
        S3ResultHandler("b", "p")                {"kind": "s3", ...: the same}
        AzureResultHandler("a", "c", "p")        {"kind": "azure", "account": "a", "container": "c", "prefix": "p",
                                                  "timeout": 30.0, "retry_for": 120.0}
        CloudResultHandler("https://h")          {"kind": "cloud", "endpoint": "https://h", "timeout": 30.0, "retry_for": 120.0}
        ... with further options                 ... and "region", "endpoint", "credentials", "token_file", "key_file"
        ... with a key or a credential inline    has none: it would lie open
        a handler of ``handlers``                {"kind": its name there, ...: what the converter makes of it}

    Each loads as its own type, as :class:`Result` or :data:`NoResult` from their union, and as any
    :class:`resultspec.ResultHandler`; NoResult loads as the identical object (``noresult.identity``).
    Converting raises :class:`StoredFormError` for what has no form, and for what is not one.

    Args:
        converter: What to teach.
        handlers: Further classes of handlers, under the names that stand for them. The converter must know how to
            turn them into a dict and back: it does for attrs classes and dataclasses, others need hooks before.
    """
    converter.register_unstructure_hook_func(_is(JSONResultHandler), _json_options)
    converter.register_structure_hook_func(_is(JSONResultHandler), _json_handler)
    converter.register_unstructure_hook_func(_is(LocalResultHandler), _local_options)
    converter.register_structure_hook_func(_is(LocalResultHandler), _local_handler)
    for cls in OBJECT_STORES.values():
        converter.register_unstructure_hook_func(_is(cls), _object_options)
        converter.register_structure_hook_func(_is(cls), _object_handler)
    kinds = {"json": JSONResultHandler, "local": LocalResultHandler, **OBJECT_STORES, **(handlers or {})}
    forms = _HandlerForms(converter, kinds)
    converter.register_unstructure_hook_func(forms.covers, forms.unstructure)
    converter.register_structure_hook_func(forms.covers, forms.structure)

    def unstructure(outcome: Result[Any, Any] | NoResultType) -> dict[str, Any]:
        if outcome is NoResult:
            return {"type": "no-result"}
        if not isinstance(outcome, HandledResult):
            raise StoredFormError("Only a handled result has a stored form: store what its write() returns")
        form = {"type": "result", "value": outcome.value, "handler": forms.unstructure(outcome.result_handler)}
        return _strict(form, "The result")

    def structure(form: Any, target: Any) -> object:
        kind = _strict(form, "The stored form").get("type")
        if kind == "no-result":
            _members(form, "type")
            outcome: object = NoResult
        elif kind == "result":
            _members(form, "type", "value", "handler")
            outcome = Result(form["value"], True, forms.structure(form["handler"]))
        else:
            raise StoredFormError('A stored form has the type "result" or "no-result"')
        if not isinstance(outcome, _classes(target)):
            raise StoredFormError(f"The stored form is of type {kind!r}, which is not what was asked for")
        return outcome

    converter.register_unstructure_hook_func(_is_outcome, unstructure)
    converter.register_structure_hook_func(_is_outcome, structure)


class _HandlerForms:
    """The stored forms of handlers, by the kinds that a converter was taught."""

    def __init__(self, converter: Converter, kinds: Mapping[str, type]) -> None:
        # The converter's own hooks, looked up before the ones that add the kind take their place.
        self._by_kind = {kind: (cls, converter.get_structure_hook(cls)) for kind, cls in kinds.items()}
        self._by_class = {cls: (kind, converter.get_unstructure_hook(cls)) for kind, cls in kinds.items()}

    def covers(self, target: Any) -> bool:
        # A subclass of a registered class is another handler, and its form would lose what it adds.
        target = get_origin(target) or target
        return target is ResultHandler or target in self._by_class

    def unstructure(self, handler: object) -> dict[str, Any]:
        cls = type(handler)
        if cls not in self._by_class:
            raise StoredFormError(f"Handlers of type {cls.__qualname__} have no stored form: register the class")
        kind, hook = self._by_class[cls]
        return _strict({"kind": kind, **hook(handler)}, f"The handler of kind {kind!r}")

    def structure(self, form: Any, target: Any = ResultHandler) -> Any:
        options = dict(_strict(form, "The stored form of a handler"))
        kind = options.pop("kind", None)
        if not isinstance(kind, str) or kind not in self._by_kind:
            raise StoredFormError(f"The stored form's kind of handler is not one of {', '.join(self._by_kind)}")
        cls, hook = self._by_kind[kind]
        if not issubclass(cls, _classes(target)):
            raise StoredFormError(f"The stored handler is of kind {kind!r}, which is not what was asked for")
        try:
            return hook(options, cls)
        except StoredFormError:
            raise
        except Exception as error:
            raise StoredFormError(f"The stored form is not that of a handler of kind {kind!r}") from error


def _is(cls: type) -> Callable[[Any], bool]:
    return lambda target: (get_origin(target) or target) is cls


def _classes(target: Any) -> tuple[type, ...]:
    """Return the classes that a type consists of, without their parameters."""
    origin = get_origin(target)
    if origin in (Union, UnionType):
        return tuple(cls for member in get_args(target) for cls in _classes(member))
    return (origin or target,)


def _is_outcome(target: Any) -> bool:
    return all(cls in (Result, RawResult, HandledResult, NoResultType) for cls in _classes(target))


def _strict(form: Any, what: str) -> dict[str, Any]:
    try:
        check(form)
    except NotJSON as error:
        raise StoredFormError(f"{what} is not JSON: {error}") from error
    if not isinstance(form, dict):
        raise StoredFormError(f"{what} is not an object")
    return cast("dict[str, Any]", form)


def _members(form: Mapping[str, Any], *required: str, optional: tuple[str, ...] = ()) -> None:
    for key in required:
        if key not in form:
            raise StoredFormError(f"The stored form lacks {key!r}")
    if len(form) > len(required) + sum(key in form for key in optional):
        raise StoredFormError(f"The stored form has more than {', '.join((*required, *optional)) or 'its kind'}")


def _json_options(handler: JSONResultHandler) -> dict[str, Any]:
    return {}


def _json_handler(options: dict[str, Any], cls: object) -> JSONResultHandler:
    _members(options)
    return JSONResultHandler()


def _local_options(handler: LocalResultHandler[Any]) -> dict[str, Any]:
    return {"directory": str(handler.directory), "sync": handler.sync, **_key_option(handler.key)}


def _key_option(key: bytes | Path | None) -> dict[str, Any]:
    if isinstance(key, bytes):
        raise StoredFormError("The key would lie open in a stored form: give the handler the Path of a key file")
    return {} if key is None else {"key_file": str(key)}


def _local_handler(options: dict[str, Any], cls: object) -> LocalResultHandler[Any]:
    _members(options, "directory", "sync", optional=("key_file",))
    if type(options["sync"]) is not bool:
        raise StoredFormError("The stored form's sync is neither true nor false")
    key_file = options.get("key_file")
    return LocalResultHandler(
        _absolute(options["directory"]),
        sync=options["sync"],
        key=None if key_file is None else _absolute(key_file),
    )


def _object_options(handler: Any) -> dict[str, Any]:
    cls: type[Any] = type(handler)  # pyright: ignore[reportUnknownVariableType]
    if any(getattr(handler, name) is not None for name in secret_fields(cls)):
        raise StoredFormError("The credential would lie open in a stored form: leave it to the environment")
    options = {name: getattr(handler, name) for name in open_fields(cls)}
    given = {name: str(value) if name in PATHS else value for name, value in options.items() if value is not None}
    return {**given, **_key_option(handler.key)}


def _object_handler(options: dict[str, Any], cls: Any) -> Any:
    cls = get_origin(cls) or cls
    fields = open_fields(cls)
    required = [name for name, field in fields.items() if field.default is not None]
    optional = [name for name in fields if name not in required]
    _members(options, *required, optional=(*optional, "key_file"))
    given = {name: _absolute(value) if name in PATHS else value for name, value in options.items()}
    return cls(key=given.pop("key_file", None), **given)


def _absolute(text: Any) -> Path:
    # A relative path would mean another place in every working directory.
    if not isinstance(text, str) or not Path(text).is_absolute():
        raise StoredFormError("The stored form's path is not absolute")
    return Path(text)
