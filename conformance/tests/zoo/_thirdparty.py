"""Handlers on the libraries of others; all annotations of this module are text."""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import diskcache
import lmdb
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ._common import absolute, dump, hex_name, load
from ._files import RandomNames

if TYPE_CHECKING:
    from pathlib import Path


class DiskCached:
    """A disk cache that never evicts, opened per call."""

    def __init__(self, directory: Path) -> None:
        self.directory = absolute(directory)

    def _open(self) -> diskcache.Cache:
        return diskcache.Cache(str(self.directory), eviction_policy="none", cull_limit=0)

    def write(self, value: object, /) -> str:
        data, key = dump(value), uuid.uuid4().hex
        with self._open() as cache:
            if not cache.add(key, data, retry=True):
                raise OSError("the name is taken")
        return key

    def read(self, reference: str, /) -> object:
        key = hex_name(reference)
        with self._open() as cache:
            data = cache.get(key, retry=True)
        if data is None:
            raise LookupError("nothing is stored under this reference")
        value: object = load(data)
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DiskCached) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)


class MappedTree:
    """A B+ tree of LMDB in one mapped file, opened once in a process for as long as a handler uses it."""

    _opened: ClassVar[weakref.WeakValueDictionary[tuple[int, Path], lmdb.Environment]] = weakref.WeakValueDictionary()
    _opening = threading.Lock()

    def __init__(self, directory: Path) -> None:
        self.directory = absolute(directory)
        self._used: dict[int, lmdb.Environment] = {}

    def __getstate__(self) -> dict[str, object]:
        return {"directory": self.directory, "_used": {}}

    def _tree(self) -> lmdb.Environment:
        process = os.getpid()
        with self._opening:
            if process not in self._used:
                known = process, self.directory
                environment = self._opened.get(known) or lmdb.open(str(self.directory), map_size=1 << 28)
                self._opened[known] = self._used[process] = environment
            return self._used[process]

    def write(self, value: object, /) -> str:
        data, key = dump(value), uuid.uuid4().hex
        try:
            with self._tree().begin(write=True) as transaction:
                transaction.put(key.encode(), data)
        except lmdb.Error as error:
            raise OSError("the database did not take the value") from error
        return key

    def read(self, reference: str, /) -> object:
        key = hex_name(reference)
        with self._tree().begin() as transaction:
            data = transaction.get(key.encode())
        if data is None:
            raise LookupError("nothing is stored under this reference")
        value: object = load(data)
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MappedTree) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)


@dataclass(frozen=True)
class Encrypting:
    """Encrypts what another handler keeps; its references are those of the other."""

    inner: RandomNames
    key: bytes

    def write(self, value: object, /) -> str:
        nonce = os.urandom(12)
        return self.inner.write(nonce + AESGCM(self.key).encrypt(nonce, dump(value), None))

    def read(self, reference: str, /) -> object:
        data = self.inner.read(reference)
        if type(data) is not bytes:
            raise ValueError("the stored value is not one of this handler")
        try:
            value: object = load(AESGCM(self.key).decrypt(data[:12], data[12:], None))
        except InvalidTag as error:
            raise ValueError("the stored value is damaged") from error
        return value

    def __repr__(self) -> str:
        return f"Encrypting({self.inner!r}, key=...)"


def encrypted(directory: Path) -> Encrypting:
    """Return an encrypting handler over files, always with the same key."""
    return Encrypting(RandomNames(directory), b"sixteen byte key")
