"""What a disk holds when the power is cut: what was synced, and nothing else."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .tracing import Call

_Identity = tuple[int, int]  # of a file: its device and its number


class Disk:
    """What a disk holds of a store if whatever was not synced is lost.

    A file has the content of its last sync, a directory the names of its last sync. A removal counts at once: that a
    removed file is there again after a power cut is no matter of the rule.
    """

    def __init__(self, store: Path, log: str, writes: int) -> None:
        self.blind = False
        self._store = store
        self._log = log
        self._awaited = writes
        self._contents: dict[_Identity, bytes] = {}
        self._entries: dict[_Identity, dict[str, _Identity]] = {}
        self._opened: set[_Identity] = set()
        self._held: list[int] = []

    def before(self, call: Call) -> bool:
        """Note a call by which the process writes unseen; never ends it."""
        self.blind |= call.name == "io_uring_enter"
        return False

    def after(self, call: Call, result: int) -> bool:
        """Note what a call has synced, removed or opened; True after the last reference, when the power is cut."""
        if result < 0:
            return False
        if call.writes_to_what_it_opens:
            with suppress(OSError):  # another thread has closed it
                self._opened.add(_identity(self._hold(Path(f"/proc/{call.thread}/fd/{result}"))))
        elif call.name in ("fsync", "fdatasync"):
            self._sync(Path(f"/proc/{call.thread}/fd/{call.descriptor}"))
        elif call.name in ("sync", "syncfs", "msync"):
            for path in (self._store, *self._store.rglob("*")):
                if not path.is_symlink() and (call.name != "msync" or path.is_file()):
                    self._sync(path)
        elif call.name in ("unlink", "unlinkat", "rmdir"):
            self._removed(Path(call.target()))
        elif call.descriptor is not None:
            return self._written(call, call.target())
        return False

    def _written(self, call: Call, target: str) -> bool:
        if target == self._log:
            self._awaited -= 1
            return self._awaited == 0
        if target.startswith("/") and call.flags() & os.O_DSYNC:  # O_SYNC includes it
            self._sync(Path(f"/proc/{call.thread}/fd/{call.descriptor}"))
        return False

    def _sync(self, path: Path) -> None:
        found = self._hold(path)
        if stat.S_ISREG(found.st_mode):
            self._contents[_identity(found)] = path.read_bytes()
        elif stat.S_ISDIR(found.st_mode):
            entries = self._entries[_identity(found)] = {}
            for entry in path.iterdir():
                with suppress(FileNotFoundError):  # another thread has removed it
                    entries[entry.name] = _identity(self._hold(entry, follow=False))

    def _hold(self, path: Path, *, follow: bool = True) -> os.stat_result:
        """The state of a file, which is kept open so that no other can get its number."""
        self._held.append(os.open(path, os.O_PATH | (0 if follow else os.O_NOFOLLOW)))
        return os.fstat(self._held[-1])

    def _removed(self, path: Path) -> None:
        with suppress(OSError):
            self._entries.get(_identity(path.parent.stat()), {}).pop(path.name, None)

    def written_unseen(self) -> list[str]:
        """The names of the files in the store that the process never opened for writing."""
        files = [path for path in sorted(self._store.rglob("*")) if path.is_file() and not path.is_symlink()]
        return [str(path.relative_to(self._store)) for path in files if _identity(path.stat()) not in self._opened]

    def cut_power(self) -> list[str]:
        """Put into the store what is on the disk: what was lost, in words."""
        alive = {_identity(path.lstat()): path for path in self._store.rglob("*")}
        rebuilt = self._store.with_name(f"{self._store.name}.disk")
        self._rebuild(_identity(self._store.stat()), rebuilt, alive)
        lost = list(self._lost(rebuilt))
        self._store.rename(self._store.with_name(f"{self._store.name}.lost"))
        rebuilt.rename(self._store)
        for descriptor in self._held:
            os.close(descriptor)
        return lost

    def _rebuild(self, directory: _Identity, rebuilt: Path, alive: dict[_Identity, Path]) -> None:
        rebuilt.mkdir()
        for name, identity in self._entries.get(directory, {}).items():
            path = alive.get(identity)
            if path is not None and path.is_symlink():
                (rebuilt / name).symlink_to(path.readlink())
            elif identity in self._entries or (path is not None and path.is_dir()):
                self._rebuild(identity, rebuilt / name, alive)
            else:
                (rebuilt / name).write_bytes(self._contents.get(identity, b""))
            if path is not None and not path.is_symlink():
                (rebuilt / name).chmod(path.stat().st_mode)

    def _lost(self, rebuilt: Path) -> Iterator[str]:
        for path in sorted(self._store.rglob("*")):
            name = path.relative_to(self._store)
            if not os.path.lexists(rebuilt / name):
                if os.path.lexists((rebuilt / name).parent):  # else its directory is told
                    yield f"the name {name}"
            elif path.is_file() and path.read_bytes() != (rebuilt / name).read_bytes():
                yield f"the content of {name}"


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino
