"""Targets of the command line: texts that name a subject."""

import ast
import copy
import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from ..engines import is_driver
from ..subjects import EngineSubject, HandlerSubject, Subject
from ..trials.making import BadSubject, wants_path
from ..trials.outcomes import one_line

_PLACE = "{scratch}"


def subject_of(target: str, directory: Path | None = None) -> Subject:
    """Find the subject that a target names.

    Args:
        target: ``module:attribute``, ``path/to/file.py:attribute``, or either with arguments as in
            ``module:Class(arg, directory='{scratch}')``; the attribute is a handler's class, a factory, a handler, the class of an
            engine's driver, or a subject.
        directory: What files are relative to, and where modules are looked for first; left out, the working directory.

    Raises:
        BadSubject: It names nothing that can be checked; the text says why and what to do.
    """
    where, colon, what = target.partition(":")
    if not colon or not where or not what:
        raise BadSubject(f"{target!r} is no target; write module:attribute, such as mymodule:MyHandler")
    name, arguments = _parsed(target, what)
    found: Any = _module(where, directory or Path.cwd())
    for part in name.split("."):
        found = _attribute(found, part, target)
    if isinstance(found, Subject):
        return attrs.evolve(found, name=found.name or target)
    declared = getattr(found, "subject", None)
    if isinstance(declared, Subject):
        return attrs.evolve(declared, name=declared.name or target)
    if is_driver(found):
        return EngineSubject(found if arguments is None else _Call(found, name, arguments), name=target)
    if arguments is not None:
        return HandlerSubject(_Call(found, name, arguments), name=target)
    if callable(found) and not (hasattr(found, "write") and hasattr(found, "read") and not inspect.isclass(found)):
        return HandlerSubject(found, name=target)
    if hasattr(found, "write") and hasattr(found, "read"):
        return HandlerSubject(_Copies(found), name=target)
    raise BadSubject(f"{target} is {type(found).__qualname__}, which is no handler: it has no write and read")


def _parsed(target: str, what: str) -> tuple[str, ast.Call | None]:
    try:
        tree = ast.parse(what, mode="eval").body
    except SyntaxError as error:
        raise BadSubject(f"{target!r} is no target: {error.msg}; write module:Class or module:Class(argument)") from error
    call = tree if isinstance(tree, ast.Call) else None
    name = ast.unparse(tree.func if isinstance(tree, ast.Call) else tree)
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadSubject(f"{target!r} is no target: {name!r} is no name of an attribute")
    return name, call


def _module(where: str, directory: Path) -> ModuleType:
    path = (directory / where).resolve() if where.endswith(".py") else None
    if path is not None:
        if not path.is_file():
            raise BadSubject(f"there is no file {where}" + ("" if directory == Path.cwd() else f" in {directory}"))
        sys.path.insert(0, str(path.parent))
        where = path.stem
    elif str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        module = importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name and (where == error.name or where.startswith(error.name + ".")):
            raise BadSubject(
                f"there is no module {error.name}; it is looked for in {directory} and where this Python finds packages"
            ) from error
        raise BadSubject(f"importing {where} raised {one_line(error)}") from error
    except (Exception, SystemExit) as error:
        raise BadSubject(f"importing {where} raised {one_line(error)}") from error
    loaded = getattr(module, "__file__", None)
    if path is not None and (loaded is None or Path(loaded).resolve() != path):
        raise BadSubject(
            f"{path} cannot be loaded, since {loaded or 'a module of Python'} is loaded under its name {where}; rename the file"
        )
    return module


def _attribute(found: Any, part: str, target: str) -> Any:
    try:
        return getattr(found, part)
    except AttributeError as error:
        near = difflib.get_close_matches(part, [name for name in dir(found) if not name.startswith("__")], 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise BadSubject(f"{target}: there is no {part} in {getattr(found, '__name__', found)}{hint}") from error


@attrs.frozen
class _Source:
    """How a script makes what a target with arguments makes.

    Attributes:
        module: Where the function is found.
        call: The call, as the target has it.
        paths: The arguments that the function wants as a ``Path``, by position or name.
    """

    module: str
    call: ast.Call
    paths: frozenset[int | str]

    def expression(self, scratch: str) -> str:
        """The call, with the directory filled in."""
        positional = [self._filled(place, argument, scratch) for place, argument in enumerate(self.call.args)]
        named = [ast.keyword(one.arg, self._filled(one.arg or "", one.value, scratch)) for one in self.call.keywords]
        return f"{self.module}.{ast.unparse(ast.Call(self.call.func, positional, named))}"

    def _filled(self, place: int | str, argument: ast.expr, scratch: str) -> ast.expr:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str) and _PLACE in argument.value):
            return argument
        directory = ast.parse(scratch, mode="eval").body
        if argument.value == _PLACE:
            return directory if place in self.paths else ast.Call(ast.Name("str"), [directory], [])
        first, *others = (ast.Constant(text) for text in argument.value.split(_PLACE))
        inserted = ast.FormattedValue(directory, conversion=-1)
        text = ast.JoinedStr([first, *(part for other in others for part in (inserted, other))])
        return ast.Call(ast.Name("Path"), [text], []) if place in self.paths else text

    def __str__(self) -> str:
        return f"{self.module}:{ast.unparse(self.call)}"


class _Call:
    """Makes handlers by calling what a target names with the target's arguments."""

    def __init__(self, function: Callable[..., Any], name: str, call: ast.Call) -> None:
        try:
            self._positional = [ast.literal_eval(argument) for argument in call.args]
            self._named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
        except ValueError as error:
            raise BadSubject(f"the arguments of {name} must be literals, such as 'text', '{_PLACE}/file', 3 or None") from error
        if not callable(function):
            raise BadSubject(f"{name} cannot be called")
        self._function = function
        self._paths = _paths(function, self._positional, self._named)
        self.source = _Source(function.__module__, call, self._paths)
        self.takes_scratch = _PLACE in ast.unparse(call)

    def __call__(self, scratch: Path) -> Any:
        """Make a handler on a scratch directory."""
        positional = [self._filled(place, argument, scratch) for place, argument in enumerate(self._positional)]
        return self._function(*positional, **{name: self._filled(name, value, scratch) for name, value in self._named.items()})

    def _filled(self, place: int | str, argument: Any, scratch: Path) -> Any:
        if not isinstance(argument, str):
            return argument
        filled = argument.replace(_PLACE, str(scratch))
        return Path(filled) if place in self._paths else filled


def _paths(function: Callable[..., Any], positional: Sequence[Any], named: Mapping[str, Any]) -> frozenset[int | str]:
    """Which arguments, by position or name, stand for a place under the directory and are wanted as a ``Path``."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return frozenset()
    in_order = zip(enumerate(positional), parameters.values(), strict=False)
    given: list[tuple[int | str, Any, inspect.Parameter]] = [(place, one, parameter) for (place, one), parameter in in_order]
    given += [(name, one, parameters[name]) for name, one in named.items() if name in parameters]
    return frozenset(
        place
        for place, argument, parameter in given
        if isinstance(argument, str) and _PLACE in argument and wants_path(parameter.annotation)
    )


class _Copies:
    """Makes handlers by copying one."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def __call__(self) -> Any:
        """Copy the handler, or give itself where it cannot be copied."""
        try:
            return copy.deepcopy(self._handler)
        except Exception:  # noqa: BLE001 - a handler that holds a connection
            return self._handler
