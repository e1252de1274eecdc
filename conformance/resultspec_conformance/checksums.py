"""Checksums that anybody can compute: found in stored bytes, and computed again for other bytes.

Whoever tampers with a stored value mends its checksum as well; only a key keeps that from being possible.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator

import attrs

_FAR = 160
"""How far from either end of the stored bytes a checksum is looked for."""

_SHORTEST = 16
_LARGE = 2_048
_USUAL = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 64, 65, 80, 128, 129)
"""How much a checksum takes with what stands beside it, where the stored bytes are too many to try everything."""


def _hash(name: str, size: int | None = None) -> Callable[[bytes], bytes]:
    def digest(data: bytes) -> bytes:
        if size is not None:
            return hashlib.blake2b(data, digest_size=size).digest()
        return hashlib.new(name, data, usedforsecurity=False).digest()

    return digest


_ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
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
_FORMS: dict[str, Callable[[bytes], bytes]] = {
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
        algorithm: What computes it.
        form: How it is written down.
        salt: What is taken in before the bytes, such as the name of the file.
        start: Where the bytes that it covers begin.
        tail: How many bytes come after those.
        position: Where it is written; negative: counted from the end.
        length: How many bytes it takes there.
    """

    algorithm: str
    form: str
    salt: bytes
    start: int
    tail: int
    position: int
    length: int

    def mend(self, stored: bytes) -> bytes:
        """Give stored bytes that were altered with the checksum that fits them."""
        at = self.position if self.position >= 0 else len(stored) + self.position
        covered = stored[self.start : len(stored) - self.tail]
        digest = _FORMS[self.form](_ALGORITHMS[self.algorithm](self.salt + covered))
        return stored[:at] + digest + stored[at + self.length :]


def checksums_in(stored: bytes, salts: Iterable[bytes]) -> list[Checksum]:
    """Find the checksums that stored bytes carry of themselves, at their beginning or at their end.

    Args:
        stored: The bytes as the handler stored them.
        salts: What may have been taken in first: the name of the file, the reference.
    """
    if len(stored) < _SHORTEST:
        return []
    found: list[Checksum] = []
    for salt in dict.fromkeys((b"", *salts)):
        for algorithm, compute in _ALGORITHMS.items():
            for start, end in _spans(len(stored)):
                digest = compute(salt + stored[start:end])
                for form, written in _FORMS.items():
                    text = written(digest)
                    at = stored.rfind(text, 0, start) if start else stored.find(text, end)
                    if at >= 0:
                        position = at if start else at - len(stored)
                        found.append(Checksum(algorithm, form, salt, start, len(stored) - end, position, len(text)))
    return found


def _spans(length: int) -> Iterator[tuple[int, int]]:
    """What a checksum before or after it may cover: all that follows it, or all that precedes it."""
    widths = range(4, min(_FAR, length - 1)) if length <= _LARGE else (width for width in _USUAL if width < length)
    for width in widths:
        yield width, length
        yield 0, length - width


def replaced_digests(old: bytes, new: bytes, around: bytes) -> bytes:
    """Bytes in which every digest of one content is replaced by that of another, in whatever form it is written."""
    for compute in _ALGORITHMS.values():
        for written in _FORMS.values():
            before = written(compute(old))
            if len(before) >= 8:
                around = around.replace(before, written(compute(new)))
    return around
