"""The forms of a report: each says what the report says, and holds whatever a handler may have said."""

import json
import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from junitparser import JUnitXml
from reports_of_tests import ALL, CONFORMING, HOSTILE, INCONCLUSIVE, UNUSABLE, VIOLATING
from resultspec import rules
from resultspec_conformance import RuleSensitivity, SensitivityReport, terminal
from resultspec_conformance.cli import cli
from resultspec_conformance.report import Report
from resultspec_conformance.reports import badge, html, junit
from resultspec_conformance.reports.files import CannotWrite, refuse_impossible, write
from resultspec_conformance.reports.repeat import command
from resultspec_conformance.reports.signs import MEANINGS, SIGNS
from resultspec_conformance.reports.text import visible
from resultspec_conformance.settings import Settings
from rich.console import Console

# What the schemas of JUnit files that are in use (of Jenkins, Ant and Maven) have in common: what may stand in what, in which
# order, and which attributes an element must and may have.
ELEMENTS: dict[str, tuple[str, set[str], set[str]]] = {
    "testsuites": ("testsuite+", set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": ("properties? testcase+", {"name", "tests"}, {"failures", "errors", "skipped", "time"}),
    "properties": ("property+", set(), set()),
    "property": ("", {"name", "value"}, set()),
    "testcase": ("(skipped|error|failure)? system-out?", {"name", "classname"}, {"time"}),
    "failure": ("", {"message", "type"}, set()),
    "error": ("", {"message", "type"}, set()),
    "skipped": ("", {"message"}, set()),
    "system-out": ("", set(), set()),
}


def shown(*reports: Report, width: int = 80) -> str:
    """Show reports as a pipe gets them."""
    console = Console(width=width, highlight=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        for report in reports:
            terminal.show(report, console)
        if len(reports) > 1:
            terminal.show_matrix(reports, console)
    return captured.get()


@pytest.mark.parametrize("reports", [(one,) for one in ALL] + [ALL], ids=[*(one.verdict for one in ALL), "all"])
def test_junit_keeps_the_schema_and_counts_right(reports: tuple[Report, ...]) -> None:
    """Every element is where the common schemas allow it, and the counts are those that an independent reader counts."""
    text = junit.render(reports)
    read, root = JUnitXml.fromstring(text.encode()), ET.fromstring(text)
    for element in root.iter():
        children, must, may = ELEMENTS[element.tag]
        pattern = re.sub(r"[a-z-]+", lambda name: f"(?:{name[0]};)", children).replace(" ", "")
        assert re.fullmatch(pattern, "".join(f"{child.tag};" for child in element)), element.tag
        assert must <= set(element.attrib) <= must | may, element.tag
    for declared, suite in zip(root, read, strict=True):
        cases = [[type(result).__name__ for result in case.result] for case in suite]
        counted = {"tests": len(cases)}
        counted |= {
            name: sum(kind in case for case in cases)
            for name, kind in (("failures", "Failure"), ("errors", "Error"), ("skipped", "Skipped"))
        }

        assert {name: int(declared.attrib[name]) for name in counted} == counted
        assert len({(case.classname, case.name) for case in suite}) == len(cases)
    for name in ("tests", "failures", "errors"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)


def test_junit_fails_what_decides_and_nothing_else() -> None:
    """A failure of a claimed rule is a failure with its full text; what is waived, warned or not claimed is not."""
    root = ET.fromstring(junit.render([VIOLATING]))
    ends = {case.attrib["name"]: [child.tag for child in case] for case in root.iter("testcase")}
    failure = root.find(".//failure")

    assert ends["handler.round-trip"] == ["failure"]
    assert ends["handler.standard-errors"] == ["error"]
    assert ends["shared.equality"] == ["system-out"]
    assert ends["handler.none"] == ends["durable.exit"] == ["skipped", "system-out"]
    assert ends["handler.unknown-reference"] == ["skipped"]
    assert ends["handler.json-reference"] == []
    assert failure is not None
    assert failure.text == visible(terminal.failure_text(VIOLATING.rule("handler.round-trip")).strip())


def test_junit_fails_what_a_run_was_asked_for() -> None:
    """A rule that decides although its class is not claimed is a failure, and a note on the run is a property."""
    asked = attrs.evolve(VIOLATING, rules=tuple(attrs.evolve(found, decides=True) for found in VIOLATING.rules))
    root = ET.fromstring(junit.render([asked]))

    assert [case.attrib["name"] for case in root.iter("testcase") if case.find("failure") is not None] == [
        "handler.round-trip",
        "durable.exit",
    ]
    assert root.find(".//property[@value='the budget of 500x was spent']") is not None


def test_junit_is_red_when_nothing_can_be_said() -> None:
    """An inconclusive subject is no green suite, though none of its rules failed."""
    root = ET.fromstring(junit.render([INCONCLUSIVE]))

    assert root.attrib["errors"] == "1"
    assert "refused every value" in root.find(".//error").attrib["message"]  # type: ignore[union-attr] # it is there


def test_html_escapes_whatever_a_handler_said() -> None:
    """Markup in a message stays text, what a page cannot hold is written out, and templates in values are not filled in."""
    page = html.render(ALL)
    page.encode()

    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(&#39;x&#39;)" in page
    assert "\\x00\\x1b[31m \\ud800 \\u202e\\ufffe {{ 7 * 7 }}" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800\u202e]", page)


def test_html_says_all_that_the_report_says() -> None:
    """Every rule, its status in words, reasons, failures in full and the legend are on the page, and the command to repeat it."""
    page = html.render([VIOLATING], ["resultspec check mine.py:Mine --seed 7"])

    for found in VIOLATING.rules:
        assert f'id="1-{found.id}"' in page
        assert f'<span class="words">{found.status.replace("-", " ")}</span>' in page
    for part in (
        "The budget of 500x was spent.",
        "None never occurs here",
        "the storage cannot be reached",
        "<code>str.strip</code>",
        "print(handler.read(",
        MEANINGS["blocked"],
    ):
        assert part in page
    assert "resultspec check mine.py:Mine --seed 7 --rule handler.round-trip" in page


def test_html_names_nothing_outside_itself() -> None:
    """The page has no address that a browser would fetch, and a policy that would refuse to."""
    page = html.render(ALL)

    assert set(re.findall(r'(?:href|src)="([^"#][^"]*)"', page)) == {"data:,"}
    assert "url(" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ((VIOLATING,), "violates · 1 failed"),
        ((CONFORMING,), "conforms · 3 passed"),
        ((INCONCLUSIVE,), "inconclusive · 0 passed"),
        ((UNUSABLE,), "inconclusive · 0 passed"),
        (ALL, "1 of 4 conform"),
    ],
)
def test_the_badge_says_the_verdict(reports: tuple[Report, ...], said: str) -> None:
    """The badge shows specification and verdict, and says both in its title for those who do not see it."""
    root = ET.fromstring(badge.render(reports))
    svg = "{http://www.w3.org/2000/svg}"

    assert [text.text for text in root.iter(f"{svg}text")] == ["resultspec 1.0", said]
    assert f"resultspec 1.0: {said}" in root.findtext(f"{svg}title", "")
    assert root.attrib["aria-labelledby"] == root.find(f"{svg}title").attrib["id"]  # type: ignore[union-attr] # it is there


