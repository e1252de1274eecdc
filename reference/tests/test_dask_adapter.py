"""What Dask computes is kept by reference, on a real cluster of worker processes."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from resultspec.errors import CorruptResult, UnknownReference, UnsupportedValue
from resultspec_reference import HandledResult, JSONResultHandler, LocalResultHandler, Result
from resultspec_reference.adapters.dask import by_reference, gather

EXAMPLE = Path(__file__).parents[2] / "examples" / "dask_by_reference.py"
MARKER = b"what nobody else is to see"
pytestmark = pytest.mark.filterwarnings("ignore")  # of tornado and distributed, when a cluster ends


@attrs.frozen
class Point:
    """A class of somebody's own."""

    x: float


def large(count: int) -> bytes:
    """Return many bytes that are known again."""
    return MARKER * count


def measured(*parts: bytes, further: dict[str, list[bytes]] | None = None) -> tuple[int, int]:
    """Say which process measured bytes, and how many there were."""
    return os.getpid(), sum(map(len, [*parts, *(further or {}).get("further", [])]))


def same(value: Any) -> Any:
    """Return a value as it came."""
    return value


def failing(reason: str) -> int:
    """Raise an error that has a cause."""
    raise LookupError("nothing found") from ValueError(reason)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Return the client of a cluster of two worker processes."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster,
        Client(cluster) as opened,
    ):
        yield opened


@pytest.fixture
def handler(tmp_path: Path) -> LocalResultHandler:
    """Return a handler whose directory all processes reach."""
    return LocalResultHandler(tmp_path / "results", sync=False)


def test_the_cluster_holds_references_only(client: Client, handler: LocalResultHandler) -> None:
    """A large value is written on one worker and read on the other; neither they nor the scheduler hold or move it."""
    there, elsewhere = client.scheduler_info()["workers"]
    made = client.submit(by_reference(large, handler), 1_000_000, workers=[there])
    nested = {"further": [made]}
    counted = client.submit(by_reference(measured, handler), made, further=nested, workers=[elsewhere])
    (process, size), value = *gather(client, [counted]), gather(client, [made])[0]
    sizes = client.run_on_scheduler(lambda dask_scheduler: {key: task.nbytes for key, task in dask_scheduler.tasks.items()})
    held = client.run(lambda dask_worker: {key: (type(it), pickle.dumps(it)) for key, it in dask_worker.data.items()})

    assert value == large(1_000_000)
    assert size == 2 * len(value)
    assert process == client.run(os.getpid)[elsewhere] != client.run(os.getpid)[there]
    assert isinstance(made.result(), HandledResult)
    assert Path(made.result().value).parent == handler.directory
    assert max(sizes.values()) < 1000
    # The other worker has got the reference, to read by it.
    assert {made.key, counted.key} <= held[elsewhere].keys()
    for kind, pickled in [one for worker in held.values() for one in worker.values()]:
        assert kind is HandledResult
        assert MARKER not in pickled
        assert len(pickled) < 1000


@pytest.mark.parametrize("value", [None, 0, "", -0.0, (1, [2, {3}]), {1: b"x"}, Point(1.5)], ids=repr)
def test_values_come_back_as_they_were(client: Client, handler: LocalResultHandler, value: Any) -> None:
    """Falsy values, None and types arrive unaltered, at the next function and here."""
    first = client.submit(by_reference(same, handler), value)
    (found,) = gather(client, [client.submit(by_reference(same, handler), first)])

    assert Result(found) == Result(value)


def test_what_is_read_among_arguments(client: Client, handler: LocalResultHandler) -> None:
    """Each reference is read by the handler that wrote it, within containers too; what is no reference is left alone."""
    other = Result([1], False, JSONResultHandler()).write()
    argument = (other, [{"key": (other,)}], Point(1.0))
    (found,) = gather(client, [client.submit(by_reference(same, handler), argument)])

    assert found == ([1], [{"key": ([1],)}], Point(1.0))


