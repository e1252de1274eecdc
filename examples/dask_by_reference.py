"""Adds up large arrays on the workers of a Dask cluster, whose scheduler sees no more of them than where they are kept."""

import sys
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster
from numpy.typing import NDArray
from resultspec_reference import LocalResultHandler
from resultspec_reference.adapters.dask import by_reference, gather


def simulate(seed: int) -> NDArray[np.float64]:
    """Return a large array, as if it had cost something."""
    return np.random.default_rng(seed).normal(size=1_000_000)


def total(arrays: list[NDArray[np.float64]]) -> float:
    """Return the sum of all numbers of all arrays."""
    return float(sum(array.sum() for array in arrays))


def compute(client: Client, directory: Path) -> float:
    """Simulate and add up on the workers, which all reach the directory."""
    handler = LocalResultHandler(directory)
    arrays = client.map(by_reference(simulate, handler), range(4))
    summed = client.submit(by_reference(total, handler), arrays)
    print("The cluster knows", summed.result().value)
    (value,) = gather(client, [summed])
    return value


if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        print("The sum is", round(compute(client, Path(sys.argv[1])), 2))
