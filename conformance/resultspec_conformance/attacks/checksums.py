"""Checksums that anybody can compute: found in stored bytes, and computed again for other bytes.

Whoever tampers with a stored value mends its checksum as well. Only a key keeps that from being possible, and only one
that does not lie in the storage, too.
"""

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

import attrs

_FAR = 160
"""How far from either end of the stored bytes a checksum is looked for."""

_SHORTEST = 16
_UNMISTAKABLE = 8
_SHORTEST_KEY = 8
_LONGEST_KEY = 256
_MOST_KEYS = 3
_LARGE = 2_048
_USUAL = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 64, 65, 80, 128, 129)
"""How much a checksum takes with what stands beside it, where the stored bytes are too many to try everything."""


def _hash(name: str, size: int | None = None) -> Callable[[bytes], bytes]:
    def digest(data: bytes) -> bytes:
        if size is not None:
            return hashlib.blake2b(data, digest_size=size).digest()
        return hashlib.new(name, data, usedforsecurity=False).digest()

    return digest


Digest = Callable[[bytes], bytes]

_ALGORITHMS: dict[str, Digest] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "adler32": lambda data: zlib.adler32(data).to_bytes(4, "big"),
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "sha3-256": _hash("sha3_256"),
    "blake2b": _hash("blake2b"),
    "blake2b-32": _hash("", 32),
    "blake2b-20": _hash("", 20),
    "blake2b-16": _hash("", 16),
    "blake2b-8": _hash("", 8),
    "blake2s": _hash("blake2s"),
}

# The forms in which a digest is written down.
_FORMS: dict[str, Digest] = {
    "raw": lambda digest: digest,
    "reversed": lambda digest: digest[::-1],
    "hex": lambda digest: digest.hex().encode(),
    "HEX": lambda digest: digest.hex().upper().encode(),
    "decimal": lambda digest: str(int.from_bytes(digest, "big")).encode(),
}


@attrs.frozen
class Checksum:
    """A checksum within stored bytes.

    Attributes:
        compute: What computes it.
        written: How it is written down.
        salt: What is taken in before the bytes, such as the name of the file.
        start: Where the bytes that it covers begin.
        tail: How many bytes come after those.
        position: Where it is written; negative: counted from the end.
        length: How many bytes it takes there.
    """

    compute: Digest
    written: Digest
    salt: bytes
    start: int
    tail: int
    position: int
    length: int

    def mend(self, stored: bytes) -> bytes:
        """Give stored bytes that were altered with the checksum that fits them."""
        at = self.position if self.position >= 0 else len(stored) + self.position
        covered = stored[self.start : len(stored) - self.tail]
        return stored[:at] + self.written(self.compute(self.salt + covered)) + stored[at + self.length :]


def keys_in(contents: Iterable[bytes]) -> list[bytes]:
    """The keys that could lie among stored things: what is short enough, as it is and decoded."""
    keys: dict[bytes, None] = {}
    for content in [one for one in contents if _SHORTEST_KEY <= len(one) <= _LONGEST_KEY][:_MOST_KEYS]:
        keys[content] = keys[content.strip()] = None
        for decode in (binascii.unhexlify, partial(base64.b64decode, validate=True)):
            with suppress(ValueError):
                keys[decode(content.strip())] = None
    return [key for key in keys if key]


def _keyed(keys: Iterable[bytes]) -> Iterator[Digest]:
    for key in keys:
        yield from (partial(hmac.digest, key, digest=name) for name in ("sha256", "sha512", "sha1"))
        if len(key) <= hashlib.blake2b.MAX_KEY_SIZE:
            yield from (partial(_keyed_blake2b, key, size) for size in (32, 64))


def _keyed_blake2b(key: bytes, size: int, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=size).digest()


def checksums_in(stored: bytes, salts: Iterable[bytes], keys: Iterable[bytes] = ()) -> list[Checksum]:
    """Find the checksums that stored bytes carry of themselves, at their beginning or at their end.

    Args:
        stored: The bytes as the handler stored them.
        salts: What may have been taken in first: the name of the file, the reference.
        keys: Keys that lie in the storage, where anybody finds them who can write to it.
    """
    if len(stored) < _SHORTEST:
        return []
    found: list[Checksum] = []
    for salt in dict.fromkeys((b"", *salts)):
        for compute in (*_ALGORITHMS.values(), *_keyed(keys)):
            size = len(compute(b""))
            for start, end in _spans(len(stored), size):
                digest = compute(salt + stored[start:end])
                for written in _FORMS.values():
                    text = written(digest)
                    at = stored.rfind(text, 0, start) if start else stored.find(text, end)
                    if at >= 0:
                        position = at if start else at - len(stored)
                        found.append(Checksum(compute, written, salt, start, len(stored) - end, position, len(text)))
    return found


def _spans(length: int, size: int) -> Iterator[tuple[int, int]]:
    """What a checksum of a size before or after it may cover: all that follows it, or all that precedes it."""
    widths = range(size, min(_FAR, length - 1)) if length <= _LARGE else (width for width in _USUAL if size <= width < length)
    for width in widths:
        yield width, length
        yield 0, length - width


def replaced_digests(old: bytes, new: bytes, around: bytes, salts: Iterable[bytes] = ()) -> bytes:
    """Bytes in which every digest of one content is replaced by that of another, in whatever form it is written."""
    for salt in dict.fromkeys((b"", *salts)):
        for compute in _ALGORITHMS.values():
            before = compute(salt + old)
            for written in _FORMS.values():
                if len(text := written(before)) >= _UNMISTAKABLE and text in around:
                    around = around.replace(text, written(compute(salt + new)))
    return around