def test_mapping_and_delayed(client: Client, handler: LocalResultHandler) -> None:
    """Other ways into Dask take the functions too, and show them by their names."""
    futures = client.map(by_reference(large, handler), [1, 2, 3])
    make, measure = (dask.delayed(by_reference(function, handler)) for function in (large, measured))
    (result,) = dask.compute(measure(make(2), make(3)))

    assert gather(client, futures) == [large(1), large(2), large(3)]
    assert all(future.key.startswith("large-") for future in futures)
    assert result.read().value[1] == 5 * len(MARKER)


def test_what_dask_takes_for_the_same(client: Client, handler: LocalResultHandler, tmp_path: Path) -> None:
    """Calls are one when function, handler and arguments are equal, and another when one of them is another."""
    calls = [
        (by_reference(large, handler), 7),
        (by_reference(large, LocalResultHandler(handler.directory, sync=False)), 7),
        (by_reference(large, LocalResultHandler(tmp_path / "elsewhere", sync=False)), 7),
        (by_reference(same, handler), 7),
        (by_reference(large, handler), 8),
    ]
    first, again, *others = [client.submit(function, argument) for function, argument in calls]

    assert first.key == again.key
    assert len({first.key, *(other.key for other in others)}) == 4


def test_lost_and_damaged_values(client: Client, handler: LocalResultHandler) -> None:
    """They are errors, at the next function and here, with the cause; nothing is computed again."""
    lost, damaged = client.map(by_reference(large, handler), [4, 5])
    Path(lost.result().value).unlink()
    file = Path(damaged.result().value)
    file.write_bytes(file.read_bytes()[:-1])
    for future, error in ((lost, UnknownReference), (damaged, CorruptResult)):
        with pytest.raises(error):
            gather(client, [future])
        with pytest.raises(error) as caught:
            client.submit(by_reference(measured, handler), future).result()
        assert future.status == "finished"
        assert error is CorruptResult or isinstance(caught.value.__cause__, FileNotFoundError)


def test_errors_keep_their_cause(client: Client, handler: LocalResultHandler) -> None:
    """What a function raises, or a handler that refuses a value, is raised here with its cause."""
    with pytest.raises(LookupError, match="nothing found") as caught:
        gather(client, [client.submit(by_reference(failing, handler), "the reason")])
    assert repr(caught.value.__cause__) == "ValueError('the reason')"
    handlers: Any = JSONResultHandler()  # which a checker refuses
    with pytest.raises(UnsupportedValue, match="JSON cannot hold") as refused:
        gather(client, [client.submit(by_reference(large, handlers), 1)])
    assert refused.value.__cause__ is not None
    assert MARKER.decode() not in str(refused.value)


def test_without_dask(handler: LocalResultHandler) -> None:
    """Such a function works where it is called, pickles, and equals another of the same function and handler."""
    function = by_reference(large, handler)

    assert pickle.loads(pickle.dumps(function)) == function == by_reference(large, handler)
    assert function(2).read().value == large(2)
    assert by_reference(measured, handler)(function(2), function(1)).read().value == (os.getpid(), 3 * len(MARKER))


def test_the_example(tmp_path: Path) -> None:
    """The example of the documentation runs; of an array of 8 MB, the cluster knows the path."""
    done = subprocess.run([sys.executable, EXAMPLE, tmp_path], capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"The cluster knows {tmp_path}/")
    total = sum(np.random.default_rng(seed).normal(size=1_000_000).sum() for seed in range(4))
    assert f"The sum is {round(float(total), 2)}" in done.stdout
    assert sum(file.stat().st_size > 8_000_000 for file in tmp_path.iterdir()) == 4


def test_the_adapter_does_not_need_the_engine() -> None:
    """Neither a database nor the engine is imported with it."""
    code = """if True:
        import sys, resultspec_reference.adapters.dask
        print(sorted({"sqlalchemy", "resultspec_reference.engine"} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"
