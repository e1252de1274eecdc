"""The static rules: what mypy says of a handler's class, in the words of the rules, with file and line."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import handlers_to_type as classes
import pytest
from resultspec import rules
from resultspec_conformance import HandlerSubject, check
from resultspec_conformance.checking import checks_of
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs.static import STATIC_SABOTEURS
from resultspec_conformance.settings import Settings
from resultspec_conformance.trials.making import maker_for
from resultspec_conformance.typing_probe import asking, running
from resultspec_conformance.typing_probe.answers import Problem
from resultspec_conformance.typing_probe.asking import problems_of, problems_of_all
from resultspec_conformance.typing_probe.classes import CannotProbe
from resultspec_reference import LocalResultHandler
from zoo.correct import CORRECT

STATIC = ("static.*",)

KEPT = (
    classes.Plain, classes.Options, classes.Generous, classes.Narrower, classes.Declared, classes.OfAny, classes.OfNumbers,
    classes.Inherited, classes.Perhaps, classes.Quoted, classes.Static, classes.Decorated, classes.Overloaded, classes.Awaited,
    classes.AwaitedCoroutines, classes.DeclaredAwaited, classes.AwaitedGeneric, classes.Implements, classes.Outer.Nested,
    classes.Attributes,
)  # fmt: skip

BROKEN: dict[type, tuple[str, str]] = {
    classes.NeedsName: ("static.protocol", "write cannot be called with the value alone"),
    classes.KeywordAlone: ("static.protocol", "read cannot be called with the reference alone"),
    classes.NoArgument: ("static.protocol", "write cannot be called with the value alone"),
    classes.WithoutRead: ("static.protocol", "the class has no read"),
    classes.HalfAwaited: ("static.protocol", "only write is to be awaited"),
    classes.Futures: ("static.protocol", "write returns an awaitable that is no coroutine"),
    classes.Awaitables: ("static.protocol", "write returns an awaitable that is no coroutine"),
    classes.ByPath: ("static.json-bound", "write returns pathlib.Path"),
    classes.ByTypedDict: ("static.json-bound", "write returns TypedDict("),
    classes.BySequence: ("static.json-bound", "write returns Sequence[str]"),
    classes.ByObject: ("static.json-bound", "write returns object"),
    classes.ByUnbound: ("static.json-bound", "write returns T"),
    classes.ByBytesAwaited: ("static.json-bound", "write returns bytes"),
    classes.OrNone: ("static.symmetry", "read returns int | None, which write does not take"),
    classes.TakesLess: ("static.symmetry", "write returns JSON, which read does not take"),
    classes.TwoVariables: ("static.symmetry", "read returns T, which write does not take"),
    classes.OrNoneAwaited: ("static.symmetry", "read returns int | None, which write does not take"),
    classes.ByAny: ("static.typed", 'write: Explicit "Any"'),
    classes.ByAlias: ("static.typed", "write takes Any"),
    classes.HalfAnnotated: ("static.typed", "read: Function is missing a type annotation"),
    classes.BareDict: ("static.typed", 'write: Missing type arguments for generic type "dict"'),
    classes.InsideAny: ("static.typed", 'write: Explicit "Any"'),
    classes.AwaitedAny: ("static.typed", 'write: Explicit "Any"'),
    classes.AwaitedCoroutinesOfAny: ("static.typed", 'write: Explicit "Any"'),
    classes.Erased: ("static.typed", "write: Function is untyped after decorator"),
    classes.BareAwaited: ("static.typed", "write: Function is missing a type annotation"),
    classes.Bare: ("static.typed", "write: Function is missing a type annotation"),
    classes.Delegating: ("static.typed", "write takes Any"),
}

UNKNOWN = {
    classes.local(): "defined within a function",
    classes.made: "holds no class statement for made",
    int: "the source of builtins.int cannot be found",
}


@pytest.fixture(scope="module")
def answers() -> Any:
    """What one run of mypy says of all classes."""
    return problems_of_all([*KEPT, *BROKEN, *UNKNOWN])


@pytest.mark.parametrize("cls", KEPT, ids=lambda cls: cls.__qualname__)
def test_a_class_that_keeps_the_rules_has_no_problem(answers: Any, cls: type) -> None:
    """Generic, nested, inherited, decorated, overloaded, awaitable or generous: a correct class is left in peace."""
    assert list(answers[cls]) == []


@pytest.mark.parametrize("cls", BROKEN, ids=lambda cls: cls.__qualname__)
def test_a_class_that_breaks_a_rule_has_that_problem_alone(answers: Any, cls: type) -> None:
    """The problem names the rule, what is wrong, the line of the class or method, and the types that mypy sees."""
    [problem] = answers[cls]
    place = re.search(r"\(([^()]*):(\d+)\)$", problem.message)
    assert place is not None
    line = Path(place[1]).read_text().splitlines()[int(place[2]) - 1]

    assert BROKEN[cls] == (problem.rule, problem.message[: len(BROKEN[cls][1])])
    assert line.strip().startswith(("def ", "async def ", f"class {cls.__name__}"))
    assert problem.expected
    assert problem.actual


@pytest.mark.parametrize("cls", UNKNOWN, ids=lambda cls: cls.__qualname__)
def test_a_class_without_source_is_not_judged(answers: Any, cls: type) -> None:
    """What no probe can name has a reason instead of a verdict."""
    assert isinstance(answers[cls], CannotProbe)
    assert UNKNOWN[cls] in str(answers[cls])


def test_the_correct_handlers_have_no_problem_that_they_do_not_admit(tmp_path: Path) -> None:
    """No false alarm over the whole zoo; a class without annotations is not judged by what it lacks."""
    made = {type(maker_for(correct.make)(tmp_path)): correct for correct in CORRECT}
    answers = problems_of_all(made)
    alarms = {
        correct.name: problems
        for cls, correct in made.items()
        if not isinstance(problems := answers[cls], CannotProbe) and {problem.rule for problem in problems} - correct.warns
    }

    assert alarms == {}
    assert len(made) > 50
    assert {"SimpleNamespace"} == {cls.__name__ for cls in made if isinstance(answers[cls], CannotProbe)}


def make(scratch: Path) -> LocalResultHandler:
    """Make the correct handler that is sabotaged."""
    return LocalResultHandler(scratch / "results", sync=False)


def test_the_correct_subject_keeps_the_static_rules() -> None:
    """What is sabotaged below passes beforehand, and its annotations make it claim the class."""
    report = run(HandlerSubject(make), Settings(rules=STATIC))

    assert {"passed"} == {found.status for found in report.rules}
    assert report.subject.claims == ("core", "shared", "static")
    assert report.verdict == "conforms"


@pytest.mark.parametrize("rule", sorted(STATIC_SABOTEURS))
def test_a_saboteur_is_caught_by_its_own_rule_alone(rule: str) -> None:
    """The rule fails with a message, what depends on it is blocked, and no other rule fails; at run time all is well."""
    rules_to_run = (*STATIC, "handler.round-trip", "handler.json-reference", "shared.instance", "shared.pickle")
    report = run(STATIC_SABOTEURS[rule](HandlerSubject(make)), Settings(examples=20, strict=True, rules=rules_to_run))
    found = report.rule(rule)

    assert [rule] == [one.id for one in report.rules if one.status in ("failed", "error")]
    assert re.search(r"saboteurs/static\.py:\d+", str(found.message))
    assert found.expected
    assert found.actual
    assert report.verdict == "violates"


def test_every_static_rule_has_a_check_and_a_saboteur() -> None:
    """No rule goes unchecked, and no check unproved."""
    ids = {rule.id for rule in rules.RULES.values() if rule.cls == "static"}

    assert ids == set(STATIC_SABOTEURS)
    assert all(checks_of(rule) for rule in ids)


@pytest.mark.parametrize("cls", [classes.Bare, classes.Delegating, classes.local()])
def test_what_is_not_annotated_or_not_found_does_not_decide(cls: type) -> None:
    """The class static is claimed only where there are annotations and mypy can be asked; else it is shown alone."""
    report = check(HandlerSubject(cls, values=_nothing(), claims={"core"}), rules=STATIC)

    assert report.subject.claims == ("core",)


def test_an_explicit_claim_decides_whatever_the_class() -> None:
    """Who claims static for a class that mypy cannot be asked about gets no green."""
    report = check(HandlerSubject(classes.local(), values=_nothing(), claims={"static"}), rules=STATIC)

    assert {"untested"} == {found.status for found in report.rules}
    assert report.verdict == "inconclusive"


def test_without_mypy_the_rules_are_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says what to install, and the verdict rests on the other classes."""
    monkeypatch.setattr(asking.importlib.util, "find_spec", lambda name: None)
    report = run(HandlerSubject(make), Settings(rules=STATIC))

    assert {"untested"} == {found.status for found in report.rules}
    assert "mypy is not installed" in str(report.rule("static.protocol").reason)
    assert report.subject.claims == ("core", "shared")


