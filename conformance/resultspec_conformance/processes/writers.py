"""Processes that write values and come to an end: on their own, by SIGKILL, without room, or with the power.

Everything here forks. It is called in an interpreter in which no handler has been made, so that each writer starts from
what a fresh interpreter knows, and costs milliseconds. Writers acknowledge each reference in a log, a file that survives
them.
"""

import ctypes
import gc
import json
import multiprocessing
import os
import resource
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from ..trials.outcomes import Outcome, attempt, one_line
from . import tracing
from .tracing import Call
from .worker import portable

Make = Callable[[Path], Any]


def do(make: Make, request: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    """Call one of the functions below in a worker, as :meth:`~resultspec_conformance.processes.interpreters.Process.call` asks for it."""
    operation, arguments = request
    return operation(make, *arguments)


@attrs.frozen
class Order:
    """What a writer is to do.

    Attributes:
        store: The scratch directory on which it makes its handler.
        values: What it writes, one after the other.
        log: The path of the file in which it acknowledges references.
        room: For each value, how large a file may become while it is written, or None; left out, no limits.
    """

    store: str
    values: list[Any]
    log: str
    room: list[int | None] = attrs.field(factory=list[int | None])


@attrs.frozen
class Acknowledged:
    """What a writer said of one value: its reference, or the error that write raised.

    Attributes:
        index: Which of the values.
        reference: What write returned.
        error: What it raised, in one line.
    """

    index: int
    reference: Any = None
    error: str | None = None


def acknowledgements(log: str) -> list[Acknowledged]:
    """What a writer has acknowledged so far; a line that it did not finish does not count."""
    try:
        lines = Path(log).read_text("utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [Acknowledged(**json.loads(line)) for line in lines]


def write_and_exit(make: Make, order: Order) -> int:
    """Let a process write the values and exit as any interpreter does: threads are joined, exit functions are run.

    What a daemon thread was to write is lost: it gets its turn only when the process waits for something, and the
    acknowledgements are written all together at the end.

    Returns:
        Its exit code, negative for a signal.
    """
    pid = tracing.fork()
    if pid == 0:
        sys.setswitchinterval(_UNINTERRUPTED)
        _write(make, order, together=True)
        raise SystemExit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def begin_to_write(make: Make, order: Order) -> int:
    """Start a process that writes the values, and do not wait for it: its number."""
    pid = tracing.fork()
    if pid == 0:
        _write(make, order)
        os._exit(0)
    return pid


def has_ended(make: Make, pid: int) -> bool:
    """Whether a process that was started here has come to its end by itself."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill(make: Make, pid: int) -> None:
    """Kill a process that was started here, by SIGKILL; one that was started elsewhere is left alone."""
    with suppress(ChildProcessError):
        has_ended(make, pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def read_anew(make: Make, store: str, reference: Any) -> tuple[Outcome, bool]:
    """Read a reference by a handler made for it: what came of it, and whether no file of the store is still open here."""
    try:
        outcome = attempt(make(Path(store)).read, reference)
    except Exception as error:  # noqa: BLE001 - that no handler can be made of a damaged store is as good as an error
        outcome = Outcome(error=one_line(error))
    if _holds_open(store):
        gc.collect()
    return portable(outcome), not _holds_open(store)


def _holds_open(store: str) -> bool:
    links: list[str] = []
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are enough
        with suppress(OSError):  # the listing's own is gone by now
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115
    return any(link.startswith(f"{store}/") for link in links)


def read_apart(make: Make, store: str, reference: Any, patience: float) -> tuple[Outcome | None, int]:
    """The same in a process of its own, for handlers that keep files open: what came of it, and how the process ended.

    A process that takes longer than ``patience`` seconds is killed, and nothing came of it.
    """
    import cloudpickle

    ours, theirs = multiprocessing.Pipe(duplex=False)
    pid = tracing.fork()
    if pid == 0:
        try:
            theirs.send_bytes(cloudpickle.dumps(read_anew(make, store, reference)[0]))
        finally:
            os._exit(0)
    theirs.close()
    came: Outcome | None = None
    with ours, suppress(EOFError):
        if ours.poll(patience):
            came = cloudpickle.loads(ours.recv_bytes())
    os.kill(pid, signal.SIGKILL)
    return came, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def moments(make: Make, order: Order) -> tuple[list[str], str | None]:
    """Let a process write the values undisturbed: the moments at which it could be killed, in words.

    Returns:
        The moments, and why they are calls of functions instead of system calls, or None.
    """
    why_not = tracing.why_not()
    if why_not is None:
        watcher = _Moments(order.log)
        tracing.trace(lambda: _write(make, order), watcher)
        return watcher.seen, None
    pid = tracing.fork()
    if pid == 0:
        seen = _calls(lambda: _write(make, order), None)
        Path(f"{order.log}.moments").write_text(json.dumps(seen))
        os._exit(0)
    os.waitpid(pid, 0)
    seen = json.loads(Path(f"{order.log}.moments").read_text())
    return seen, why_not


def write_and_die(make: Make, order: Order, moment: int) -> bool:
    """Let a process write the values, and kill it by SIGKILL at one of the moments.

    Returns:
        Whether it came to that moment.
    """
    if tracing.why_not() is None:
        return tracing.trace(lambda: _write(make, order), _Moments(order.log, moment)) == -signal.SIGKILL
    pid = tracing.fork()
    if pid == 0:
        _calls(lambda: _write(make, order), moment)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def write_and_lose_power(make: Make, order: Order) -> tuple[list[str], list[str], str | None]:
    """Let a process write the values, and leave in the store what it had synced when the last reference was returned.

    Returns:
        What was lost, in words; the names of the files that something else than the process wrote, such as a process that
        it started; and why it could not be seen what was synced, or None.
    """
    if (why_not := tracing.why_not()) is not None:
        return [], [], why_not
    disk = _Disk(order)
    tracing.trace(lambda: _write(make, order), disk)
    if disk.blind:
        return [], [], "the handler writes by io_uring, whose calls cannot be seen"
    unseen = disk.written_unseen()
    return disk.cut_power(), unseen, None


def write_on_small_disk(make: Make, order: Order) -> tuple[str | None, int, list[Outcome]]:
    """Let a process write each value on a small disk of its own, and read what it acknowledged.

    ``order.room`` says how much is free on the disk when each value is written; None: plenty.

    The disk is a tmpfs on the store, in a mount namespace of the process: nobody else sees it, and it ends with the process.

    Returns:
        Why this machine lets no such disk be made, or None; how the process ended, negative for a signal; and what came
        of reading each reference that was acknowledged.
    """
    import cloudpickle

    answer = Path(f"{order.log}.answer")
    pid = tracing.fork()
    if pid == 0:
        code = 1
        try:
            read: list[Outcome] = []
            why_not = _mount_disk(order.store)
            if why_not is None:
                _write(make, attrs.evolve(order, room=[]), lambda index: _leave_free(order.store, order.room[index]))
                reader = make(Path(order.store))
                read = [attempt(reader.read, one.reference) for one in acknowledgements(order.log) if one.error is None]
            answer.write_bytes(cloudpickle.dumps((why_not, read)))
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not answer.exists():
        return None, ended, []
    why_not, outcomes = cloudpickle.loads(answer.read_bytes())
    return why_not, ended, outcomes


def _write(make: Make, order: Order, prepare: Callable[[int], None] = lambda index: None, *, together: bool = False) -> None:
    """Make a handler, write the values, and log what comes of each, at once or all together at the end."""
    sys.dont_write_bytecode = True
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        handler = make(Path(order.store))
    except Exception as error:  # noqa: BLE001 - told instead of a first reference
        os.write(log, _line(0, error=f"no handler could be made: {one_line(error)}"))
        return
    lines = b""
    for index, value in enumerate(order.values):
        prepare(index)
        with _room(order.room[index] if order.room else None):
            outcome = attempt(handler.write, value)
        try:
            lines += _line(index, outcome.value, outcome.error)
        except (TypeError, ValueError) as error:
            lines += _line(index, error=f"the reference is not JSON: {error}")
        if not together:
            os.write(log, lines)
            lines = b""
    if lines:
        os.write(log, lines)


_UNINTERRUPTED = 0.5


def _line(index: int, reference: Any = None, error: str | None = None) -> bytes:
    return f"{json.dumps({'index': index, 'reference': reference, 'error': error})}\n".encode()


@contextmanager
def _room(size: int | None) -> Iterator[None]:
    """Let this process write no file beyond a size, for a while."""
    if size is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)


class _Moments:
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
    elsewhere = ("/dev/", "/proc/", "/sys/", "/memfd:")
    return target.startswith("/") and not target.startswith(elsewhere) and "__pycache__" not in target


def _name(target: str) -> str:
    return "a socket" if target.startswith("socket:") else Path(target).name


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _calls(body: Callable[[], None], die_at: int | None) -> list[str]:
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


_Identity = tuple[int, int]  # of a file: its device and its number


class _Disk:
    """What a disk holds of a store if whatever was not synced is lost.

    A file has the content of its last sync, a directory the names of its last sync. A removal counts at once: that a
    removed file is there again after a power cut is no matter of the rule.
    """

    def __init__(self, order: Order) -> None:
        self.blind = False
        self._store = Path(order.store)
        self._log = order.log
        self._awaited = len(order.values)
        self._contents: dict[_Identity, bytes] = {}
        self._entries: dict[_Identity, dict[str, _Identity]] = {}
        self._opened: set[_Identity] = set()
        self._held: list[int] = []

    def before(self, call: Call) -> bool:
        self.blind |= call.name == "io_uring_enter"
        return False

    def after(self, call: Call, result: int) -> bool:
        if result < 0:
            return False
        if call.writes_to_what_it_opens:
            with suppress(OSError):  # another thread has closed it
                self._opened.add(_identity(self._hold(Path(f"/proc/{call.thread}/fd/{result}"))))
        elif call.name in ("fsync", "fdatasync"):
            self._sync(Path(f"/proc/{call.thread}/fd/{call.descriptor}"))
        elif call.name in ("sync", "syncfs", "msync"):
            for path in (self._store, *self._store.rglob("*")):
                if not path.is_symlink() and (call.name != "msync" or path.is_file()):
                    self._sync(path)
        elif call.name in ("unlink", "unlinkat", "rmdir"):
            self._removed(Path(call.target()))
        elif call.descriptor is not None:
            return self._written(call, call.target())
        return False

    def _written(self, call: Call, target: str) -> bool:
        if target == self._log:
            self._awaited -= 1
            return self._awaited == 0
        if target.startswith("/") and call.flags() & os.O_DSYNC:  # O_SYNC includes it
            self._sync(Path(f"/proc/{call.thread}/fd/{call.descriptor}"))
        return False

    def _sync(self, path: Path) -> None:
        found = self._hold(path)
        if stat.S_ISREG(found.st_mode):
            self._contents[_identity(found)] = path.read_bytes()
        elif stat.S_ISDIR(found.st_mode):
            entries = self._entries[_identity(found)] = {}
            for entry in path.iterdir():
                with suppress(FileNotFoundError):  # another thread has removed it
                    entries[entry.name] = _identity(self._hold(entry, follow=False))

    def _hold(self, path: Path, *, follow: bool = True) -> os.stat_result:
        """The state of a file, which is kept open so that no other can get its number."""
        self._held.append(os.open(path, os.O_PATH | (0 if follow else os.O_NOFOLLOW)))
        return os.fstat(self._held[-1])

    def _removed(self, path: Path) -> None:
        with suppress(OSError):
            self._entries.get(_identity(path.parent.stat()), {}).pop(path.name, None)

    def written_unseen(self) -> list[str]:
        """The names of the files in the store that the process never opened for writing."""
        files = [path for path in sorted(self._store.rglob("*")) if path.is_file() and not path.is_symlink()]
        return [str(path.relative_to(self._store)) for path in files if _identity(path.stat()) not in self._opened]

    def cut_power(self) -> list[str]:
        """Put into the store what is on the disk: what was lost, in words."""
        alive = {_identity(path.lstat()): path for path in self._store.rglob("*")}
        rebuilt = self._store.with_name(f"{self._store.name}.disk")
        self._rebuild(_identity(self._store.stat()), rebuilt, alive)
        lost = list(self._lost(rebuilt))
        self._store.rename(self._store.with_name(f"{self._store.name}.lost"))
        rebuilt.rename(self._store)
        for descriptor in self._held:
            os.close(descriptor)
        return lost

    def _rebuild(self, directory: _Identity, rebuilt: Path, alive: dict[_Identity, Path]) -> None:
        rebuilt.mkdir()
        for name, identity in self._entries.get(directory, {}).items():
            path = alive.get(identity)
            if path is not None and path.is_symlink():
                (rebuilt / name).symlink_to(path.readlink())
            elif identity in self._entries or (path is not None and path.is_dir()):
                self._rebuild(identity, rebuilt / name, alive)
            else:
                (rebuilt / name).write_bytes(self._contents.get(identity, b""))
            if path is not None and not path.is_symlink():
                (rebuilt / name).chmod(path.stat().st_mode)

    def _lost(self, rebuilt: Path) -> Iterator[str]:
        for path in sorted(self._store.rglob("*")):
            name = path.relative_to(self._store)
            if not os.path.lexists(rebuilt / name):
                if os.path.lexists((rebuilt / name).parent):  # else its directory is told
                    yield f"the name {name}"
            elif path.is_file() and path.read_bytes() != (rebuilt / name).read_bytes():
                yield f"the content of {name}"


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


def _mount_disk(store: str) -> str | None:
    """Mount a small disk on the store for this process alone; why that cannot be, or None."""
    user, group = os.getuid(), os.getgid()
    try:
        _check(_libc().unshare(_NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USERS) == 0)
        if user != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _mount("none", "/", _RECURSIVE | _PRIVATE)
        _mount("tmpfs", store, 0, f"size={_PLENTY}")
        _leave_free(store, None)
    except (OSError, AttributeError) as error:
        return f"this machine lets nobody mount a small disk ({error})"
    return None


def _leave_free(store: str, room: int | None) -> None:
    """Resize the small disk so that this much is free."""
    found = os.statvfs(store)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    _mount("tmpfs", store, _REMOUNT, f"size={used + (_PLENTY if room is None else room)}")


def _mount(kind: str, where: str, flags: int, options: str = "") -> None:
    _check(_libc().mount(kind.encode(), os.fsencode(where), kind.encode(), ctypes.c_ulong(flags), options.encode()) == 0)


def _check(done: bool) -> None:
    if not done:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


_PLENTY = 64 << 20
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000  # <sched.h>
_REMOUNT, _RECURSIVE, _PRIVATE = 1 << 5, 1 << 14, 1 << 18  # <sys/mount.h>
