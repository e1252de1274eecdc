"""Runs the examples of README.md and of the guides as tests, each document in a directory of its own.

- A block of code whose first line is a comment that is a file's name is written there.
- Any other block of Python is run as a script.
- In a block ``console``, each line that begins with ``$`` is run, and what it prints is compared with the lines below it, in
  which ``...`` stands for anything. It has to end with 0, or be followed by ``$ echo $?`` with what it ended with.
- In a block ``sh`` the commands are run too, and end with 0; but ``pip install`` is asked only whether there are such extras,
  and ``make`` whether there is such a target, since CI does both.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.parsers import markdown, rest

ROOT = Path(__file__).parent
# Selenium brings trio, whose plugin of Hypothesis would import trio and pytest into each of the many processes that tests start.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
# What Hypothesis works out of Unicode would be worked out anew in each of them.
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(ROOT / ".hypothesis")
LANGUAGES = ("python", "console", "sh", "toml", "yaml")
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": ".",
    "COLUMNS": "120",
    "NO_COLOR": "1",
}


def evaluate(example: Example) -> None:
    """Run one block of code, or write it."""
    directory = Path(example.namespace["directory"].name)
    code, language = example.parsed, example.region.lexemes["arguments"]
    if named := re.match(r"# (\S+\.(?:py|toml|ya?ml))\n", code):
        path = directory / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    elif language == "python":
        _run([sys.executable, "-c", code], directory, example)
    elif language == "sh":
        for command in code.splitlines():
            _shell(command, directory, example)
    elif language == "console":
        _session(code, directory, example)
    else:
        raise AssertionError(f"{_place(example)}: a block of {language} begins with a comment that is its file's name")


def _session(code: str, directory: Path, example: Example) -> None:
    """Run the commands of a console, and compare what they print."""
    parts = re.split(r"^\$ (.*)\n?", code, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{_place(example)}: the block does not begin with a command"
    commands = list(zip(parts[1::2], parts[2::2], strict=True))
    code_shown = {number - 1 for number, (command, _) in enumerate(commands) if command == "echo $?"}
    ended = 0
    for number, (command, expected) in enumerate(commands):
        if command == "echo $?":
            assert str(ended) == expected.strip(), f"{_place(example)}: {commands[number - 1][0]} ended with {ended}"
            continue
        done = _run(["bash", "-c", command], directory, example, checked=number not in code_shown)
        ended = done.returncode
        printed = "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines()).strip() + "\n"
        wanted = expected.strip() + "\n"
        matched = doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS)
        assert not expected.strip() or matched, f"{_place(example)}: {command}\nshould print:\n{wanted}\nprinted:\n{printed}"


def _shell(command: str, directory: Path, example: Example) -> None:
    words = shlex.split(command, comments=True)
    if words[:2] == ["pip", "install"]:
        offered = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        asked = {extra for word in words[2:] for found in re.findall(r"\[(.*)\]", word) for extra in found.split(",")}
        assert asked, f"{_place(example)}: {command} installs no extra"
        assert asked <= set(offered), f"{_place(example)}: there is no extra {asked - set(offered)}"
    elif words[:1] == ["make"]:
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(words[1:]) <= set(targets), f"{_place(example)}: the Makefile has no such target"
    elif words:
        _run(["bash", "-c", command], directory, example)


def _run(command: list[str], directory: Path, example: Example, *, checked: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command,
        cwd=directory,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    told = f"{_place(example)}: {command[-1]}\nended with {done.returncode} and printed:\n{done.stdout}{done.stderr}"
    assert done.returncode == 0 or not checked, told
    return done


def _place(example: Example) -> str:
    return f"{example.path}:{example.line}"


def _setup(namespace: dict[str, Any]) -> None:
    namespace["directory"] = tempfile.TemporaryDirectory()


def _teardown(namespace: dict[str, Any]) -> None:
    namespace["directory"].cleanup()


def _parsers(kind: Any) -> list[Callable[[Document], Iterator[Region]]]:
    return [kind.CodeBlockParser(language, evaluate) for language in LANGUAGES]


_readme = Sybil(_parsers(markdown), path=str(ROOT), patterns=["README.md"], setup=_setup, teardown=_teardown)
_guides = Sybil(_parsers(rest), path=str(ROOT / "docs" / "guides"), patterns=["*.rst"], setup=_setup, teardown=_teardown)
pytest_collect_file = (_readme + _guides).pytest()
