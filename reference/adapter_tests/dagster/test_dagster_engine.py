"""Dagster under the suite: what is published is what the suite finds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PUBLISHED = HERE.parents[2] / "docs" / "data" / "engines" / "dagster.json"


def found(report: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """What a report says of each rule, and why where nothing can be said."""
    return {rule["id"]: (rule["status"], rule["reason"]) for rule in report["rules"]}


def test_the_published_report_is_what_the_suite_finds(tmp_path: Path) -> None:
    """Dagster is put through the rules once more: product and version, verdict, and the status of every rule are as published."""
    target = f"{HERE / 'driver.py'}:subject"
    command = [sys.executable, "-m", "resultspec_conformance", "check", target, "--json", str(tmp_path / "report.json")]
    ended = subprocess.run(command, capture_output=True, text=True)
    published, report = (json.loads(path.read_text()) for path in (PUBLISHED, tmp_path / "report.json"))

    assert report["subject"] == published["subject"], ended.stdout
    assert found(report) == found(published), ended.stdout
    assert report["verdict"] == published["verdict"] == "conforms"
