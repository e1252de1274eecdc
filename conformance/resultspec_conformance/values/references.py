"""References that are no references: forged from a good one, cut, or of the wrong type."""

import json
import re
from collections.abc import Iterator
from typing import Any

from .documents import leaves, replaced


def forged(reference: Any) -> Iterator[Any]:
    """References of the same shape as a good one that stand for nothing.

    What identifies the value is somewhere in it: every leaf is changed in turn, letters for letters and digits for digits.
    """
    seen = {json.dumps(reference, sort_keys=True)}
    for candidate in _forged(reference):
        key = json.dumps(candidate, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield candidate


def names(reference: Any) -> frozenset[str]:
    """The words and numbers that a reference is made of."""
    return frozenset(re.findall(r"-?[0-9A-Za-z]+", json.dumps(reference)))


def _forged(part: Any) -> Iterator[Any]:
    if isinstance(part, bool) or part is None:
        return
    if isinstance(part, str):
        yield from _forged_text(part)
    elif isinstance(part, int):
        yield from (part + 1_000_003, part + 1, -1)  # the last where negative numbers count from the end
    elif isinstance(part, float):
        yield part + 1_000_003.0
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from ([*part[:index], other, *part[index + 1 :]] for other in _forged(item))
    elif isinstance(part, dict):
        for key, item in part.items():
            yield from ({**part, key: other} for other in _forged(item))


def _forged_text(text: str) -> Iterator[str]:
    """Text with its last name changed: as a whole, in its first and in its last character."""
    names = list(re.finditer(r"[0-9A-Za-z]+", text))
    longest = sorted(names, key=lambda name: (len(name.group()), name.start()), reverse=True)[:2]
    stem = [name for name in names if not text[: name.start()].endswith(".")][-1:]
    for name in dict.fromkeys((*stem, *longest)):
        before, word, after = text[: name.start()], name.group(), text[name.end() :]
        yield before + word.translate(_NEXT) + after
        yield before + word[:-1] + word[-1].translate(_NEXT) + after
        yield before + word[0].translate(_NEXT) + word[1:] + after


_ALPHABETS = ("0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ")
# For each character another one of its kind, which stays a hexadecimal digit where it was one.
_NEXT = str.maketrans("".join(_ALPHABETS), "".join(alphabet[1:] + alphabet[0] for alphabet in _ALPHABETS))


def cut(reference: Any) -> list[Any]:
    """A good reference with its end cut off, down to nothing."""
    if isinstance(reference, str):
        return list(dict.fromkeys(("", reference[: len(reference) // 2], reference[:-1]))) if reference else []
    if isinstance(reference, list):
        return [[], reference[:-1]] if len(reference) > 1 else [[]] if reference else []
    if isinstance(reference, dict) and reference:
        without = [{other: item for other, item in reference.items() if other != key} for key in reference]
        return [{}] if len(without) == 1 else [{}, without[0]]
    return []


def wrong_types(reference: Any, kinds: set[type]) -> list[Any]:
    """JSON values that are of another type than good references are, or hold a good one in the wrong place."""
    candidates: list[Any] = [
        None, True, False, 0, -1, 7, 1.5, 10**30, "", " ", "no such reference", "\x00", [], {}, [reference], {"reference": reference},
        {"": None}, [None], [[]],
    ]  # fmt: skip
    if type(reference) is int:
        candidates.append(str(reference))
    elif isinstance(reference, str) and reference.isdecimal():
        candidates.append(int(reference[:4000]))
    good = json.dumps(reference, sort_keys=True)
    return [
        candidate
        for candidate in candidates
        if json.dumps(candidate, sort_keys=True) != good
        and not (type(candidate) in kinds and type(candidate) in (int, float, bool))
    ]


def patterns(reference: Any) -> Iterator[Any]:
    """References that match a good one where somebody takes a name for a pattern, or puts it into a query."""
    for leaf, put in leaves(reference):
        if isinstance(leaf, str) and leaf:
            yield from map(put, ("*", "%", "?" * len(leaf), "_" * len(leaf), leaf[:-1] + "?", leaf[:-1] + "%"))
            yield from map(put, ("' OR '1'='1", "x' OR 1=1 -- ", '" OR "1"="1'))


_NOTHING: tuple[Any, ...] = (None, [], {}, "", 7)


def incomplete(reference: Any) -> Iterator[Any]:
    """A good reference with one of its parts left out, or replaced by nothing."""
    if not isinstance(reference, dict | list):
        return
    for key, part in list(reference.items() if isinstance(reference, dict) else enumerate(reference)):
        if isinstance(reference, dict):
            yield {other: item for other, item in reference.items() if other != key}
        yield from (replaced(reference, [key], other) for other in _NOTHING if other != part)
        yield from (replaced(reference, [key], inner) for inner in incomplete(part))
