"""The directives ``kill-matrix`` and ``comparison``: tables of what was noticed, from the data that the runs wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from resultspec.rules import RULES
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DATA = Path(__file__).parent / "data"
KITS = {"zarr": "zarr.testing", "langchain": "langchain-tests", "resultspec": "resultspec"}


class _FromData(SphinxDirective):
    """Makes its content of a file of data."""

    file: str

    def run(self) -> list[nodes.Node]:
        """Read the data and parse what is made of it."""
        self.env.note_dependency(str(DATA / self.file))
        data = json.loads((DATA / self.file).read_text(encoding="utf-8"))
        container = nodes.container()
        self.state.nested_parse(StringList(list(self.lines(data)), source=self.file), self.content_offset, container)
        return list(container.children)

    def lines(self, data: Any) -> Iterator[str]:
        """The content, as reStructuredText."""
        raise NotImplementedError


class KillMatrix(_FromData):
    """A table for each class: its saboteurs as rows, its rules as numbered columns."""

    file = "kill-matrix.json"

    def lines(self, data: Any) -> Iterator[str]:
        """The tables."""
        rows = data["saboteurs"]
        caught = sum([*row["failed"], *row["warned"]] == [row["rule"]] for row in rows)
        yield f"Of {len(rows)} saboteurs, {caught} are noticed by the rule that they break and by no other."
        yield from (
            "",
            f"Run on {data['date']} with suite {data['suite_version']} on Python {data['python']}, {data['system']}.",
            "",
        )
        for cls in dict.fromkeys(RULES[row["rule"]].cls for row in rows):
            members = [row for row in rows if RULES[row["rule"]].cls == cls]
            columns = [row["rule"] for row in members]
            yield from (f".. rubric:: {cls}", "", ".. list-table::", "   :header-rows: 1", "   :class: matrix", "")
            yield "   * - \\"
            yield "     - saboteur"
            yield from (f"     - {number}" for number in range(1, len(columns) + 1))
            for number, row in enumerate(members, 1):
                yield f"   * - {number}"
                yield f"     - {_link(row['rule'])}: {row['does']}"
                yield from (f"     - {_sign(row, column)}" for column in columns)
            yield ""
            beyond = [
                (row["rule"], other) for row in members for other in (*row["failed"], *row["warned"]) if other not in columns
            ]
            yield from (f"{_link(rule)} is noticed by {_link(other)} too." for rule, other in beyond)
            yield ""


def _sign(row: Any, rule: str) -> str:
    signs = {"failed": "**✗**", "warned": "**✗**", "error": "**E**", "blocked": "·"}
    return next((sign for status, sign in signs.items() if rule in row[status]), "\\")


class Comparison(_FromData):
    """A table of defects, with what each kit made of them."""

    file = "comparison.json"

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
            yield f"   * - {row['does']}"
            yield from (f"     - {_verdict(row[name], name)}" for name in data["kits"])
        yield ""


def _verdict(cell: Any, kit: str) -> str:
    if cell["verdict"] == "outside":
        return f"outside its scope: {cell['why']}"
    if cell["verdict"] == "missed":
        return "not noticed"
    by = cell["by"]
    return "**noticed**: " + ", ".join(map(_link, by) if kit == "resultspec" else (f"``{check}``" for check in by))


def _link(rule: str) -> str:
    return f"`{rule} <rules.html#{nodes.make_id(rule)}>`__"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("kill-matrix", KillMatrix)
    app.add_directive("comparison", Comparison)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
