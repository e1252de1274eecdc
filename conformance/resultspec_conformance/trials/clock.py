"""A clock that stands still, or jumps, for the handler alone to see."""

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, cast

_LONGEST_STOP = 2.0
AGES = timedelta(days=3650)
"""How old a result must be able to grow."""


@contextmanager
def stopped() -> Iterator[None]:
    """Stop every wall clock of this process.

    A handler that waits for the clock to tick would wait for ever: after two seconds the clock runs again.
    """
    traveller = _travel(datetime.now(UTC), tick=False)
    traveller.start()
    over = threading.Event()

    def restart() -> None:
        if not over.wait(_LONGEST_STOP):
            with suppress(Exception):
                traveller.stop()

    watchman = threading.Thread(target=restart, daemon=True)
    watchman.start()
    try:
        yield
    finally:
        over.set()
        watchman.join()
        with suppress(Exception):
            traveller.stop()


@contextmanager
def years_later() -> Iterator[None]:
    """Let every wall clock of this process show a time ten years ahead."""
    with _travel(datetime.now(UTC) + AGES, tick=True):
        yield


def _travel(moment: datetime, *, tick: bool) -> Any:
    """What lets the clocks show another moment.

    The library would import pytest for its plugin, which takes longer than all that is tried with it, unless that seems missing.
    """
    hidden = "pytest" not in sys.modules
    if hidden:
        sys.modules["pytest"] = cast("ModuleType", None)
    try:
        import time_machine
    finally:
        if hidden:
            del sys.modules["pytest"]
    return time_machine.travel(moment, tick=tick)


@contextmanager
def global_random_restored() -> Iterator[None]:
    """Give the global random generator its state back at the end."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
