"""The command line: starts the service, or makes a token for it."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import uvicorn
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url
from platformdirs import user_data_path
from resultspec.errors import InvalidConfiguration

from ._app import create_app
from ._tenants import Tenants, new_token

_UNITS = {"KiB": 10, "MiB": 20, "GiB": 30}


class _Size(click.ParamType[int]):
    """A number of bytes, such as 512MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        digits, shift = (text[:-3], _UNITS[text[-3:]]) if text[-3:] in _UNITS else (text, 0)
        if not digits.isdecimal() or int(digits) == 0:
            self.fail(f"{text!r} is no size; write a number of bytes, or such as 512MiB or 5GiB", param, ctx)
        return int(digits) << shift


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tenants", type=click.Path(dir_okay=False, path_type=Path), help="The TOML file of the tenants.")
@click.option("--keep", metavar="PLACE", help="A directory, or the URL of a bucket. Default: a directory of this user.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8420, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: any that is free.")
@click.option("--max-size", default="5GiB", show_default=True, type=_Size(), help="How large a result may be.")
@click.option("--new-token", metavar="TENANT", help="Print a new token for a tenant, and what to write into the file; then stop.")
def command(tenants: Path | None, keep: str | None, host: str, port: int, max_size: int, new_token: str | None) -> None:
    """Keep results for tenants, and give each back to its tenant alone.

    TLS is left to the proxy in front of the service. Exit code 2: it cannot be started; the sentence says why.
    """
    if new_token is not None:
        _print_token(new_token)
        return
    if tenants is None:
        _fail("name the file of the tenants: --tenants FILE; --new-token NAME shows what to write into it")
    try:
        known = Tenants.from_file(tenants)
        store = _store(keep)
    except (InvalidConfiguration, BaseError, OSError, ValueError) as error:
        _fail(str(error).partition("\n")[0])
    uvicorn.run(create_app(store, known, most=max_size), host=host, port=port, log_level="info")


def _store(keep: str | None) -> Any:
    """A bucket, where what names it is a URL; else a directory."""
    if keep is not None and "://" in keep:
        return from_url(keep)
    directory = Path(keep) if keep is not None else user_data_path("resultspec", appauthor=False) / "service"
    return LocalStore(directory, mkdir=True)


def _print_token(tenant: str) -> None:
    token, digest = new_token()
    click.echo(f"The token, for {tenant} alone; it is shown once:\n\n    {token}\n")
    click.echo(f'The file of the tenants:\n\n    [tenants.{tenant}]\n    tokens = ["{digest}"]')


def _fail(sentence: str) -> NoReturn:
    click.echo(f"resultspec-service: {sentence}", err=True)
    sys.exit(2)
