"""The command line: ``resultspec check``, ``rules`` and ``explain``."""

import json
import os
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
from .runner import Run
from .settings import Settings
from .subjects import HANDLER_CLASSES, HandlerSubject, Subject
from .targets import subject_of


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
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report, resultspec-report/1, to this file.",
)
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
    if json_file is not None and not json_file.resolve().parent.is_dir():
        _fail(f"--json {json_file}: there is no directory {json_file.resolve().parent}")
    console = Console(highlight=False, soft_wrap=False)
    reports: list[Report] = []
    unusable = False
    for target in targets:
        try:
            reports.append(_judge(_claiming(subject_of(target), claims), settings))
        except (BadSubject, LookupError, ValueError) as error:
            click.echo(f"resultspec: {_sentence(error)}", err=True)
            unusable = True
            continue
        terminal.show(reports[-1], console)
    if len(reports) > 1:
        terminal.show_matrix(reports, console)
    if json_file is not None and reports:
        _write(json_file, reports)
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


def _write(path: Path, reports: Sequence[Report]) -> None:
    """Write one report, or a list of several, whole or not at all."""
    stored = [report.to_json() for report in reports]
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(stored[0] if len(stored) == 1 else stored, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        _fail(f"--json {path}: {error.strerror}")


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
