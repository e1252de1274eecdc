"""Watches which files outside its storage a handler opens, by audit events (PEP 578), in a process kept for that."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs

from ..auditing import audited

ENDLESS = "/dev/zero"
_LONGEST_PATH = 4_096


@attrs.define
class Watch:
    """What is watched, and what was seen.

    Attributes:
        outside: Directories with planted files; a file in one of them counts as outside.
        starts: Directories from which a handler may open relative paths.
        descriptor: The number of a planted open file.
        special_only: Whether only pipes and endless devices count.
        opened: What was opened, in words.
    """

    outside: tuple[str, ...]
    starts: tuple[str, ...]
    descriptor: int
    special_only: bool = False
    opened: list[str] = attrs.field(factory=list[str])


@contextmanager
def watched(watch: Watch) -> Iterator[Watch]:
    """Watch what is opened.

    A pipe that nobody writes to is not let open, since that would never end; neither is an endless device unless it is
    only to be seen whether reading it is bounded.
    """
    with audited(partial(_hear, watch)):
        yield watch


class NotOpened(PermissionError):
    """The suite kept a file from being opened."""


def _hear(watch: Watch, event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("open", "sqlite3.connect"):
        return
    path = arguments[0]
    if isinstance(path, int):
        if path == watch.descriptor and not watch.special_only:
            watch.opened.append(f"the descriptor {path}, an open file outside")
        return
    try:
        text = os.fsdecode(path)
    except TypeError:
        return
    if text.startswith("file:"):
        text = text.removeprefix("file:").partition("?")[0]
    if len(text) > _LONGEST_PATH:  # the system refuses it, and to resolve it would take hours
        return
    found = next(filter(None, (_outside(watch, text, start) for start in ("", *watch.starts))), None)
    if found is not None:
        _report(watch, found, arguments)


def _outside(watch: Watch, text: str, start: str) -> str | None:
    try:
        real = os.path.realpath(os.path.join(start, text))  # noqa: PTH118 - as the system would
    except (OSError, ValueError):
        return None
    planted = any(real == one or real.startswith(f"{one}/") for one in watch.outside)
    return real if planted or real == ENDLESS else None


def _report(watch: Watch, real: str, arguments: tuple[Any, ...]) -> None:
    try:
        is_pipe = stat.S_ISFIFO(os.stat(real).st_mode)  # noqa: PTH116
    except OSError:
        return  # there is nothing that could be opened
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    if is_pipe:
        if not watch.special_only or not flags & os.O_NONBLOCK:
            watch.opened.append(f"{real}, a pipe that nobody writes to")
            raise NotOpened("a pipe that nobody writes to")
    elif not watch.special_only:
        watch.opened.append(real)
        if real == ENDLESS:
            raise NotOpened("an endless device")
