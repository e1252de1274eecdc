"""Work that may hang: it is done in a thread, and given up when it makes no progress."""

import threading
import time
from collections.abc import Callable
from typing import Any


def watched(work: Callable[[], Any], last_beat: Callable[[], float], limit: float) -> tuple[Any, BaseException | None]:
    """Do work in a thread: its result, its error, or neither when it made no progress within the limit.

    A thread that hangs cannot be ended; it is left behind as a daemon.
    """
    ended: list[Any] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            ended.append(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=target, name="resultspec-check", daemon=True)
    started = time.monotonic()
    thread.start()
    while thread.is_alive():
        thread.join(0.5 if limit > 1 else limit / 4)
        if thread.is_alive() and time.monotonic() - max(started, min(last_beat(), time.monotonic())) > limit:
            return None, None
    return (ended[0] if ended else None), (errors[0] if errors else None)
