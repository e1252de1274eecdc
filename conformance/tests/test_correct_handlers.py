"""No false alarms: correct handlers of many kinds conform."""

import pytest
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from zoo.correct import CORRECT, Correct

# They claim no more than core and shared; that mypy has nothing against them is asked of all together, by a test of static.
SETTINGS = Settings(examples=40, rules=("handler.*", "shared.*"))


@pytest.mark.parametrize("correct", CORRECT, ids=[correct.name for correct in CORRECT])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_correct_handler_conforms(correct: Correct) -> None:
    """No MUST rule of the claimed classes fails, and no SHOULD but those that the handler knowingly leaves out."""
    values = correct.values() if correct.values else None
    report = run(HandlerSubject(correct.make, values=values, claims=correct.claims, twin=correct.twin), SETTINGS)
    alarms = {
        found.id: f"{found.status}: {found.message or found.reason}; expected {found.expected}, got {found.actual}"
        for found in report.rules
        if found.cls in correct.claims
        and (found.status in ("failed", "error") or (found.status == "warned" and found.id not in correct.warns))
    }

    assert alarms == {}
    assert report.verdict == "conforms"