def test_mypy_that_does_not_finish_leaves_the_rules_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that is too slow for the limit says nothing of the handler."""
    real = subprocess.run

    def late(command: list[str], **options: Any) -> Any:
        if "mypy" not in command:
            return real(command, **options)
        raise subprocess.TimeoutExpired("mypy", options["timeout"])

    monkeypatch.setattr(running.subprocess, "run", late)
    report = run(HandlerSubject(make), Settings(rules=STATIC, limit=10))

    assert "mypy did not finish within 8 seconds" in str(report.rule("static.protocol").reason)
    assert report.subject.claims == ("core", "shared")


def test_mypy_runs_once_for_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four rules, one child process."""
    runs: list[list[str]] = []
    real = subprocess.run

    def counted(command: list[str], **options: Any) -> Any:
        runs.append(command)
        return real(command, **options)

    monkeypatch.setattr(running.subprocess, "run", counted)
    report = run(HandlerSubject(make), Settings(rules=STATIC))

    assert len(report.rules) == 4
    assert len([command for command in runs if "mypy" in command]) == 1


def test_classes_of_one_module_do_not_get_each_others_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache takes a file of the same size and second for the same: what it is shown differs in one of them."""
    (tmp_path / "alike.py").write_text(
        "from resultspec import JSON\n\n"
        "class Good:\n"
        "    def write(self, value: object, /) -> JSON: return str(value)\n"
        "    def read(self, reference: JSON, /) -> object: return reference\n\n"
        "class Evil:\n"
        "    def write(self, value: object, /) -> bytes: return b''\n"
        "    def read(self, reference: bytes, /) -> object: return reference\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    module = importlib.import_module("alike")
    seen: dict[bytes, tuple[int, int]] = {}
    real = subprocess.run

    def watched(command: list[str], **options: Any) -> Any:
        shadow = Path(command[command.index("--shadow-file") + 2])
        seen[shadow.read_bytes()] = (shadow.stat().st_size, int(shadow.stat().st_mtime))
        return real(command, **options)

    monkeypatch.setattr(running.subprocess, "run", watched)
    rules_broken = [{one.rule for one in problems_of(cls)} for cls in (module.Good, module.Evil, module.Good)]

    assert rules_broken == [set(), {"static.json-bound"}, set()]
    assert [size for size, _ in seen.values()] == [len(next(iter(seen)))] * 2
    assert len(set(seen.values())) == 2


def test_mypy_leaves_nothing_where_the_author_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is the user's, not the project's."""
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def write(self, value: int) -> str: ...\n    def read(self, r: str): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "cache"))
    from mine import Mine  # type: ignore[import-not-found]

    [problem] = asking.problems_of(Mine)

    assert Problem("static.typed", "read: Function is missing a return type annotation (mine.py:3)", *_any()) == problem
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
    assert (tmp_path.parent / "cache" / "resultspec" / "mypy").is_dir()


