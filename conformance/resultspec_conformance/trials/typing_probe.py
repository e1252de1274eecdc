"""Asks mypy what it thinks of handler classes, and puts its answer in the words of the static rules.

mypy reads the author's module as it is on disk, with two differences that never touch the disk: comments that would
silence it are gone, and a probe is appended that uses the class as an engine would. A shadow file carries both, so that
lines keep their numbers, and so that any class of the module can be named, private or nested.
"""

import ast
import contextlib
import fcntl
import functools
import importlib.util
import inspect
import io
import json
import os
import re
import site
import subprocess
import sys
import sysconfig
import tempfile
import tokenize
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from .making import absolute_sys_path

METHODS = ("write", "read")


class CannotProbe(Exception):
    """mypy cannot be asked about the class; the text says why."""


@attrs.frozen
class Problem:
    """What mypy's answer means for one rule.

    Attributes:
        rule: The id of the rule that is broken.
        message: What is wrong, and where: file and line of the author's source.
        expected: What the rule asks for.
        actual: The types that mypy sees.
    """

    rule: str
    message: str
    expected: str
    actual: str


def is_annotated(cls: type) -> bool:
    """Whether ``write`` or ``read`` of a class has any annotation, so that the static rules have something to judge."""
    return any(getattr(_function(cls, name), "__annotations__", None) for name in METHODS)


def why_not(cls: type) -> str | None:
    """Say why mypy cannot be asked about a class, or return None when it can."""
    if importlib.util.find_spec("mypy") is None:
        return "mypy is not installed; install it beside the handler: pip install mypy"
    try:
        _located(cls)
    except CannotProbe as reason:
        return str(reason)
    return None


def problems_of(cls: type, limit: float = 60.0) -> Sequence[Problem]:
    """Ask mypy about one class.

    Args:
        cls: The class of a handler.
        limit: How many seconds mypy may take.

    Returns:
        A problem for each static rule that the class breaks; none when it keeps them all.

    Raises:
        CannotProbe: mypy is not installed, cannot find the class, or could not finish.
    """
    answer = problems_of_all([cls], limit)[cls]
    if isinstance(answer, CannotProbe):
        raise answer
    return answer


def problems_of_all(classes: Iterable[type], limit: float = 60.0) -> Mapping[type, Sequence[Problem] | CannotProbe]:
    """Ask mypy about many classes in one run.

    Args:
        classes: The classes of handlers.
        limit: How many seconds mypy may take.

    Returns:
        For each class its problems, or why mypy could not be asked about it.

    Raises:
        CannotProbe: mypy is not installed, or could not finish.
    """
    if importlib.util.find_spec("mypy") is None:
        raise CannotProbe("mypy is not installed; install it beside the handler: pip install mypy")
    answers: dict[type, Sequence[Problem] | CannotProbe] = {}
    probes: list[_Probe] = []
    sources: dict[Path, _Source] = {}
    with tempfile.TemporaryDirectory(prefix="resultspec-mypy-") as directory:
        place = Path(directory)
        for cls in dict.fromkeys(classes):
            try:
                probe = _Probe(_located(cls), len(probes))
            except CannotProbe as reason:
                answers[cls] = reason
                continue
            shown = _shown_to_mypy(probe.target, place / f"probe_{len(probes)}.py")
            for file in shown:
                sources.setdefault(file, _Source(file))
            sources[shown[0]].append(probe)
            probes.append(probe)
        roots = dict.fromkeys(_root(probe.target) for probe in probes)
        said = _mypy([*sources.values()], [*map(str, roots)], place, limit) if probes else {}
    for probe in probes:
        try:
            answers[probe.target.cls] = [*_Answers(probe, said).problems()]
        except CannotProbe as reason:
            answers[probe.target.cls] = reason
    return answers


@attrs.frozen
class _Method:
    """Where a method is written: its file, and the lines from its first decorator to the end of its signature."""

    file: Path
    line: int
    lines: range
    any_for_coroutines_alone: bool

    @property
    def place(self) -> str:
        return _place(self.file, self.line)