def test_visible_leaves_text_alone() -> None:
    """Line ends, tabs and the scripts of the world are no control characters."""
    text = "tab\tline\nNaïve café, 日本語, עברית, 🙂"

    assert visible(text) == text
    assert visible(HOSTILE) != HOSTILE


def test_the_command_repeats_what_is_not_the_default() -> None:
    """The line names the seed and every setting that differs, quoted for a shell."""
    settings = Settings(
        seed=3, strict=True, examples=10, budget="500x", rules=("handler.*", "shared.*"), waive={"handler.none": "not here"}
    )
    line = command("mine:Mine('{scratch}')", ["core"], settings)

    assert line == (
        "resultspec check \"mine:Mine('{scratch}')\" --claim core --seed 3 --examples 10 --strict"
        " --rule 'handler.*' --rule 'shared.*' --waive 'handler.none=not here' --budget 500x"
    )


def test_the_command_line_writes_every_form(tmp_path: Path) -> None:
    """One run writes all four files, leaves nothing else behind, and shows no progress or colour where nobody watches."""
    files = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "html", "badge")}
    options = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    result = CliRunner().invoke(
        cli, ["check", "handlers_of_tests:Shortened", "--rule", "handler.round-trip", "--seed", "5", *options]
    )

    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert sorted(tmp_path.iterdir()) == sorted(files.values())
    assert json.loads(files["json"].read_text())["seed"] == 5
    assert 'failures="1"' in files["junit"].read_text()
    assert "resultspec check handlers_of_tests:Shortened --seed 5 --rule handler.round-trip" in files["html"].read_text()
    assert "violates" in files["badge"].read_text()


def test_files_are_refused_before_the_run(tmp_path: Path) -> None:
    """Two forms for one file, and a directory that is missing, cost no run."""
    same = CliRunner().invoke(
        cli, ["check", "handlers_of_tests:Flags", "--junit", str(tmp_path / "a"), "--html", str(tmp_path / "a")]
    )

    assert same.exit_code == 2
    assert "goes to the same file" in same.output
    with pytest.raises(CannotWrite, match="there is no directory"):
        refuse_impossible({"badge": tmp_path / "missing" / "badge.svg"})


