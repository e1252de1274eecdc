"""The reference's engine keeps the specification, as the suite sees it."""

import json
from pathlib import Path

from engine_driver import subject
from resultspec_conformance import check

PUBLISHED = Path(__file__).parents[2] / "docs/data/engines/reference.json"


def test_the_engine_keeps_every_rule() -> None:
    """Every rule of the families engine and hierarchy passes, the optional one too, and none is left untested: as is published."""
    report = check(subject, strict=True)
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))

    assert {found.id: found.message or found.reason for found in report.rules if found.status != "passed"} == {}
    assert report.verdict == "conforms"
    assert {found.cls for found in report.rules} == {"engine", "hierarchy"}
    assert {rule["id"]: rule["status"] for rule in published["rules"]} == {found.id: found.status for found in report.rules}
