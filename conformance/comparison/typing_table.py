"""Has five type checkers check the typing tests, and writes what each finds: ``docs/data/typing.json``.

It runs in the environment of the checkers; its argument is the Python of the one in which the packages are installed. It ends
with 1 when a checker differs from what is expected and no reason is given for it, or when a reason is given for nothing.
"""

import datetime
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import checkers
import tables
import typing_cases
from checkers import CHECKERS, Checker, Findings
from typing_cases import Case

TABLE = typing_cases.ROOT / "docs" / "data" / "typing.json"
MISTAKES = next(path for path in typing_cases.files() if path.stem == "mistakes")


def main(python: Path) -> int:
    """Write the table; 0 when every difference is explained and every explanation is of use."""
    files = typing_cases.files()
    found = {checker.name: look(checker, files, python) for checker in CHECKERS}
    rows = [row_of(path, case, found) for path in files for case in typing_cases.cases(path)]
    unconfigured = look(checkers.UNCONFIGURED, files, python)
    table = {
        "schema": "resultspec-typing/1",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "checkers": [
            {"name": one.name, "version": one.version(checkers.COMMANDS), "how": one.how, "url": one.url} for one in CHECKERS
        ],
        "unconfigured": len(expected(files) & unconfigured.keys()),
        "cases": rows,
        "mistakes": [mistake_of(case, found["mypy"]) for case in typing_cases.cases(MISTAKES)],
    }
    tables.write(TABLE, table)
    wrong = [*stray(files, found), *unexplained(rows)]
    print(*wrong, f"{len(rows)} cases, {sum(bool(row['differs']) for row in rows)} on which a checker differs", sep="\n")
    return 1 if wrong or not rows else 0


def look(checker: Checker, files: list[Path], python: Path) -> Findings:
    """What a checker finds in typing tests, when the ignores are taken away."""
    with tempfile.TemporaryDirectory() as name:
        # Resolved, since checkers report where a file really is.
        directory = Path(name).resolve()
        for path in files:
            (directory / path.name).write_text(typing_cases.plain(path.read_text(encoding="utf-8")), encoding="utf-8")
        return checker.run(checkers.COMMANDS, directory, python.absolute())


def row_of(path: Path, case: Case, found: Mapping[str, Findings]) -> dict[str, Any]:
    """The data of a case: what it claims, what is expected, and where a checker differs."""
    differences = {name: difference(case, findings) for name, findings in found.items()}
    differs = {name: one for name, one in differences.items() if one["missed"] or one["found"]}
    return {
        "module": case.module,
        "topic": typing_cases.topic(path),
        "title": case.title,
        "errors": [case.line(number) for number in case.expected],
        "differs": differs,
        "why": case.differs,
        "source": case.source if differs else "",
    }


def difference(case: Case, findings: Findings) -> dict[str, Any]:
    """The lines whose expected error a checker misses, and the errors that it finds on other lines."""
    lines = {number: said for (module, number), said in findings.items() if module == case.module and case.holds(number)}
    return {
        "missed": [case.line(number) for number in case.expected if number not in lines],
        "found": [{"line": case.line(number), "said": said} for number, said in lines.items() if number not in case.expected],
    }


def mistake_of(case: Case, findings: Findings) -> dict[str, Any]:
    """The data of a mistake: the code, what mypy says, and the mend."""
    wrong, _, right = case.source.partition(f"\n{typing_cases.MENDED}\n")
    return {
        "title": case.title,
        "wrong": wrong.strip("\n"),
        "said": [
            {"line": case.line(number), "said": said}
            for (module, number), said in sorted(findings.items())
            if module == case.module and case.holds(number)
        ],
        "mend": case.mend,
        "right": right.strip("\n"),
    }


def stray(files: list[Path], found: Mapping[str, Findings]) -> list[str]:
    """What checkers find outside any case."""
    within = {(case.module, number) for path in files for case in typing_cases.cases(path) for number in lines_of(case)}
    return [
        f"{name}: {module}.py:{number}: {said[0]}"
        for name, findings in found.items()
        for (module, number), said in findings.items()
        if (module, number) not in within
    ]


def expected(files: list[Path]) -> set[tuple[str, int]]:
    """The lines that must be errors, by the file and the number."""
    return {(case.module, number) for path in files for case in typing_cases.cases(path) for number in case.expected}


def lines_of(case: Case) -> range:
    """The numbers of the lines of a case."""
    return range(case.first, case.first + len(case.lines))


def unexplained(rows: list[dict[str, Any]]) -> list[str]:
    """The cases where those who differ are not those for whom a reason is given."""
    return [
        f"{row['module']}: {row['title']}: differ: {sorted(row['differs'])}; explained: {sorted(row['why'])}"
        for row in rows
        if set(row["differs"]) != set(row["why"])
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
