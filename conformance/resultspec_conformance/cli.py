"""The command line: ``resultspec check``, ``rules`` and ``explain``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import attrs
import click
from resultspec import rules as specification
from resultspec.rules import Rule
from rich.console import Console

from . import terminal
from .checking import checks_of
from .making import BadSubject
from .report import Report, suite_version
from .reports import repeat
from .reports.files import CannotWrite, Form, refuse_impossible, write
from .runner import Run
from .settings import Settings
from .subjects import HANDLER_CLASSES, HandlerSubject, Subject
from .targets import subject_of

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(suite_version(), prog_name="resultspec")
def cli() -> None:
    """Check result handlers against the specification, rule by rule."""


@cli.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    type=click.Choice(HANDLER_CLASSES),
    help="A class that decides; repeatable. Default: core, shared.",
)
@click.option("--strict", is_flag=True, help="Let a broken SHOULD fail instead of warn.")
@click.option(
    "--rule", "patterns", multiple=True, metavar="GLOB", help="Run only the rules that match, such as 'handler.*'; repeatable."
)
@click.option("--waive", "waivers", multiple=True, metavar="RULE=REASON", help="Let a known failure not decide; repeatable.")
@click.option("--seed", default=0, show_default=True, help="What values are drawn with.")
@click.option("--examples", default=100, show_default=True, type=click.IntRange(min=1), help="How many values are drawn.")
@click.option(
    "--limit",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds after which a call counts as hung.",
)
@click.option("--json", "json_file", type=_FILE, help="Write the report, resultspec-report/1, to this file.")
@click.option("--junit", "junit_file", type=_FILE, help="Write it as JUnit XML, for continuous integration.")
@click.option("--html", "html_file", type=_FILE, help="Write it as a page that needs no network.")
@click.option("--badge", "badge_file", type=_FILE, help="Write the verdict as an SVG badge.")
def check(
    targets: Sequence[str],
    claims: Sequence[str],
    strict: bool,
    patterns: Sequence[str],
    waivers: Sequence[str],
    seed: int,
    examples: int,
    limit: float,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    badge_file: Path | None,
) -> None:
    """Judge each TARGET rule by rule.

    A TARGET is module:attribute, path/to/file.py:attribute, or either with arguments, as in
    "module:Class(directory='{scratch}')"; {scratch} stands for a fresh directory. The attribute is a handler's class, a
    factory taking nothing or a scratch directory, a handler, or a subject.

    Exit code 0: all conform. 1: one violates the specification. 2: nothing can be said.
    """
    settings = Settings(
        seed=seed, examples=examples, strict=strict, rules=tuple(patterns), waive=dict(map(_waiver, waivers)), limit=limit
    )
    asked: dict[Form, Path | None] = {"json": json_file, "junit": junit_file, "html": html_file, "badge": badge_file}
    files: dict[Form, Path] = {form: path for form, path in asked.items() if path is not None}
    try:
        refuse_impossible(files)
    except CannotWrite as error:
        _fail(str(error))
    console = Console(highlight=False, soft_wrap=False)
    reports: list[Report] = []
    commands: list[str] = []
    unusable = False
    for target in targets:
        try:
            reports.append(_judge(_claiming(subject_of(target), claims), settings))
        except (BadSubject, LookupError, ValueError) as error:
            click.echo(f"resultspec: {_sentence(error)}", err=True)
            unusable = True
            continue
        commands.append(repeat.command(target, claims, settings))
        terminal.show(reports[-1], console)
    if len(reports) > 1:
        terminal.show_matrix(reports, console)
    if reports:
        try:
            write(files, reports, commands)
        except CannotWrite as error:
            _fail(str(error))
    codes = {report.exit_code for report in reports} | ({2} if unusable else set())
    sys.exit(1 if 1 in codes else max(codes))


def _judge(subject: Subject, settings: Settings) -> Report:
    judging = Run(subject, settings)
    try:
        with terminal.progress(subject.target, len(judging.rules)) as tell:
            for rule in judging.rules:
                tell(rule.id)
                judging.judge(rule.id)
        return judging.report()
    finally:
        judging.close()


def _claiming(subject: Subject, claims: Sequence[str]) -> Subject:
    return attrs.evolve(subject, claims=claims) if claims and isinstance(subject, HandlerSubject) else subject


def _waiver(text: str) -> tuple[str, str]:
    rule, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        _fail(f"--waive {text}: a waiver names a rule and a reason, as in --waive handler.none='None never occurs here'")
    return _known(rule).id, reason.strip()


def _known(rule: str) -> Rule:
    try:
        return specification.rule(rule)
    except LookupError as error:
        _fail(_sentence(error))


def _sentence(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)


def _fail(sentence: str) -> NoReturn:
    click.echo(f"resultspec: {sentence}", err=True)
    sys.exit(2)


@cli.command()
@click.option("--class", "cls", type=click.Choice(specification.CLASSES), help="Only the rules of one class.")
def rules(cls: str | None) -> None:
    """List the rules of the specification."""
    terminal.show_rules([rule for rule in specification.RULES.values() if cls in (None, rule.cls)], Console(highlight=False))


@cli.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE demands, why, and how it is checked."""
    found = _known(rule)
    terminal.show_rule(found, [one.summary for one in checks_of(found.id)], Console(highlight=False))
