"""The directive ``engines``: what the suite says of engines, from the reports that ``make engines`` wrote."""

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from evidence_page import FromData, link, status_sign
from resultspec.rules import RULES
from resultspec_conformance.reports.signs import SIGNS
from specification import ENGINE_REPORTS, as_rst, engine_reports
from sphinx.application import Sphinx


class Engines(FromData):
    """A table for each family, its rules by engines, and what was found of each engine."""

    file = "engines"
    made_by = "make engines"

    def run(self) -> list[nodes.Node]:
        """Read every report, that of the reference's own engine first."""
        for file in ENGINE_REPORTS.glob("*.json"):
            self.env.note_dependency(str(file))
        return self.parsed(list(self.lines(engine_reports())))

    def lines(self, data: Any) -> Iterator[str]:
        """The tables and the lists."""
        named = {report["subject"]["target"]: {rule["id"]: rule for rule in report["rules"]} for report in data}
        for cls in ("hierarchy", "engine"):
            yield from (f".. rubric:: {cls}", "", ".. list-table::", "   :header-rows: 1")
            yield from ("   :class: matrix rules-by-subject", "", "   * - rule")
            yield from (f"     - {name}" for name in named)
            for rule in (rule for rule in RULES.values() if rule.cls == cls):
                yield f"   * - {link(rule.id)}"
                yield from (f"     - {status_sign(found.get(rule.id, {}).get('status'))}" for found in named.values())
            yield ""
        for report, (name, found) in zip(data, named.items(), strict=True):
            yield from (f".. rubric:: {name}", "")
            yield from (f"*{report['verdict']}*, says suite {report['suite_version']}: {_counted(report['counts'])}.", "")
            for rule in found.values():
                if rule["status"] != "passed":
                    yield f"- {SIGNS[rule['status']]} {link(rule['id'])}: {as_rst(_told(rule))}"
            yield ""


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts.items())


def _told(rule: Any) -> str:
    """What the report says of a rule that did not pass."""
    if rule["status"] in ("failed", "warned"):
        return f"{rule['message']}. Expected: {rule['expected']}; seen: {rule['actual']}."
    return f"{rule['status']}: {rule['reason']}."


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("engines", Engines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
