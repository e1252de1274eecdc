"""A handler that keeps values in a directory of its own on this machine."""

import os
import stat
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Generic

import attrs
from platformdirs import user_data_path
from resultspec.errors import CorruptResult, ReadError, UnknownReference, WriteError
from typing_extensions import TypeVar

from ._format import dump, load
from ._sealing import absolute, new_name, own_name, seal_for, signing_key

T = TypeVar("T", default=object)

_WRITE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO in the place of a file does not block; a terminal does not become ours.
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def _directory(directory: str | PathLike[str] | None) -> Path:
    if directory is None:
        directory = user_data_path("resultspec", appauthor=False) / "results"
    return absolute(directory)


@attrs.frozen
class LocalResultHandler(Generic[T]):
    """Keeps each value in a file of its own, in a directory on this machine.

    A reference is the absolute path of a file, with a random name: it reveals nothing of the value, and any equally
    configured handler reads it, in any process, from any working directory. A value becomes visible under its name
    only when all of it is written, and is on the disk before its reference is returned. What is read is checked
    against a checksum of everything first: damage is found, and nothing damaged is unpickled.

    A writer that is killed may leave a hidden file that ends in ``.new``; nobody reads it, and it may be removed.

    Values are pickled: by pickle's protocol 5, by cloudpickle what that cannot carry, such as what a notebook
    defines. Large bytes, arrays and frames are written from where they are and read into place, without a copy.
    A value that pickles but does not unpickle, or comes back as another type, is refused.

    Unpickling runs what the file says. Without a key, whoever can write into the directory can make a reader run code,
    so keep it to those you trust. With a key every file is signed and the signature is checked before anything is
    unpickled: then reading is safe as long as the key is secret (``private.safe-read``, ``private.tamper-evident``).

    Handlers are equal when their directory, ``sync`` and key are. They are hashable and pickle; the pickle of a
    handler with its key inline carries that key, the pickle of one with a key file does not.

    Keeps every rule of the classes *core*, *shared* and *durable*, and with a key of *private*.

    Args:
        directory: Where the files are; made absolute now and created by the first write, for its owner alone. By
            default ``results`` in the user's data directory of ``resultspec``.
        sync: Whether a value and its name are on the disk, not just in the operating system's memory, before
            :meth:`write` returns (``durable.synced``). Without it values survive the process but not a power cut.
        key: What signs the files: at least 16 bytes, or the Path of a file that holds them, byte for byte; the file
            is read when it is needed.

    Raises:
        TypeError: The key is neither bytes nor a Path.
        ValueError: The key is too short, or the directory's path is not valid text.
    """

    directory: Path = attrs.field(default=None, converter=_directory)
    """Where the files are, absolute."""

    sync: bool = attrs.field(default=True, kw_only=True)
    """Whether values are on the disk before their references are returned."""

    key: bytes | Path | None = attrs.field(default=None, converter=signing_key, kw_only=True, repr=False)
    """What signs the files, or the file that holds it; never shown."""

    def write(self, value: T, /) -> str:
        """Keep a value in a new file.

        Args:
            value: What to keep.

        Returns:
            The absolute path of the file.

        Raises:
            UnsupportedValue: The value does not pickle, does not unpickle, or would come back as another type
                (``handler.loud-refusal``).
            WriteError: The directory or the file could not be written; nothing is left behind
                (``durable.no-residue``).
        """
        name = new_name()
        reference = f"{self.directory}/{name}"
        written = f"{self.directory}/.{name}.new"
        seal = seal_for(name, self.key, WriteError)
        try:
            fd = self._create(written)
            try:
                try:
                    # The umask may have taken more away than others' rights.
                    os.fchmod(fd, 0o600)
                    dump(value, fd, seal)
                    if self.sync:
                        os.fsync(fd)
                finally:
                    os.close(fd)
                os.rename(written, reference)  # noqa: PTH104
                written = reference
                if self.sync:
                    _sync(self.directory)
            except BaseException:
                with suppress(OSError):
                    os.unlink(written)  # noqa: PTH108
                raise
        except OSError as error:
            raise WriteError(f"Nothing can be kept in {self.directory}: {error.strerror}") from error
        return reference

    def read(self, reference: str, /) -> T:
        """Return the value in a file.

        Args:
            reference: What :meth:`write` of an equally configured handler returned.

        Returns:
            A fresh value; its large buffers are its own and as writable as the original's.

        Raises:
            InvalidReference: It is not the path of a file that this handler could have written.
            UnknownReference: There is no such file.
            CorruptResult: The file was altered, cut, put in another's place, or signed with another key.
            ReadError: The file or the key cannot be read, or the value does not unpickle here.
        """
        name = own_name(reference, str(self.directory))
        seal = seal_for(name, self.key, ReadError)
        try:
            fd = os.open(reference, _READ_FLAGS)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise CorruptResult(f"{reference} is not a file any more")
                value: T = load(fd, seal)
                return value
            finally:
                os.close(fd)
        except FileNotFoundError as error:
            raise UnknownReference(f"Nothing is kept as {reference}") from error
        except (OSError, MemoryError) as error:
            raise ReadError(f"{reference} cannot be read: {type(error).__name__}") from error

    def _create(self, path: str) -> int:
        try:
            return os.open(path, _WRITE_FLAGS, 0o600)
        except FileNotFoundError:
            _make(self.directory, sync=self.sync)
            return os.open(path, _WRITE_FLAGS, 0o600)


def _make(directory: Path, *, sync: bool) -> None:
    """Create a directory, and those above it that are missing, for their owner alone."""
    if directory.is_dir():
        return
    _make(directory.parent, sync=sync)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        # Another writer was faster, or it is no directory, which opening it will tell.
        return
    # The umask may have taken more away than others' rights.
    directory.chmod(0o700)
    if sync:
        _sync(directory.parent)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
