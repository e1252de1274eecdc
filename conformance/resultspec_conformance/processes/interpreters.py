"""Fresh interpreters that work on a handler's storage from elsewhere."""

import contextlib
import fcntl
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import cloudpickle

from ..trials.making import absolute_sys_path
from ..trials.outcomes import Outcome
from . import worker

_PAUSE = 0.2

Operation = Callable[[Any, Any], Any]


class WorkerDied(Exception):
    """The other process ended, or did not answer within the limit; the text says which."""


class WorkerHung(WorkerDied):
    """The other process did not answer within the limit, and was ended."""


class WorkerFailed(Exception):
    """The other process could not make the handler; the text says why."""


class Process:
    """A fresh interpreter in another working directory, with another hash seed.

    Its standard input is a pipe that stays open and holds one byte, so that a handler which takes an integer for a
    descriptor waits for more, and is told by the byte that it took.

    Args:
        shipped: The maker, as :meth:`~resultspec_conformance.trials.making.Maker.ship` gives it.
        limit: How many seconds an answer may take before the process counts as hung.
    """

    def __init__(self, shipped: bytes, limit: float) -> None:
        self._shipped = shipped
        self._limit = limit
        self._elsewhere = tempfile.TemporaryDirectory(prefix="resultspec-elsewhere-", ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        # Deeper than here, since leading dots beyond the root are ignored: a relative path that leads from here to the
        # root and down again would work in every directory that is no deeper.
        directory = Path(self._elsewhere.name, *["deeper"] * len(Path.cwd().parts))
        directory.mkdir(parents=True)
        seed = "4242" if os.environ.get("PYTHONHASHSEED") != "4242" else "2424"
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, running our own module
                [sys.executable, "-c", _BOOTSTRAP, str(theirs.fileno())],
                cwd=directory,
                env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONSAFEPATH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._connection: Connection[Any, Any] = Connection(ours.detach())
        self._connection.send((absolute_sys_path(), shipped))
        assert self._process.stdin is not None  # a pipe, as asked for
        self._process.stdin.write(b"\0")
        self._process.stdin.flush()

    def begin(self, operation: Operation, scratch: Path | None, payload: object, shipped: bytes | None = None) -> None:
        """Send a request without waiting for its answer.

        Args:
            operation: A function of a module, called there with a handler and the payload.
            scratch: The directory on which the handler is made, or None when ``shipped`` is the handler itself.
            payload: What the function is given.
            shipped: What makes the handler; left out, the maker of the process.
        """
        request = (operation, self._shipped if shipped is None else shipped, str(scratch or ""), payload)
        try:
            self._connection.send_bytes(cloudpickle.dumps(request))
        except OSError as error:
            raise WorkerDied(self._end()) from error

    def answer(self, limit: float | None = None) -> Any:
        """Wait for the answer to the request that was begun.

        Args:
            limit: How many seconds it may take; left out, the limit of the process.

        Raises:
            WorkerDied: The process ended.
            WorkerHung: It did not answer within the limit.
            WorkerFailed: The handler could not be made there.
        """
        limit = self._limit if limit is None else limit
        try:
            until = time.monotonic() + limit
            while not self._connection.poll(_PAUSE):
                if self._reads_its_input():
                    self.close()
                    raise WorkerHung("waits for its standard input")
                if time.monotonic() > until:
                    self.close()
                    raise WorkerHung(f"gave no answer within {limit:g} seconds")
            done, answer = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - from our own worker
        except (EOFError, ConnectionError) as error:
            raise WorkerDied(self._end()) from error
        if not done:
            raise WorkerFailed(answer)
        return answer

    def call(self, operation: Operation, scratch: Path | None, payload: object, shipped: bytes | None = None) -> Any:
        """Send a request and wait for its answer."""
        self.begin(operation, scratch, payload, shipped)
        return self.answer()

    def write(self, scratch: Path, values: Sequence[object]) -> list[tuple[str | None, str | None]]:
        """Write values there: for each, the reference as JSON text, or the error."""
        answers: list[tuple[str | None, str | None]] = self.call(worker.write, scratch, list(values))
        return answers

    def read(self, scratch: Path, references: Sequence[str], shipped: bytes | None = None) -> list[Outcome]:
        """Read references there, each given as JSON text."""
        outcomes: list[Outcome] = self.call(worker.read, scratch, list(references), shipped)
        return outcomes

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._connection.closed and self._process.poll() is None

    def _reads_its_input(self) -> bool:
        """Whether the byte that was waiting in the standard input is gone."""
        waiting = bytearray(4)
        try:
            fcntl.ioctl(self._process.stdin, termios.FIONREAD, waiting)  # type: ignore[arg-type]
        except OSError:  # not to be had here: then the limit decides
            return False
        return int.from_bytes(waiting, sys.byteorder) == 0

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        return f"died by signal {-code}" if code is not None and code < 0 else f"exited with code {code}"

    def close(self) -> None:
        """End the process and remove its working directory."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._elsewhere.cleanup()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


# The path of the suite itself reaches the other interpreter with the first message, hence not `-m`.
_BOOTSTRAP = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parents[2])]!r}
from resultspec_conformance.processes.worker import main
main()
"""
