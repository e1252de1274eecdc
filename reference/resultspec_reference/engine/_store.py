"""The engine's database: which runs there are, and the state of every task in them."""

import json
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import attrs
import sqlalchemy as sa
from cattrs import Converter
from platformdirs import user_data_path
from resultspec.errors import ResultHandlerError
from sqlalchemy import event

from .._stored import make_converter
from ._forms import Form

_metadata = sa.MetaData()

_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("started", sa.String(40), nullable=False),
    sa.Column("ended", sa.String(40)),
    # Rises whenever another process takes the run over: what an earlier one still writes is refused.
    sa.Column("epoch", sa.Integer, nullable=False),
)
_parameters = sa.Table(
    "parameters",
    _metadata,
    sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    # As JSON text, so that whoever looks into the database can read it (engine.parameter-inspectable).
    sa.Column("value", sa.Text, nullable=False),
)
_states = sa.Table(
    "states",
    _metadata,
    sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("task", sa.String(255), primary_key=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64)),
    sa.Column("changed", sa.String(40), nullable=False),
)
_cache = sa.Table(
    "cache",
    _metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("until", sa.String(40), nullable=False),
)


class UnknownRun(ResultHandlerError, LookupError):
    """There is no run of that id in the database."""


class RunTakenOver(ResultHandlerError):
    """Another process has resumed the run; this one must not go on."""


@attrs.frozen
class StoredState:
    """What is stored of a task in a run.

    Attributes:
        form: The stored form of its state.
        digest: What its output is known by among the keys of the cache.
    """

    form: Form
    digest: str | None


@attrs.frozen
class StoredRun:
    """What is stored of a run.

    Attributes:
        id: Its id.
        flow: The name of its flow.
        status: ``running``, ``succeeded`` or ``failed``.
        started: When it was started; aware.
        ended: When it ended, or None.
        parameters: The JSON text of each parameter.
        states: The state of each task that has been begun, by the task's name.
    """

    id: str
    flow: str
    status: str
    started: datetime
    ended: datetime | None
    parameters: Mapping[str, str]
    states: Mapping[str, StoredState]


@attrs.frozen
class Claim:
    """The right to write to a run, until another process takes it over.

    Attributes:
        run: The id of the run.
        epoch: How many times it had been taken over.
    """

    run: str
    epoch: int


