"""The other process: an interpreter that does what it is told with a handler of its own.

Run as ``python -m resultspec_conformance.processes.worker FD``. It knows nothing of the run that started it but the maker it is
sent, so that what works here works by the reference alone.
"""

import json
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex

from ..trials.outcomes import Outcome, attempt

_PATIENCE = 60
_NAP = 0.02


class SleptTooLong(BaseException):
    """A read that must raise promptly sleeps instead; no Exception, which a loop of retries would catch."""


def main() -> None:
    """Serve requests from the connection whose descriptor is the only argument, until it closes."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    sys.path[:], expected = connection.recv()
    import cloudpickle  # only now: the path has just been set

    tempfile.gettempdir()  # finds out by writing a file there, which a writer that is killed would leave behind
    with suppress(Exception):  # what is imported for it is there when it is asked for, and what it raises is told then
        cloudpickle.loads(expected)
    handlers: dict[tuple[bytes, str], Any] = {}
    while True:
        try:
            request = connection.recv_bytes()
        except EOFError:
            return
        try:
            operation, shipped, scratch, payload = cloudpickle.loads(request)
            key = (shipped, scratch)
            if key not in handlers:
                handlers[key] = cloudpickle.loads(shipped)(Path(scratch)) if scratch else cloudpickle.loads(shipped)
            answer: Any = operation(handlers[key], payload)
            reply = cloudpickle.dumps((True, answer))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other side must hear of it
            reply = cloudpickle.dumps((False, f"{type(error).__name__}: {error}"))
        connection.send_bytes(reply)


def write(handler: Any, values: list[Any]) -> list[tuple[str | None, str | None]]:
    """Write each value: the reference as JSON text, or the error."""
    answers: list[tuple[str | None, str | None]] = []
    for value in values:
        outcome = attempt(handler.write, value)
        answers.append((None, outcome.error) if outcome.error else (json.dumps(outcome.value), None))
    return answers


def read(handler: Any, references: list[str]) -> list[Outcome]:
    """Read each reference, given as JSON text."""
    return [attempt(handler.read, json.loads(reference)) for reference in references]


def read_one(handler: Any, reference: str) -> Outcome:
    """Read one reference that may be hostile; a value that cannot travel is told by its type.

    Who retries for ever must be found out without waiting for ever: sleeping is cut short, and counted at its full length.
    """
    slept, sleep = 0.0, time.sleep

    def hurried(seconds: SupportsFloat | SupportsIndex, /) -> None:
        nonlocal slept
        slept += float(seconds)
        if slept > _PATIENCE:
            raise SleptTooLong(f"read would have slept for more than {_PATIENCE} seconds")
        sleep(min(float(seconds), _NAP))

    time.sleep = hurried
    try:
        return portable(attempt(handler.read, json.loads(reference)))
    finally:
        time.sleep = sleep


def portable(outcome: Outcome) -> Outcome:
    """An outcome that can be sent: a value that cannot travel is told by its repr."""
    import cloudpickle

    try:
        cloudpickle.dumps(outcome)
    except Exception:  # noqa: BLE001 - an open file, say
        return Outcome(value=repr(outcome.value), error=outcome.error, verdict=outcome.verdict)
    return outcome


if __name__ == "__main__":
    main()
