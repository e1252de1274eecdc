"""How the documentation is built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "resultspec"
author = "The resultspec authors"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "public_names",
    "specification",
    "signs_list",
    "evidence_page",
    "engines_page",
    "typing_page",
    "speed_page",
]
html_theme = "furo"
html_show_copyright = False  # LICENSE says what may be done
html_static_path = ["_static"]
html_css_files = ["matrix.css"]
html_extra_path = ["_published"]  # what programs read, written by the extension specification
exclude_patterns = ["_build", "_published"]
autodoc_member_order = "bysource"
# Products that adapters import, which have environments of their own.
autodoc_mock_imports = ["airflow", "dagster", "luigi", "prefect", "pydantic"]
autodoc_typehints = "signature"
napoleon_use_ivar = True
nitpick_ignore_regex = [
    # Names of Python and of other projects, whose documentation may not be within reach when this is built.
    (r"py:.*", r"(collections|concurrent|datetime|os|pathlib|typing|enum|attrs?|cattrs|hypothesis|starlette)\..*|SearchStrategy"),
    # What adapters take and return of the libraries that they are for.
    (r"py:.*", r"(dagster|distributed|obstore)\..*|ObjectStore"),
    # Type variables, which nobody looks up.
    (r"py:.*", r"(.*\.)?[APQRTU](_co|_contra)?(\.\w+)?"),
    # What an engine's store hands out to the runner alone, and what a checker sees of the decorator.
    (r"py:class", r"resultspec_reference\.engine\._store\.Claim|resultspec_reference\.engine\._tasks\._Decorator"),
]
