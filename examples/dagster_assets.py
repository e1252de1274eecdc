"""Assets whose values a result handler keeps: Dagster's own database holds the references to them, and no value."""

from decimal import Decimal
from pathlib import Path

from dagster import ConfigurableIOManagerFactory, Definitions, EnvVar, InitResourceContext, asset
from resultspec_reference import LocalResultHandler
from resultspec_reference.adapters.dagster import ResultHandlerIOManager


class KeptResults(ConfigurableIOManagerFactory[ResultHandlerIOManager]):
    """Keeps results in a directory that the configuration of a run, or of the deployment, names."""

    directory: str

    def create_io_manager(self, context: InitResourceContext) -> ResultHandlerIOManager:
        """Make the IO manager of a run."""
        return ResultHandlerIOManager(LocalResultHandler(Path(self.directory)))


@asset
def prices() -> dict[str, tuple[Decimal, Decimal]]:
    """What things cost, yesterday and today."""
    return {"bread": (Decimal("3.10"), Decimal("3.20")), "milk": (Decimal("1.05"), Decimal("0.95"))}


@asset
def rises(prices: dict[str, tuple[Decimal, Decimal]]) -> dict[str, Decimal]:
    """By how much prices rose, of things that became dearer."""
    return {thing: last - first for thing, (first, last) in prices.items() if last > first}


defs = Definitions(assets=[prices, rises], resources={"io_manager": KeptResults(directory=EnvVar("RESULTS"))})
