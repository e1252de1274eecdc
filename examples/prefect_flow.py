"""A flow of Prefect 3 whose results are kept by a result handler: run it twice, and the second run computes nothing."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from resultspec_reference.adapters.prefect import HandlerSerializer

results = HandlerSerializer(
    handler="resultspec_reference:LocalResultHandler",
    options={"directory": str(Path("results").resolve())},
)

# The keys lie apart from the records: a value that was lost is then an error, and not computed again unseen.
cached = (INPUTS + TASK_SOURCE).configure(key_storage=Path("keys").resolve())


@task(result_serializer=results, cache_policy=cached)
def measure(station: str) -> dict[str, tuple[float, ...]]:
    """Return what a station has measured."""
    print(f"measuring at {station}")
    return {station: (1.5, -0.0, 2.25)}


@flow
def survey(*stations: str) -> list[dict[str, tuple[float, ...]]]:
    """Return what some stations have measured."""
    return [measure(station) for station in stations]


if __name__ == "__main__":
    print(survey("harbour", "meadow"))
