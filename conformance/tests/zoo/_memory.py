"""Handlers that keep values in memory, and therefore claim only the class core."""

import threading
from copy import deepcopy

from resultspec import JSON

from ._common import check_plain, dump, load, to_json


class MemoryBytes:
    """Pickles in a dict under numbers in text; holds a lock, so it cannot be pickled."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def write(self, value: object, /) -> str:
        data = dump(value)
        with self._lock:
            key = f"{len(self._kept):010d}"
            self._kept[key] = data
        return key

    def read(self, reference: str, /) -> object:
        value: object = load(self._kept[reference])
        return value


class MemoryList:
    """Deep copies in a list; the reference is a position, and no negative one."""

    def __init__(self) -> None:
        self._kept: list[object] = []
        self._lock = threading.Lock()

    def write(self, value: object, /) -> int:
        check_plain(value)
        copy = deepcopy(value)
        with self._lock:
            self._kept.append(copy)
            return len(self._kept) - 1

    def read(self, reference: int, /) -> object:
        if type(reference) is not int or reference < 0:
            raise ValueError("the reference is a natural number")
        return deepcopy(self._kept[reference])


class AsyncMemory:
    """An async twin in memory, with the reference in a list."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    async def write(self, value: JSON, /) -> list[JSON]:
        text = to_json(value)
        key = id(text)  # unique for as long as the text is kept
        self._texts[key] = text
        return [key]

    async def read(self, reference: list[JSON], /) -> JSON:
        from json import loads

        (key,) = reference
        if type(reference) is not list or type(key) is not int:
            raise TypeError("the reference is a list of one number")
        value: JSON = loads(self._texts[key])
        return value
