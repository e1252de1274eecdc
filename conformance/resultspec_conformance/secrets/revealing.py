"""Says whether something that anybody may see reveals a secret, plainly or in an encoding that hides nothing.

What is seen is decoded in every common way, again and again, and searched; a secret need not be given away whole to be
found. A digest reveals nothing.
"""

import base64
import binascii
import bz2
import codecs
import html
import lzma
import quopri
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote_to_bytes

import attrs

_WINDOW = 8
"""How many characters in a row give a secret away."""

_SHORTEST = 6
_DISTINCT = 5
_DEEPEST = 3
_MOST_RENDERINGS = 4_000
_MOST_BYTES = 1 << 20


Rendering = tuple[bytes, tuple[str, ...]]
"""What something can be decoded to, and the encodings that it was under, from the outside in."""


@attrs.frozen
class Secret:
    """What must not be seen.

    Attributes:
        what: What it is, for a message: ``the value``, ``the credential 'password'``.
        pieces: The texts and bytes, any of which gives it away.
        share: How much of a piece gives it away: by default eight characters, 0.5 where it can be made of words that others
            use too, 1.0 where nothing but the whole of it counts.
    """

    what: str
    pieces: tuple[bytes, ...] = attrs.field(converter=tuple[bytes, ...], repr=False)
    share: float = 0.0


@attrs.frozen
class Revealed:
    """A secret that was seen.

    Attributes:
        secret: The secret.
        encodings: What it was hidden under, from the outside in; empty when it was in plain sight.
    """

    secret: Secret
    encodings: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.secret.what} {'in plain sight' if not self.encodings else 'under ' + ', '.join(self.encodings)}"


def revealed(seen: str | bytes, secrets: Iterable[Secret]) -> Revealed | None:
    """Find a secret in what can be seen.

    Args:
        seen: A text, such as a reference as JSON or the text of an error.
        secrets: What must not be in it.

    Returns:
        The first secret that is found, with the encodings it was under, or None.

    Source: ``private.opaque-reference``, ``private.quiet-errors``, ``private.quiet-repr``.
    """
    return revealed_in(renderings(seen), secrets)


def revealed_in(seen: Iterable[Rendering], secrets: Iterable[Secret]) -> Revealed | None:
    """Find a secret in the renderings of what can be seen, as :func:`revealed` does."""
    sought = [(secret, pattern) for secret in secrets if (pattern := _pattern(secret.pieces, secret.share)) is not None]
    if not sought:
        return None
    for rendering, encodings in seen:
        lowered = rendering.lower()
        for secret, pattern in sought:
            if pattern.search(lowered):
                return Revealed(secret, encodings)
    return None


@lru_cache(maxsize=256)
def _pattern(pieces: tuple[bytes, ...], share: float) -> re.Pattern[bytes] | None:
    """What is searched for: any window of any piece, also reversed or turned by thirteen letters."""
    windows: set[bytes] = set()
    for piece in pieces:
        windows |= _windows(piece.lower(), max(_WINDOW, int(len(piece) * share)))
    windows |= {window[::-1] for window in windows} | {window.translate(_ROT13) for window in windows}
    return re.compile(b"|".join(map(re.escape, sorted(windows)))) if windows else None


_ROT13 = bytes(ord(codecs.encode(chr(code), "rot13")) if code < 128 else code for code in range(256))


def _windows(piece: bytes, width: int) -> set[bytes]:
    """The windows of a piece that are too telling to be met by chance: of a long one, from both ends and the middle."""
    if len(piece) < _SHORTEST:
        return set()
    if len(piece) <= width:
        return {piece}
    half = len(piece) // 2
    parts = [piece] if len(piece) <= 192 else [piece[:64], piece[half - 32 : half + 32], piece[-64:]]
    windows = {part[start : start + width] for part in parts for start in range(len(part) - width + 1)}
    return {window for window in windows if len(set(window)) >= _DISTINCT} or {piece[:64]}