@attrs.frozen
class _Target:
    """A class, and how the module in which it is written calls it."""

    cls: type
    file: Path
    line: int
    annotation: str
    parameters: str
    methods: Mapping[str, _Method]

    def place(self, method: str) -> str:
        found = self.methods.get(method)
        return found.place if found is not None else _place(self.file, self.line)


@functools.lru_cache(64)
def _located(cls: type) -> _Target:
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
    return _Target(cls, file, node.lineno, annotation, parameters, methods)


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


def _function(cls: type, name: str) -> Any:
    """The function behind a method, without what static and class methods and decorators put around it."""
    found = inspect.getattr_static(cls, name, None)
    return inspect.unwrap(getattr(found, "__func__", found))


def _method(cls: type, name: str) -> _Method | None:
    code = getattr(_function(cls, name), "__code__", None)
    if code is None or not (file := Path(code.co_filename)).is_file():
        return None
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == code.co_firstlineno:
                lines = range(first, max(node.body[0].lineno, node.lineno + 1))
                return _Method(file, node.lineno, lines, _any_for_coroutines_alone(node))
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


_HEADER = """
from collections.abc import Awaitable as _rs_Awaitable, Callable as _rs_Callable, Coroutine as _rs_Coroutine
from typing import Never as _rs_Never, Protocol as _rs_Protocol, TypeVar as _rs_TypeVar
import resultspec as _rs
_rs_T = _rs_TypeVar("_rs_T")
_rs_R = _rs_TypeVar("_rs_R")
_rs_J = _rs_TypeVar("_rs_J", bound=_rs.JSON)
class _rs_Writes(_rs_Protocol):
    def write(self, value: _rs_Never, /) -> object: ...
class _rs_Reads(_rs_Protocol):
    def read(self, reference: _rs_Never, /) -> object: ...
def _rs_taken(method: _rs_Callable[[_rs_T], _rs_R]) -> _rs_T: raise NotImplementedError
def _rs_given(method: _rs_Callable[[_rs_T], _rs_R]) -> _rs_R: raise NotImplementedError
def _rs_blocking(handler: _rs.ResultHandler[_rs_T, _rs_J]) -> None: ...
def _rs_awaitable(handler: _rs.AsyncResultHandler[_rs_T, _rs_J]) -> None: ...
"""

# Each is a function of its own: what follows a call that never returns is not looked at.
_PROBES = {
    "has write": ("_x: _rs_Writes = handler",),
    "has read": ("_x: _rs_Reads = handler",),
    "write": ("reveal_type(handler.write)",),
    "read": ("reveal_type(handler.read)",),
    "write takes": ("_x = _rs_taken(handler.write)", "reveal_type(_x)"),
    "write gives": ("_x = _rs_given(handler.write)", "reveal_type(_x)"),
    "read takes": ("_x = _rs_taken(handler.read)", "reveal_type(_x)"),
    "read gives": ("_x = _rs_given(handler.read)", "reveal_type(_x)"),
    "write is awaitable": ("_x = _rs_given(handler.write)", "_y: _rs_Awaitable[object] = _x"),
    "read is awaitable": ("_x = _rs_given(handler.read)", "_y: _rs_Awaitable[object] = _x"),
    "write is coroutine": ("_x = _rs_given(handler.write)", "_y: _rs_Coroutine[object, _rs_Never, object] = _x"),
    "read is coroutine": ("_x = _rs_given(handler.read)", "_y: _rs_Coroutine[object, _rs_Never, object] = _x"),
    "reference is JSON": ("_x = _rs_given(handler.write)", "_y: _rs.JSON = _x"),
    "read takes it": ("_x = _rs_given(handler.write)", "handler.read(_x)"),
    "write takes it": ("_x = _rs_given(handler.read)", "handler.write(_x)"),
    "accepted": ("_rs_blocking(handler)",),
}
_AWAITED_PROBES = {
    "write gives awaited": ("_x = await _rs_given(handler.write)", "reveal_type(_x)"),
    "read gives awaited": ("_x = await _rs_given(handler.read)", "reveal_type(_x)"),
    "reference is JSON awaited": ("_x = await _rs_given(handler.write)", "_y: _rs.JSON = _x"),
    "read takes it awaited": ("_x = await _rs_given(handler.write)", "await handler.read(_x)"),
    "write takes it awaited": ("_x = await _rs_given(handler.read)", "await handler.write(_x)"),
    "accepted awaited": ("_rs_awaitable(handler)",),
}


