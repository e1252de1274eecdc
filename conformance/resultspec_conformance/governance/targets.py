"""Targets of the command line: texts that name a subject."""

import ast
import copy
import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from ..engines import is_driver
from ..subjects import EngineSubject, HandlerSubject, Subject
from ..trials.making import BadSubject
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
        near = difflib.get_close_matches(part, dir(found), 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise BadSubject(f"{target}: there is no {part} in {getattr(found, '__name__', found)}{hint}") from error


@attrs.frozen
class _Source:
    """How a script makes what a target with arguments makes."""

    module: str
    function: str
    arguments: str

    def expression(self, scratch: str) -> str:
        """The call, with the directory filled in."""
        quoted = self.arguments
        for quote in ("'", '"'):
            quoted = quoted.replace(f"{quote}{_PLACE}", f"str({scratch}) + {quote}")
        return f"{self.module}.{self.function}({quoted})"

    def __str__(self) -> str:
        return f"{self.module}:{self.function}({self.arguments})"


class _Call:
    """Makes handlers by calling what a target names with the target's arguments."""

    def __init__(self, function: Callable[..., Any], name: str, call: ast.Call) -> None:
        try:
            self._positional = [ast.literal_eval(argument) for argument in call.args]
            self._named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
        except ValueError as error:
            raise BadSubject(f"the arguments of {name} must be literals, such as 'text', 3 or None") from error
        if not callable(function):
            raise BadSubject(f"{name} cannot be called")
        self._function = function
        text = ast.unparse(call)
        self.source = _Source(function.__module__, name, text[text.index("(") + 1 : -1])
        self.takes_scratch = _PLACE in text

    def __call__(self, scratch: Path) -> Any:
        """Make a handler on a scratch directory."""
        positional = [_filled(argument, scratch) for argument in self._positional]
        return self._function(*positional, **{name: _filled(value, scratch) for name, value in self._named.items()})


def _filled(argument: Any, scratch: Path) -> Any:
    return argument.replace(_PLACE, str(scratch)) if isinstance(argument, str) else argument


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
