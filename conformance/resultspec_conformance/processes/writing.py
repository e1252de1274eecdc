"""Writers of a trial: processes that write to one of its stores, seen from the side of the suite."""

import json
import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from ..checking import Untested, Violation
from ..trials.bulk import source
from ..trials.outcomes import Outcome
from ..trials.trial import Handle, Trial, fresh
from . import writers
from .interpreters import WorkerDied, WorkerFailed
from .writers import Acknowledged, Order


@attrs.define
class Writer:
    """What processes write to one store of a trial.

    Attributes:
        trial: The trial.
        store: The name of the store.
        values: What is written.
        room: For each value, how much room there is for it; see :class:`~resultspec_conformance.processes.writers.Order`.
        log: What tells the acknowledgements of these values from those of others in the same store.
    """

    trial: Trial
    store: str
    values: Sequence[Any]
    room: list[int | None] = attrs.field(factory=list[int | None])
    log: str = "log"

    def ask(self, operation: Callable[..., Any], *more: Any) -> Any:
        """Let one of the functions of :mod:`~resultspec_conformance.processes.writers` be done with the store and the values.

        Raises:
            Untested: The handler cannot be made in another process.
            Violation: The process that forks the writers hung.
        """
        order = Order(str(self.trial.store(self.store)), [fresh(value) for value in self.values], self._log, self.room)
        return self.command(operation, order, *more)

    def command(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        """The same for functions that take no order."""
        bench = self.trial.bench
        nursery = bench.nursery()
        bench.beat = time.monotonic()
        try:
            return nursery.call(writers.do, None, (operation, arguments), bench.shipped)
        except WorkerDied as death:
            bench.retire(nursery)
            raise Violation(
                f"a process that writes {death}", expected="a process that writes and comes to its end", actual=str(death)
            ) from death
        except WorkerFailed as failure:
            raise Untested(f"no other process can write: {failure}") from failure
        finally:
            bench.beat = time.monotonic()

    def acknowledged(self) -> list[Acknowledged]:
        """What the processes have said so far."""
        return writers.acknowledgements(self._log)

    @property
    def _log(self) -> str:
        return str(self.trial.scratch / f"{self.store}.{self.log}")

    def reader(self) -> Handle:
        """A handler of this process on the store."""
        return Handle(self.trial, self.trial.maker(self.trial.store(self.store)), self.store, "handler")

    def foreseen(self, other: "Writer") -> list[Any]:
        """The references that another store's undisturbed writer was given, as they would be here."""
        there, here = (json.dumps(str(writer.trial.store(writer.store)))[1:-1] for writer in (other, self))
        return [
            None if one.error is not None else json.loads(json.dumps(one.reference).replace(there, here))
            for one in other.acknowledged()
        ]


def problem(trial: Trial, outcome: Outcome, value: Any) -> str | None:
    """Say what is wrong with what came of reading a value, or return None."""
    if outcome.error is not None:
        return outcome.error
    if trial.subject.equal is None and _pickles_alike(value, outcome.value):  # large lists take long to compare by part
        return None
    return trial.differs(value, outcome.value)


def _pickles_alike(one: Any, other: Any) -> bool:
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # noqa: BLE001 - they are compared otherwise, then
        return False


def write_down(trial: Trial, values: Sequence[Any], steps: Sequence[str]) -> None:
    """Write a script, where one is asked for, in which writers have their orders: ``order`` and ``twin``, for another store."""
    if trial.script is None:
        return
    trial.script.do(
        "from resultspec_conformance.processes import writers",
        "from resultspec_conformance.trials import bulk",
        f"values = [{', '.join(map(source, values))}]",
        "def make(scratch):",
        f"    return {trial.maker.expression('scratch')}",
        'for store in ("store", "twin"):',
        "    (scratch / store).mkdir()",
        'order = writers.Order(str(scratch / "store"), values, str(scratch / "store.log"))',
        'twin = writers.Order(str(scratch / "twin"), values, str(scratch / "twin.log"))',
        *steps,
    )


ALL_ARE_READ = (
    'handler = make(scratch / "store")',
    "for told in writers.acknowledgements(order.log):",
    "    if told.error is None:",
    "        read_back = handler.read(told.reference)",
    '        print("expected:", repr(values[told.index])[:200])',
    '        print("actual:  ", repr(read_back)[:200])',
    "        if repr(read_back) != repr(values[told.index]):",
    '            raise SystemExit("the rule is broken")',
)
"""The end of a script in which every reference that was returned must give its value."""
