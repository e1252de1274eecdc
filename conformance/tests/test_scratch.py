"""Claims about the directory in which a run works."""

from pathlib import Path

import pytest
from resultspec_conformance.trials.scratch import run_directory


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_nothing_of_a_run_stays(tmp_path: Path) -> None:
    """Its directory is removed, and whatever was made around it."""
    with run_directory(tuple) as directory:
        (directory / "trial").mkdir()

    assert list(tmp_path.iterdir()) == []


def test_evidence_stays_where_it_was_made(tmp_path: Path) -> None:
    """What is kept is asked for at the end; what lies beside it goes."""
    kept: list[Path] = []
    with run_directory(lambda: kept) as directory:
        for name in ("one", "another"):
            (directory / name).mkdir()
        kept.append(directory / "one")

    assert [path for path in tmp_path.rglob("*") if path.name in ("one", "another")] == [directory / "one"]


def test_runs_are_laid_apart_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system is asked to begin elsewhere for each run: by the flag T of ext4, on a directory of this run alone."""
    noted = tmp_path / "noted"
    command = tmp_path / "bin" / "chattr"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" >> "{noted}"\n')
    command.chmod(0o700)
    monkeypatch.setenv("PATH", str(command.parent))

    with run_directory(tuple) as first, run_directory(tuple) as second:
        assert noted.read_text().splitlines() == [f"+T {first.parent}", f"+T {second.parent}"]


def test_without_the_command_a_run_has_its_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other systems know no such flag."""
    monkeypatch.setenv("PATH", "")

    with run_directory(tuple) as directory:
        assert list(directory.iterdir()) == []
