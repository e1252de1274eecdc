"""The typing table: cases are read as they are meant, checkers are judged by them, and the published data is theirs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "docs" / "data" / "typing.json").read_text(encoding="utf-8"))

SOURCE = '''"""What it is about."""

x = 1


# %% An int is no text
# differs(one, two): They are
# lenient.
# differs(three): It is strict.
# mend: Write
# a text.
a: str = 1  # type: ignore[assignment]
# mended
b: str = "1"

# %% A text is one
c: str = "2"
d: int = "3"  # pyright: ignore[reportAssignmentType]
'''


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a module beside the script."""
    monkeypatch.syspath_prepend(str(ROOT / "conformance" / "comparison"))
    return __import__


@pytest.fixture
def cases(scripts: Callable[[str], ModuleType], tmp_path: Path) -> list[Any]:
    """The cases of a small file."""
    path = tmp_path / "small.py"
    path.write_text(SOURCE, encoding="utf-8")
    return list(scripts("typing_cases").cases(path))


def test_a_case_is_read_with_what_it_expects(cases: list[Any]) -> None:
    """A case has its title, its lines with their numbers, what is expected, who differs and why, and the mend."""
    first, second = cases

    assert (first.title, first.expected, first.line(12)) == ("An int is no text", (12,), "a: str = 1")
    assert first.differs == {"one": "They are lenient.", "two": "They are lenient.", "three": "It is strict."}
    assert first.mend == "Write a text."
    assert first.source == 'a: str = 1\n# mended\nb: str = "1"'
    assert (second.title, second.expected, second.differs, second.mend) == ("A text is one", (18,), {}, "")
    assert not first.holds(16)
    assert second.holds(16)


