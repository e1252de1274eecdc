"""What the tests of the suite share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path | None]:
    """A directory in memory where there is plenty of it, or None: for the small files of trials a disk takes twice as long."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="resultspec-tests-", dir=MEMORY, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def _in_scratch(scratch: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trials, those of other processes too, work there."""
    if scratch is not None:
        monkeypatch.setenv("TMPDIR", str(scratch))
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
