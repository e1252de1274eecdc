"""Tasks of Luigi that put out Python values, kept by a result handler.

To run it::

    pip install 'resultspec[luigi]'
    python luigi_readings.py
"""

from decimal import Decimal
from typing import Any

import luigi
from resultspec_reference import LocalResultHandler
from resultspec_reference.adapters.luigi import ResultTarget

Readings = dict[tuple[str, int], Decimal]


class Measure(luigi.Task):
    """Puts out readings under keys that JSON does not have."""

    def output(self) -> ResultTarget[Readings]:
        """The readings, and where their reference is recorded."""
        return ResultTarget(luigi.LocalTarget("measured.json"), LocalResultHandler("values"))

    def run(self) -> None:
        """Measure."""
        self.output().write({("north", 1): Decimal(2).sqrt(), ("south", 1): Decimal(3).sqrt()})


class AddUp(luigi.Task):
    """Puts out the total."""

    def requires(self) -> Measure:
        """The readings are needed."""
        return Measure()

    def output(self) -> ResultTarget[Decimal]:
        """The total, and where its reference is recorded."""
        return ResultTarget(luigi.LocalTarget("total.json"), LocalResultHandler("values"))

    def run(self) -> None:
        """Add up."""
        measured: ResultTarget[Readings] = self.input()
        self.output().write(sum(measured.read().values(), start=Decimal()))


def main(**options: Any) -> Decimal:
    """Run the tasks that are not complete, and return the total.

    Args:
        **options: Of ``luigi.build``, such as the number of worker processes.
    """
    if not luigi.build([AddUp()], local_scheduler=True, **options):
        raise SystemExit("Luigi could not complete the tasks")
    return AddUp().output().read()


if __name__ == "__main__":
    print(f"The total is {main()!r}")
