"""Follows the system calls of a forked process, and stops it before and after each that alters storage (Linux, ptrace).

It takes neither another program nor special rights, only a kernel (5.3 or later) that lets a process trace its children.
Threads of the process are followed, processes that it starts are not.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Protocol

import attrs


class CannotTrace(Exception):
    """This machine lets no process be traced; the text says why."""


# The numbers on x86_64 and on aarch64, which lacks the oldest calls.
_CALLS: dict[str, tuple[int, int | None]] = {
    "open": (2, None), "creat": (85, None), "openat": (257, 56), "openat2": (437, 437),
    "write": (1, 64), "pwrite64": (18, 68), "writev": (20, 66), "pwritev": (296, 70), "pwritev2": (328, 287),
    "sendfile": (40, 71), "copy_file_range": (326, 285), "splice": (275, 76),
    "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "truncate": (76, 45), "ftruncate": (77, 46), "fallocate": (285, 47),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "unlink": (87, None), "unlinkat": (263, 35), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "setxattr": (188, 5), "fsetxattr": (190, 7),
    "fsync": (74, 82), "fdatasync": (75, 83), "msync": (26, 227), "sync": (162, 81), "syncfs": (306, 267),
    "io_uring_enter": (426, 426),
}  # fmt: skip

# Where a call's arguments name a descriptor that it alters, and where its paths are: (directory, path), a
# directory of None meaning the current one.
_DESCRIPTOR = {
    "write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "pwritev2": 0, "sendfile": 0, "copy_file_range": 2, "splice": 2,
    "sendto": 0, "sendmsg": 0, "sendmmsg": 0, "ftruncate": 0, "fallocate": 0, "fchmod": 0, "fsetxattr": 0, "fsync": 0,
    "fdatasync": 0, "syncfs": 0,
}  # fmt: skip
_PATHS: dict[str, tuple[tuple[int | None, int], ...]] = {
    "open": ((None, 0),), "creat": ((None, 0),), "openat": ((0, 1),), "openat2": ((0, 1),), "truncate": ((None, 0),),
    "rename": ((None, 0), (None, 1)), "renameat": ((0, 1), (2, 3)), "renameat2": ((0, 1), (2, 3)),
    "link": ((None, 0), (None, 1)), "linkat": ((0, 1), (2, 3)), "symlink": ((None, 1),), "symlinkat": ((1, 2),),
    "unlink": ((None, 0),), "unlinkat": ((0, 1),), "mkdir": ((None, 0),), "mkdirat": ((0, 1),), "rmdir": ((None, 0),),
    "chmod": ((None, 0),), "fchmodat": ((0, 1),), "setxattr": ((None, 0),),
}  # fmt: skip
_SYNCS = frozenset({"fsync", "fdatasync", "sync", "syncfs"})
_OPENS = {"open": 1, "openat": 2}


@attrs.frozen
class Call:
    """One system call of a traced process, which stands still at its beginning or its end.

    Attributes:
        name: Its name.
        arguments: Its six arguments, as numbers.
        thread: The thread that makes it.
    """

    name: str
    arguments: tuple[int, ...]
    thread: int

    @property
    def syncs(self) -> bool:
        """Whether it brings data to the disk and alters nothing."""
        return self.name in _SYNCS

    @property
    def creates(self) -> bool:
        """Whether it may create a file, or empty one."""
        if self.name in _OPENS:
            return bool(self.arguments[_OPENS[self.name]] & (os.O_CREAT | os.O_TRUNC))
        return self.name in ("creat", "openat2")

    @property
    def writes_to_what_it_opens(self) -> bool:
        """Whether it opens a file that can be written to by the descriptor which it returns."""
        if self.name in _OPENS:
            return bool(self.arguments[_OPENS[self.name]] & (os.O_WRONLY | os.O_RDWR))
        return self.name in ("creat", "openat2")

    @property
    def descriptor(self) -> int | None:
        """The descriptor that it writes to or syncs."""
        where = _DESCRIPTOR.get(self.name)
        return None if where is None else _signed(self.arguments[where])

    def target(self) -> str:
        """What it is about: the path of the file, or what else the descriptor stands for."""
        if self.descriptor is not None:
            return self.link(self.descriptor)
        paths = self.paths()
        return paths[-1] if paths else ""

    def paths(self) -> list[str]:
        """The absolute paths that it names."""
        return [self._path(directory, path) for directory, path in _PATHS.get(self.name, ())]

    def link(self, descriptor: int) -> str:
        """What a descriptor stands for."""
        try:
            return str(Path(f"/proc/{self.thread}/fd/{descriptor}").readlink())
        except OSError:
            return ""

    def _size(self, descriptor: int) -> int:
        return Path(f"/proc/{self.thread}/fd/{descriptor}").stat().st_size

    def flags(self) -> int:
        """The flags with which the descriptor that it writes to was opened; none when it is closed by now."""
        try:
            return int(self._information()["flags"], 8)
        except OSError:
            return 0

    def _information(self) -> dict[str, str]:
        lines = Path(f"/proc/{self.thread}/fdinfo/{self.descriptor}").read_text().splitlines()
        return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}

    def extent(self) -> tuple[int, int] | None:
        """Where in a regular file it begins to write, and how many bytes; None where that cannot be told."""
        if self.name not in ("write", "pwrite64", "writev", "sendfile") or self.descriptor is None:
            return None
        try:
            if not self.link(self.descriptor).startswith("/"):
                return None
            if self.name == "pwrite64":
                return self.arguments[3], self.arguments[2]
            appends = self.flags() & os.O_APPEND
            start = self._size(self.descriptor) if appends else int(self._information()["pos"])
            if self.name == "sendfile":
                return start, min(self.arguments[3], self._size(_signed(self.arguments[1])))
            if self.name == "writev":
                vector = self.memory(self.arguments[1], 16 * min(self.arguments[2], 1024))
                return start, sum(struct.unpack_from("Q", vector, at + 8)[0] for at in range(0, len(vector), 16))
            return start, self.arguments[2]
        except (OSError, KeyError, ValueError):
            return None

    def memory(self, address: int, length: int) -> bytes:
        """Some of the memory of the process."""
        with Path(f"/proc/{self.thread}/mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(length)

    def _path(self, directory: int | None, path: int) -> str:
        try:
            address = self.arguments[path]
            text = self.memory(address, 4096 - address % 4096)
            if b"\0" not in text:
                text += self.memory(address + len(text), 4096)
        except OSError:
            return ""
        name = os.fsdecode(text.partition(b"\0")[0])
        at = -100 if directory is None else _signed(self.arguments[directory])
        if at == -100:  # AT_FDCWD
            try:
                start = str(Path(f"/proc/{self.thread}/cwd").readlink())
            except OSError:
                start = ""
        else:
            start = self.link(at)
        return os.path.normpath(os.path.join(start, name))  # noqa: PTH118 - a name may be anything


def _signed(argument: int) -> int:
    return ctypes.c_int(argument & 0xFFFFFFFF).value


class Watcher(Protocol):
    """**Protocol:** decides at each system call of interest whether the process is killed there."""

    def before(self, call: Call) -> bool:
        """Called when a call begins; True kills the process, so that the call never happens."""
        ...

    def after(self, call: Call, result: int) -> bool:
        """Called when a call has ended, with what it returned (negative: an error); True kills the process."""
        ...


def fork() -> int:
    """Fork this process; the child dies with it.

    That other threads do not come along, of which Python 3.12 warns, is meant.
    """
    libc = ctypes.CDLL(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0 and sys.platform == "linux":
        libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    return pid


def trace(body: Callable[[], None], watcher: Watcher) -> int:
    """Fork a process that runs a function and ends, and follow its system calls.

    Args:
        body: What the process does.
        watcher: Is told of every call that alters or syncs storage.

    Returns:
        The exit code, negative for a signal.

    Raises:
        CannotTrace: This machine does not allow it.
    """
    libc, names = _machine()
    pid = fork()
    if pid == 0:
        code = 1
        try:
            if libc.ptrace(_TRACEME, 0, None, None) != 0:
                os._exit(_REFUSED)
            os.kill(os.getpid(), signal.SIGSTOP)
            body()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise CannotTrace("the kernel refuses to let processes be traced (ptrace)")
    try:
        return _Tracer(libc, names, pid, watcher).follow()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, _EVERY_THREAD)
        raise


@cache
def why_not() -> str | None:
    """Why processes cannot be traced here, or None when they can."""
    seen = _Seen()
    try:
        trace(_call_in_vain, seen)
    except (CannotTrace, OSError) as error:
        return str(error)
    return None if seen.any else "the kernel does not tell what system calls a traced process makes (ptrace)"


class _Seen:
    any = False

    def before(self, call: Call) -> bool:
        self.any = call.name.startswith("mkdir") and call.target() != ""  # its memory can be read
        return False

    def after(self, call: Call, result: int) -> bool:
        return False


def _call_in_vain() -> None:
    with contextlib.suppress(OSError):
        os.mkdir("")  # noqa: PTH102 - Path("") is the current directory


class _Tracer:
    """The loop of a tracer: every thread of the process runs from one system call to the next."""

    def __init__(self, libc: ctypes.CDLL, names: dict[int, str], pid: int, watcher: Watcher) -> None:
        self._libc = libc
        self._names = names
        self._pid = pid
        self._watcher = watcher
        self._threads = {pid}
        self._inside: dict[int, Call] = {}
        self._told = ctypes.create_string_buffer(_INFORMATION_SIZE)

    def follow(self) -> int:
        if self._libc.ptrace(_SETOPTIONS, self._pid, None, _OPTIONS) != 0:
            raise CannotTrace("the kernel is too old to tell the threads of a traced process apart (ptrace)")
        self._resume(self._pid, 0)
        while True:
            thread, status = os.waitpid(-1, _EVERY_THREAD)
            if thread == self._pid and not os.WIFSTOPPED(status):
                return os.waitstatus_to_exitcode(status)
            if os.WIFSTOPPED(status) and not self._stopped(thread, status):
                os.kill(self._pid, signal.SIGKILL)

    def _stopped(self, thread: int, status: int) -> bool:
        """Deal with one stop; False when the process is to be killed."""
        number = os.WSTOPSIG(status)
        if number == signal.SIGTRAP | 0x80:
            if self._kills_at_call(thread):
                return False
            number = 0
        elif status >> 16 or number == signal.SIGTRAP or (number == signal.SIGSTOP and thread not in self._threads):
            number = 0  # a stop of the tracer's own: a thread was started, or starts
        self._threads.add(thread)
        self._resume(thread, number)
        return True

    def _kills_at_call(self, thread: int) -> bool:
        size = self._libc.ptrace(_GET_SYSCALL_INFO, thread, ctypes.c_void_p(_INFORMATION_SIZE), self._told)
        if size < 0:
            return False
        kind = self._told.raw[0]
        if kind == _ENTRY:
            number, *arguments = struct.unpack_from("7Q", self._told, 24)
            name = self._names.get(number)
            if name is None:
                return False
            call = self._inside[thread] = Call(name, tuple(arguments), thread)
            return self._watcher.before(call)
        if kind == _EXIT and (ended := self._inside.pop(thread, None)) is not None:
            return self._watcher.after(ended, struct.unpack_from("q", self._told, 24)[0])
        return False

    def _resume(self, thread: int, number: int) -> None:
        self._libc.ptrace(_NEXT_CALL, thread, None, ctypes.c_void_p(number))  # that it is gone is told by waitpid


def limit_file_size(pid: int, size: int) -> None:
    """Let a process write no file beyond a size."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def _machine() -> tuple[ctypes.CDLL, dict[int, str]]:
    """The C library, and the names of the calls of interest by their numbers on this machine."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ("x86_64", "aarch64"):
        raise CannotTrace(f"processes can be traced on Linux on x86_64 and aarch64 only, not on {sys.platform} on {machine}")
    column = ("x86_64", "aarch64").index(machine)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    return libc, {number: name for name, numbers in _CALLS.items() if (number := numbers[column]) is not None}


# <sys/ptrace.h>
_TRACEME, _NEXT_CALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 0x1 | 0x8 | 0x100000  # mark stops at calls, follow threads, die with the tracer
_INFORMATION_SIZE, _ENTRY, _EXIT = 88, 1, 2
_EVERY_THREAD = 0x40000000  # __WALL
_PARENT_DEATH_SIGNAL = 1  # <sys/prctl.h>
_REFUSED = 113
