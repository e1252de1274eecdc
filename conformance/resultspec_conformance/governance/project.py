"""What ``[tool.resultspec]`` in a pyproject.toml says: which handlers are checked, and how."""

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from resultspec import rules

from ..budget import Budget
from ..subjects import HANDLER_CLASSES

_TABLE = "[tool.resultspec]"


class BadProject(ValueError):
    """The table says something that cannot be meant; the text names the file, the key, and what to write."""


@attrs.frozen
class Entry:
    """One handler of the table.

    Attributes:
        target: What is checked, as on the command line; relative to the project's directory.
        options: What is said of it by key, and where it says nothing, what the table says of all.
    """

    target: str
    options: Mapping[str, Any]


@attrs.frozen
class Project:
    """What a pyproject.toml says.

    Attributes:
        path: The file.
        common: What is said of all handlers, by key.
        entries: The handlers.
        lock: The lock file, or None.
    """

    path: Path
    common: Mapping[str, Any]
    entries: tuple[Entry, ...]
    lock: Path | None

    @property
    def directory(self) -> Path:
        """What paths and targets of the table are relative to."""
        return self.path.parent


def find(start: Path) -> Project | None:
    """Find the nearest pyproject.toml with a ``[tool.resultspec]`` table, from a directory upward.

    Raises:
        BadProject: A pyproject.toml on the way cannot be read, or its table says something that cannot be meant.
    """
    for directory in (start, *start.parents):
        path = directory / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            stored = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadProject(f"{path} cannot be read: {error}") from error
        table = stored.get("tool", {}).get("resultspec")
        if table is not None:
            return _project(path, table)
    return None


@attrs.frozen
class _Key:
    """A key: what must be written, an example of it, and what makes of it what is used (None: it is not that)."""

    wanted: str
    example: str
    take: Callable[[Any, Path], Any]


def _flag(value: Any, directory: Path) -> bool | None:
    return value if type(value) is bool else None


def _whole(value: Any, directory: Path) -> int | None:
    return value if type(value) is int else None


def _count(value: Any, directory: Path) -> int | None:
    return value if type(value) is int and value >= 1 else None


def _seconds(value: Any, directory: Path) -> float | None:
    return float(value) if type(value) in (int, float) and value > 0 else None


def _budget(value: Any, directory: Path) -> Budget | None:
    try:
        return Budget.parse(str(value)) if type(value) in (int, float, str) else None
    except ValueError:
        return None


def _texts(value: Any, directory: Path) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and value and all(isinstance(one, str) for one in value) else None


def _classes(value: Any, directory: Path) -> frozenset[str] | None:
    named = _texts(value, directory)
    return frozenset(named) if named is not None and set(named) <= set(HANDLER_CLASSES) else None


def _place(value: Any, directory: Path) -> Path | None:
    return directory / value if isinstance(value, str) and value else None


def _storage(value: Any, directory: Path) -> str | None:
    return str(value) if value in ("inline", "external") else None


def _waivers(value: Any, directory: Path) -> dict[str, str] | None:
    given = isinstance(value, dict) and all(isinstance(reason, str) and reason.strip() for reason in value.values())
    return dict(value) if given else None


_COMMON = {
    "claims": _Key(f"a list of {', '.join(HANDLER_CLASSES)}", '["core", "shared"]', _classes),
    "strict": _Key("true or false", "true", _flag),
    "rules": _Key("a list of patterns of rule ids", '["handler.*"]', _texts),
    "seed": _Key("a whole number", "0", _whole),
    "examples": _Key("a whole number of at least 1", "100", _count),
    "limit": _Key("a number of seconds above 0", "60", _seconds),
    "budget": _Key("seconds, or a number of examples", '"30s"', _budget),
}
_TOP = _COMMON | {"lock": _Key("the path of a file", '"resultspec.lock"', _place)}
_OF_A_HANDLER = _COMMON | {
    "storage": _Key('"inline" or "external"', '"external"', _storage),
    "corpus": _Key("the path of a directory", '"tests/golden"', _place),
    "waive": _Key("a table of rule ids, each with its reason", '{ "handler.none" = "None never occurs here" }', _waivers),
}


def _project(path: Path, table: Any) -> Project:
    if not isinstance(table, dict):
        raise BadProject(f"{path}: {_TABLE} is {table!r}; write it as a table")
    common = dict(table)
    handlers = common.pop("handlers", [])
    if not isinstance(handlers, list) or not all(isinstance(one, dict) for one in handlers):
        raise BadProject(
            f"{path}: handlers of {_TABLE} is no array of tables; write each handler under [[tool.resultspec.handlers]]"
        )
    options = _taken(path, _TABLE, common, _TOP, extra=("handlers",))
    lock = options.pop("lock", None)
    entries = tuple(_entry(path, number, one, options) for number, one in enumerate(handlers, 1))
    for number, entry in enumerate(entries):
        if entry.target in {earlier.target for earlier in entries[:number]}:
            raise BadProject(f"{path}: {_TABLE} has {entry.target} twice; keep one [[tool.resultspec.handlers]] of each target")
    return Project(path, options, entries, lock)


def _entry(path: Path, number: int, written: Mapping[str, Any], common: Mapping[str, Any]) -> Entry:
    target = written.get("target")
    where = f"[[tool.resultspec.handlers]] number {number}"
    if not isinstance(target, str) or not target:
        raise BadProject(f'{path}: {where} names no target; write one, such as target = "mymodule:MyHandler"')
    where += f" ({target})"
    options = _taken(path, where, {key: value for key, value in written.items() if key != "target"}, _OF_A_HANDLER, ("target",))
    for rule in options.get("waive", {}):
        try:
            rules.rule(rule)
        except LookupError as error:
            raise BadProject(f"{path}: waive of {where}: {error.args[0]}") from error
    return Entry(target, dict(common) | options)


def _taken(
    path: Path, where: str, written: Mapping[str, Any], keys: Mapping[str, _Key], extra: tuple[str, ...]
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in written.items():
        if name not in keys:
            near = difflib.get_close_matches(name, [*keys, *extra], 1)
            mend = f"did you mean {near[0]}?" if near else f"it knows {', '.join([*extra, *keys])}"
            raise BadProject(f"{path}: {where} has the key {name}, which is none of its keys; {mend}")
        key = keys[name]
        taken = key.take(value, path.parent)
        if taken is None:
            raise BadProject(f"{path}: {name} of {where} is {value!r}; write {key.wanted}, such as {name} = {key.example}")
        options[name] = taken
    return options
