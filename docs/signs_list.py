"""The directive ``signs``: how reports show what was found, from the code itself."""

from docutils import nodes
from docutils.statemachine import StringList
from resultspec_conformance.reports.signs import MEANINGS, SIGNS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Signs(SphinxDirective):
    """Lists the signs of statuses with what they mean."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        container = nodes.container()
        lines = [f"- **{sign}** *{status}*: {MEANINGS[status]}." for status, sign in SIGNS.items()]
        self.state.nested_parse(StringList(lines, source="signs"), self.content_offset, container)
        return list(container.children)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("signs", Signs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
