"""How a handler is made: with nothing, or with a scratch directory, in this process or in another."""

import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import attrs
import cloudpickle


class BadSubject(Exception):
    """The subject cannot be checked as it is given; the text says what to do. Exit code 2."""


Passes = Literal["nothing", "path", "text"]


@attrs.frozen
class Maker:
    """Makes equally configured handlers, one for each call with the same directory.

    Attributes:
        make: The class or factory that the author gave.
        passes: What it is called with: nothing, or the scratch directory as a ``Path`` or as text.
    """

    make: Callable[..., Any]
    passes: Passes

    def __call__(self, scratch: Path) -> Any:
        """Make a handler that may keep its values under ``scratch``."""
        if self.passes == "nothing":
            return self.make()
        return self.make(scratch if self.passes == "path" else str(scratch))

    @property
    def takes_scratch(self) -> bool:
        """Whether two directories make two differently configured handlers."""
        return bool(getattr(self.make, "takes_scratch", self.passes != "nothing"))

    @property
    def advice(self) -> str:
        """What to do when it raises, in a sentence."""
        if getattr(self.make, "source", None) is not None:
            return "{scratch} stands for a directory that is there and is empty; give other arguments, or name a factory"
        if self.passes == "nothing":
            return "the factory must give a working handler before anything can be said of it"
        kind = "a Path" if self.passes == "path" else "text"
        name = getattr(self.make, "__qualname__", "Class")
        return (
            f"it was given a directory that is there and is empty, as {kind}; for something else, give a function that takes the "
            f"directory and makes the handler, or on the command line \"module:{name}('{{scratch}}/file')\""
        )

    def ship(self) -> bytes:
        """The maker as bytes that a fresh interpreter with this one's ``sys.path`` can load.

        Raises:
            BadSubject: The factory cannot be sent to another process.
        """
        _pickle_unimportable_module_by_value(self.make)
        try:
            shipped: bytes = cloudpickle.dumps(self)
            return shipped
        except Exception as error:
            raise BadSubject(
                f"the factory cannot be sent to another process ({type(error).__name__}: {error}); "
                "give a class or a function that a fresh interpreter can import"
            ) from error

    @property
    def has_no_name(self) -> bool:
        """Whether a script cannot import ``make``, and has to carry it."""
        return getattr(self.make, "source", None) is None and importable_name(self.make) is None

    def imports(self) -> list[str]:
        """The lines of a script that make ``make`` available."""
        written = getattr(self.make, "source", None)
        if written is not None:
            return [*_path_lines(written.module), f"import {written.module}"]
        name = importable_name(self.make)
        if name is None:
            return ["import base64, cloudpickle", f"make = cloudpickle.loads(base64.b64decode({_encoded(self.make)!r})).make"]
        return import_lines(*name)

    def expression(self, scratch: str) -> str:
        """The expression of a script that makes a handler; ``scratch`` is the expression of the directory."""
        written = getattr(self.make, "source", None)
        if written is not None:
            return str(written.expression(scratch))
        name = importable_name(self.make)
        function = "make" if name is None else name[1]
        return f"{function}({ {'nothing': '', 'path': scratch, 'text': f'str({scratch})'}[self.passes] })"


def maker_for(make: Callable[..., Any]) -> Maker:
    """Find out what a class or factory is called with.

    Raises:
        BadSubject: It is not callable, or takes something other than nothing or one scratch directory.
    """
    if not callable(make):
        raise BadSubject(f"make is {make!r}, which is not callable; give the handler's class, or a function that makes one")
    try:
        parameters = inspect.signature(make, eval_str=False).parameters.values()
    except (TypeError, ValueError):
        return Maker(make, "nothing")
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p for p in named if p.default is p.empty]
    name = getattr(make, "__qualname__", repr(make))
    if len(required) > 1 or any(p.kind is p.KEYWORD_ONLY for p in required):
        raise BadSubject(
            f"{name} needs {', '.join(p.name for p in required)}; give a factory that takes nothing or one scratch directory, "
            f"or on the command line 'module:{name}({', '.join(p.name + '=...' for p in required)})'"
        )
    first = named[0] if named else None
    if first is not None and first.kind is not first.KEYWORD_ONLY and (required or _is_directory(first)):
        return Maker(make, _way_to_pass(first, name))
    return Maker(make, "nothing")


def _way_to_pass(parameter: inspect.Parameter, name: str) -> Passes:
    annotation = parameter.annotation
    if annotation is parameter.empty or _mentions_path(annotation):
        return "path"
    if annotation in (str, "str") or str in get_args(annotation):
        return "text"
    if annotation in (object, Any, "Any", "object") or not isinstance(annotation, type):
        return "path"
    if issubclass(Path, annotation):
        return "path"
    raise BadSubject(
        f"{name} needs {parameter.name}, a {annotation.__qualname__}, and a scratch directory is all that can be given; "
        "write a factory that takes nothing or the scratch directory"
    )


def _is_directory(parameter: inspect.Parameter) -> bool:
    """Whether an optional parameter is plainly the directory: left out, values would land among the user's own."""
    other = any(word in parameter.name.lower() for word in ("key", "cert", "config", "file", "log"))
    return not other and _mentions_path(parameter.annotation)


def wants_path(annotation: Any) -> bool:
    """Whether an argument with this annotation has to be a ``Path``, and may not be text."""
    return _mentions_path(annotation) and "str" not in str(annotation)


def _mentions_path(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "") + str(annotation)
    return "Path" in text


def importable_name(thing: Any) -> tuple[str, str] | None:
    """The module and the qualified name under which a fresh interpreter finds a thing, or None."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not module or not name or module == "__main__" or "<" in name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return (module, name) if found is thing or found == thing else None


def import_lines(module: str, name: str) -> list[str]:
    """The lines of a script that import what :func:`importable_name` has found."""
    return [*_path_lines(module), f"from {module} import {name.partition('.')[0]}"]


def _path_lines(module: str) -> list[str]:
    """What a script needs before it can import a module that is not installed."""
    origin = getattr(sys.modules.get(module), "__file__", None)
    if origin is None or "site-packages" in origin:
        return []
    root = Path(origin).resolve().parents[module.count(".") + (Path(origin).stem == "__init__")]
    return ["import sys", f"sys.path.insert(0, {str(root)!r})"]


def _pickle_unimportable_module_by_value(make: Any) -> None:
    """A test module may be loaded under a name that no other interpreter can import: send what it holds."""
    function = getattr(make, "func", make)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if module is None or module.__name__ in ("__main__", "builtins") or not hasattr(module, "__file__"):
        return
    if importlib.machinery.PathFinder.find_spec(module.__name__.partition(".")[0], sys.path) is None:
        cloudpickle.register_pickle_by_value(module)


def _encoded(make: Any) -> str:
    import base64

    return base64.b64encode(maker_for(make).ship()).decode()


def absolute_sys_path() -> list[str]:
    """This interpreter's ``sys.path`` as an interpreter in another directory can use it."""
    return [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" means here, which Path does not say
