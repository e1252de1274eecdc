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
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from ..trials.outcomes import Outcome, attempt, one_line
from . import tracing
from .moments import Moments, calls_of
from .power import Disk
from .small_disk import leave_free, mount
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
        watcher = Moments(order.log)
        tracing.trace(lambda: _write(make, order), watcher)
        return watcher.seen, None
    pid = tracing.fork()
    if pid == 0:
        seen = calls_of(lambda: _write(make, order), None)
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
        return tracing.trace(lambda: _write(make, order), Moments(order.log, moment)) == -signal.SIGKILL
    pid = tracing.fork()
    if pid == 0:
        calls_of(lambda: _write(make, order), moment)
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
    disk = Disk(Path(order.store), order.log, len(order.values))
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
            why_not = mount(order.store)
            if why_not is None:
                _write(make, attrs.evolve(order, room=[]), lambda index: leave_free(order.store, order.room[index]))
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
    if together:
        _write_undisturbed(log, lines)


def _write_undisturbed(descriptor: int, data: bytes) -> None:
    """Write without letting other threads have a turn, which on a fast disk is enough for them to finish."""
    while data:
        written = ctypes.pythonapi.write(descriptor, data, ctypes.c_size_t(len(data)))  # keeps the interpreter's lock
        data = data[written:] if written > 0 else b""


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
