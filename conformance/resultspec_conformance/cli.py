"""The command line: ``resultspec check``, ``rules``, ``explain`` and ``record``."""

import difflib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from resultspec import rules as specification
from resultspec.rules import Rule
from rich.console import Console

from . import terminal
from .budget import Budget
from .checking import checks_of, why_unchecked
from .governance.lock import Lock
from .governance.plan import Plan, planned
from .governance.recording import make_recording
from .governance.targets import subject_of
from .report import Report, suite_version
from .reports import repeat
from .reports.files import CannotWrite, Form, refuse_impossible, write
from .reports.text import counted
from .runner import run, selected
from .sabotage import SensitivityReport, try_saboteurs
from .settings import Settings
from .subjects import HANDLER_CLASSES, HandlerSubject, Subject
from .trials.making import BadSubject
from .trials.outcomes import one_line

_FILE = click.Path(dir_okay=False, path_type=Path)
_TARGET = """A TARGET is module:attribute, path/to/file.py:attribute, or either with arguments, as in
    "module:Class(directory='{scratch}')"; {scratch} stands for a fresh directory, which is a Path where the annotation
    of the argument wants one. The attribute is a handler's class, a factory taking nothing or a scratch directory, a handler,
    or a subject."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(suite_version(), prog_name="resultspec")
def cli() -> None:
    """Check result handlers against the specification, rule by rule."""


class _Screen(Console):
    """Where everything is shown; a reader that goes away, as ``head`` does, ends the command without a verdict."""

    def on_broken_pipe(self) -> None:
        """Exit with 2, where 1 would say that a handler violates the specification."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it exits
        sys.exit(2)


