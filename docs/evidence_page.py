"""Directives that make tables of the data that runs wrote: ``kill-matrix``, ``comparison`` and ``handler-matrix``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from resultspec.rules import CLASSES, RULES
from resultspec_conformance.reports.signs import SIGNS
from specification import as_rst
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DATA = Path(__file__).parent / "data"
KITS = {"zarr": "zarr.testing", "langchain": "langchain-tests", "resultspec": "resultspec"}


class FromData(SphinxDirective):
    """Makes its content of a file of data."""

    file: str
    made_by: str

    def run(self) -> list[nodes.Node]:
        """Read the data and parse what is made of it."""
        self.env.note_dependency(str(DATA / self.file))
        path = DATA / self.file
        missing = [f"It has not been run yet: ``{self.made_by}`` does."]
        return self.parsed(list(self.lines(json.loads(path.read_text(encoding="utf-8")))) if path.exists() else missing)

    def parsed(self, lines: list[str]) -> list[nodes.Node]:
        """Parse reStructuredText."""
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=self.file), self.content_offset, container)
        return list(container.children)

    def lines(self, data: Any) -> Iterator[str]:
        """The content, as reStructuredText."""
        raise NotImplementedError


class KillMatrix(FromData):
    """A table for each class: its saboteurs as rows, its rules as numbered columns."""

    file = "kill-matrix.json"
    made_by = "make kill-matrix"

    def lines(self, data: Any) -> Iterator[str]:
        """The tables."""
        rows = data["saboteurs"]
        caught = sum([*row["failed"], *row["warned"]] == [row["rule"]] for row in rows)
        how_many = f"All {caught} saboteurs" if caught == len(rows) else f"Of {len(rows)} saboteurs, {caught}"
        yield f"{how_many} are noticed by the rule that they break and by no other."
        yield from (
            "",
            f"Run on {data['date']} with suite {data['suite_version']} on Python {data['python']}, {data['system']}.",
            "",
        )
        for cls in dict.fromkeys(RULES[row["rule"]].cls for row in rows):
            members = [row for row in rows if RULES[row["rule"]].cls == cls]
            columns = [row["rule"] for row in members]
            yield from (f".. rubric:: {cls}", "", ".. list-table::", "   :header-rows: 1")
            yield from ("   :class: matrix rules-by-saboteur", "")
            yield "   * - \\"
            yield "     - saboteur"
            yield from (f"     - {number}" for number in range(1, len(columns) + 1))
            for number, row in enumerate(members, 1):
                yield f"   * - {number}"
                yield f"     - {link(row['rule'])}: {as_rst(row['does'])}"
                yield from (f"     - {_sign(row, column)}" for column in columns)
            yield ""
            beyond = [
                (row["rule"], other) for row in members for other in (*row["failed"], *row["warned"]) if other not in columns
            ]
            yield from (f"{link(rule)} is noticed by {link(other)} too." for rule, other in beyond)
            yield ""


def _sign(row: Any, rule: str) -> str:
    signs = {"failed": "**✗**", "warned": "**✗**", "error": "**E**", "blocked": "·"}
    return next((sign for status, sign in signs.items() if rule in row[status]), "\\")


class Comparison(FromData):
    """A table of defects, with what each kit made of them."""

    file = "comparison.json"
    made_by = "make comparison"

    def lines(self, data: Any) -> Iterator[str]:
        """The summary and the table."""
        for name, kit in data["kits"].items():
            verdicts = [row[name]["verdict"] for row in data["defects"]]
            within = len(verdicts) - verdicts.count("outside")
            yield f"- **{KITS[name]}** {kit['version']} ({kit['what']}; {kit['checks']} checks of the correct store):"
            yield f"  {verdicts.count('caught')} of the {within} defects within its scope are noticed."
        yield from ("", f"Run on {data['date']} with Python {data['python']}.", "")
        yield from (".. list-table::", "   :header-rows: 1", "   :class: comparison", "", "   * - defect")
        yield from (f"     - {KITS[name]}" for name in data["kits"])
        for row in data["defects"]:
            yield f"   * - {as_rst(row['does'])}"
            yield from (f"     - {_verdict(row[name], name)}" for name in data["kits"])
        yield ""


def _verdict(cell: Any, kit: str) -> str:
    if cell["verdict"] == "outside":
        return f"outside its scope: {cell['why']}"
    if cell["verdict"] == "missed":
        return "not noticed"
    by = cell["by"]
    return "**noticed**: " + ", ".join(map(link, by) if kit == "resultspec" else (f"``{check}``" for check in by))


class HandlerMatrix(FromData):
    """The subjects, a table of rules by subjects for each class, and what was found of each subject."""

    file = "matrix.json"
    made_by = "make matrix"

    def lines(self, data: Any) -> Iterator[str]:
        """The tables and the lists."""
        subjects = data["subjects"]
        yield f"Run on {data['date']} with suite {data['suite_version']} on Python {data['python']}, {data['system']}."
        yield from ("", ".. list-table::", "   :header-rows: 1", "   :class: subjects", "")
        yield from ("   * - \\", "     - handler", "     - stands on")
        yield from (f"     - {cls}" for cls in _classes(subjects))
        for number, one in enumerate(subjects, 1):
            yield from (f"   * - {number}", f"     - {one['name']}", f"     - {one['on']}")
            yield from (f"     - {one['classes'].get(cls, 'not asked')}" for cls in _classes(subjects))
        yield ""
        for cls in _classes(subjects):
            yield from (
                f".. rubric:: {cls}",
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "   :class: matrix rules-by-subject",
                "",
            )
            yield "   * - rule"
            yield from (f"     - {number}" for number in range(1, len(subjects) + 1))
            for rule in (rule for rule in RULES.values() if rule.cls == cls):
                yield f"   * - {link(rule.id)}"
                yield from (f"     - {status_sign(one['statuses'].get(rule.id))}" for one in subjects)
            yield ""
        for number, one in enumerate(subjects, 1):
            yield from (f".. rubric:: {number}. {one['name']}", "")
            for status in ("failed", "error", "warned", "untested", "not-applicable"):
                found = [rule for rule, ended in one["statuses"].items() if ended == status and rule in one["told"]]
                for rule in (rule for rule in found if RULES[rule].cls in _classes(subjects)):
                    yield f"- {SIGNS[status]} {link(rule)}: {as_rst(one['told'][rule].partition(chr(10))[0])}"
            yield ""


def _classes(subjects: Any) -> list[str]:
    """The classes of which something was judged, in the order of the specification."""
    judged = {RULES[rule].cls for one in subjects for rule, status in one["statuses"].items() if status != "untested"}
    return [cls for cls in CLASSES if cls in judged]


def status_sign(status: Any) -> str:
    """How a table shows a status, None being that of a rule that was not run."""
    if status is None:
        return "\\"
    sign = SIGNS[status] if status != "not-applicable" else "–"
    return f"**{sign}**" if status in ("failed", "warned", "error") else sign


def link(rule: str) -> str:
    """A link to the page of a rule."""
    return f":ref:`{rule} <{rule}>`"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("kill-matrix", KillMatrix)
    app.add_directive("comparison", Comparison)
    app.add_directive("handler-matrix", HandlerMatrix)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
