"""Runs mypy, and reads what it says."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from ..trials.making import absolute_sys_path
from .classes import CannotProbe, is_installed
from .probe import Source


@attrs.frozen
class Said:
    """One message of mypy's."""

    line: int
    severity: str
    code: str | None
    text: str


_FLAGS = (
    "--config-file=", "--output=json", "--no-error-summary", "--hide-error-context", "--no-color-output", "--show-absolute-path",
    "--explicit-package-bases", "--follow-imports=silent",
    "--disallow-any-explicit", "--disallow-any-generics", "--disallow-any-unimported", "--disallow-any-decorated",
    "--disallow-untyped-defs", "--disallow-incomplete-defs",
)  # fmt: skip


def run_mypy(sources: Sequence[Source], roots: Sequence[str], place: Path, limit: float) -> Mapping[Path, Sequence[Said]]:
    """Run mypy once over the shadows of some files: what it said of each."""
    with _cache(place) as cache:
        command = [sys.executable, "-m", "mypy", *_FLAGS, f"--cache-dir={cache}"]
        for number, source in enumerate(sources):
            shadow = place / f"shadow_{number}.py"
            source.save(shadow)
            command += ["--shadow-file", str(source.file), str(shadow)]
        command += [str(source.file) for source in sources]
        own = [path for path in (*roots, *absolute_sys_path()) if Path(path).is_dir() and not is_installed(Path(path))]
        paths = [*own, os.environ.get("MYPYPATH", "")]
        environment = os.environ | {"MYPYPATH": os.pathsep.join(dict.fromkeys(filter(None, paths)))}
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, running mypy
                command, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise CannotProbe(f"mypy did not finish within {limit:g} seconds") from late
    said: dict[Path, list[Said]] = {}
    for line in done.stdout.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            said.setdefault(Path(message["file"]), []).append(
                Said(message["line"], message["severity"], message["code"], message["message"])
            )
    if done.returncode not in (0, 1):
        errors = [one.text for messages in said.values() for one in messages if one.severity == "error"]
        reason = [*done.stderr.splitlines(), *errors[:1]][-1:] or [f"it ended with code {done.returncode}"]
        raise CannotProbe(f"mypy could not do its work: {reason[0]}")
    return said


@contextlib.contextmanager
def _cache(fallback: Path) -> Iterator[Path]:
    """The user's cache, for one run at a time; whoever finds it taken, or cannot write there, starts from nothing."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resultspec" / "mypy"
    with contextlib.ExitStack() as stack:
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((home / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            home = fallback / "cache"
        yield home
