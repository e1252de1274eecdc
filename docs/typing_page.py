"""Directives that make tables of what type checkers find: ``typing-table``, ``typing-differences`` and ``mistakes``."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DATA = Path(__file__).parent / "data" / "typing.json"


class _OfTyping(SphinxDirective):
    """Makes its content of the data."""

    def run(self) -> list[nodes.Node]:
        """Read the data and parse what is made of it."""
        self.env.note_dependency(str(DATA))
        data = json.loads(DATA.read_text(encoding="utf-8"))
        return self.parse_text_to_nodes("\n".join(self.lines(data)), allow_section_headings=True)

    def lines(self, data: Any) -> Iterator[str]:
        """The content, as reStructuredText."""
        raise NotImplementedError


class TypingTable(_OfTyping):
    """The cases as rows, the checkers as columns."""

    def lines(self, data: Any) -> Iterator[str]:
        """The summary and the table."""
        rows = data["cases"]
        errors = sum(len(row["errors"]) for row in rows)
        yield f"{len(rows)} cases, with {errors} lines that must be errors. Run on {data['date']} with:"
        yield ""
        for checker in data["checkers"]:
            differ = sum(checker["name"] in row["differs"] for row in rows)
            agrees = f"differs on {differ}" if differ else "agrees on every case"
            yield f"- `{checker['name']} <{checker['url']}>`__ {checker['version']}, {checker['how']}: {agrees}."
        yield from (
            "",
            f"pyrefly needs a configuration: without one it reports {data['unconfigured']} of these {errors} errors.",
            "",
        )
        for topic, members in groupby(rows, key=lambda row: row["topic"]):
            yield from (
                f".. rubric:: {topic.removesuffix('.')}",
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "   :class: matrix",
                "",
            )
            yield "   * - errors"
            yield "     - case"
            yield from (f"     - {checker['name']}" for checker in data["checkers"])
            for row in members:
                yield f"   * - {len(row['errors'])}"
                yield f"     - {row['title']}"
                yield from (f"     - {_sign(row, checker['name'])}" for checker in data["checkers"])
            yield ""


def _sign(row: Any, checker: str) -> str:
    if checker not in row["differs"]:
        return "✓"
    signs = {"missed": "misses", "found": "finds more"}
    return "**" + ", ".join(word for key, word in signs.items() if row["differs"][checker][key]) + "**"


class TypingDifferences(_OfTyping):
    """Each case on which a checker differs, with the code, what the checker says, and why."""

    def lines(self, data: Any) -> Iterator[str]:
        """A part for each case."""
        for row in data["cases"]:
            if not row["differs"]:
                continue
            yield from (f".. rubric:: {row['title']}", "", *_code("python", row["source"]))
            for why, members in groupby(row["differs"], key=lambda name: row["why"][name]):
                names = list(members)
                yield from (f"**{' and '.join(names)}**: {why}", "")
                for name in names:
                    for line in row["differs"][name]["missed"]:
                        yield from (f"{name} reports nothing on ``{line}``.", "")
                    for one in row["differs"][name]["found"]:
                        yield from (f"{name} says:", "", *_code("text", "\n".join(one["said"])))


class Mistakes(_OfTyping):
    """Each mistake with what mypy says, and its mend."""

    def lines(self, data: Any) -> Iterator[str]:
        """A section for each mistake."""
        version = next(checker["version"] for checker in data["checkers"] if checker["name"] == "mypy")
        yield from (f"Said by mypy {version}, ``--strict``, on {data['date']}.", "")
        for mistake in data["mistakes"]:
            yield from (mistake["title"], "-" * len(mistake["title"]), "", *_code("python", mistake["wrong"]))
            for one in mistake["said"]:
                yield from (f"mypy says, of ``{one['line']}``:", "", *_code("text", "\n".join(one["said"])))
            if not mistake["said"]:
                yield from ("mypy says nothing.", "")
            yield from (mistake["mend"], "", *_code("python", mistake["right"]))


def _code(language: str, text: str) -> Iterator[str]:
    yield from (f".. code-block:: {language}", "", *indent(text, "   ").splitlines(), "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("typing-table", TypingTable)
    app.add_directive("typing-differences", TypingDifferences)
    app.add_directive("mistakes", Mistakes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
