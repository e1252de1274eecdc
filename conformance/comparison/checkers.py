"""Runs type checkers, each as strict as it can be, and reads what they report."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs

_CACHE = Path(__file__).parents[2] / ".mypy_cache"

Findings = dict[tuple[str, int], list[str]]
"""What a checker reports, by the name of the file without its ending, and by line."""


@attrs.frozen
class Checker:
    """A type checker.

    Attributes:
        name: The name of its command.
        how: How it is set, in words.
        arguments: Makes its arguments of the directory to check and of the Python for which it is checked.
        read: Reads the errors in what it prints.
        url: Where it lives.
    """

    name: str
    how: str
    arguments: Callable[[Path, Path], list[str]]
    read: Callable[[str], Findings]
    url: str

    def run(self, commands: Path, directory: Path, python: Path) -> Findings:
        """Check the files of a directory.

        Args:
            commands: Where the checkers are.
            directory: What is checked.
            python: The Python whose installed packages are known.

        Raises:
            RuntimeError: The checker did not do its work.
        """
        command = [commands / self.name, *self.arguments(directory, python)]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        # They end with 1 when they found something, and with another code when they could not look.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{self.name} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
        return self.read(done.stdout)

    def version(self, commands: Path) -> str:
        """The version of the checker."""
        said = subprocess.run([commands / self.name, "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"\d+\.\d+[\w.]*", said)
        if found is None:
            raise RuntimeError(f"{self.name} does not tell its version, but {said!r}")
        return found[0]


def _mypy(directory: Path, python: Path) -> list[str]:
    return [
        "--strict",
        "--no-error-summary",
        "--python-version=3.11",
        f"--cache-dir={_CACHE}",
        f"--python-executable={python}",
        ".",
    ]


def _pyright(directory: Path, python: Path) -> list[str]:
    settings = directory / "pyrightconfig.json"
    # Private usage: State._result is part of the contract.
    settings.write_text(json.dumps({"typeCheckingMode": "strict", "reportPrivateUsage": "none"}), encoding="utf-8")
    return ["--outputjson", "--project", str(settings), "--pythonpath", str(python)]


def _pyrefly(directory: Path, python: Path) -> list[str]:
    files = sorted(map(str, directory.glob("*.py")))
    return ["check", "--preset=strict", "--output-format=json", f"--python-interpreter-path={python}", *files]


def _unconfigured(directory: Path, python: Path) -> list[str]:
    return [argument for argument in _pyrefly(directory, python) if argument != "--preset=strict"]


def _ty(directory: Path, python: Path) -> list[str]:
    return ["check", "--output-format=concise", f"--python={python}", "."]


_LINE = re.compile(r"(?P<file>[\w./-]+)\.py:(?P<line>\d+):(?:\d+:)? (?P<said>(?:error|note|fatal)[:\[].*)")


def read_lines(printed: str) -> Findings:
    """Read ``file:line: error: message``, with notes that follow an error, as mypy prints them, and ty in brief."""
    findings: Findings = {}
    for found in filter(None, map(_LINE.fullmatch, printed.splitlines())):
        place = Path(found["file"]).name, int(found["line"])
        if not found["said"].startswith("note") or place in findings:
            findings.setdefault(place, []).append(found["said"])
    return findings


def read_pyright(printed: str) -> Findings:
    """Read the JSON of pyright and of what is derived from it."""
    findings: Findings = {}
    for one in json.loads(printed)["generalDiagnostics"]:
        if one["severity"] == "error":
            place = Path(one["file"]).stem, one["range"]["start"]["line"] + 1
            findings.setdefault(place, []).append(one["message"])
    return findings


def read_pyrefly(printed: str) -> Findings:
    """Read the JSON of pyrefly."""
    findings: Findings = {}
    for one in json.loads(printed)["errors"]:
        if one["severity"] == "error":
            findings.setdefault((Path(one["path"]).stem, one["line"]), []).append(one["description"])
    return findings


PYREFLY = Checker("pyrefly", "``preset = strict``", _pyrefly, read_pyrefly, "https://pyrefly.org")
CHECKERS = (
    Checker("mypy", "``--strict``", _mypy, read_lines, "https://mypy.readthedocs.io"),
    Checker("pyright", "``typeCheckingMode = strict``", _pyright, read_pyright, "https://microsoft.github.io/pyright"),
    Checker("basedpyright", "``typeCheckingMode = strict``", _pyright, read_pyright, "https://docs.basedpyright.com"),
    PYREFLY,
    Checker("ty", "as it comes", _ty, read_lines, "https://docs.astral.sh/ty"),
)
UNCONFIGURED = attrs.evolve(PYREFLY, how="without a configuration", arguments=_unconfigured)
"""Pyrefly as it is for somebody who has not set it up."""

COMMANDS = Path(sys.executable).parent
