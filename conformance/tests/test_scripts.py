"""The script of a failure: it fails as long as the rule is broken, ends well once the handler is mended, and is read easily."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from resultspec_conformance import Settings
from resultspec_conformance.governance.targets import subject_of
from resultspec_conformance.runner import run

HANDLER = """
import json


class Handler:
    def __init__(self, directory):
        {constructor}

    def write(self, value: list[int], /) -> str:
        {write}
        return json.dumps(value)

    def read(self, reference: str, /) -> list[int]:
        return json.loads(reference)
"""
REFUSES = "if type(value) is not list: raise TypeError('a list is wanted')"


@pytest.mark.parametrize(
    ("rule", "broken", "mended"),
    [
        ("handler.loud-refusal", {"constructor": "pass", "write": "pass"}, {"constructor": "pass", "write": REFUSES}),
        (
            "handler.passive-construction",
            {"constructor": "(directory / 'probe').write_text('')", "write": REFUSES},
            {"constructor": "pass", "write": REFUSES},
        ),
        (
            "handler.input-untouched",
            {"constructor": "pass", "write": "value.append(1)"},
            {"constructor": "pass", "write": REFUSES},
        ),
    ],
)
def test_a_script_fails_until_the_handler_is_mended(
    rule: str, broken: dict[str, str], mended: dict[str, str], tmp_path: Path
) -> None:
    """Exit code 1 with what was seen while the rule is broken; exit code 0 and no such words afterwards."""
    module = tmp_path / f"handler_of_{rule.partition('.')[2].replace('-', '_')}.py"
    module.write_text(HANDLER.format(**broken))
    settings = Settings(examples=20, rules=(rule, "handler.round-trip"))
    found = run(subject_of(f"{module}:Handler"), settings).rule(rule)
    assert found.status in ("failed", "warned"), found
    script = tmp_path / "reproducer.py"
    script.write_text(str(found.reproducer))

    before = _run(script)
    module.write_text(HANDLER.format(**mended))
    after = _run(script)

    assert (before.returncode, after.returncode) == (1, 0), before.stderr + after.stderr
    assert ("the rule is broken" in before.stderr, "actual:" in before.stdout, "actual:" in after.stdout) == (True, True, False)


def test_a_script_reads_as_one_would_write_it(tmp_path: Path) -> None:
    """No condition is negated twice, and nothing is imported twice."""
    module = tmp_path / "handler_that_probes.py"
    module.write_text(HANDLER.format(constructor="(directory / 'probe').write_text('')", write=REFUSES))
    found = run(subject_of(f"{module}:Handler"), Settings(examples=5, rules=("handler.passive-construction",)))
    script = str(found.rule("handler.passive-construction").reproducer)

    assert "if events:" in script
    assert script.count("import sys\n") == 1


def _run(script: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TMPDIR": str(script.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, env=environment, timeout=60)