def main() -> NoReturn:
    """Run the command line; whatever goes wrong is one sentence and exit code 2."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # as an exception, so that nothing is left behind
    if not Path(".hypothesis").is_dir():  # Hypothesis would leave one wherever the command is run
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache / "resultspec" / "hypothesis"))
    try:
        sys.exit(cli.main(prog_name="resultspec", standalone_mode=False) or 0)
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "resultspec"
        _fail(f"{error.format_message()} ({command} --help says what can be asked)")
    except click.Abort:
        _fail("interrupted")
    except Exception as error:  # noqa: BLE001 - an exit code of 1 would blame the handler
        _fail(f"the suite itself failed: {one_line(error)}")


class _BudgetType(click.ParamType[Budget]):
    """A budget, as an option is given one."""

    name = "budget"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Budget:
        """Read a budget."""
        try:
            return value if isinstance(value, Budget) else Budget.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@cli.command(
    help=f"""Judge each TARGET rule by rule; without one, those of [tool.resultspec] in pyproject.toml.

    {_TARGET}

    The nearest pyproject.toml from here upward that has a table [tool.resultspec] says how a target is checked, unless an
    option below says otherwise.

    Exit code 0: all conform. 1: one violates the specification, or a waiver or the lock was broken. 2: nothing can be said.
    """
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    type=click.Choice(HANDLER_CLASSES),
    help="A class that decides; repeatable. Default: core, shared.",
)
@click.option("--strict/--no-strict", default=None, help="Let a broken SHOULD fail instead of warn.")
@click.option(
    "--rule", "rules", multiple=True, metavar="GLOB", help="Run only the rules that match, such as 'handler.*'; repeatable."
)
@click.option(
    "--waive",
    "waivers",
    multiple=True,
    metavar="RULE=REASON",
    help="Let a known failure not decide; repeatable. Red when the rule holds.",
)
@click.option("--seed", type=int, help="What values are drawn with.  [default: 0]")
@click.option("--examples", type=click.IntRange(min=1), help="How many values are drawn.  [default: 100]")
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds after which a call counts as hung.  [default: 60]",
)
@click.option(
    "--budget",
    type=_BudgetType(),
    help="Spend no more than this on a target, as in 20s or 2m, or in examples, as in 500x; says what it cut.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="Read the references that 'resultspec record' kept there (rule shared.golden). Loading them unpickles: name only "
    "recordings that you trust as you trust the handler's code.",
)
@click.option(
    "--lock",
    "lock_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Be red when a rule that FILE says was judged before is not judged now; written when absent.",
)
@click.option("--no-lock", is_flag=True, help="Leave the lock of pyproject.toml aside, for a run of a few rules by hand.")
@click.option(
    "--update-lock", is_flag=True, help="Write the lock anew, from this run; with --rule, only for the rules that are run."
)
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Also break the handler on purpose, rule by rule, and say which defects would not have been noticed.",
)
@click.option(
    "--keep", is_flag=True, default=None, help="Keep the scratch directories of rules that fail, and say where they are."
)
@click.option("--json", "json_file", type=_FILE, help="Write the report, resultspec-report/1, to this file.")
@click.option("--junit", "junit_file", type=_FILE, help="Write it as JUnit XML, for continuous integration.")
@click.option("--html", "html_file", type=_FILE, help="Write it as a page that needs no network.")
@click.option("--badge", "badge_file", type=_FILE, help="Write the verdict as an SVG badge.")
def check(
    targets: Sequence[str],
    waivers: Sequence[str],
    corpus: Path | None,
    lock_file: Path | None,
    no_lock: bool,
    update_lock: bool,
    sensitivity: bool,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    badge_file: Path | None,
    **options: Any,
) -> None:
    """Judge targets."""
    if corpus is not None:
        options["corpus"] = corpus.resolve()
    said = {name: value for name, value in options.items() if value not in (None, ())}
    asked: dict[Form, Path | None] = {"json": json_file, "junit": junit_file, "html": html_file, "badge": badge_file}
    files: dict[Form, Path] = {form: path for form, path in asked.items() if path is not None}
    try:
        refuse_impossible(files)
        plan = planned(targets, said, dict(map(_waiver, waivers)), Path.cwd())
        lock = _Locking(plan, lock_file, no_lock=no_lock, update=update_lock, some_rules="rules" in said)
    except (BadSubject, CannotWrite, ValueError) as error:
        _fail(str(error))
    for sentence in plan.unusable:
        _say(sentence)
    console = _Screen(highlight=False)
    reports: list[Report] = []
    commands: list[str] = []
    unusable = bool(plan.unusable)
    for subject, settings in plan.jobs:
        try:
            reports.append(lock.enforce(_judge(subject, settings)))
        except (BadSubject, LookupError, ValueError) as error:
            _say(_sentence(error))
            unusable = True
            continue
        commands.append(repeat.command(subject.target, said.get("claims", ()), settings))
        terminal.show(reports[-1], console, lock.to_leave_aside)
        if sensitivity:
            terminal.show_sensitivity(_sensitivity(subject, settings, reports[-1]), console)
    if len(reports) > 1:
        terminal.show_matrix(reports, console)
    if reports:
        try:
            write(files, reports, commands)
        except CannotWrite as error:
            _fail(str(error))
    red_lock = lock.settle(reports, console)
    codes = {report.exit_code for report in reports} | ({2} if unusable else set()) | ({1} if red_lock else set())
    sys.exit(1 if 1 in codes else max(codes))


class _Locking:
    """What the lock asks of a command: nothing, when there is none.

    Attributes:
        to_leave_aside: The option by which the lock of pyproject.toml is left aside, if it is what is asked.

    Raises:
        ValueError: The lock cannot be read, or will not be writable, or is to be updated and is not named.
    """

    def __init__(self, plan: Plan, named: Path | None, *, no_lock: bool, update: bool, some_rules: bool) -> None:
        self._path = named if named is not None else None if no_lock else plan.lock
        self._whole = plan.whole
        self._update = update
        self._some_rules = some_rules
        self.to_leave_aside = " --no-lock" if named is None and self._path is not None else ""
        if self._path is None:
            if update:
                raise ValueError("--update-lock finds no lock; name one with --lock FILE, or as lock in [tool.resultspec]")
            return
        if not self._path.resolve().parent.is_dir():
            raise ValueError(f"the lock {self._path} cannot be written: there is no directory {self._path.resolve().parent}")
        self._lock = Lock.read(self._path) if some_rules or not (update and self._whole) else None

    def enforce(self, report: Report) -> Report:
        """Make red in a report what the lock misses."""
        return report if self._path is None or self._lock is None or self._update else self._lock.enforce(report)

    def settle(self, reports: Sequence[Report], console: Console) -> bool:
        """Write the lock where that is due, or say whether it has a target that was not checked at all, which is red."""
        if self._path is None:
            return False
        if self._lock is not None and not self._update:
            checked = {report.subject.target for report in reports}
            missing = [target for target in self._lock.targets if self._whole and target not in checked]
            if missing:
                _say(f"the lock {self._path} has {', '.join(missing)}, not checked now; if that is meant, add --update-lock")
            return bool(missing)
        lock = (self._lock or Lock(self._path, {})).updated(reports, some_rules=self._some_rules)
        if not lock.targets:
            _say(f"nothing was judged, so the lock {self._path} was not written")
            return False
        _write(self._path, [lock.to_json()], "the lock")
        console.print(
            f"The lock {self._path} was written: {counted(sum(map(len, lock.targets.values())), 'rule')}.", markup=False
        )
        return False


def _judge(subject: Subject, settings: Settings) -> Report:
    with terminal.progress(subject.target, len(list(selected(subject, settings)))) as tell:
        return run(subject, settings, tell)


def _sensitivity(subject: Subject, settings: Settings, report: Report) -> SensitivityReport:
    with terminal.progress(f"sabotage of {subject.target}", len(report.rules)) as tell:
        return try_saboteurs(subject, settings, report, tell)


def _waiver(text: str) -> tuple[str, str]:
    rule, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        _fail(f"--waive {text}: a waiver names a rule and a reason, as in --waive handler.none='None never occurs here'")
    return _known(rule).id, reason.strip()


def _known(rule: str) -> Rule:
    try:
        return specification.rule(rule)
    except LookupError as error:
        if rule in specification.CLASSES:
            _fail(f"{rule} is a class of rules, and no rule; its rules are listed by: resultspec rules --class {rule}")
        near = difflib.get_close_matches(rule, specification.RULES, 1)
        _fail(_sentence(error) if near else f"there is no rule {rule!r}; all are listed by: resultspec rules")


def _sentence(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)


def _say(sentence: str) -> None:
    click.echo(f"resultspec: {sentence}", err=True)


def _fail(sentence: str) -> NoReturn:
    _say(sentence)
    sys.exit(2)


def _write(path: Path, stored: Sequence[Any], what: str) -> None:
    """Write one thing as JSON, or a list of several, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(stored[0] if len(stored) == 1 else stored, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        _fail(f"{what} {path}: {error.strerror}")


@cli.command()
@click.option("--class", "cls", type=click.Choice(specification.CLASSES), help="Only the rules of one class.")
@click.option("--json", "as_json", is_flag=True, help="Print the rules as JSON, with their laws and the checks of each.")
def rules(cls: str | None, as_json: bool) -> None:
    """List the rules of the specification, and for those that have no check, why."""
    chosen = [rule for rule in specification.RULES.values() if cls in (None, rule.cls)]
    if as_json:
        _Screen().out(json.dumps([_rule_as_json(rule) for rule in chosen], indent=2), highlight=False)
    else:
        terminal.show_rules(chosen, _Screen(highlight=False))


def _rule_as_json(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "family": rule.family,
        "class": rule.cls,
        "level": str(rule.level),
        "statement": rule.statement,
        "law": rule.law,
        "intent": rule.intent,
        "requires": list(rule.requires),
        "hints": list(rule.hints),
        "since": rule.since,
        "checks": [one.summary for one in checks_of(rule.id)],
        "untested": why_unchecked(rule.id),
    }


@cli.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Say what a RULE demands, why, and how it is checked."""
    terminal.show_rule(_known(rule), _Screen(highlight=False))


@cli.command(
    help=f"""Let the handler of TARGET write values of its domain, and keep them with its references in DIRECTORY.

    A later version of the handler is asked for them with: resultspec check TARGET --corpus DIRECTORY

    DIRECTORY must not exist. It gets golden.json, which can be read, and a copy of what the handler stored under its scratch
    directory. Values that JSON cannot carry exactly are pickled, and loading a recording unpickles them: keep it as safe as the
    handler's code.

    {_TARGET}
    """
)
@click.argument("target")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--count", default=40, show_default=True, type=click.IntRange(min=1), help="How many values are kept at the most.")
@click.option("--seed", default=0, show_default=True, help="What values are drawn with.")
@click.option("--examples", default=100, show_default=True, type=click.IntRange(min=1), help="How many values are drawn.")
def record(target: str, directory: Path, count: int, seed: int, examples: int) -> None:
    """Record references."""
    try:
        subject = subject_of(target)
        if not isinstance(subject, HandlerSubject):
            raise BadSubject(f"{target} is no handler, so it has no references to record")
        made = make_recording(subject, directory, count, Settings(seed=seed, examples=examples))
    except (BadSubject, ValueError) as error:
        _fail(str(error))
    types = ", ".join(f"{number} {name}" for name, number in made.types.items())
    click.echo(f"{sum(made.types.values())} references were recorded in {directory} (values: {types}).")
    if made.refused or made.changed:
        changed = f"{made.changed} that came back changed or cannot be kept"
        click.echo(
            f"Left out: {counted(made.refused, 'value')} that {'was' if made.refused == 1 else 'were'} refused, {changed}."
        )
    again = f"resultspec check {repeat.quoted(target)} --corpus {repeat.quoted(str(directory))}"
    click.echo(f"Check a later version with: {again}")
