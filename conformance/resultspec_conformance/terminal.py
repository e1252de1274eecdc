"""Reports and rules on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from resultspec.rules import Level, Rule, rule
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from .checking import checks_of, why_unchecked
from .report import ROOTS, Report, RuleReport, Status, Verdict
from .sabotage import Finding, SensitivityReport

_MARKS: dict[Status, tuple[str, str]] = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "warned": ("!", "yellow"),
    "waived": ("w", "yellow"),
    "blocked": ("·", "dim"),
    "not-applicable": ("-", "dim"),
    "untested": ("?", "magenta"),
    "error": ("E", "bold red"),
}
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "conforms": ("CONFORMS", "bold green"),
    "violates": ("VIOLATES", "bold red"),
    "inconclusive": ("INCONCLUSIVE", "bold magenta"),
}


@contextmanager
def progress(target: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show, on a terminal only, which rule is being judged; gives a function to be told of each."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed}/{task.total} {task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as live:
        task = live.add_task(target, total=total)

        def tell(rule_id: str) -> None:
            live.update(task, description=rule_id, advance=1)

        yield tell


def show(report: Report, console: Console) -> None:
    """Show a report: every rule in a line, failures in full, and the verdict."""
    subject = report.subject
    console.print(Text(f"\n{subject.target}", style="bold"))
    console.print(
        f"{subject.handler}; {subject.values}; seed {report.seed}; claims {', '.join(subject.claims)}", style="dim", markup=False
    )
    reasons = {found.reason for found in report.rules}
    if len(reasons) == 1 and all(found.status == "error" for found in report.rules):
        console.print(f"\nNothing can be said: {reasons.pop()}", markup=False)
    else:
        _show_rules_of(report, console)
        for found in report.rules:
            if found.status in ("failed", "warned", "error"):
                console.print(failure_text(found), markup=False, soft_wrap=True)
    _show_verdict(report, console)


def _show_rules_of(report: Report, console: Console) -> None:
    for name, judged in report.classes.items():
        members = [found for found in report.rules if found.cls == name]
        if not judged.claimed and {found.status for found in members} <= {"untested", "blocked", "error"}:
            console.print(f"\n{name}: not claimed", style="dim")
            continue
        console.print(
            f"\n{name}" + ("" if judged.claimed else ": not claimed, does not decide"), style="" if judged.claimed else "dim"
        )
        for found in members:
            mark, style = _MARKS[found.status]
            line = Text(f"  {mark} {found.id:32}", style=style if judged.claimed else "dim")
            line.append(f" {_note(found)}", style="dim")
            line.truncate(console.width, overflow="ellipsis")
            console.print(line)


def _note(found: RuleReport) -> str:
    if found.status == "passed":
        return found.message or (f"{found.examples} values" if found.examples else "")
    return f"{found.status}: {found.reason or found.message or ''}".rstrip(": ")


def _show_verdict(report: Report, console: Console) -> None:
    for note in report.notes:
        console.print(f"\n{note[0].upper()}{note[1:]}.", markup=False, soft_wrap=True)
    word, style = _VERDICTS[report.verdict]
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    console.print()
    console.print(Text(word, style=style), Text(f"{report.subject.target} ({counts}; {report.seconds:.1f} s)"))
    if report.verdict == "inconclusive" and (why := _why_inconclusive(report)):
        console.print(f"Nothing can be said: {why}", markup=False)


def _why_inconclusive(report: Report) -> str | None:
    claimed = [found for found in report.rules if found.cls in report.subject.claims]
    if untested := [found for found in claimed if found.status == "untested" and found.id in ROOTS]:
        return untested[0].reason
    if blocked := [found for found in claimed if found.status == "blocked" and found.level is Level.MUST]:
        return (
            f"{len(blocked)} rules {blocked[0].reason}; a rule that is accepted as not judged needs a waiver of its own: "
            + ", ".join(found.id for found in blocked)
        )
    return next((found.reason for found in claimed if found.status == "untested"), None)


def failure_text(found: RuleReport) -> str:
    """A failure in full: what the rule asks, what was seen, what to check first, and a script that shows it."""
    lines = ["", f"── {found.id}: {found.status}", rule(found.id).statement, ""]
    parts = (("", found.message or found.reason), ("Expected: ", found.expected), ("Actual:   ", found.actual))
    lines += [f"{label}{text}" for label, text in parts if text]
    if found.hint:
        lines += ["", "Check first:", *(f"  - {hint}" for hint in found.hint.splitlines())]
    if found.reproducer:
        lines += ["", "This script shows it:", "", *(f"    {line}" if line else "" for line in found.reproducer.splitlines())]
    return "\n".join(lines)


def show_matrix(reports: Sequence[Report], console: Console) -> None:
    """Show several reports side by side, a row for each rule."""
    table = Table(title="\nRules by subject", box=None, title_justify="left", padding=(0, 1))
    table.add_column("rule", no_wrap=True, min_width=30)
    for report in reports:
        table.add_column(report.subject.target.partition(":")[2].partition("(")[0] or report.subject.target, justify="center")
    for rule_id in dict.fromkeys(found.id for report in reports for found in report.rules):
        cells = [next((found for found in report.rules if found.id == rule_id), None) for report in reports]
        if any(cell is not None and cell.cls in report.subject.claims for cell, report in zip(cells, reports, strict=True)):
            table.add_row(rule_id, *(Text(*_MARKS[cell.status]) if cell is not None else "" for cell in cells))
    table.add_section()
    table.add_row("verdict", *(Text(*_VERDICTS[report.verdict]) for report in reports))
    console.print(table)
    console.print("  ".join(f"{mark} {status}" for status, (mark, _) in _MARKS.items()), style="dim")


def show_rules(chosen: Sequence[Rule], console: Console) -> None:
    """Show rules as a table."""
    table = Table(box=None, padding=(0, 1))
    for heading in ("rule", "level", "checks", "statement"):
        table.add_column(heading, no_wrap=heading == "rule")
    for one in chosen:
        why = why_unchecked(one.id)
        told = Text(one.statement).append(f"\nuntested: {why}", style="magenta") if why else Text(one.statement)
        table.add_row(one.id, str(one.level), str(len(checks_of(one.id)) or "none"), told)
    console.print(table)


def show_rule(one: Rule, checked: Sequence[str], console: Console) -> None:
    """Show everything that is known of a rule."""
    console.print(Text(one.id, style="bold"), Text(f"({one.level}, class {one.cls}, since {one.since})"))
    sections = {
        "": [one.statement],
        "Law": one.law.splitlines(),
        "Why": [one.intent],
        "What is checked": list(checked) or [f"Nothing, and it is reported as untested: {why_unchecked(one.id)}."],
        "If it fails, check first": list(one.hints),
        "Needs": list(one.requires) or ["no other rule"],
    }
    for heading, lines in sections.items():
        console.print(f"\n{heading}" if heading else "", style="bold")
        for line in lines:
            console.print(f"  {line}", markup=False)


_FINDINGS: dict[Finding, tuple[str, str, str]] = {
    "noticed": ("✓", "green", "noticed"),
    "unnoticed": ("✗", "bold red", "would not have noticed"),
    "untried": ("-", "dim", "cannot be tried"),
}


def show_sensitivity(report: SensitivityReport, console: Console) -> None:
    """Show which broken rules the suite would have noticed, and what to change where it would not."""
    console.print(Text(f"\nSensitivity of the suite to defects of {report.target}", style="bold"))
    for one in report.rules:
        mark, style, word = _FINDINGS[one.finding]
        line = Text(f"  {mark} {one.id:32}", style=style)
        line.append(f" {one.defect}" if one.finding == "noticed" else f" {word}: {one.reason}", style="dim")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    for one in report.rules:
        if one.finding == "unnoticed":
            told = f"\n{one.id} would not have noticed a handler that {one.defect[:1].lower()}{one.defect[1:]}"
            console.print(f"{told}\n  Since {one.reason}.\n  {one.change}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{len(report.ids(finding))} {word}" for finding, (_, _, word) in _FINDINGS.items())
    console.print(f"\nOf {len(report.rules)} defects: {counts} ({report.seconds:.1f} s)", markup=False)