class _Probe:
    """The functions that use a class; it learns its lines when it is appended to the source."""

    def __init__(self, target: _Target, number: int) -> None:
        self.target = target
        self.file = target.file
        self.lines: dict[str, int] = {}
        self._number = number

    def functions(self, first_line: int) -> list[str]:
        """The functions as lines, the first of which is ``first_line`` of the file."""
        written: list[str] = []
        for prefix, probes in (("", _PROBES), ("async ", _AWAITED_PROBES)):
            for key, statements in probes.items():
                name = f"_rs_{self._number}_{key.replace(' ', '_')}"
                written.append(f"{prefix}def {name}{self.target.parameters}(handler: '{self.target.annotation}') -> None:")
                written += [f"    {statement}" for statement in statements]
                self.lines[key] = first_line + len(written) - 1
        return written


def _shown_to_mypy(target: _Target, spare: Path) -> list[Path]:
    """The files that mypy is to look into for a class; the probe goes into the first.

    An installed package is left as it is: as for its users, its class is imported, by a file of ours.
    """
    if not _is_installed(target.file):
        methods = [method.file for method in target.methods.values() if not _is_installed(method.file)]
        return [target.file, *methods]
    names = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", target.annotation)) - set(re.findall(r"\w+", target.parameters))
    spare.write_text(f"from {target.cls.__module__} import {', '.join(sorted(names))}\n", encoding="utf-8")
    return [spare]


class _Source:
    """A file of the author's as mypy is shown it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        data = file.read_bytes()
        self._encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        self._lines = _without_silencers(data.decode(self._encoding)).splitlines()
        self._probed = False

    def append(self, probe: _Probe) -> None:
        """Add the functions of a probe at the end."""
        if not self._probed:
            self._lines += _HEADER.splitlines()
            self._probed = True
        self._lines += probe.functions(len(self._lines) + 1)
        probe.file = self.file

    def save(self, path: Path) -> None:
        """Write the shadow.

        Of a file that has the size and the second of the one before, mypy's cache believes that it is the same: the time tells
        what the file says.
        """
        content = ("\n".join(self._lines) + "\n").encode(self._encoding)
        path.write_bytes(content)
        second = zlib.crc32(content)
        os.utime(path, (second, second))


_SILENCER = re.compile(r"#\s*(type:\s*ignore|mypy:)")


def _without_silencers(text: str) -> str:
    """The source without the comments that tell mypy to look away; no line moves."""
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and _SILENCER.match(token.string):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return "".join(lines)


@attrs.frozen
class _Said:
    """One message of mypy's."""

    line: int
    severity: str
    code: str | None
    text: str


_FLAGS = (
    "--config-file=", "--output=json", "--no-error-summary", "--hide-error-context", "--no-color-output", "--show-absolute-path",
    "--explicit-package-bases", "--follow-imports=silent",
    "--disallow-any-explicit", "--disallow-any-generics", "--disallow-any-unimported", "--disallow-any-decorated",
    "--disallow-untyped-defs", "--disallow-incomplete-defs",
)  # fmt: skip


