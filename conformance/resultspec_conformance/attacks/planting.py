"""Plants files outside a handler's storage, and makes the references that name them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ..secrets.credentials import attributes_of
from ..storage import Files
from ..values.documents import leaves
from .hostile import escapes
from .intruding import DESCRIPTOR, Errand

_MOST_FILES = 3
_MOST_SUFFIXES = 3


@attrs.frozen
class Neighbour:
    """Somebody else's storage of the same kind, with a value in it that the handler could read if it came there.

    Attributes:
        directory: The scratch directory of the other handler.
        reference: The reference of its value.
    """

    directory: Path
    reference: Any


def plant(handler: Any, own: Any, store: Path, neighbour: Neighbour | None, outside: Path) -> Errand:
    """Plant valid values, a pipe and an endless device, and make references to them.

    Args:
        handler: The handler that is tried.
        own: A good reference of it.
        store: Its scratch directory.
        neighbour: Somebody else's storage, or None where there is none.
        outside: An empty directory.

    Source: ``private.confined-read``.
    """
    root = root_of(handler, store)
    names = Files(store).names()
    directories = list(dict.fromkeys([str(root), *(str((store / name).parent) for name in names)]))[:4]
    targets: list[str] = []
    roots = [outside]
    decoy = outside / "decoy"
    decoy.write_bytes(b"nothing that a handler wrote")
    if neighbour is not None:
        roots.append(neighbour.directory)
        targets += _targets(neighbour.directory, neighbour.reference)
        beside = root.with_name(f"{root.name}-elsewhere")
        theirs = neighbour.directory / root.relative_to(store)
        if root != store and theirs.is_dir() and not beside.exists():
            # Whoever compares the beginnings of paths takes this for its own.
            shutil.copytree(theirs, beside, symlinks=True)
            roots.append(beside)
            targets += _targets(beside, neighbour.reference)
        decoy = next((neighbour.directory / name for name in Files(neighbour.directory).names()), decoy)
    targets.append(str(outside / "decoy"))
    special = special_targets(own, names, outside)
    short = [os.path.relpath(target, start) for target in targets[:6] for start in directories[:2]]
    references = escapes(own, neighbour.reference if neighbour else None, targets, [*short, *special], DESCRIPTOR)
    return Errand(
        references=list(references),
        outside=tuple(str(path.resolve()) for path in roots),
        starts=tuple(directories),
        planted=str(decoy),
        progress=str(outside / ".progress"),
    )


def root_of(handler: Any, store: Path) -> Path:
    """The directory that the handler calls its own, if it is below its scratch directory and holds all its files."""
    files = [store / name for name in Files(store).names()]
    candidates: list[Path] = []
    for _, value in attributes_of(handler):
        path = Path(value) if isinstance(value, str | Path) and str(value).startswith("/") else None
        if path is not None and path.is_dir() and path.is_relative_to(store):
            candidates.append(path)
    fitting = [path for path in candidates if files and all(file.is_relative_to(path) for file in files)]
    return max(fitting, key=lambda path: len(path.parts), default=store)


def special_targets(own: Any, names: list[str], outside: Path) -> list[str]:
    """Pipes that nobody writes to and endless devices, under names to which the handler may append what it appends."""
    texts = [leaf for leaf, _ in leaves(own) if isinstance(leaf, str)]
    suffixes = {name[name.index(text) + len(text) :] for name in names for text in texts if text and text in name}
    for suffix in ["", *sorted(suffix for suffix in suffixes if suffix and "/" not in suffix)][:_MOST_SUFFIXES]:
        pipe, zero = outside / f"pipe{suffix}", outside / f"zero{suffix}"
        if not pipe.exists():
            os.mkfifo(pipe)
            zero.symlink_to("/dev/zero")
    return [str(outside / "pipe"), str(outside / "zero"), "/dev/zero"]


def _targets(directory: Path, reference: Any) -> list[str]:
    return list(dict.fromkeys(_named(directory, reference)))[: 2 * _MOST_FILES]


def _named(directory: Path, reference: Any) -> Iterator[str]:
    """The files of a storage, and what is left of each path without what comes after the name in the reference."""
    names = [Path(leaf).name for leaf, _ in leaves(reference) if isinstance(leaf, str) and Path(leaf).name]
    files = Files(directory).names()
    telling = [name for name in files if any(one in name for one in names)]
    for file in (telling or files)[:_MOST_FILES]:
        path = str(directory / file)
        for name in names:
            if name in file:
                yield path[: path.rindex(name) + len(name)]
        yield path
