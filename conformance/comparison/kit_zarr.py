"""The store that the environment names, under zarr.testing: its ``StoreTests`` and its state machine."""

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from defects import BY_NAME
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, cpu, default_buffer_prototype
from zarr.testing.stateful import ZarrStoreStateMachine
from zarr.testing.store import StoreTests

STORE = BY_NAME[os.environ["COMPARED_STORE"]]


class ComparedStore(Store):
    """The store under Zarr's API."""

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, directory: str, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.inner = STORE(directory)

    def with_read_only(self, read_only: bool = False) -> "ComparedStore":
        return type(self)(str(self.inner.directory), read_only=read_only)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.inner == other.inner and self.read_only == other.read_only

    def __repr__(self) -> str:
        return f"ComparedStore({str(self.inner.directory)!r})"

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        await self._ensure_open()
        data = self.inner.get(key)
        if data is None:
            return None
        if isinstance(byte_range, RangeByteRequest):
            data = data[byte_range.start : byte_range.end]
        elif isinstance(byte_range, OffsetByteRequest):
            data = data[byte_range.offset :]
        elif isinstance(byte_range, SuffixByteRequest):
            data = data[max(0, len(data) - byte_range.suffix) :]
        elif byte_range is not None:
            raise TypeError(f"Unexpected byte_range, got {byte_range}.")
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        return self.inner.get(key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        await self._ensure_open()
        if not isinstance(value, Buffer):
            raise TypeError(f"ComparedStore.set(): `value` must be a Buffer instance. Got {type(value)} instead.")
        self.inner.set(key, value.to_bytes())

    async def delete(self, key: str) -> None:
        self._check_writable()
        self.inner.delete(key)

    async def list(self) -> AsyncIterator[str]:
        for key in list(self.inner.keys()):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in list(self.inner.keys()):
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        children = {key[len(start) :].partition("/")[0] for key in self.inner.keys() if key.startswith(start)}  # noqa: SIM118
        for child in sorted(children):
            yield child


class TestStore(StoreTests[ComparedStore, cpu.Buffer]):
    """What Zarr asks of a store, example by example."""

    store_cls = ComparedStore
    buffer_cls = cpu.Buffer

    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        """What makes a store."""
        return {"directory": str(tmp_path)}

    async def set(self, store: ComparedStore, key: str, value: Buffer) -> None:
        """Write past the store."""
        store.inner.put(key, value.to_bytes())

    async def get(self, store: ComparedStore, key: str) -> Buffer:
        """Read past the store."""
        data = store.inner.take(key)
        assert data is not None
        return self.buffer_cls.from_bytes(data)

    def test_store_repr(self, store: ComparedStore) -> None:
        """The repr names the class."""
        assert repr(store).startswith("ComparedStore(")

    def test_store_supports_writes(self, store: ComparedStore) -> None:
        """It is written to."""
        assert store.supports_writes

    def test_store_supports_listing(self, store: ComparedStore) -> None:
        """It is listed."""
        assert store.supports_listing


def test_the_state_machine(tmp_path: Path) -> None:
    """Zarr's model of a store holds."""

    def make() -> ZarrStoreStateMachine:
        return ZarrStoreStateMachine(ComparedStore(str(tmp_path)))

    without_shrinking = [Phase.explicit, Phase.generate]  # that it fails is all that is asked
    run_state_machine_as_test(make, settings=settings(deadline=None, derandomize=True, database=None, phases=without_shrinking))
