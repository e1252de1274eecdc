"""What an annotation says of the values that it names."""

import ast
import inspect
import sys
import types
import typing
from collections import abc
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import typing_extensions
from resultspec import JSON

from .strictjson import json_problem

PLAIN: Any = Any
"""The annotation that stands for plain Python values."""


def annotation_of_write(handler: Any) -> Any:
    """What ``write`` of a handler names as the type of its values, with an end where it is recursive; PLAIN where nothing."""
    write = inspect.unwrap(getattr(handler.write, "__func__", handler.write))
    try:
        parameters = list(inspect.signature(handler.write).parameters.values())
    except (TypeError, ValueError):
        return PLAIN
    if not parameters or parameters[0].annotation is inspect.Parameter.empty:
        return PLAIN
    name = parameters[0].name
    raw = parameters[0].annotation
    if raw is JSON or raw == "JSON" or (isinstance(raw, str) and raw.rpartition(".")[2] == "JSON"):
        return JSON
    names = getattr(write, "__globals__", {})
    try:
        try:
            annotation = typing_extensions.get_type_hints(write).get(name, PLAIN)
        except NameError:
            names = names | _imported_for_checkers(names)
            annotation = typing_extensions.get_type_hints(write, names).get(name, PLAIN)
        annotation = _finite(annotation, names, _UNROLLED)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only
        return PLAIN if isinstance(raw, str) else raw
    return _bound(annotation, handler) if isinstance(annotation, TypeVar) else annotation


def _imported_for_checkers(names: dict[str, Any]) -> dict[str, Any]:
    """What a module imports ``if TYPE_CHECKING:``, as far as it can be imported."""
    imported: dict[str, Any] = {"__package__": names.get("__package__"), "__name__": names.get("__name__")}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[names["__name__"]]))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in (getattr(node.test, "id", None), getattr(node.test, "attr", None)):
            for statement in node.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    with suppress(Exception):  # such as a stub, which does not exist when a program runs
                        exec(ast.unparse(statement), imported)  # noqa: S102 - an import of the author's
    return imported


_UNROLLED = 2
_ENDLESS = object()


def _finite(annotation: Any, names: dict[str, Any], levels: int) -> Any:
    """A recursive alias as an annotation with an end: written out a few times, then without the members that lead on."""
    if isinstance(annotation, str | typing.ForwardRef | typing_extensions.TypeAliasType):
        if levels == 0:
            return _ENDLESS
        meant = getattr(annotation, "__value__", getattr(annotation, "__forward_arg__", annotation))
        return _finite(eval(meant, names) if isinstance(meant, str) else meant, names, levels - 1)  # noqa: S307 - the author's
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (None, Literal, typing.Annotated, abc.Callable):
        return annotation
    finite = [_finite(argument, names, levels) for argument in arguments]
    if origin in (Union, types.UnionType) and (kept := tuple(argument for argument in finite if argument is not _ENDLESS)):
        return Union[kept]  # noqa: UP007 - of how many there are
    if _ENDLESS in finite:
        return _ENDLESS
    return annotation if finite == [*arguments] else origin[tuple(finite)]


def _bound(variable: Any, handler: Any) -> Any:
    """What a type variable stands for in this handler: its argument, its bound, or anything."""
    cls = type(handler)
    generics = [getattr(handler, "__orig_class__", None), *getattr(cls, "__orig_bases__", ())]
    for generic in generics:
        parameters = getattr(get_origin(generic), "__parameters__", ())
        if variable in parameters:
            argument = get_args(generic)[parameters.index(variable)]
            if not isinstance(argument, TypeVar):
                return argument
    return variable.__bound__ or PLAIN


def normal(annotation: Any) -> Any:
    """Strip what does not change the values: Annotated, NewType, Final, type variables."""
    while True:
        if hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is typing.Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, TypeVar):
            annotation = annotation.__bound__ or PLAIN
        elif annotation is None:
            annotation = type(None)
        else:
            return annotation


def is_plain(annotation: Any) -> bool:
    """Whether an annotation names plain Python values, rather than something in particular."""
    return annotation in (PLAIN, object) or (
        get_origin(annotation) in (Union, types.UnionType) and any(is_plain(a) for a in get_args(annotation))
    )


def annotation_name(annotation: Any) -> str:
    """An annotation as it is written."""
    return annotation.__qualname__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def is_array(cls: Any) -> bool:
    """Whether a class is NumPy's array, found out without importing NumPy."""
    return getattr(cls, "__module__", "").partition(".")[0] == "numpy" and cls.__qualname__ == "ndarray"


def fields_of(annotation: Any) -> list[tuple[str, Any]]:
    """The fields that a dataclass is made with and their annotations, those left out that lead back to dataclasses."""
    cls = get_origin(annotation) or annotation
    try:
        hints = typing_extensions.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only
        return []
    meant = dict(zip(getattr(cls, "__parameters__", ()), get_args(annotation), strict=False))
    hints = {name: _with_arguments(hint, meant) for name, hint in hints.items()}
    return [
        (field.name, hints[field.name]) for field in fields(cls) if field.init and not _is_made_of_dataclasses(hints[field.name])
    ]


def _with_arguments(hint: Any, meant: dict[Any, Any]) -> Any:
    """An annotation with the arguments of a generic class in the place of its type variables."""
    if isinstance(hint, TypeVar):
        return meant.get(hint, hint)
    variables = getattr(hint, "__parameters__", ()) if get_origin(hint) is not None else ()
    return hint[tuple(meant.get(variable, variable) for variable in variables)] if variables else hint


def _is_made_of_dataclasses(annotation: Any) -> bool:
    """Whether a dataclass is named in an annotation, which may be the one that it belongs to."""
    return is_dataclass(annotation) or any(map(_is_made_of_dataclasses, get_args(annotation)))


def is_json(value: object) -> bool:
    """Whether a value is JSON of exactly the types that JSON text gives back, finite and with valid text."""
    return json_problem(value) is None


def admits(annotation: Any, value: object) -> bool:
    """Whether an annotation names a value, by exact types; True where that cannot be told."""
    annotation = normal(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    cls = origin or annotation
    if is_plain(annotation):
        return True
    if annotation is JSON:
        return is_json(value)
    if origin in (Union, types.UnionType):
        return any(admits(argument, value) for argument in arguments)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if cls in (abc.Sequence, abc.Mapping, abc.MutableMapping):
        cls = list if cls is abc.Sequence else dict
    if cls in (list, set, frozenset):
        return type(value) is cls and all(admits(a, item) for a in arguments for item in typing.cast("list[Any]", value))
    if cls is tuple:
        return type(value) is tuple and _tuple_admits(arguments, value)
    if cls is dict:
        return type(value) is dict and all(
            admits(arguments[0], key) and admits(arguments[1], item) for key, item in value.items() if arguments
        )
    if typing_extensions.is_typeddict(cls):
        return type(value) is dict
    if is_array(cls):
        dtype = getattr(value, "dtype", None)
        return type(value) is cls and dtype is not None and dtype.kind in "biufc" and dtype.isnative
    return type(value) is cls if isinstance(cls, type) and not inspect.isabstract(cls) and not _is_protocol(cls) else True


def _tuple_admits(arguments: tuple[Any, ...], value: tuple[object, ...]) -> bool:
    if not arguments:
        return True
    if arguments[-1] is Ellipsis:
        return all(admits(arguments[0], item) for item in value)
    return len(value) == len(arguments) and all(map(admits, arguments, value))


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))
