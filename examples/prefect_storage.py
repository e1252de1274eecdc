"""A flow of Prefect 3 with a result handler as its result storage: run it twice, and the second run computes nothing."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from resultspec_reference.adapters.prefect import HandlerStorage

storage = HandlerStorage(
    handler="resultspec_reference:LocalResultHandler",
    options={"directory": str(Path("results").resolve())},
    references=str(Path("references").resolve()),
)
# Prefect takes no storage for a task that it does not know: it is saved before the task is made.
storage.save("results", overwrite=True)


@task(cache_policy=INPUTS + TASK_SOURCE)
def measure(station: str) -> dict[str, tuple[float, ...]]:
    """Return what a station has measured."""
    print(f"measuring at {station}")
    return {station: (1.5, -0.0, 2.25)}


@flow(result_storage=storage)
def survey(*stations: str) -> list[dict[str, tuple[float, ...]]]:
    """Return what some stations have measured."""
    return [measure(station) for station in stations]


if __name__ == "__main__":
    print(survey("harbour", "meadow"))
