"""The awaitable twin, and that neither is taken for the other."""

from collections.abc import Awaitable
from typing import assert_type

from resultspec import AsyncResultHandler, ResultHandler


class Sync:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


class Async:
    async def write(self, value: int) -> str:
        return str(value)

    async def read(self, reference: str) -> int:
        return int(reference)


class HalfAsync:
    """Read forgot to become asynchronous."""

    async def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


class AsyncWithBytes:
    async def write(self, value: int) -> bytes:
        return bytes(value)

    async def read(self, reference: bytes) -> int:
        return len(reference)


# %% Awaitable methods make an asynchronous handler; it is not taken for the other kind, nor is one of each
good: AsyncResultHandler[int, str] = Async()
async_for_sync: ResultHandler[int, str] = Async()  # type: ignore[assignment]
sync_for_async: AsyncResultHandler[int, str] = Sync()  # type: ignore[assignment]
half_async: AsyncResultHandler[int, str] = HalfAsync()  # type: ignore[assignment]
half_sync: ResultHandler[int, str] = HalfAsync()  # type: ignore[assignment]
not_json: AsyncResultHandler[int] = AsyncWithBytes()  # type: ignore[assignment]


# %% What a method returns is awaited
async def there_and_back(handler: AsyncResultHandler[int, str], value: int) -> int:
    reference = await handler.write(value)
    assert_type(reference, str)
    return assert_type(await handler.read(reference), int)


def awaitable(handler: AsyncResultHandler[int, str]) -> Awaitable[str]:
    return handler.write(1)


def forgotten_await(handler: AsyncResultHandler[int, str]) -> str:
    return handler.write(1)  # type: ignore[return-value]
