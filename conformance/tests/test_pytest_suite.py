"""The suite as pytest tests."""

from pathlib import Path

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
    pytester.makepyfile(MODULE.format(here=str(Path(__file__).parent), handler=handler))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    return result.parseoutcomes(), result.stdout.str()


def test_a_correct_handler_passes_rule_by_rule(pytester: pytest.Pytester) -> None:
    """Every rule is an item; what does not apply is skipped with its reason."""
    counts, text = outcomes(pytester, "Flags", "-rs", "-v")

    assert counts.get("failed", 0) == 0, text
    assert counts["passed"] > 20
    assert "TestIt::test_rule[handler.round-trip] PASSED" in text


def test_a_class_is_a_subject(pytester: pytest.Pytester) -> None:
    """What ``check`` takes, the class and the decorator take too."""
    pytester.makepyfile(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from handlers_of_tests import Flags
        from resultspec_conformance import HandlerConformance, Settings, conformance_checks

        ONE = Settings(rules=("handler.round-trip",))

        class TestIt(HandlerConformance):
            subject = Flags
            settings = ONE

        @conformance_checks(Flags, ONE)
        def test_it(conformance_check):
            conformance_check()
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.parseoutcomes() == {"passed": 2}


def test_a_class_that_names_no_subject_is_red(pytester: pytest.Pytester) -> None:
    """A class without tests would look green; one that is there for others to inherit is no test class by its name."""
    pytester.makepyfile(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from handlers_of_tests import Flags
        from resultspec_conformance import HandlerConformance, Settings

        class Common(HandlerConformance):
            settings = Settings(rules=("handler.round-trip",))

        class TestIt(Common):
            subject = Flags

        class TestForgotten(Common):
            pass
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    assert "TestForgotten names no subject; write subject = HandlerSubject(MyHandler) in it" in result.stdout.str()


def test_a_violation_fails_its_own_item_with_the_whole_story(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failing item is named by its rule, shows what the command line shows, and is told in the summary's line."""
    monkeypatch.setenv("COLUMNS", "200")
    counts, text = outcomes(pytester, "Shortened", "-k", "handler.round-trip and TestIt")

    assert counts["failed"] == 1
    assert "Check first:" in text
    assert "handler.write(" in text
    assert "test_rule[handler.round-trip] - Failed: read returned something else" in text


def test_a_handler_that_refuses_everything_is_red(pytester: pytest.Pytester) -> None:
    """Skipped items alone would look green."""
    counts, text = outcomes(pytester, "RefusesEverything")

    assert counts["failed"] >= 1
    assert "nothing can be said of the handler" in text


HEAD = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path

import pytest
from handlers_of_tests import Flags, Shortened
from resultspec_conformance import HandlerConformance, HandlerSubject, conformance_checks
from resultspec_conformance.settings import Settings

TWO = Settings(rules=("handler.round-trip", "handler.none"))
FLAGS, SHORTENED = HandlerSubject(Flags), HandlerSubject(Shortened)
"""


def judge(pytester: pytest.Pytester, module: str, *arguments: str) -> tuple[dict[str, int], str, int]:
    """Run pytest on a module: counts, output and exit code."""
    pytester.makepyfile(HEAD.format(here=str(Path(__file__).parent)) + module)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    return result.parseoutcomes(), result.stdout.str(), int(result.ret)


def test_what_is_skipped_is_named_in_the_summary(pytester: pytest.Pytester) -> None:
    """A skipping fixture, setup method or mark leaves rules out, and the session says which and why."""
    module = """
class TestFixture(HandlerConformance):
    subject, settings = FLAGS, TWO
    @pytest.fixture(autouse=True)
    def server(self, rule):
        if rule == "handler.none":
            pytest.skip("no server")

class TestSetup(HandlerConformance):
    subject, settings = FLAGS, TWO
    def setup_method(self):
        pytest.skip("not today")

@pytest.mark.skip(reason="flaky")
class TestMark(HandlerConformance):
    subject, settings = FLAGS, TWO

class TestAll(HandlerConformance):
    subject, settings = FLAGS, TWO
"""
    _, text, code = judge(pytester, module)

    assert code == 0, text
    assert "1 of 2 rules of TestFixture did not run: handler.none (skipped: no server)" in text
    assert "2 of 2 rules of TestSetup did not run: handler.round-trip, handler.none (skipped: not today)" in text
    assert "2 of 2 rules of TestMark did not run: handler.round-trip, handler.none (skipped: flaky)" in text
    assert "rules of TestAll" not in text


def test_a_mark_does_not_hide_a_broken_rule(pytester: pytest.Pytester) -> None:
    """A mark xfail, strict or not, run or not, on the class or by a hook: the rule is red all the same."""
    module = """
@pytest.mark.xfail(strict=False, reason="we know")
class TestMarked(HandlerConformance):
    subject, settings = SHORTENED, TWO

@pytest.mark.xfail(run=False, reason="we know")
class TestNotRun(HandlerConformance):
    subject, settings = FLAGS, TWO

class TestWaived(HandlerConformance):
    subject = SHORTENED
    settings = Settings(rules=("handler.round-trip",), waive={"handler.round-trip": "we know"})

@conformance_checks(SHORTENED, TWO)
@pytest.mark.xfail(strict=False, reason="we know")
def test_function(conformance_check):
    conformance_check()
"""
    counts, text, code = judge(pytester, module)

    assert code == 1
    assert counts == {"failed": 2, "errors": 2, "xfailed": 1, "skipped": 2}, text
    assert "the rule is broken, and something hides it" in text
    assert "a mark xfail keeps the rule from being judged" in text
    assert "Check first:" in text


def test_a_check_that_does_not_run_does_not_pass(pytester: pytest.Pytester) -> None:
    """A hook that runs nothing, and a function that does not call its check, are red; a hook that removes items is named."""
    pytester.makeconftest("""
from pathlib import Path

import pytest

def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "TestRemoved" not in item.nodeid or "handler.none" not in item.nodeid]

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return True if "TestNoop" in pyfuncitem.nodeid else None

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    report = yield
    if "TestPainted" in item.nodeid and report.when == "call":
        report.outcome = "passed"
    return report
""")
    module = """
class TestNoop(HandlerConformance):
    subject, settings = FLAGS, TWO

class TestRemoved(HandlerConformance):
    subject, settings = FLAGS, TWO

@conformance_checks(FLAGS, TWO)
def test_forgetful(conformance_check):
    pass
"""
    counts, text, code = judge(pytester, module)

    assert code == 1
    assert counts["failed"] == 4, text
    assert "the test passed without judging the rule" in text
    assert "1 of 2 rules of TestRemoved did not run: handler.none (removed by a plugin or a conftest.py)" in text

    painted = "class TestPainted(HandlerConformance):\n    subject, settings = SHORTENED, TWO\n"
    _, text, code = judge(pytester, painted)

    assert code == 1, text
    assert "the rule is broken, and something hides it" in text


@pytest.mark.parametrize(
    "body",
    [
        "class TestMine(HandlerConformance):\n    subject = FLAGS\n    def test_rule(self, rule): pass\n",
        "class TestMine(HandlerConformance):\n    subject = FLAGS\n    test_rule = None\n",
        "class TestA(HandlerConformance):\n    subject = FLAGS\nclass TestMine(TestA):\n    def test_rule(self): pass\n",
        "class Mixin:\n    def test_rule(self): pass\nclass TestA(HandlerConformance):\n    subject = FLAGS\n"
        "class TestMine(Mixin, TestA): pass\n",
    ],
    ids=["own", "none", "inherited", "mixed in"],
)
def test_overriding_the_checks_is_an_error_at_once(body: str) -> None:
    """Whichever way a subclass replaces the tests, its class statement raises and names the right way."""
    names: dict[str, object] = {}
    exec(HEAD.format(here=str(Path(__file__).parent)), names)

    with pytest.raises(TypeError, match=r"TestMine overrides test_rule.*Settings\(waive="):
        exec(body, names)


def test_replacing_the_checks_later_is_an_error_of_collection(pytester: pytest.Pytester) -> None:
    """What is set on the class after it was made is seen when it is collected."""
    module = """
class TestMine(HandlerConformance):
    subject, settings = FLAGS, TWO

TestMine.test_rule = lambda self: None
"""
    _, text, code = judge(pytester, module)

    assert code == 2
    assert "TestMine.test_rule was replaced; its rules would not be judged" in text


def test_what_the_user_deselects_is_shown(pytester: pytest.Pytester) -> None:
    """A selection on the command line is legitimate; the summary says what it left out, and by what."""
    module = "class TestMine(HandlerConformance):\n    subject, settings = FLAGS, TWO\n"
    _, text, code = judge(pytester, module, "-k", "handler.none")

    assert code == 0
    assert "1 of 2 rules of TestMine did not run: handler.round-trip (deselected by -k 'handler.none')" in text


def test_what_leaves_nothing_to_be_said_is_red(pytester: pytest.Pytester) -> None:
    """A root rule that a budget cut, and a rule that waits for a waived one, do not end in green."""
    module = """
from resultspec_conformance.budget import Budget

class TestCut(HandlerConformance):
    subject = FLAGS
    settings = Settings(rules=("handler.round-trip", "handler.none"), budget=Budget.parse("1x"))

class TestBlocked(HandlerConformance):
    subject = SHORTENED
    settings = Settings(rules=("handler.round-trip", "handler.none"), waive={"handler.round-trip": "by agreement"})
"""
    counts, text, code = judge(pytester, module)

    assert code == 1
    assert counts == {"failed": 2, "skipped": 1, "xfailed": 1}, text
    assert "TestCut: --budget 1x cut this run" in text
    assert "needs a waiver of its own" in text


def test_checks_of_functions_leave_nothing_behind(pytester: pytest.Pytester) -> None:
    """The run that the items of a function share is closed at the end of the session."""
    module = """
@conformance_checks(FLAGS, Settings(rules=("shared.process",)))
def test_mine(conformance_check):
    conformance_check()
"""
    temporary = pytester.mkdir("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        counts, text, _ = judge(pytester, module)

    assert counts == {"passed": 1}, text
    assert [path for path in temporary.iterdir() if path.name.startswith("resultspec-")] == []


def test_static_rules_are_judged_of_annotated_classes(pytester: pytest.Pytester) -> None:
    """As on the command line: an annotated class claims them, broken ones are red; of another class they are skipped."""
    module = """
STATIC = Settings(rules=("static.*", "handler.round-trip"))

class Unsymmetric:
    def write(self, value: bytes) -> str:
        return value.hex()
    def read(self, reference: str) -> int:
        return bytes.fromhex(reference)

class Bare:
    def write(self, value):
        return Flags().write(value)
    def read(self, reference):
        return Flags().read(reference)

class TestAnnotated(HandlerConformance):
    subject, settings = HandlerSubject(Unsymmetric), STATIC

class TestBare(HandlerConformance):
    subject, settings = HandlerSubject(Bare), STATIC
"""
    _, text, code = judge(pytester, module, "-v", "-rs")

    assert code == 1
    assert "TestAnnotated::test_rule[static.symmetry] FAILED" in text
    assert "TestBare::test_rule[static.symmetry] SKIPPED" in text
    assert "static is claimed of annotated classes" in text
    assert "TestBare::test_rule[handler.round-trip] PASSED" in text
