"""Recorded references: what a version of a handler wrote, kept for its successors to read.

A recording is a directory: ``golden.json`` holds the references and the values, ``store`` is a copy of what the handler left
under its scratch directory. A value that is exactly what JSON makes of it is kept as JSON, any other pickled and in words.
Where the scratch directory itself occurs in references, ``golden.json`` says by which text it was replaced.

Loading a recording unpickles, which may run code: it is as trustworthy as whoever can write to its directory.
"""

import base64
import json
import pickle
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..trials.making import BadSubject
from ..trials.outcomes import one_line
from ..values.comparison import content_difference, name_of, type_difference
from ..values.source import shown

SCHEMA = "resultspec-golden/1"

_INDEX = "golden.json"
_STORE = "store"


def record(directory: Path, scratch: Path, pairs: Iterable[tuple[Any, Any]], by: str = "") -> int:
    """Keep references and values, with the storage behind them.

    Args:
        directory: Where the recording is made; it must not exist.
        scratch: The scratch directory on which the handler wrote.
        pairs: Values and their references.
        by: What wrote them.

    Returns:
        How many references were recorded.

    Raises:
        FileExistsError: There is something at ``directory`` already.
    """
    kept = list(pairs)
    place = _placeholder([reference for _, reference in kept], str(scratch))
    entries = [{"reference": _moved(reference, str(scratch), place), "value": _stored(value)} for value, reference in kept]
    directory.mkdir(parents=True)
    shutil.copytree(scratch, directory / _STORE, symlinks=True)
    recording = {"schema": SCHEMA, "handler": by, "scratch": place, "entries": entries}
    (directory / _INDEX).write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(entries)


def require(directory: Path) -> None:
    """Make sure that there is a recording.

    Raises:
        BadSubject: There is none at ``directory``.
    """
    _index(directory)


def recorded(directory: Path, scratch: Path) -> Iterator[tuple[Any, Any]]:
    """Lay out a recording under a scratch directory, and give its values and references.

    Raises:
        BadSubject: There is no recording at ``directory``, or one that cannot be loaded.
    """
    recording = _index(directory)
    if (directory / _STORE).is_dir():
        shutil.copytree(directory / _STORE, scratch, symlinks=True, dirs_exist_ok=True)
    for number, entry in enumerate(recording["entries"], 1):
        try:
            value = _loaded(entry["value"])
            reference = _moved(entry["reference"], recording["scratch"], str(scratch))
        except Exception as error:
            raise BadSubject(
                f"value {number} of {directory / _INDEX} cannot be loaded ({one_line(error)}); values of classes of yours need "
                "these classes where they were"
            ) from error
        yield value, reference


def _index(directory: Path) -> dict[str, Any]:
    mend = "record one with: resultspec record TARGET DIRECTORY"
    try:
        stored = json.loads((directory / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSubject(f"{directory} holds no readable {_INDEX} ({one_line(error)}); {mend}") from error
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA or not isinstance(stored.get("entries"), list):
        raise BadSubject(f"{directory / _INDEX} is not of the form {SCHEMA}; {mend}")
    return stored


def _stored(value: Any) -> dict[str, Any]:
    text = shown(value)
    try:
        arrived = json.loads(json.dumps(value, allow_nan=False))
        exact = content_difference(value, arrived) is None and type_difference(value, arrived) is None
    except (TypeError, ValueError, RecursionError):
        exact = False
    if exact:
        return {"json": value}
    return {"type": name_of(type(value)), "shown": text, "pickle": base64.b64encode(pickle.dumps(value)).decode()}


def _loaded(stored: dict[str, Any]) -> Any:
    if "json" in stored:
        return stored["json"]
    return pickle.loads(base64.b64decode(stored["pickle"]))  # noqa: S301 - the author's own recording


def can_be_kept(value: Any) -> bool:
    """Whether a recording can hold a value: it is JSON, or it pickles and unpickles to the same."""
    try:
        stored = _stored(value)
        loaded = _loaded(stored)
    except Exception:  # noqa: BLE001 - whatever pickle and the value's class raise
        return False
    if b"resultspec_conformance" in base64.b64decode(stored.get("pickle", "")):  # a class that the next suite need not have
        return False
    return content_difference(value, loaded) is None and type_difference(value, loaded) is None


def _placeholder(references: Sequence[Any], scratch: str) -> str | None:
    """A text that stands for the scratch directory and occurs in no reference; None when the directory does not occur."""
    texts = [text for reference in references for text in _texts(reference)]
    if not any(scratch in text for text in texts):
        return None
    places = ("{scratch}", *(f"{{scratch-{number}}}" for number in range(len(texts))))
    return next(place for place in places if not any(place in text for text in texts))


def _texts(reference: Any) -> Iterator[str]:
    if isinstance(reference, str):
        yield reference
    elif isinstance(reference, list):
        for item in reference:
            yield from _texts(item)
    elif isinstance(reference, dict):
        for key, item in reference.items():
            yield key
            yield from _texts(item)


def _moved(reference: Any, old: str | None, new: str | None) -> Any:
    """A reference with one directory in place of the other; None where there is nothing to replace."""
    if old is None or new is None:
        return reference
    if isinstance(reference, str):
        return reference.replace(old, new)
    if isinstance(reference, list):
        return [_moved(item, old, new) for item in reference]
    if isinstance(reference, dict):
        return {_moved(key, old, new): _moved(item, old, new) for key, item in reference.items()}
    return reference
