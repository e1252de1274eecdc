"""The suite as pytest tests."""

import pytest

pytest_plugins = ["pytester"]

MODULE = """
import sys
sys.path.insert(0, {here!r})
from handlers_of_tests import Flags, RefusesEverything, Shortened
from resultspec_conformance import HandlerConformance, HandlerSubject, conformance_checks

class TestIt(HandlerConformance):
    subject = HandlerSubject({handler})

@conformance_checks(HandlerSubject({handler}))
def test_as_a_function(conformance_check):
    conformance_check()
"""


def outcomes(pytester: pytest.Pytester, handler: str, *arguments: str) -> tuple[dict[str, int], str]:
    """Run pytest on a module that checks a handler."""
    from pathlib import Path

    pytester.makepyfile(MODULE.format(here=str(Path(__file__).parent), handler=handler))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    return result.parseoutcomes(), result.stdout.str()


def test_a_correct_handler_passes_rule_by_rule(pytester: pytest.Pytester) -> None:
    """Every rule is an item; what does not apply is skipped with its reason."""
    counts, text = outcomes(pytester, "Flags", "-rs", "-v")

    assert counts.get("failed", 0) == 0, text
    assert counts["passed"] > 20
    assert "TestIt::test_rule[handler.round-trip] PASSED" in text
    assert "TestIt::test_rule[static.protocol] PASSED" in text  # claimed, since Flags is annotated


def test_a_violation_fails_its_own_item_with_the_whole_story(pytester: pytest.Pytester) -> None:
    """The failing item is named by its rule, and shows what the command line shows."""
    counts, text = outcomes(pytester, "Shortened", "-k", "handler.round-trip and TestIt")

    assert counts["failed"] == 1
    assert "Check first:" in text
    assert "handler.write(" in text


def test_a_handler_that_refuses_everything_is_red(pytester: pytest.Pytester) -> None:
    """Skipped items alone would look green."""
    counts, text = outcomes(pytester, "RefusesEverything")

    assert counts["failed"] >= 1
    assert "nothing can be said of the handler" in text
