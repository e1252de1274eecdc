"""Calls a handler's methods, awaiting those of an asynchronous handler."""

import asyncio
import inspect
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any


def call(method: Callable[..., Any], argument: Any) -> Any:
    """Call a method of a handler and return its result, awaited where it is awaitable.

    All awaiting happens on one event loop of the process, since clients of asynchronous stores belong to their loop.
    """
    result = method(argument)
    if inspect.iscoroutine(result):
        return asyncio.run_coroutine_threadsafe(result, _loop()).result()
    return result


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="resultspec-loop", daemon=True).start()
    return loop


os.register_at_fork(after_in_child=_loop.cache_clear)  # its thread stayed behind
