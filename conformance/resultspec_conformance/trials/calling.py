"""Calls a handler's methods, awaiting what is awaitable.

All awaiting happens on one asyncio event loop of the process, since clients of asynchronous stores belong to their loop.
A handler that runs on another kind of loop, such as trio's, cannot be checked.
"""

import inspect
import os
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal


def call(method: Callable[..., Any], argument: Any) -> Any:
    """Call a method of a handler and return its result, awaited where it is awaitable.

    A coroutine, a task, a future and any object with ``__await__`` are awaitable. The method itself is called in this
    thread, as an engine without a loop would; one that needs a running loop to make its awaitable is called on the loop.
    """
    return _called(method, argument)[0]


def is_awaited(handler: Any, values: Iterable[Any]) -> bool:
    """Whether any method of a handler is to be awaited, found out by writing one of the values and reading it."""
    for value in values:
        try:
            reference, write_is = _called(handler.write, value)
            _, read_is = _called(handler.read, reference)
        except Exception:  # noqa: BLE001, S112 - refused: another value will tell
            continue
        return write_is or read_is
    return False


class Blocking:
    """A handler whose methods wait until they are done, around one whose methods may be awaitable.

    The scripts of failures use it, so that they read alike for every handler.

    Args:
        handler: The handler.
    """

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    def write(self, value: Any, /) -> Any:
        """Write a value and return the reference, awaited."""
        return call(self.handler.write, value)

    def read(self, reference: Any, /) -> Any:
        """Read a reference and return the value, awaited."""
        return call(self.handler.read, reference)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocking) and bool(self.handler == other.handler)

    def __hash__(self) -> int:
        return hash(self.handler)


def forsake_loop() -> None:
    """Leave the event loop to a call that blocks it for ever; the next call gets another."""
    _portal.cache_clear()


_NO_LOOP = re.compile("no (running|current) event loop")
_need_loop: set[tuple[str, str]] = set()


def _called(method: Callable[..., Any], argument: Any) -> tuple[Any, bool]:
    """What a method returned, and whether it had to be awaited."""
    name = (str(getattr(method, "__module__", "")), str(getattr(method, "__qualname__", "")))
    if name not in _need_loop:
        try:
            result = method(argument)
        except RuntimeError as error:
            if not _NO_LOOP.search(str(error)):
                raise
        else:
            if not inspect.isawaitable(result):
                return result, False
            if not _is_of_an_idle_loop(result):
                return _on_loop(lambda: result), True
        _need_loop.add(name)
    return _on_loop(lambda: method(argument)), True


def _is_of_an_idle_loop(result: Any) -> bool:
    """Whether a future belongs to a loop that nobody runs: Python makes one for whoever asks in the main thread."""
    if not hasattr(result, "get_loop") or result.get_loop().is_running():
        return False
    result.cancel()
    return True


def _on_loop(ask: Callable[[], Any]) -> Any:
    result, error = _portal().call(_settled, ask)
    if error is not None:
        raise error
    return result


async def _settled(ask: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What came of asking, as a value: a SystemExit that got out would end the loop."""
    try:
        result = ask()
        return (await result if inspect.isawaitable(result) else result), None
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        return None, error


@cache
def _portal() -> "BlockingPortal":
    """The way to the event loop, which runs in a thread of its own for as long as the process does."""
    import anyio
    from anyio.from_thread import BlockingPortal

    opened: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            opened.set_result(portal)
            await portal.sleep_until_stopped()

    # Not anyio's own start_blocking_portal(): at exit it waits for the thread, which a handler may have blocked.
    threading.Thread(target=anyio.run, args=(serve,), name="resultspec-loop", daemon=True).start()
    return opened.result()


os.register_at_fork(after_in_child=_portal.cache_clear)  # its thread stayed behind
