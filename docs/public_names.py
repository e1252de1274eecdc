"""Lets references to where a class is defined lead to where it is offered: ``resultspec._json.JSON`` to ``resultspec.JSON``."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.reference | None:
    """Find the public name of what a signature names by its private module."""
    parts = str(node.get("reftarget", "")).split(".")
    if node.get("refdomain") != "py" or not parts[0].startswith("resultspec"):
        return None
    domain = env.domains["py"]
    assert isinstance(domain, PythonDomain)
    documented = {name for name, _ in domain.objects.items()}
    for end in range(len(parts) - 2, 0, -1):
        public = ".".join([*parts[:end], parts[-1]])
        if public in documented:
            found = domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, content)
            return found if isinstance(found, nodes.reference) else None
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask here where Sphinx itself finds nothing."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
