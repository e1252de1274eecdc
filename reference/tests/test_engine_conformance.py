"""The reference's engine keeps the specification, as the suite sees it."""

from engine_driver import ReferenceDriver
from resultspec_conformance import EngineSubject, check


def test_the_engine_keeps_every_rule() -> None:
    """Every rule of the families engine and hierarchy passes, the optional one too, and none is left untested."""
    report = check(EngineSubject(ReferenceDriver), strict=True)

    assert {found.id: found.message or found.reason for found in report.rules if found.status != "passed"} == {}
    assert report.verdict == "conforms"
    assert {found.cls for found in report.rules} == {"engine", "hierarchy"}
