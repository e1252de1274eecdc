"""Recorded references: what a version of a handler wrote, kept for its successors to read.

A recording is a directory: ``golden.json`` holds the references and the values (pickled, base64), ``store`` is a copy of
what the handler left under its scratch directory. Where the scratch directory itself occurs in a reference it is
written as ``{scratch}``.
"""

import base64
import json
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .making import BadSubject

_INDEX = "golden.json"
_STORE = "store"
_PLACE = "{scratch}"


def record(directory: Path, scratch: Path, pairs: Iterable[tuple[Any, Any]]) -> int:
    """Keep references and values, with the storage behind them.

    Args:
        directory: Where the recording is made; it must not exist.
        scratch: The scratch directory on which the handler wrote.
        pairs: Values and their references.

    Returns:
        How many references were recorded.

    Raises:
        FileExistsError: There is something at ``directory`` already.
    """
    directory.mkdir(parents=True)
    entries = [
        {"reference": _moved(reference, str(scratch), _PLACE), "value": base64.b64encode(pickle.dumps(value)).decode()}
        for value, reference in pairs
    ]
    shutil.copytree(scratch, directory / _STORE)
    (directory / _INDEX).write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return len(entries)


def recorded(directory: Path, scratch: Path) -> Iterator[tuple[Any, Any]]:
    """Lay out a recording under a scratch directory, and give its values and references.

    Raises:
        BadSubject: There is no recording at ``directory``.
    """
    try:
        entries = json.loads((directory / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSubject(
            f"{directory} holds no readable {_INDEX} ({error}); record one, or mend the subject's golden="
        ) from error
    if (directory / _STORE).is_dir():
        shutil.copytree(directory / _STORE, scratch, dirs_exist_ok=True)
    for entry in entries:
        value = pickle.loads(base64.b64decode(entry["value"]))  # noqa: S301 - the author's own recording
        yield value, _moved(entry["reference"], _PLACE, str(scratch))


def _moved(reference: Any, old: str, new: str) -> Any:
    if isinstance(reference, str):
        return reference.replace(old, new)
    if isinstance(reference, list):
        return [_moved(item, old, new) for item in reference]
    if isinstance(reference, dict):
        return {key: _moved(item, old, new) for key, item in reference.items()}
    return reference