class StateStore:
    """Keeps runs and states in a database; it holds handled data only (``engine.only-handled-stored``).

    Args:
        url: A SQLAlchemy URL, such as ``postgresql+psycopg://user@host/database``; by default the one that the variable
            ``RESULTSPEC_DATABASE`` names, or a SQLite file in the user's data directory of ``resultspec``. Tables are
            created when they are missing.
        handlers: Classes of handlers beside the reference's own, by the names that stand for them in stored forms, as
            :func:`resultspec_reference.make_converter` takes them. A handler of a class that is not named here is found
            again in the flow when a run is resumed.
    """

    def __init__(self, url: str | None = None, *, handlers: Mapping[str, type] | None = None) -> None:
        self.converter: Converter = make_converter(handlers)
        self._engine = sa.create_engine(url if url is not None else _default_url())
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _careful)
        _metadata.create_all(self._engine)

    def __enter__(self) -> "StateStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections to the database."""
        self._engine.dispose()

    def begin(self, flow: str, parameters: Mapping[str, str]) -> Claim:
        """Store a new run, with the JSON text of its parameters."""
        run = uuid4().hex
        with self._engine.begin() as connection:
            started = _now()
            connection.execute(_runs.insert().values(id=run, flow=flow, status="running", started=started, epoch=0))
            for name, value in parameters.items():
                connection.execute(_parameters.insert().values(run=run, name=name, value=value))
        return Claim(run, 0)

    def take_over(self, run: str) -> Claim:
        """Claim a run that was begun, from whoever has it.

        Raises:
            UnknownRun: There is no such run.
        """
        with self._engine.begin() as connection:
            raised = _runs.update().where(_runs.c.id == run).values(epoch=_runs.c.epoch + 1, status="running", ended=None)
            if connection.execute(raised).rowcount == 0:
                raise UnknownRun(f"There is no run {run} in the database")
            return Claim(run, connection.execute(sa.select(_runs.c.epoch).where(_runs.c.id == run)).scalar_one())

    def save(self, claim: Claim, task: str, state: StoredState) -> None:
        """Store the state of a task.

        Raises:
            RunTakenOver: Another process has claimed the run.
        """
        values = {"form": json.dumps(state.form), "digest": state.digest, "changed": _now()}
        with self._claimed(claim) as connection:
            where = (_states.c.run == claim.run) & (_states.c.task == task)
            if connection.execute(_states.update().where(where).values(values)).rowcount == 0:
                connection.execute(_states.insert().values(run=claim.run, task=task, **values))

    def end(self, claim: Claim, status: str) -> None:
        """Store that a run ended.

        Raises:
            RunTakenOver: Another process has claimed the run.
        """
        with self._claimed(claim) as connection:
            connection.execute(_runs.update().where(_runs.c.id == claim.run).values(status=status, ended=_now()))

    def run(self, run: str) -> StoredRun:
        """What is stored of a run.

        Raises:
            UnknownRun: There is no such run.
        """
        found = list(self._select(_runs.c.id == run))
        if not found:
            raise UnknownRun(f"There is no run {run} in the database")
        return found[0]

    def runs(self, limit: int = 20) -> list[StoredRun]:
        """What is stored of the latest runs, the latest first."""
        return list(self._select(sa.true(), limit))

    def remember(self, key: str, form: Form, until: datetime) -> None:
        """Keep the form of a cached output under a key, in place of what was there."""
        with self._engine.begin() as connection:
            connection.execute(_cache.delete().where(_cache.c.key == key))
            connection.execute(_cache.insert().values(key=key, form=json.dumps(form), until=until.isoformat()))

    def remembered(self, key: str) -> Form | None:
        """The form of the cached output under a key, or None when there is none that is still valid."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_cache.c.form, _cache.c.until).where(_cache.c.key == key)).one_or_none()
        if row is None or datetime.fromisoformat(row.until) <= datetime.now(UTC):
            return None
        return cast("Form", json.loads(row.form))

    @contextmanager
    def _claimed(self, claim: Claim) -> Generator[sa.Connection]:
        with self._engine.begin() as connection:
            # An update, so that the row is locked until the transaction ends.
            mine = (_runs.c.id == claim.run) & (_runs.c.epoch == claim.epoch)
            if connection.execute(_runs.update().where(mine).values(epoch=claim.epoch)).rowcount == 0:
                raise RunTakenOver(f"Another process has resumed the run {claim.run}; this one stops")
            yield connection

    def _select(self, where: sa.ColumnElement[bool], limit: int | None = None) -> Iterator[StoredRun]:
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(_runs).where(where).order_by(_runs.c.started.desc()).limit(limit)).all():
                states = connection.execute(sa.select(_states).where(_states.c.run == row.id).order_by(_states.c.task)).all()
                parameters = connection.execute(sa.select(_parameters).where(_parameters.c.run == row.id)).all()
                yield StoredRun(
                    id=row.id,
                    flow=row.flow,
                    status=row.status,
                    started=datetime.fromisoformat(row.started),
                    ended=None if row.ended is None else datetime.fromisoformat(row.ended),
                    parameters={one.name: one.value for one in parameters},
                    states={one.task: StoredState(json.loads(one.form), one.digest) for one in states},
                )


def _default_url() -> str:
    if named := os.environ.get("RESULTSPEC_DATABASE"):
        return named
    directory = user_data_path("resultspec", appauthor=False)
    directory.mkdir(parents=True, exist_ok=True)
    return sa.URL.create("sqlite", database=str(Path(directory) / "runs.sqlite")).render_as_string()


def _careful(connection: Any, _: object) -> None:
    # Readers beside one writer; another process that writes is waited for.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA foreign_keys=ON")


def _now() -> str:
    return datetime.now(UTC).isoformat()