def _any() -> tuple[str, str]:
    return "complete annotations without Any", "def (r: str) -> Any"


def test_a_base_in_another_package_is_found_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative imports, a package, an inherited method that silences mypy: the line is that of the base."""
    package = tmp_path / "stores_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("class Base:\n\n    def read(self, reference):  # type: ignore\n        return 1\n")
    (package / "own.py").write_text(
        "# mypy: ignore-errors\nfrom .base import Base\nclass Own(Base):\n    def write(self, value: int) -> str: ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from stores_of_tests.own import Own  # type: ignore[import-not-found]

    [problem] = asking.problems_of(Own)

    assert f"read: Function is missing a type annotation ({package / 'base.py'}:3)" == problem.message


def test_nothing_is_parsed_beside_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to Python 3.12 two threads cannot parse at once: who has asked whether mypy can be asked has done what it takes."""
    assert asking.why_not(classes.OrNone) is None
    monkeypatch.setattr("ast.parse", lambda *arguments: pytest.fail("a file was parsed"))

    [problem] = asking.problems_of(classes.OrNone)

    assert problem.rule == "static.symmetry"


def test_an_installed_package_is_judged_as_its_users_see_it() -> None:
    """Its files are left alone: mypy finds its types, or says that it has none."""
    import ssl
    import tempfile

    import diskcache

    [problem] = asking.problems_of(tempfile.SpooledTemporaryFile)

    assert list(asking.problems_of(ssl.SSLObject)) == []  # write takes bytes and gives a number, read the inverse
    assert problem.rule == "static.typed"
    assert problem.message.startswith("write takes Any (")
    with pytest.raises(CannotProbe, match=r"mypy does not look into the package: .*py\.typed"):
        asking.problems_of(diskcache.Cache)


def test_the_reproducer_shows_the_problem_by_itself(tmp_path: Path) -> None:
    """The script of a failure runs alone in a fresh interpreter, and fails."""
    report = check(HandlerSubject(classes.OrNone, values=_nothing()), rules=STATIC)
    script = tmp_path / "reproducer.py"
    script.write_text(str(report.rule("static.symmetry").reproducer))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 1, done.stderr
    assert "which write does not take" in done.stdout
    assert "the rule is broken" in done.stderr


def _nothing() -> Any:
    from hypothesis import strategies as st

    return st.none()