def test_an_error_outside_a_case_is_refused(scripts: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """What is expected belongs to a case: otherwise no row would show it."""
    path = tmp_path / "small.py"
    path.write_text(SOURCE.replace("x = 1", "x: str = 1  # type: ignore[assignment]"), encoding="utf-8")

    with pytest.raises(ValueError, match=r"small\.py:3: an error is expected before the first case"):
        list(scripts("typing_cases").cases(path))


def test_checkers_see_no_ignores(scripts: Callable[[str], ModuleType]) -> None:
    """Ignores are taken away, and the numbers of the lines stay."""
    plain = scripts("typing_cases").plain(SOURCE)

    assert "ignore" not in plain
    assert plain.count("\n") == SOURCE.count("\n")
    assert plain.splitlines()[11] == "a: str = 1"


def test_what_is_missed_and_what_is_found_more_is_a_difference(
    scripts: Callable[[str], ModuleType], cases: list[Any], tmp_path: Path
) -> None:
    """A checker agrees when it reports the expected lines, and no others; a reason is asked where it does not."""
    table = scripts("typing_table")
    path = tmp_path / "small.py"
    found = {
        "agrees": {("small", 12): ["error"], ("small", 18): ["error"]},
        "misses": {("small", 18): ["error"]},
        "more": {("small", 12): ["error"], ("small", 14): ["too strict"], ("small", 18): ["error"]},
    }
    rows = [table.row_of(path, case, found) for case in cases]

    assert rows[0]["differs"] == {
        "misses": {"missed": ["a: str = 1"], "found": []},
        "more": {"missed": [], "found": [{"line": 'b: str = "1"', "said": ["too strict"]}]},
    }
    assert rows[1]["differs"] == {}
    assert len(table.unexplained(rows)) == 1
    assert table.unexplained(rows[1:]) == []
    assert table.unexplained([{**rows[0], "why": {"misses": "because", "more": "because"}}]) == []
    assert table.stray([path], {"one": {("small", 3): ["error"], ("small", 12): ["error"]}}) == ["one: small.py:3: error"]


@pytest.mark.parametrize("name", ["mypy", "pyright"])
def test_a_checker_is_run_and_read(scripts: Callable[[str], ModuleType], tmp_path: Path, name: str) -> None:
    """What the checkers that are at hand report is read: the lines of errors, and none where all is well."""
    checkers = scripts("checkers")
    (tmp_path / "small.py").write_text(scripts("typing_cases").plain(SOURCE), encoding="utf-8")
    checker = next(one for one in checkers.CHECKERS if one.name == name)
    found = checker.run(checkers.COMMANDS, tmp_path, Path(sys.executable))

    assert sorted(found) == [("small", 12), ("small", 18)]
    assert all(said and all(said) for said in found.values())


def test_what_the_other_checkers_print_is_read(scripts: Callable[[str], ModuleType]) -> None:
    """The JSON of pyrefly and the lines of ty are read; warnings are no errors, and notes belong to their error."""
    checkers = scripts("checkers")
    errors = [
        {"path": "/x/small.py", "line": 12, "description": "no text", "severity": "error"},
        {"path": "/x/small.py", "line": 13, "description": "perhaps", "severity": "warn"},
    ]
    lines = "small.py:12:10: error[invalid-assignment] no text\nsmall.py:13:1: warning[x] perhaps\nFound 2 diagnostics\n"
    notes = "small.py:12: error: no text  [assignment]\nsmall.py:12: note:     for this reason\nsmall.py:14: note: revealed\n"

    assert checkers.read_pyrefly(json.dumps({"errors": errors})) == {("small", 12): ["no text"]}
    assert checkers.read_lines(lines) == {("small", 12): ["error[invalid-assignment] no text"]}
    assert checkers.read_lines(notes) == {("small", 12): ["error: no text  [assignment]", "note:     for this reason"]}


def test_a_checker_that_could_not_look_is_no_agreement(scripts: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """A checker that ends with neither 0 nor 1 did not judge anything."""
    checkers = scripts("checkers")
    command = tmp_path / "mypy"
    command.write_text("#!/bin/sh\necho unknown option >&2\nexit 2\n", encoding="utf-8")
    command.chmod(0o700)
    mypy = next(one for one in checkers.CHECKERS if one.name == "mypy")

    with pytest.raises(RuntimeError, match="mypy ended with 2: unknown option"):
        mypy.run(tmp_path, tmp_path, Path(sys.executable))


def test_the_published_table_is_of_the_cases_as_they_are(scripts: Callable[[str], ModuleType]) -> None:
    """Every case is in the published data, with the lines that must be errors and with the reasons; nothing else is."""
    typing_cases = scripts("typing_cases")
    now = [
        (case.module, case.title, [case.line(number) for number in case.expected], case.differs)
        for path in typing_cases.files()
        for case in typing_cases.cases(path)
    ]

    assert now == [(row["module"], row["title"], row["errors"], row["why"]) for row in DATA["cases"]]
    assert len(now) == len({(module, title) for module, title, _, _ in now}) > 50


def test_the_published_table_explains_every_difference(scripts: Callable[[str], ModuleType]) -> None:
    """Each checker agrees on each case, or the table says why not; mypy and pyright, which judge in CI, agree on all."""
    table = scripts("typing_table")
    differing = {name for row in DATA["cases"] for name in row["differs"]}

    assert [one["name"] for one in DATA["checkers"]] == [one.name for one in table.CHECKERS]
    assert table.unexplained(DATA["cases"]) == []
    assert differing & {"mypy", "pyright", "basedpyright"} == set()


def test_the_page_of_mistakes_says_what_mypy_says(scripts: Callable[[str], ModuleType]) -> None:
    """The published messages are those of mypy as it is pinned, and every mistake has its mend."""
    table, checkers = scripts("typing_table"), scripts("checkers")
    mypy = next(one for one in checkers.CHECKERS if one.name == "mypy")
    found = table.look(mypy, [table.MISTAKES], Path(sys.executable))
    mistakes = [table.mistake_of(case, found) for case in scripts("typing_cases").cases(table.MISTAKES)]

    assert mistakes == DATA["mistakes"]
    assert [one["title"] for one in mistakes if not (one["wrong"] and one["mend"] and one["right"])] == []
    assert sum(bool(one["said"]) for one in mistakes) >= 10
