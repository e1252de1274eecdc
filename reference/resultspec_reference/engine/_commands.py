"""The command line: what runs there are, and what became of one."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from ._store import StateStore, StoredRun, UnknownRun

_STYLES = {
    "succeeded": "green", "success": "green", "cached": "green", "failed": "bold red", "trigger-failed": "red",
    "running": "cyan", "retrying": "yellow", "pending": "dim",
}  # fmt: skip

_database = click.option(
    "--database", metavar="URL", envvar="RESULTSPEC_DATABASE", help="The engine's database. Default: the file of this user."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Look at the runs of flows; exit code 2 where there is nothing to be seen."""


@commands.command("list")
@_database
@_as_json
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many runs at the most.")
def list_runs(database: str | None, as_json: bool, limit: int) -> None:
    """List the latest runs, the latest first."""
    found = _asked(database, lambda store: store.runs(limit))
    if as_json:
        click.echo(json.dumps([_record(run) for run in found], indent=2))
        return
    table = Table(Column("run", no_wrap=True, min_width=32), "flow", "status", "started", "parameters", box=None)
    for run in found:
        given = ", ".join(f"{name}={text}" for name, text in run.parameters.items())
        table.add_row(run.id, Text(run.flow), _styled(run.status), _told(run.started), Text(given))
    Console(highlight=False).print(table if found else "No flow has been run yet.")


@commands.command()
@click.argument("run")
@_database
@_as_json
def show(run: str, database: str | None, as_json: bool) -> None:
    """Show one RUN: its parameters, and the state of each task."""
    found = _asked(database, lambda store: store.run(run))
    if as_json:
        click.echo(json.dumps(_record(found), indent=2))
        return
    console = Console(highlight=False)
    console.print(Text(f"{found.flow} {found.id}", style="bold"), _styled(found.status))
    console.print(f"started {_told(found.started)}" + (f", ended {_told(found.ended)}" if found.ended else ""))
    for name, text in found.parameters.items():
        console.print(f"  {name} = {text}", markup=False)
    table = Table("task", "state", "what is kept", box=None)
    for name, stored in found.states.items():
        table.add_row(Text(name), _styled(str(stored.form["state"])), Text(_kept(stored.form)))
    console.print(table)


def _asked(database: str | None, ask: Callable[[StateStore], Any]) -> Any:
    try:
        with StateStore(database) as store:
            return ask(store)
    except UnknownRun as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        # The text of the error quotes the address, and that may hold a password.
        _fail(f"the database cannot be used: {type(error).__name__}; check --database")


def _kept(form: dict[str, Any]) -> str:
    """What a person wants to see of a state: the reference, the error, or what it waits for."""
    if "result" in form:
        return json.dumps(form["result"]["value"])
    if "cause" in form:
        due = f", due {form['due']}" if "due" in form else ""
        return f"{form['cause']['error']} at {form['cause']['where']}{due}"
    return str(form.get("upstream", ""))


def _record(run: StoredRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "flow": run.flow,
        "status": run.status,
        "started": run.started.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "parameters": {name: json.loads(text) for name, text in run.parameters.items()},
        "states": {name: stored.form for name, stored in run.states.items()},
    }


def _styled(status: str) -> Text:
    return Text(status, style=_STYLES.get(status, ""))


def _told(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _fail(sentence: str) -> NoReturn:
    click.echo(f"resultspec-runs: {sentence}", err=True)
    sys.exit(2)
