"""The storage door: a way to a handler's stored values that does not lead through the handler."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class StorageDoor(Protocol):
    """**Protocol:** looks at and alters what a handler has stored, by name, as somebody with access to the storage could.

    A name is whatever the storage calls a stored object: a path, a key, the primary key of a row.
    """

    def names(self) -> Iterable[str]:
        """The names of all stored objects."""
        ...

    def get(self, name: str) -> bytes:
        """The content of a stored object."""
        ...

    def set(self, name: str, content: bytes) -> None:
        """Replace the content of a stored object, or make one of that name."""
        ...

    def remove(self, name: str) -> None:
        """Remove a stored object."""
        ...


class Files:
    """The door to a handler that keeps its values in files below a directory; names are paths relative to it.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """The files, links and special files left out."""
        files = (path for path in self.directory.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(str(path.relative_to(self.directory)) for path in files)

    def get(self, name: str) -> bytes:
        """The content of a file."""
        return (self.directory / name).read_bytes()

    def set(self, name: str, content: bytes) -> None:
        """Replace the content of a file in place, whatever its mode."""
        path = self.directory / name
        mode = path.stat().st_mode if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode is not None:
            path.chmod(mode | 0o200)
        path.write_bytes(content)
        if mode is not None:
            path.chmod(mode)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.directory / name).unlink()
