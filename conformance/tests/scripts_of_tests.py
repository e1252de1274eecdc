"""Runs the scripts of failures, as whoever reads a report does."""

import os
import subprocess
import sys
from pathlib import Path

from resultspec_conformance.report import RuleReport

_TESTS = Path(__file__).parent
_OF_THE_SCRIPT = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "AttributeError")


def assert_script_shows(found: RuleReport, directory: Path) -> None:
    """Run the script of a failure by itself: it says that the rule is broken, or ends with what the handler raised.

    Args:
        found: The failure.
        directory: Where the script is run, and leaves its files.
    """
    assert found.reproducer
    path = directory / "reproducer.py"
    path.write_text(found.reproducer)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_TESTS.parents[1]), str(_TESTS)]), "TMPDIR": str(directory)}
    ended = subprocess.run(
        [sys.executable, str(path)], cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    last = next((line for line in reversed(ended.stderr.splitlines()) if line[:1].strip()), "")
    raised = last.partition(":")[0].rpartition(".")[2]

    assert ended.returncode == 1, f"{found.reproducer}\n{ended.stdout}\n{ended.stderr}"
    if "the rule is broken" not in ended.stderr:
        assert raised not in _OF_THE_SCRIPT or raised in str(found.actual), f"{found.reproducer}\n{ended.stderr}"