def _mypy(sources: Sequence[_Source], roots: Sequence[str], place: Path, limit: float) -> Mapping[Path, Sequence[_Said]]:
    """Run mypy once over the shadows of some files: what it said of each."""
    with _cache(place) as cache:
        command = [sys.executable, "-m", "mypy", *_FLAGS, f"--cache-dir={cache}"]
        for number, source in enumerate(sources):
            shadow = place / f"shadow_{number}.py"
            source.save(shadow)
            command += ["--shadow-file", str(source.file), str(shadow)]
        command += [str(source.file) for source in sources]
        own = [path for path in (*roots, *absolute_sys_path()) if Path(path).is_dir() and not _is_installed(Path(path))]
        paths = [*own, os.environ.get("MYPYPATH", "")]
        environment = os.environ | {"MYPYPATH": os.pathsep.join(dict.fromkeys(filter(None, paths)))}
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, running mypy
                command, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise CannotProbe(f"mypy did not finish within {limit:g} seconds") from late
    said: dict[Path, list[_Said]] = {}
    for line in done.stdout.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            said.setdefault(Path(message["file"]), []).append(
                _Said(message["line"], message["severity"], message["code"], message["message"])
            )
    if done.returncode not in (0, 1):
        errors = [one.text for messages in said.values() for one in messages if one.severity == "error"]
        reason = [*done.stderr.splitlines(), *errors[:1]][-1:] or [f"it ended with code {done.returncode}"]
        raise CannotProbe(f"mypy could not do its work: {reason[0]}")
    return said


def _root(target: _Target) -> Path:
    """The directory from which the module of a class is imported."""
    module = target.cls.__module__.split(".")
    parts = target.file.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return Path(*parts[: -len(module)]) if list(parts[-len(module) :]) == module else target.file.parent


def _is_installed(path: Path) -> bool:
    """Whether a file or directory is where packages are installed: mypy looks there by itself, and insists on doing so."""
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(path.is_relative_to(place) for place in {*places, *site.getsitepackages(), site.getusersitepackages()})


