"""Many at once on one handler: functions that a worker runs with a handler of its own, since a crowd may bring it down."""

import contextlib
import inspect
import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import attrs

from ..switching import switching_every
from ..trials.calling import call
from ..trials.outcomes import attempt, one_line

Differs = Callable[[Any, Any], str | None]


@attrs.frozen
class Crowd:
    """What many are to do at once.

    Attributes:
        values: The values that they write.
        differs: Says how a value that was read differs from the one that was written.
        members: How many they are.
        writes: How many values each of them writes.
        limit: How many seconds they may take.
        hesitation: How often threads let others go first, in the midst of the handler's own code: a share of its instructions.
    """

    values: Sequence[Any]
    differs: Differs
    members: int
    writes: int
    limit: float
    hesitation: float = 0.0

    def value(self, member: int, turn: int) -> Any:
        """What a member writes in a turn."""
        return self.values[(member + turn * self.members) % len(self.values)]


@attrs.frozen
class Seen:
    """What came of it.

    Attributes:
        writes: How many writes returned a reference.
        problems: What went wrong, each with the value that it went wrong with and what was seen instead.
        hung: Whether somebody did not come to an end.
    """

    writes: int
    problems: Sequence[tuple[str, Any, str]]
    hung: bool = False


def write_by_threads(handler: Any, crowd: Crowd) -> Seen:
    """Let threads that start together write and read on one handler, and read everything once more afterwards.

    Source: ``shared.threads``.
    """
    problems: list[tuple[str, Any, str]] = []
    kept: list[tuple[Any, Any]] = []
    reads: list[tuple[Any, Any]] = []
    start = threading.Barrier(crowd.members)

    def work(member: int) -> None:
        hesitation = _Hesitation(handler, member, crowd.hesitation) if crowd.hesitation else None
        start.wait()
        for turn in range(crowd.writes):
            value = crowd.value(member, turn)
            sys.settrace(hesitation.entering() if hesitation else None)
            try:
                kept.append((value, call(handler.write, value)))
                for written, known in (kept[-1], kept[turn % len(kept)]):
                    reads.append((written, call(handler.read, known)))
            except Exception as error:  # noqa: BLE001 - what is accepted alone must be accepted here
                if not _comes_of_parsing(error):
                    problems.append(("a call raised that works alone", value, one_line(error)))

    with switching_every(_MOMENT):
        threads = [threading.Thread(target=work, args=(member,), daemon=True) for member in range(crowd.members)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + crowd.limit
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        return Seen(len(kept), [("threads waited for each other for ever", None, "threads that are still waiting")], hung=True)
    for written, read in reads:  # compared by one thread: what compares, such as pandas, need not bear more
        if (told := crowd.differs(written, read)) is not None:
            problems.append(("a thread read another value than was written", written, told))
    for written, reference in kept if not problems else ():
        outcome = attempt(handler.read, reference)
        if (told := outcome.error or crowd.differs(written, outcome.value)) is not None:
            problems.append(("a reference that a thread wrote reads differently afterwards", written, told))
    return Seen(len(kept), problems)


def _comes_of_parsing(error: BaseException | None) -> bool:
    """Whether Python itself failed, which up to 3.12 cannot parse in two threads at once: NumPy parses the head of an array so."""
    while error is not None:
        if isinstance(error, SystemError) and "AST constructor recursion depth mismatch" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Hesitation:
    """A trace function that sleeps now and then between two instructions of the handler's classes.

    What is read in one instruction and written in a later one may so be altered by another thread in between. After many
    instructions, as of a loop over a large value, threads hesitate only where a function returns.
    """

    def __init__(self, handler: Any, member: int, share: float) -> None:
        functions = [
            inspect.unwrap(function) for cls in type(handler).__mro__ for function in vars(cls).values() if callable(function)
        ]
        self._files = {function.__code__.co_filename for function in functions if hasattr(function, "__code__")}
        self._chance, self._sleep = random.Random(member), time.sleep
        self._share = share
        self._longest = _REST / share  # in step, or far apart
        self._left = 0

    def entering(self) -> Callable[..., Any]:
        """The trace function for a few calls of the handler."""
        self._left = _INSTRUCTIONS
        return self._enter

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes = frame.f_trace_lines = self._left > 0
        return self._within

    def _within(self, frame: FrameType, event: str, argument: object) -> Any:
        self._left -= 1
        if self._left == 0:
            outer: FrameType | None = frame
            while outer is not None:
                outer.f_trace_opcodes = outer.f_trace_lines = False
                outer = outer.f_back
        if self._chance.random() < self._share:
            self._sleep(self._chance.random() ** 6 * self._longest)  # mostly short
        return self._within


_INSTRUCTIONS = 3_000
_REST = 5e-5
_MOMENT = 1e-6  # seconds: as often as the interpreter can, so that races show


def write_by_forks(handler: Any, crowd: Crowd) -> Seen:
    """Let forks of this process write at once, each with the handler that it inherits, and read what they acknowledged.

    What cannot be used after a fork, such as a client with threads of its own, raises or hangs there and acknowledges
    nothing: that is no finding.

    Source: ``shared.processes``.
    """
    attempt(handler.write, crowd.value(0, 0))  # so that whatever is made at the first use is inherited
    children = [_fork(handler, crowd, member) for member in range(crowd.members)]
    until = time.monotonic() + crowd.limit
    told = [_heard(pid, pipe, until) for pid, pipe in children]
    problems: list[tuple[str, Any, str]] = []
    kept = [(crowd.value(member, turn), text) for member, texts in enumerate(told) for turn, text in enumerate(texts)]
    for written, text in kept:
        outcome = attempt(handler.read, json.loads(text))
        if (difference := outcome.error or crowd.differs(written, outcome.value)) is not None:
            problems.append((f"the reference {text[:80]} reads differently", written, difference))
    return Seen(len(kept), problems)


def _fork(handler: Any, crowd: Crowd, member: int) -> tuple[int, int]:
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    try:
        os.close(out)
        for turn in range(crowd.writes):
            os.write(into, json.dumps(call(handler.write, crowd.value(member, turn))).encode() + b"\n")
    finally:
        os._exit(0)  # whatever happened: what is inherited is not to be tidied up twice


def _heard(pid: int, pipe: int, until: float) -> list[str]:
    """The references that a fork has acknowledged before it ended, or had to be ended."""
    heard = b""
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (part := os.read(pipe, 65_536)):
            break
        heard += part
    os.close(pipe)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return heard.decode().splitlines()[: heard.count(b"\n")]
