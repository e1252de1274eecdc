"""Puts other stored values in the place of a handler's own, as somebody can who may write to the storage but has no key."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from ..secrets.recognising import secret_of
from ..storage import StorageDoor
from ..trials.calling import call
from ..trials.outcomes import Outcome, attempt, one_line
from ..values.documents import leaves
from .checksums import checksums_in, keys_in, replaced_digests
from .databases import Below
from .layers import regions

_MOST_OBJECTS = 4


@attrs.frozen
class Replaced:
    """A stored value that was replaced, and read.

    Attributes:
        how: How it was replaced, in words.
        outcome: What came of reading it.
    """

    how: str
    outcome: Outcome


def replacements(
    make: Callable[[Path], Any],
    directory: Path,
    mine: Any,
    theirs: Any,
    tamper: Callable[[Any], StorageDoor] | None = None,
) -> Iterator[Replaced]:
    """Write two values and read the first, each time with something else in the place of what was stored.

    Args:
        make: Makes equally configured handlers. A fresh one reads what was replaced, since it has no memory; one handler
            does everything where ``tamper`` opens the storage, which can lie in memory.
        directory: The scratch directory of the handlers.
        mine: The value that is read.
        theirs: Another, of the same shape where parts of it are to be put into the first.
        tamper: Opens the storage of a handler, or None where it lies in files below the directory.

    Yields:
        What came of each replacement; nothing where neither value can be told from the rest of the storage.

    Source: ``private.tamper-evident``.
    """
    handler = make(directory)
    door: StorageDoor = Below(directory) if tamper is None else tamper(handler)
    before = contents_of(door)
    reference = call(handler.write, mine)
    after = contents_of(door)
    call(handler.write, theirs)
    last = contents_of(door)
    names = largest_first({name: data for name, data in after.items() if name not in before and name in last})
    others = largest_first({name: data for name, data in last.items() if name not in after})
    originals = last
    if tamper is None:
        handler = None
        gc.collect()  # a database that is open would answer from memory

    def read() -> Outcome:
        try:
            return attempt((make(directory) if handler is None else handler).read, reference)
        except Exception as error:  # noqa: BLE001 - a handler that cannot be made on such a storage refuses it, too
            return Outcome(error=one_line(error))

    pairs = list(zip(names, others, strict=False))
    for swapped in [pairs, *([pair] for pair in pairs[:_MOST_OBJECTS] if len(pairs) > 1)] if pairs else []:
        for name, other in swapped:
            door.set(name, originals[other])
        yield Replaced("a stored value was put in the place of another", read())
        for name, _ in swapped:
            door.set(name, originals[name])
    files = [(name, other) for name, other in pairs if (directory / name).is_file() and tamper is None]
    for name, other in files:
        (directory / name).unlink()
        (directory / name).symlink_to(directory / other)
    if files:
        yield Replaced("a link to another stored value was put in the place of one", read())
    for name, _ in files:
        door.remove(name)
        door.set(name, originals[name])
    for name in (names or largest_first(last))[:_MOST_OBJECTS]:
        original = originals[name]
        others_data = [data for other, data in last.items() if other != name]
        mend = Mender(original, salts_of(name, reference, directory), others_data)
        for content in forgeries(original, mend, mine, theirs):
            door.set(name, content)
            yield Replaced("a stored value was altered, and its checksum mended where it had one", read())
        for beside in (other for other in names if other != name):
            for content in islice(forgeries(original, mend, mine, theirs), 1):
                door.set(name, content)
                door.remove(beside)
                yield Replaced("a stored value was altered, and what lay beside it removed", read())
                door.set(beside, originals[beside])
        door.set(name, original)


def contents_of(door: StorageDoor) -> dict[str, bytes]:
    """The content of everything behind a door, by name; what goes away meanwhile is left out."""
    contents: dict[str, bytes] = {}
    for name in door.names():
        with suppress(LookupError, OSError):
            contents[name] = door.get(name)
    return contents


def largest_first(contents: dict[str, bytes]) -> list[str]:
    """Names by the size of what they stand for: a value is longer than what is kept about it."""
    return sorted(contents, key=lambda name: (-len(contents[name]), name))


def forgeries(original: bytes, mend: "Mender", mine: Any, theirs: Any) -> Iterator[bytes]:
    """The stored bytes of one value with a part of another in them, as they are and with checksums mended."""
    pieces = zip(secret_of(mine).pieces, secret_of(theirs).pieces, strict=False)
    exchanged = [(piece, other) for piece, other in pieces if len(piece) == len(other)]
    for region in regions(original):
        for piece, other in exchanged:
            if piece in region.content:
                new = region.content.replace(piece, other)
                yield from mend(region.put(new), region.content, new)
                yield from _without_signature(region.put(new))
                half = len(piece) // 2  # who signs no more than the beginning does not see the rest
                yield region.put(region.content.replace(piece, piece[:half] + other[half:]))
                break


_LONGEST_HEADER = 80


def _without_signature(altered: bytes) -> Iterator[bytes]:
    """Altered bytes without what comes before or after, and with fields that say that there is no signature."""
    for width in range(1, min(_LONGEST_HEADER, len(altered))):
        yield from (altered[width:], altered[:-width])
    try:
        envelope = json.loads(altered)
    except (ValueError, RecursionError):
        return
    for _, put in leaves(envelope):
        yield from (json.dumps(put(nothing)).encode() for nothing in ("none", "", None))


def salts_of(name: str, reference: Any, directory: Path) -> list[bytes]:
    """What a checksum may take in beside the stored bytes: the name, the path, what is in the reference."""
    path = Path(name)
    texts = [path.name, path.stem, name, str(directory / name), *(leaf for leaf, _ in leaves(reference) if isinstance(leaf, str))]
    return [text.encode("utf-8", "surrogatepass") for text in dict.fromkeys(texts)]


class Mender:
    """Mends the checksums of stored bytes that were altered, as far as that needs no key.

    Args:
        original: The bytes as they were stored.
        salts: What a checksum may take in first.
        others: What else is stored; a key that lies there keeps nobody out.
    """

    def __init__(self, original: bytes, salts: list[bytes], others: Iterable[bytes] = ()) -> None:
        self._salts = salts
        self._checksums = checksums_in(original, salts, keys_in(others))

    def __call__(self, altered: bytes, old: bytes, new: bytes) -> list[bytes]:
        """Give the altered bytes as they are, and with each of their checksums, and all of them, mended.

        Args:
            altered: The bytes as they were altered.
            old: The part that was replaced.
            new: What took its place.
        """
        variants, whole = [altered], altered
        for checksum in self._checksums:
            with suppress(IndexError, ValueError):
                variants.append(checksum.mend(altered))
                whole = checksum.mend(whole)
        return list(dict.fromkeys((*variants, whole, replaced_digests(old, new, altered, self._salts))))
