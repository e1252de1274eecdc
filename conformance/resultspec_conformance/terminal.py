"""Reports and rules on a terminal."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from resultspec.rules import RULES, Level, Rule, rule
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from .checking import checks_of, why_unchecked
from .explaining import sections
from .report import ROOTS, UNMADE, Report, RuleReport, Status, Verdict
from .reports.signs import SIGNS
from .reports.text import counted, visible
from .sabotage import Finding, SensitivityReport

_RULE_WIDTH = 32
_COLUMN_WIDTH = 4

_STYLES: dict[Status, str] = {
    "failed": "bold red",
    "error": "bold red",
    "warned": "yellow",
    "waived": "yellow",
    "passed": "green",
    "blocked": "dim",
    "not-applicable": "dim",
    "untested": "magenta",
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


def show(report: Report, console: Console, with_rule: str = "") -> None:
    """Show a report: every rule, what decides in full, and the verdict.

    Where something was asked that decides, what was found of other classes is told in a sentence, with the command for more.

    Args:
        report: What was found.
        console: Where it is shown.
        with_rule: What the command for more needs beside ``--rule``.
    """
    subject = report.subject
    console.print(Text(f"\n{subject.target}", style="bold"))
    if subject.handler != UNMADE:
        console.print(Text(visible(f"{subject.handler}; {subject.values}"), style="dim"))
    console.print(Text(f"seed {report.seed}; claims {', '.join(subject.claims)}", style="dim"))
    reasons = {found.reason for found in report.rules}
    if len(reasons) == 1 and all(found.status == "error" for found in report.rules):
        console.print(Text(visible(f"\nNothing can be said: {reasons.pop()}")))
    else:
        _show_rules_of(report, console)
        some_decide = any(_decides(found, report) for found in report.rules)
        for found in report.rules:
            if found.status in ("failed", "warned", "error"):
                in_full = _decides(found, report) or not some_decide
                text = failure_text(found) if in_full else _sentence(found, with_rule)
                console.print(text, markup=False, soft_wrap=True)
    _show_verdict(report, console)


def _decides(found: RuleReport, report: Report) -> bool:
    return found.decides or found.cls in report.subject.claims


def _sentence(found: RuleReport, with_rule: str) -> str:
    told = f"{found.message or found.reason}\nIn full: the same command with --rule {found.id}{with_rule}"
    return visible(f"\n── {found.id}: {found.status}, does not decide\n{told}")


def _show_rules_of(report: Report, console: Console) -> None:
    left_out: list[str] = []
    for name, judged in report.classes.items():
        members = [found for found in report.rules if found.cls == name]
        if not judged.claimed and {found.status for found in members} <= {"untested", "blocked", "error"}:
            reasons = {found.reason for found in members if found.status == "untested"}
            left_out.append(f"{name} ({reasons.pop()})" if len(reasons) == 1 else name)
            continue
        heading = name if judged.claimed else f"{name}: not claimed, does not decide"
        console.print(Text(f"\n{heading}", style="" if judged.claimed else "dim"))
        folded = _folded(members, report)
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=3, justify="right")
        table.add_column(no_wrap=True, min_width=30)
        table.add_column(overflow="fold")
        for found in members:
            if not any(found in group for group in folded.values()):
                style = _STYLES[found.status] if judged.claimed else "dim"
                table.add_row(Text(SIGNS[found.status], style), Text(found.id, style), _note(found))
        console.print(table)
        for heading, group in folded.items():
            _show_group(heading, group, console)
    if left_out:
        console.print(Text(f"\nNot claimed: {', '.join(left_out)}", style="dim"))


def _folded(members: Sequence[RuleReport], report: Report) -> dict[str, list[RuleReport]]:
    """Rules that were not judged for one and the same reason, where there are more than two, by that reason."""
    by_reason: dict[str, list[RuleReport]] = {}
    for found in members:
        if found.status == "blocked":
            by_reason.setdefault(f"blocked by {' and '.join(_roots(found, report))}", []).append(found)
        elif found.status == "untested":
            by_reason.setdefault(f"untested: {(found.reason or '').partition(', for example')[0]}", []).append(found)
    return {reason: group for reason, group in by_reason.items() if len(group) > 2}


def _roots(blocked: RuleReport, report: Report) -> list[str]:
    """The rules at whose failure a chain of blocked ones begins."""
    roots: dict[str, None] = {}
    for blocker in map(report.rule, blocked.blocked_by):
        roots |= dict.fromkeys(_roots(blocker, report) if blocker.status == "blocked" else [blocker.id])
    return list(roots)


def _show_group(reason: str, group: Sequence[RuleReport], console: Console) -> None:
    sign = Text(f"  {SIGNS[group[0].status]} ", _STYLES[group[0].status])
    told = Text(visible(f"{len(group)} rules {reason}"), "dim")
    names = Padding(Text(", ".join(found.id for found in group), "dim"), (0, 0, 0, 2))
    table = Table.grid()
    table.add_row(sign, told)
    table.add_row("", names)
    console.print(table)


def _note(found: RuleReport) -> Text:
    if found.status == "passed":
        return Text(visible(found.message or (f"{found.examples} values" if found.examples else "")), "dim")
    note = Text(visible(f"{found.status}: {found.reason or found.message or ''}".rstrip(": ")), "dim")
    if found.status in ("failed", "warned", "error"):  # told in full below
        note = Text(note.plain.partition("\n")[0], "dim", no_wrap=True, overflow="ellipsis")
    return note


def _show_verdict(report: Report, console: Console) -> None:
    for note in report.notes:
        console.print(f"\n{note[0].upper()}{note[1:]}.", markup=False, soft_wrap=True)
    word, style = _VERDICTS[report.verdict]
    deciding = Counter(found.status for found in report.rules if found.cls in report.subject.claims)
    counts = ", ".join(f"{deciding[status]} {status}" for status in SIGNS if deciding[status])
    console.print()
    console.print(Text.assemble((word, style), " ", report.subject.target))
    left_out = sum(rule.cls in report.subject.claims for rule in RULES.values()) - deciding.total()
    asked = f"; {counted(left_out, 'rule')} not asked for" if counts and left_out else ""
    console.print(Text(f"{counts or 'no rule of a claimed class was run'}{asked}; {report.seconds:.1f} s"))
    if report.verdict == "inconclusive" and (why := _why_inconclusive(report)):
        console.print(Text(visible(f"Nothing can be said: {why}")))


def _why_inconclusive(report: Report) -> str | None:
    claimed = [found for found in report.rules if found.cls in report.subject.claims]
    if untested := [found for found in claimed if found.status == "untested" and found.id in ROOTS]:
        return untested[0].reason
    if blocked := [found for found in claimed if found.status == "blocked" and found.level is Level.MUST]:
        return (
            f"{len(blocked)} rules {blocked[0].reason}; a rule that is accepted as not judged needs a waiver of its own: "
            + ", ".join(found.id for found in blocked)
        )
    if reasons := [found.reason for found in claimed if found.status == "untested"]:
        return reasons[0]
    return "no binding rule of a claimed class was judged" if claimed else None


def failure_text(found: RuleReport) -> str:
    """A failure in full: what the rule asks, what was seen, what to check first, and a script that shows it."""
    lines = ["", f"── {found.id}: {found.status}", rule(found.id).statement, ""]
    parts = (("", found.message or found.reason), ("Expected: ", found.expected), ("Actual:   ", found.actual))
    lines += [f"{label}{text}" for label, text in parts if text]
    if found.hint:
        lines += ["", "Check first:", *(f"  - {hint}" for hint in found.hint.splitlines())]
    if found.reproducer:
        lines += ["", "This script shows it:", "", *(f"    {line}" if line else "" for line in found.reproducer.splitlines())]
    return visible("\n".join(lines))


def show_matrix(reports: Sequence[Report], console: Console) -> None:
    """Show several reports side by side, a row for each rule and a numbered column for each subject."""
    console.print(Text("\nRules by subject\n", style="bold"))
    for number, report in enumerate(reports, 1):
        word, style = _VERDICTS[report.verdict]
        told = Text.assemble(f"{number:>{len(str(len(reports)))}}  ", (f"{word:12}", style), "  ", report.subject.target)
        console.print(told, soft_wrap=True)
    numbered = list(enumerate(reports, 1))
    most = max(1, (console.width - _RULE_WIDTH) // _COLUMN_WIDTH)
    for first in range(0, len(numbered), most):
        console.print()
        console.print(_matrix(numbered[first : first + most], reports))
    claimed = {name for report in reports for name in report.subject.claims}
    seen = {found.status for report in reports for found in report.rules if found.cls in claimed}
    console.print(Text("\n" + "  ".join(f"{sign} {status}" for status, sign in SIGNS.items() if status in seen), style="dim"))


def _matrix(numbered: Sequence[tuple[int, Report]], reports: Sequence[Report]) -> Table:
    """The columns of some subjects, with the rules that any of all subjects is judged by."""
    claimed = {name for report in reports for name in report.subject.claims}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("rule", no_wrap=True, min_width=_RULE_WIDTH - 1)
    for number, _ in numbered:
        table.add_column(str(number), justify="right", min_width=_COLUMN_WIDTH - 1)
    by_id = [{found.id: found for found in report.rules} for _, report in numbered]
    for one in RULES.values():
        if one.cls in claimed and any(one.id in {found.id for found in report.rules} for report in reports):
            cells = [found.get(one.id) for found in by_id]
            table.add_row(one.id, *(Text(SIGNS[cell.status], _STYLES[cell.status]) if cell else "" for cell in cells))
    return table


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


def show_rule(one: Rule, console: Console) -> None:
    """Show everything that is known of a rule."""
    console.print(Text(one.id, style="bold"), Text(f"({one.level}, class {one.cls}, since {one.since})"))
    for section in sections(one):
        console.print(Text(f"\n{section.heading}", style="bold"))
        for part in section.parts:
            line = Table.grid()
            line.add_row(*(("- ",) if section.form == "items" else ()), Text(part))
            console.print(Padding(line, (0, 0, 0, 2)))
    console.print(Text("\nRests on", style="bold"))
    console.print(Padding(Text(", ".join(one.requires) or "no other rule"), (0, 0, 0, 2)))


_FINDINGS: dict[Finding, tuple[str, str, str]] = {
    "noticed": ("✓", "green", "noticed"),
    "unnoticed": ("✗", "bold red", "would have gone unnoticed"),
    "untried": ("-", "dim", "cannot be tried"),
}


def show_sensitivity(report: SensitivityReport, console: Console) -> None:
    """Show which broken rules the suite would have noticed, and what to change where it would not."""
    console.print(Text(f"\nSensitivity of the suite to defects of {report.target}", style="bold"))
    for one in report.rules:
        mark, style, word = _FINDINGS[one.finding]
        line = Text(f"  {mark} {one.id:32}", style=style)
        line.append(f" {one.defect}" if one.finding == "noticed" else f" {word}: {one.reason}", style="dim")
        console.print(line, soft_wrap=True)
    unnoticed: dict[tuple[str, str | None], list[str]] = {}
    for one in report.rules:
        if one.finding == "unnoticed":
            told = f"{one.id} would not have noticed a handler that {one.defect[:1].lower()}{one.defect[1:]}"
            unnoticed.setdefault((one.reason, one.change), []).append(told)
    for (reason, change), told_of in unnoticed.items():  # what has one reason is mended by one change
        console.print("\n" + "\n".join(told_of), f"\n  Since {reason}.\n  {change}", sep="", markup=False, soft_wrap=True)
    counts = ", ".join(f"{len(report.ids(finding))} {word}" for finding, (_, _, word) in _FINDINGS.items())
    console.print(f"\nOf {len(report.rules)} defects: {counts} ({report.seconds:.1f} s)", markup=False)