def renderings(seen: str | bytes) -> Iterator[Rendering]:
    """What is seen, and everything that it can be decoded to, breadth first."""
    plain = seen.encode("utf-8", "surrogatepass") if isinstance(seen, str) else seen
    known = {plain}
    waiting: list[Rendering] = [(plain, ())]
    for rendering, encodings in waiting:
        yield rendering, encodings
        if len(encodings) >= _DEEPEST:
            continue
        for name, decode in _DECODERS.items():
            for decoded in decode(rendering):
                if len(decoded) >= _SHORTEST and decoded not in known and len(known) < _MOST_RENDERINGS:
                    known.add(decoded)
                    waiting.append((decoded[:_MOST_BYTES], (*encodings, name)))


def _percent(seen: bytes) -> Iterator[bytes]:
    if b"%" in seen:
        yield unquote_to_bytes(seen)


def _escapes(seen: bytes) -> Iterator[bytes]:
    if b"\\" in seen:
        text = _ESCAPE.sub(lambda found: found[1] or rb"\\", seen).decode("unicode_escape", "replace")
        yield text.encode("utf-8", "surrogatepass")
        yield text.encode("latin-1", "replace")


# What the codec knows, or a backslash that it would warn of.
_ESCAPE = re.compile(rb"(\\(?:[nrtabfvxuU\\'\"]|[0-3][0-7]{0,2}|[4-7][0-7]?(?![0-7])))|\\")


def _entities(seen: bytes) -> Iterator[bytes]:
    if b"&" in seen and b";" in seen:
        yield html.unescape(seen.decode("latin-1")).encode("utf-8", "surrogatepass")


def _printable(seen: bytes) -> Iterator[bytes]:
    if _QUOTED_PRINTABLE.search(seen):
        yield quopri.decodestring(seen)


_QUOTED_PRINTABLE = re.compile(rb"=[0-9A-F]{2}")


def _wide(seen: bytes) -> Iterator[bytes]:
    if b"\0" in seen:
        yield seen.replace(b"\0", b"")


def _separated(seen: bytes) -> Iterator[bytes]:
    """Digits and letters that were spread over directories or set apart by colons."""
    if len(seen) < 4_096 and _SEPARATED.search(seen):
        yield seen.translate(None, delete=b"/ \t\n\r\v\f.:_-")


_SEPARATED = re.compile(rb"[0-9A-Za-z+][/\s.:_-][0-9A-Za-z+]")


