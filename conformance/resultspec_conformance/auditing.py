"""Audit events of the interpreter (PEP 578), heard for a while."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Hear = Callable[[str, tuple[Any, ...]], None]

_listeners: tuple[Hear, ...] = ()
_hooked = False


@contextmanager
def audited(hear: Hear) -> Iterator[None]:
    """Let a function hear of every audit event, by its name and arguments; what it raises keeps the event from happening."""
    global _listeners, _hooked  # a hook cannot be taken back, hence one for all, which asks who listens
    if not _hooked:
        sys.addaudithook(_tell)
        _hooked = True
    _listeners = (*_listeners, hear)
    try:
        yield
    finally:
        _listeners = tuple(listener for listener in _listeners if listener is not hear)


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    for hear in _listeners:
        hear(event, arguments)
