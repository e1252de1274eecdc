"""Sees with which modes a handler makes its files: a function that a worker runs with a handler of its own."""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ..auditing import audited
from ..storage import Files
from ..trials.outcomes import attempt

OTHERS = stat.S_IRGRP | stat.S_IROTH
"""The bits of a mode that let others read."""


@attrs.frozen
class Modes:
    """What was seen.

    Attributes:
        written: How many values the handler accepted.
        files: How many files there are.
        open_to_others: The files that others can read, or could before their mode was changed or they were removed, each with that mode.
    """

    written: int
    files: int
    open_to_others: tuple[tuple[str, int], ...]


def modes_of_files(handler: Any, errand: tuple[Path, Sequence[Any]]) -> Modes:
    """Write values under the usual umask, and look at the mode of every file with content below the scratch directory.

    The side files of a database count, since they hold values too; a lock is empty.

    Args:
        handler: The handler.
        errand: The scratch directory, and the values.

    Source: ``private.file-mode``.
    """
    directory, values = errand
    before = os.umask(0o022)
    try:
        with _changes_of(directory) as exposed:
            written = sum(attempt(handler.write, value).error is None for value in values)
    finally:
        os.umask(before)
    names = Files(directory).names()
    states = {name: (directory / name).stat() for name in names}
    modes = {name: stat.S_IMODE(state.st_mode) for name, state in states.items() if state.st_size}
    found = [*((name, mode) for name, mode in modes.items() if mode & OTHERS), *exposed.items()]
    return Modes(written, len(names), tuple(found))


@contextmanager
def _changes_of(directory: Path) -> Iterator[dict[str, int]]:
    """Collect files with content, temporary ones too, that others could read until they were changed or removed."""
    exposed: dict[str, int] = {}
    with audited(partial(_hear, (str(directory.resolve()), os.path.realpath(tempfile.gettempdir())), exposed)):
        yield exposed


def _hear(directories: Sequence[str], exposed: dict[str, int], event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("os.chmod", "os.remove"):
        return
    try:
        state = os.stat(arguments[0])  # noqa: PTH116 - a path or a descriptor
        named = f"/proc/self/fd/{arguments[0]}" if isinstance(arguments[0], int) else arguments[0]
        path = os.path.realpath(os.fsdecode(named))
    except (OSError, TypeError, ValueError):
        return
    if (
        stat.S_ISREG(state.st_mode)
        and state.st_size
        and state.st_mode & OTHERS
        and path.startswith(tuple(f"{one}/" for one in directories))
    ):
        until = "its mode was changed" if event == "os.chmod" else "it was removed"
        exposed[f"{Path(path).name}, before {until}"] = stat.S_IMODE(state.st_mode)
