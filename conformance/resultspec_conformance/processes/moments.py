"""The moments at which a process that writes can be killed: where its storage can be in a new state."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from . import tracing
from .tracing import Call


class Moments:
    """The moments at which the storage can be in a new state; at the one that is asked for, the process is killed.

    They are: before each call that alters the storage, within each long write, and after each reference was returned.
    """

    def __init__(self, log: str, die_at: int | None = None) -> None:
        self.seen: list[str] = []
        self._log = log
        self._die_at = die_at
        self._cut: Call | None = None
        self._acknowledged = 0

    def before(self, call: Call) -> bool:
        """Note the moment before a call; True when the process is to die at it."""
        target = call.target()
        if not _alters_storage(call, target) or target == self._log:
            return False
        if self._comes(f"before {call.name} of {_name(target)}"):
            return True
        extent = call.extent()
        if extent is not None and extent[1] >= _LONG_WRITE and self._comes(f"within {call.name} of {_name(target)}"):
            # The call itself comes to an end at this size, as it does when a signal kills the process within it.
            tracing.limit_file_size(call.thread, extent[0] + extent[1] // 2)
            self._cut = call
        return False

    def after(self, call: Call, result: int) -> bool:
        """Note the moment after a call; True when the process is to die at it."""
        if call is self._cut:
            return True
        if call.name == "write" and call.target() == self._log:
            self._acknowledged += 1
            return self._comes(f"right after write returned for the {_ordinal(self._acknowledged)} time")
        return False

    def _comes(self, moment: str) -> bool:
        self.seen.append(moment)
        return len(self.seen) - 1 == self._die_at


_LONG_WRITE = 8192


def _alters_storage(call: Call, target: str) -> bool:
    if call.syncs or (call.name.startswith("open") and not call.creates):
        return False
    if target.startswith("socket:"):
        return not (call.name == "sendto" and call.arguments[2] == 1)  # by which an event loop wakes itself up
    if target.startswith("/dev/shm/"):  # noqa: S108 - files in memory, where whoever likes keeps a temporary directory
        return True
    elsewhere = ("/dev/", "/proc/", "/sys/", "/memfd:")
    return target.startswith("/") and not target.startswith(elsewhere) and "__pycache__" not in target


def _name(target: str) -> str:
    return "a socket" if target.startswith("socket:") else Path(target).name


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def calls_of(body: Callable[[], None], die_at: int | None) -> list[str]:
    """Run a function; the calls of functions that may alter storage, or death at one of them.

    This is what remains where system calls cannot be traced.
    """
    seen: list[str] = []

    def profile(frame: FrameType, event: str, function: Any) -> None:
        if event not in ("c_call", "c_return"):
            return
        owner = getattr(function, "__self__", None)
        module = owner.__name__ if isinstance(owner, type(sys)) else type(owner).__module__
        if module.partition(".")[0] not in _MODULES or function.__name__ in _HARMLESS:
            return
        if len(seen) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(f"{'before' if event == 'c_call' else 'after'} the call of {module}.{function.__name__}")

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        body()
    finally:
        sys.setprofile(None)
    return seen


_MODULES = frozenset({"posix", "_io", "sqlite3", "_sqlite3", "_gdbm", "_dbm", "mmap", "_socket", "fcntl"})
_HARMLESS = frozenset({"getpid", "fspath", "stat", "lstat", "fstat", "getcwd", "urandom", "read", "readall", "seek", "tell"})
