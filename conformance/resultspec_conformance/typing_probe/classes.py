"""Where a class is written, and how its module calls it."""

import ast
import contextlib
import functools
import inspect
import site
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

METHODS = ("write", "read")


class CannotProbe(Exception):
    """mypy cannot be asked about the class; the text says why."""


@attrs.frozen
class Method:
    """Where a method is written: its file, and the lines from its first decorator to the end of its signature."""

    file: Path
    line: int
    lines: range
    any_for_coroutines_alone: bool

    @property
    def place(self) -> str:
        """File and line, as an author reads them."""
        return _place(self.file, self.line)


@attrs.frozen
class Target:
    """A class, and how the module in which it is written calls it."""

    cls: type
    file: Path
    line: int
    annotation: str
    parameters: str
    methods: Mapping[str, Method]

    def place(self, method: str) -> str:
        """File and line of a method, or of the class where the method is not its own."""
        found = self.methods.get(method)
        return found.place if found is not None else _place(self.file, self.line)


@functools.lru_cache(64)
def located(cls: type) -> Target:
    """Find where a class is written.

    Raises:
        CannotProbe: Nothing outside can name it, or its source cannot be found.
    """
    # Remembered, so that who has asked why_not() parses nothing afterwards while mypy is asked beside the checks: Python 3.11
    # raises SystemError in a thread that parses when another does, and Hypothesis does.
    name = f"{cls.__module__}.{cls.__qualname__}"
    if "<locals>" in cls.__qualname__:
        raise CannotProbe(f"{name} is defined within a function, where nothing outside can name it")
    try:
        file = Path(inspect.getsourcefile(cls) or "")
    except (TypeError, OSError):
        file = Path()
    if not file.is_file():
        raise CannotProbe(f"the source of {name} cannot be found; it was defined interactively, or is not written in Python")
    node: ast.AST = _tree(file)
    for part in cls.__qualname__.split("."):
        found = [child for child in ast.walk(node) if isinstance(child, ast.ClassDef) and child.name == part]
        if not found:
            raise CannotProbe(f"{file} holds no class statement for {cls.__qualname__}")
        node = found[-1]
    assert isinstance(node, ast.ClassDef)  # a qualified name has at least one part
    annotation, parameters = _generic(cls, node)
    methods = {method: where for method in METHODS if (where := _method(cls, method)) is not None}
    return Target(cls, file, node.lineno, annotation, parameters, methods)


def _generic(cls: Any, node: ast.ClassDef) -> tuple[str, str]:
    """The annotation that names a class whatever its type parameters are, and the parameters that the probe needs."""
    parameters = getattr(cls, "__parameters__", ())
    if not parameters:
        return cls.__qualname__, ""
    if own := getattr(node, "type_params", []):
        names = ", ".join(("*" if isinstance(one, ast.TypeVarTuple) else "") + one.name for one in own)  # type: ignore[attr-defined, unused-ignore]
        return f"{cls.__qualname__}[{names}]", f"[{', '.join(map(ast.unparse, own))}]"
    module = vars(sys.modules[cls.__module__])
    known = [next((name for name, thing in module.items() if thing is one), None) for one in parameters]
    if None in known:
        raise CannotProbe(f"the type parameters of {cls.__qualname__} have no name in its module")
    return f"{cls.__qualname__}[{', '.join(map(str, known))}]", ""


def function_behind(cls: type, name: str) -> Any:
    """The function behind a method, without what static and class methods and decorators put around it."""
    found = inspect.getattr_static(cls, name, None)
    return inspect.unwrap(getattr(found, "__func__", found))


def _method(cls: type, name: str) -> Method | None:
    code = getattr(function_behind(cls, name), "__code__", None)
    if code is None or not (file := Path(code.co_filename)).is_file():
        return None
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == code.co_firstlineno:
                lines = range(first, max(node.body[0].lineno, node.lineno + 1))
                return Method(file, node.lineno, lines, _any_for_coroutines_alone(node))
    return None


def _any_for_coroutines_alone(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether ``Any`` stands only for what a coroutine yields and is sent, which nobody can name better."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    annotations = [one.annotation for one in arguments if one is not None] + [node.returns]
    every = [inner for one in annotations if one is not None for inner in ast.walk(one)]
    excused = [
        inner
        for one in every
        if isinstance(one, ast.Subscript) and _name(one.value) == "Coroutine" and isinstance(one.slice, ast.Tuple)
        for argument in one.slice.elts[:2]
        for inner in ast.walk(argument)
    ]
    return bool(excused) and not any(_name(one) == "Any" for one in every if one not in excused)


def _name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), file)
    except (SyntaxError, ValueError, OSError) as error:
        raise CannotProbe(f"{file} cannot be parsed: {error}") from error


def _place(file: Path, line: int) -> str:
    with contextlib.suppress(ValueError):
        file = file.relative_to(Path.cwd())
    return f"{file}:{line}"


def root_of(target: Target) -> Path:
    """The directory from which the module of a class is imported."""
    module = target.cls.__module__.split(".")
    parts = target.file.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return Path(*parts[: -len(module)]) if list(parts[-len(module) :]) == module else target.file.parent


def is_installed(path: Path) -> bool:
    """Whether a file or directory is where packages are installed: mypy looks there by itself, and insists on doing so."""
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(path.is_relative_to(place) for place in {*places, *site.getsitepackages(), site.getusersitepackages()})