def test_no_file_is_touched_unless_all_can_be_written(tmp_path: Path) -> None:
    """When one file cannot be written, the others stay as they were, and no draft stays."""
    kept = tmp_path / "report.json"
    kept.write_text("of yesterday")
    gone = tmp_path / "gone"

    with pytest.raises(CannotWrite, match=f"--html {gone / 'report.html'}: No such file or directory"):
        write({"json": kept, "html": gone / "report.html"}, [CONFORMING], [])
    assert kept.read_text() == "of yesterday"
    assert [path for path in tmp_path.iterdir() if stat.S_ISREG(path.stat().st_mode)] == [kept]


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_every_rule_whole(width: int) -> None:
    """At any usual width no rule id is cut and no line of the rules is too long; a pipe gets no colour, nor what a handler said in it."""
    text = shown(VIOLATING, width=width)
    rows = text[: text.index("── ")]

    assert "\x1b" not in text
    assert text.encode()
    for found in VIOLATING.rules:
        if found.cls in VIOLATING.subject.claims:
            assert re.search(rf"{re.escape(SIGNS[found.status])} {re.escape(found.id)}\b", rows), found.id
    assert max(map(len, rows.splitlines())) <= width


def test_the_terminal_tells_in_full_what_decides() -> None:
    """What was found of a class that is not claimed is a sentence with the command for more, unless it is all there is."""
    text = shown(VIOLATING)
    alone = attrs.evolve(VIOLATING, rules=(VIOLATING.rule("durable.exit"),))

    assert "── handler.round-trip: failed\n" in text
    assert text.count("This script shows it:") == 2  # of the failure, and of the warning
    assert "── durable.exit: failed, does not decide\n" in text
    assert "In full: the same command with --rule durable.exit\n" in text
    assert shown(alone).count("This script shows it:") == 1


def test_the_terminal_says_why_a_class_was_left_out() -> None:
    """A class that is not claimed since nothing of it could be tried is named with the reason, which may be mended."""
    from reports_of_tests import found, report

    untyped = [found(rule_id, "untested", reason="mypy is not installed") for rule_id in ("static.protocol", "static.typed")]

    assert "Not claimed: static (mypy is not installed)\n" in shown(
        report("mine:Mine", found("handler.none", "passed"), *untyped)
    )


def test_the_terminal_folds_what_has_one_cause() -> None:
    """Rules that one failure keeps from being judged are told together, with the failure at the root of the chain."""
    from reports_of_tests import found, report

    chain = [found("handler.round-trip", "failed", message="it differs")]
    for rule_id, blocker in (
        ("handler.repeatable-read", "handler.round-trip"),
        ("handler.fresh-read", "handler.repeatable-read"),
        ("handler.none", "handler.round-trip"),
    ):
        chain.append(found(rule_id, "blocked", reason=f"cannot be judged before {blocker} holds", blocked_by=(blocker,)))
    text = shown(report("mine:Mine", *chain))

    assert "3 rules blocked by handler.round-trip\n" in re.sub(r" +\n", "\n", text)
    assert "handler.repeatable-read, handler.fresh-read, handler.none" in text


@pytest.mark.parametrize("width", [80, 120])
def test_the_columns_of_the_matrix_are_told_apart(width: int) -> None:
    """Each column has a number of its own, the key names each subject whole, and forty subjects fit by several tables."""
    text = shown(*ALL * 10, width=width)
    matrix = text[text.index("Rules by subject") :]
    headings = [number for line in matrix.splitlines() if line.startswith("rule ") for number in line.split()[1:]]

    assert headings == [str(number) for number in range(1, 41)]
    assert all(matrix.count(one.subject.target) == 10 for one in ALL)
    assert (
        max(len(line.rstrip()) for line in matrix.splitlines() if line.split()[:1] and line.split()[0] in {*rules.RULES, "rule"})
        <= width
    )


def test_the_key_of_the_matrix_names_every_sign_in_it() -> None:
    """A class that one subject claims is a row for all, so that signs of subjects which do not claim it are shown too."""
    from reports_of_tests import found, report

    durable = report("theirs:Store", found("durable.exit", "passed"), claims=("durable",))
    core = report("mine:Mine", found("handler.none", "passed"), found("durable.exit", "untested", reason="it is far away"))

    assert shown(durable, core).splitlines()[-1].split() == ["✓", "passed", "?", "untested"]


def test_what_one_change_would_mend_is_told_together() -> None:
    """A class that is not claimed leaves many defects unnoticed; the reason, and what to change, are told once."""
    reason, change = "the class durable is not claimed", "Claim the class durable."
    missed = [
        RuleSensitivity(id="durable.exit", finding="unnoticed", defect="Forgets at exit.", reason=reason, change=change),
        RuleSensitivity(
            id="handler.none", finding="unnoticed", defect="Forgets None.", reason="no value is None", change="Vary them."
        ),
        RuleSensitivity(id="durable.kill", finding="unnoticed", defect="Forgets when killed.", reason=reason, change=change),
    ]
    console = Console(width=80, highlight=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        terminal.show_sensitivity(SensitivityReport(target="mine:Mine", rules=tuple(missed), seconds=1.0), console)

    assert captured.get().count("Claim the class durable.") == 1
    assert (
        "\ndurable.exit would not have noticed a handler that forgets at exit.\n"
        "durable.kill would not have noticed a handler that forgets when killed.\n"
        "  Since the class durable is not claimed.\n  Claim the class durable.\n"
    ) in captured.get()