def _base64(seen: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(seen):
        standard = run.translate(_STANDARD)
        for start in range(4):
            chunk = standard[start:]
            chunk += b"=" * (-len(chunk) % 4)
            yield from _decoded(base64.b64decode, chunk if not chunk.endswith(b"===") else chunk[:-4])


_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def _hex(seen: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(seen):
        for start in range(2):
            chunk = run[start:]
            yield binascii.unhexlify(chunk[: len(chunk) // 2 * 2])


_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")


def _base32(seen: bytes) -> Iterator[bytes]:
    for run in _BASE32.findall(seen):
        for start in range(8):
            chunk = run[start:].upper()
            yield from _decoded(base64.b32decode, chunk[: len(chunk) // 8 * 8])


_BASE32 = re.compile(rb"[A-Z2-7]{16,}|[a-z2-7]{16,}")


def _base85(seen: bytes) -> Iterator[bytes]:
    for run in _BASE85.findall(seen):
        token = run.strip(b"\"',[]{}:")
        for chunk in {token, token.rpartition(b"/")[2], token.rpartition(b":")[2]}:
            yield from _decoded(base64.b85decode, chunk)
            yield from _decoded(base64.a85decode, chunk)


_BASE85 = re.compile(rb"[!-~]{10,}")


def _numbers(seen: bytes) -> Iterator[bytes]:
    """A list of the codes of bytes, or one long number made of them."""
    for run in _CODES.findall(seen):
        codes = [int(code) for code in re.findall(rb"\d+", run)]
        if max(codes) < 256:
            yield bytes(codes)
    for run in _LONG_NUMBER.findall(seen):
        number = int(run)
        size = (number.bit_length() + 7) // 8
        yield number.to_bytes(size, "big")
        yield number.to_bytes(size, "little")
    for run in _HEX_CODES.findall(seen):
        yield bytes(int(code, 16) for code in re.findall(rb"0x([0-9A-Fa-f]{1,2})", run))
    for run in _BIT_CODES.findall(seen):
        yield bytes(int(code, 2) for code in re.findall(rb"[01]{8}", run))
    if len(seen) < 1_024:
        for run in _LETTERS_AND_DIGITS.findall(seen):
            yield from _of_base(run)


_CODES = re.compile(rb"\d{1,3}(?:[,\s]+\d{1,3}){7,}")
_LONG_NUMBER = re.compile(rb"(?<!\d)\d{15,4000}(?!\d)")
_HEX_CODES = re.compile(rb"0x[0-9A-Fa-f]{1,2}(?:\W+0x[0-9A-Fa-f]{1,2}){7,}")
_BIT_CODES = re.compile(rb"(?:[01]{8}[\s,]*){8,}")
_LETTERS_AND_DIGITS = re.compile(rb"[0-9A-Za-z]{16,}")

_DIGITS = b"0123456789"
_LOWER, _UPPER = b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHABETS = (_DIGITS + _LOWER, _DIGITS + _UPPER, _DIGITS + _UPPER + _LOWER, _DIGITS + _LOWER + _UPPER, _UPPER + _LOWER + _DIGITS)
_WITHOUT_LOOKALIKES = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _of_base(run: bytes) -> Iterator[bytes]:
    """One long number, written with more digits than ten: in base 36, 58 or 62."""
    for alphabet in (*_ALPHABETS, _WITHOUT_LOOKALIKES):
        if set(run) <= set(alphabet):
            number = 0
            for digit in run:
                number = number * len(alphabet) + alphabet.index(digit)
            yield number.to_bytes((number.bit_length() + 7) // 8, "big")


def _backwards(seen: bytes) -> Iterator[bytes]:
    if len(seen) < 4_096:
        yield seen[::-1]


def _quoted_apart(seen: bytes) -> Iterator[bytes]:
    """Single characters as a list of texts."""
    for run in _QUOTED_APART.findall(seen):
        yield b"".join(re.findall(rb"\"([^\"])\"", run))


_QUOTED_APART = re.compile(rb"(?:\"[^\"]\",?\s*){8,}")


def _uuencoded(seen: bytes) -> Iterator[bytes]:
    if b"begin " in seen:
        yield from _decoded(lambda data: b"".join(map(binascii.a2b_uu, data.splitlines()[1:-2])), seen.partition(b"begin ")[2])


def _compressed(seen: bytes) -> Iterator[bytes]:
    for magic, make in _COMPRESSIONS:
        for start in [match.start() for match in magic.finditer(seen)][:8]:
            try:
                yield make().decompress(seen[start:], _MOST_BYTES)
            except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
                continue
    if len(seen) < 65_536:
        yield from _decoded(lambda data: zlib.decompressobj(-15).decompress(data, _MOST_BYTES), seen)


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# How the data begins, and what decompresses it, made anew for each attempt.
_COMPRESSIONS: tuple[tuple[re.Pattern[bytes], Callable[[], _Decompressor]], ...] = (
    (re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    (re.compile(rb"x[\x01\x5e\x9c\xda]"), zlib.decompressobj),
    (re.compile(rb"BZh[1-9]"), bz2.BZ2Decompressor),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMADecompressor),
    (re.compile(rb"\]\x00\x00"), lzma.LZMADecompressor),
)


def _decoded(decode: Callable[[bytes], bytes], chunk: bytes) -> Iterator[bytes]:
    try:
        yield decode(chunk)
    except (ValueError, zlib.error):
        return


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "percent-encoding": _percent,
    "escapes": _escapes,
    "HTML entities": _entities,
    "quoted-printable": _printable,
    "UTF-16": _wide,
    "separators": _separated,
    "base64": _base64,
    "hex": _hex,
    "numbers": _numbers,
    "compression": _compressed,
    "base32": _base32,
    "base85": _base85,
    "single characters": _quoted_apart,
    "uuencoding": _uuencoded,
    "reversal": _backwards,
}
