"""The directives ``rules`` and ``signs``: the specification, and how reports show what was found, from the code itself."""

from docutils import nodes
from docutils.statemachine import StringList
from resultspec.rules import RULES, Rule
from resultspec_conformance.reports.signs import MEANINGS, SIGNS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Rules(SphinxDirective):
    """Lists every rule with statement, law, intent and hints."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        container = nodes.container()
        for rule in RULES.values():
            section = nodes.section(ids=[nodes.make_id(rule.id)])
            section += nodes.title(text=rule.id)
            self.state.nested_parse(StringList(_lines(rule), source="rules"), self.content_offset, section)
            container += section
        return list(container.children)


def _lines(rule: Rule) -> list[str]:
    lines = [
        f"*{rule.level}*, class *{rule.cls}*, since {rule.since}",
        "",
        f"**{rule.statement}**",
        "",
        ".. code-block:: python",
        "",
    ]
    lines += [f"   {line}" for line in rule.law.splitlines()]
    lines += ["", rule.intent, "", "If it fails:", ""]
    return lines + [f"- {hint}" for hint in rule.hints] + [""]


class Signs(SphinxDirective):
    """Lists the signs of statuses with what they mean."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        container = nodes.container()
        lines = [f"- **{sign}** *{status}*: {MEANINGS[status]}." for status, sign in SIGNS.items()]
        self.state.nested_parse(StringList(lines, source="signs"), self.content_offset, container)
        return list(container.children)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("rules", Rules)
    app.add_directive("signs", Signs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
