"""Asynchronous handlers, each with another idea of what there is to await."""

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio.to_thread
from attrs import field, frozen

from ._common import absolute, dump, hex_name, load, publish


@frozen
class _Files:
    """The blocking half of all that follow."""

    directory: Path = field(converter=absolute)

    def save(self, value):
        data, name = dump(value), uuid.uuid4().hex
        publish(self.directory / name, data)
        return name

    def load(self, reference):
        return load((self.directory / hex_name(reference)).read_bytes())


class Tasks(_Files):
    """Starts a task before it is awaited, which only a running loop allows."""

    def write(self, value):
        return asyncio.create_task(self._write(value))

    def read(self, reference):
        return asyncio.ensure_future(self._read(reference))

    async def _write(self, value):
        return self.save(value)

    async def _read(self, reference):
        await asyncio.sleep(0)
        return self.load(reference)


class Futures(_Files):
    """Works in a pool of threads, and gives futures of the loop."""

    _pool = ThreadPoolExecutor(2)

    def write(self, value):
        return asyncio.wrap_future(self._pool.submit(self.save, value))

    def read(self, reference):
        return asyncio.wrap_future(self._pool.submit(self.load, reference))


class WriteNow(_Files):
    """Writes at once, and is awaited for reading alone."""

    def write(self, value):
        return self.save(value)

    async def read(self, reference):
        return self.load(reference)


class _Later:
    """An awaitable that is neither coroutine nor future."""

    def __init__(self, work, argument):
        self.work, self.argument = work, argument

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return self.work(self.argument)


class OwnAwaitables(_Files):
    """Has an awaitable of its own, as clients with an API for chaining do."""

    def write(self, value):
        return _Later(self.save, value)

    def read(self, reference):
        return _Later(self.load, reference)


class Locked:
    """Holds a lock of the loop and a client that belongs to it, both made on first use; refuses to serve another loop."""

    def __init__(self, directory: Path) -> None:
        self.files = _Files(directory)
        self._thread: int | None = None
        self._lock: asyncio.Lock | None = None

    def _client(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock, self._thread = asyncio.Lock(), threading.get_ident()
        if self._thread != threading.get_ident():
            raise RuntimeError("the client belongs to another loop")
        return self._lock

    async def write(self, value: object, /) -> str:
        async with self._client():
            await asyncio.sleep(0)
            name: str = self.files.save(value)
            return name

    async def read(self, reference: str, /) -> object:
        async with self._client():
            return self.files.load(reference)

    def __getstate__(self) -> dict[str, object]:
        return {"files": self.files, "_thread": None, "_lock": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Locked) and other.files == self.files

    def __hash__(self) -> int:
        return hash(self.files)


@frozen
class AnyLibrary:
    """Written with anyio, for whichever loop is running."""

    files: _Files = field(converter=_Files)

    async def write(self, value: object, /) -> str:
        name: str = await anyio.to_thread.run_sync(self.files.save, value)
        return name

    async def read(self, reference: str, /) -> object:
        return await anyio.to_thread.run_sync(self.files.load, reference)
