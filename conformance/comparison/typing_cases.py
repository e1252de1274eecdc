"""Reads the typing tests as cases: what each claims, and on which of its lines an error is expected.

A case begins with a line ``# %% What it claims``. Comments below that line may say where checkers differ, and how a mistake is
mended::

    # differs(ty, pyrefly): The reason, which may go on in further lines.
    # mend: What to do.

An error is expected where ``# type: ignore[...]`` stands, and nowhere else. mypy and pyright read the tests as they are
(``make types``): they report an ignore that nothing needs. :func:`plain` takes the ignores away, for checkers to say what they
find.
"""

import re
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
DIRECTORIES = (ROOT / "spec" / "typing_tests", ROOT / "reference" / "typing_tests")
MENDED = "# mended"

_TITLE = re.compile(r"# %% (.+)")
_REMARK = re.compile(r"# (?:differs\((?P<differs>[a-z, ]+)\)|(?P<mend>mend)): (?P<text>.+)")
_IGNORE = re.compile(r"\s*# (?:type|pyright): ignore\b.*")


@attrs.frozen
class Case:
    """A case.

    Attributes:
        module: The name of the file, without its ending.
        title: What it claims.
        first: The number of its first line in the file.
        lines: Its lines, without ignores, from the title on.
        expected: The numbers, in the file, of the lines on which an error is expected.
        differs: The checkers that are known to differ, with the reason.
        mend: How the mistake is mended, if it shows one.
    """

    module: str
    title: str
    first: int
    lines: tuple[str, ...]
    expected: tuple[int, ...]
    differs: dict[str, str]
    mend: str

    @property
    def source(self) -> str:
        """The code, without the remarks above it."""
        remarks = len(list(takewhile(lambda line: line.startswith("#"), self.lines)))
        return "\n".join(self.lines[remarks:]).strip("\n")

    def line(self, number: int) -> str:
        """A line, by its number in the file."""
        return self.lines[number - self.first].strip()

    def holds(self, number: int) -> bool:
        """Whether a line of the file is one of this case."""
        return self.first <= number < self.first + len(self.lines)


def files() -> list[Path]:
    """The files of the typing tests."""
    return [path for directory in DIRECTORIES for path in sorted(directory.glob("*.py"))]


def plain(text: str) -> str:
    """A typing test without its ignores; the numbers of the lines stay."""
    return "".join(_IGNORE.sub("", line) + "\n" for line in text.splitlines())


def topic(path: Path) -> str:
    """What a file is about: the first line of its docstring."""
    return path.read_text(encoding="utf-8").splitlines()[0].strip('"')


def cases(path: Path) -> Iterator[Case]:
    """The cases of a file.

    Raises:
        ValueError: An error is expected outside any case.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if _TITLE.fullmatch(line)]
    expected = [number for number, line in enumerate(lines) if _IGNORE.search(line)]
    if expected and (not starts or expected[0] < starts[0]):
        raise ValueError(f"{path.name}:{expected[0] + 1}: an error is expected before the first case")
    for start, end in pairwise([*starts, len(lines)]):
        differs, mend = _remarks(lines[start + 1 : end])
        yield Case(
            module=path.stem,
            title=lines[start].removeprefix("# %% "),
            first=start + 1,
            lines=tuple(plain("\n".join(lines[start:end])).splitlines()),
            expected=tuple(number + 1 for number in expected if start < number < end),
            differs=differs,
            mend=mend,
        )


def _remarks(lines: list[str]) -> tuple[dict[str, str], str]:
    """What the comments at the head of a case say: the reason why each checker differs, and how to mend the mistake."""
    found: list[tuple[str, list[str]]] = []
    for line in takewhile(lambda line: line.startswith("# "), lines):
        remark = _REMARK.fullmatch(line)
        if remark:
            found.append((remark["differs"] or remark["mend"], [remark["text"]]))
        elif found:
            found[-1][1].append(line.removeprefix("# "))
    texts = [(names, " ".join(text)) for names, text in found]
    differs = {name: text for names, text in texts if names != "mend" for name in names.split(", ")}
    return differs, next((text for names, text in texts if names == "mend"), "")
