"""The store that the environment names, under langchain-tests: its suites for key-value stores, blocking and async."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from defects import BY_NAME
from langchain_core.stores import BaseStore
from langchain_tests.integration_tests import BaseStoreAsyncTests, BaseStoreSyncTests

STORE = BY_NAME[os.environ["COMPARED_STORE"]]


class ComparedStore(BaseStore[str, Any]):
    """The store under LangChain's API; of bytes, or of any values where the defect is one of encoding."""

    def __init__(self, directory: Path) -> None:
        self.inner = STORE(directory)

    def mget(self, keys: Sequence[str]) -> list[Any]:
        """Read several values."""
        return [self._decoded(self.inner.get(key)) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, Any]]) -> None:
        """Write several values."""
        for key, value in key_value_pairs:
            self.inner.set(key, self.inner.encode(value) if STORE.values else value)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Delete several values."""
        for key in keys:
            self.inner.delete(key)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """List keys."""
        yield from (key for key in list(self.inner.keys()) if key.startswith(prefix or ""))

    def _decoded(self, data: bytes | None) -> Any:
        return self.inner.decode(data) if STORE.values and data is not None else data


class _Subject:
    @pytest.fixture
    def kv_store(self, tmp_path: Path) -> ComparedStore:
        """An empty store."""
        return ComparedStore(tmp_path)

    @pytest.fixture
    def three_values(self) -> tuple[Any, Any, Any]:
        """The values that LangChain's own tests use for its stores."""
        return ("foo", "bar", "buzz") if STORE.values else (b"foo", b"bar", b"buzz")


class TestStore(_Subject, BaseStoreSyncTests[Any]):
    """What LangChain asks of a store."""


class TestAsyncStore(_Subject, BaseStoreAsyncTests[Any]):
    """What LangChain asks of an async store."""

    @pytest.fixture
    async def kv_store(self, tmp_path: Path) -> ComparedStore:
        """An empty store."""
        return ComparedStore(tmp_path)
