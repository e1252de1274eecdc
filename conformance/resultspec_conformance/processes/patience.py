"""Gives up on a call that does not end, in a process whose main thread makes it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 5.0
"""How many seconds a call may take before it is given up: no verdict hangs on it, the call just provokes nothing."""


class GaveUp(BaseException):
    """The call did not end; a BaseException, so that a handler that tries again for ever does not catch it."""


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """Give up on what is done within.

    Raises:
        GaveUp: It took longer.
    """

    def give_up(number: int, frame: FrameType | None) -> None:
        raise GaveUp

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