@contextlib.contextmanager
def _cache(fallback: Path) -> Iterator[Path]:
    """The user's cache, for one run at a time; whoever finds it taken, or cannot write there, starts from nothing."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resultspec" / "mypy"
    with contextlib.ExitStack() as stack:
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((home / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            home = fallback / "cache"
        yield home


# The probe awaits nothing where it asks of blocking methods, and does nothing with what they give.
_BESIDE_THE_POINT = ("unused-coroutine", "unused-awaitable", "func-returns-value")


class _Answers:
    """What mypy answered to each question of a probe."""

    def __init__(self, probe: _Probe, said: Mapping[Path, Sequence[_Said]]) -> None:
        self._target = probe.target
        self._said = said
        by_line: dict[int, list[_Said]] = {}
        for one in said.get(probe.file, ()):
            by_line.setdefault(one.line, []).append(one)
        if probe.file != probe.target.file and (refused := by_line.get(1)):
            raise CannotProbe(f"mypy does not look into the package: {refused[0].text}")
        self._by_key = {key: by_line.get(line, []) for key, line in probe.lines.items()}
        if not self._type("write") and not self._errors("write"):
            raise CannotProbe(f"mypy does not see the class {probe.target.cls.__qualname__} in {probe.target.file}")

    def problems(self) -> Iterator[Problem]:
        """The rules that are broken; one that rests on a broken one is left out."""
        shape = list(self._shape())
        yield from shape
        if shape:
            return
        suffix = " awaited" if any(map(self._awaited, METHODS)) else ""
        others = [*self._json_bound(suffix), *self._symmetry(suffix)]
        yield from others
        yield from self._typed(suffix)
        if not others and (errors := self._errors("accepted" + suffix)):
            yield self._problem(
                "static.protocol", "write", "the class is not assignable to the Protocol", "ResultHandler[T, R]", errors[0]
            )

    def _shape(self) -> Iterator[Problem]:
        for method, argument in (("write", "value"), ("read", "reference")):
            if self._errors(f"has {method}"):
                seen = self._type(method)
                yield self._problem(
                    "static.protocol",
                    method,
                    f"{method} cannot be called with the {argument} alone" if seen else f"the class has no {method}",
                    f"def {method}(self, {argument}, /)",
                    seen or "no such method",
                )
                return
        kinds = {method: self._awaited(method) for method in METHODS if self._type(f"{method} gives") != "Any"}
        if len(set(kinds.values())) > 1:
            yield self._problem(
                "static.protocol",
                "read",
                f"only {'write' if kinds['write'] else 'read'} is to be awaited",
                "both methods plain, or both `async def`",
                f"write: {self._type('write')}; read: {self._type('read')}",
            )
            return
        for method in METHODS:
            if self._awaited(method) and self._errors(f"{method} is coroutine"):
                yield self._problem(
                    "static.protocol",
                    method,
                    f"{method} returns an awaitable that is no coroutine",
                    f"async def {method}, or one that returns a Coroutine",
                    self._type(method),
                )
                return

    def _json_bound(self, suffix: str) -> Iterator[Problem]:
        if self._errors("reference is JSON" + suffix):
            seen = self._type("write gives" + suffix)
            yield self._problem(
                "static.json-bound", "write", f"write returns {seen}, which is no JSON", "JSON or a subtype", seen
            )

    def _symmetry(self, suffix: str) -> Iterator[Problem]:
        for one, other in (("write", "read"), ("read", "write")):
            if self._errors(f"{other} takes it" + suffix):
                gives, takes = self._type(f"{one} gives" + suffix), self._type(f"{other} takes")
                yield self._problem(
                    "static.symmetry",
                    other if one == "write" else one,
                    f"{one} returns {gives}, which {other} does not take",
                    f"{other} takes what {one} returns: {gives}",
                    f"{other} takes {takes}",
                )
                return

    def _typed(self, suffix: str) -> Iterator[Problem]:
        for method in METHODS:
            seen = self._type(method)
            found = self._target.methods.get(method)
            if found is not None:
                told = [one for one in self._said.get(found.file, ()) if one.line in found.lines and _brings_any(one, found)]
                if told:
                    yield self._problem(
                        "static.typed", method, f"{method}: {told[0].text}", "complete annotations without Any", seen
                    )
                    return
            for what in (f"{method} takes", f"{method} gives" + suffix):
                if self._type(what) == "Any":
                    yield self._problem("static.typed", method, f"{what} Any", "a type that can be checked", seen)
                    return

    def _awaited(self, method: str) -> bool:
        """Whether what a method returns is to be awaited; of Any nobody can tell."""
        return self._type(f"{method} gives") != "Any" and not self._errors(f"{method} is awaitable")

    def _errors(self, key: str) -> list[str]:
        return [one.text for one in self._by_key[key] if one.severity == "error" and one.code not in _BESIDE_THE_POINT]

    def _type(self, key: str) -> str:
        """The type that mypy revealed, as an author would write it, or an empty text."""
        revealed = [re.fullmatch(r'Revealed type is "(.*)"', one.text, re.DOTALL) for one in self._by_key[key]]
        shown = next((match[1] for match in revealed if match), "")
        return _readable(shown) if not self._errors(key) else ""

    def _problem(self, rule: str, method: str, message: str, expected: str, actual: str) -> Problem:
        return Problem(rule, f"{message} ({self._target.place(method)})", expected, actual)


_SPELLED_JSON = re.compile(r"None \| (bool \| )?int \| float \| str \| list\[(JSON|\.\.\.)\] \| Mapping\[str, (JSON|\.\.\.)\]")


def _readable(shown: str) -> str:
    """A type as an author would write it: mypy spells JSON out, twice over."""
    short = re.sub(r"\b(builtins|typing)\.", "", shown)
    return _SPELLED_JSON.sub("JSON", _SPELLED_JSON.sub("JSON", short))


def _brings_any(one: _Said, method: _Method) -> bool:
    if one.code == "explicit-any":
        return not method.any_for_coroutines_alone
    return one.code in ("type-arg", "no-untyped-def", "no-any-unimported") or "after decorator" in one.text
