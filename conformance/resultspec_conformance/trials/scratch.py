"""The directory in which a run works."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_directory(kept: Callable[[], Collection[Path]]) -> Iterator[Path]:
    """Make an empty directory, and remove it afterwards with all that is in it.

    Args:
        kept: Says in the end which of the directories in it stay, as evidence.
    """
    outer = Path(tempfile.mkdtemp(prefix="resultspec-")).resolve()
    _lay_apart(outer)
    root = Path(tempfile.mkdtemp(prefix="run-", dir=outer))
    try:
        yield root
    finally:
        staying = set(kept())
        for path in root.iterdir() if staying else [outer]:
            if path not in staying:
                shutil.rmtree(path, ignore_errors=True)


def _lay_apart(directory: Path) -> None:
    """Let ext4 choose a new part of the disk for what is made in a directory, as it does in the root of a disk.

    Where thousands of files were removed in the last minutes it makes new ones slowly, since it steps over each of them
    (``recently_deleted`` in Linux' fs/ext4/ialloc.c): of two runs in succession, the second would take twice as long.
    """
    if command := shutil.which("chattr"):  # other systems have none, and to other file systems it means nothing
        subprocess.run(  # noqa: S603 - of the system, on our own directory
            [command, "+T", str(directory)], stderr=subprocess.DEVNULL, check=False
        )
