"""How the documentation is built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "resultspec"
author = "The resultspec authors"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "rules_page", "evidence_page", "typing_page"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["matrix.css"]
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures of Protocols are read in the source order of their docstrings
napoleon_use_ivar = True
