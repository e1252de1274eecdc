"""The handlers over object stores on bad networks: a proxy harms their connections at every step."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import numpy as np
import pytest
from emulators import KINDS
from proxy import Fault, Proxy
from resultspec.errors import ResultHandlerError
from resultspec_reference import UnreachableStore

VALUE = {"numbers": list(range(50))}
IMPATIENT: dict[str, Any] = {"timeout": 0.5, "retry_for": 1}
# Beyond what any of the calls below may take by these times, on a slow machine too.
HANG = 60
NUMBERS = count()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, stores: Callable[[str], Any]) -> Any:
    """Each kind of store."""
    return stores(request.param)


class Trial:
    """A handler behind a proxy of its own, which is harmed while it writes or reads one value."""

    def __init__(self, store: Any, value: Any = VALUE, **options: Any) -> None:
        self.value = value
        prefix = f"networks/{next(NUMBERS)}"
        self.proxy = Proxy(store.server)
        self.direct = store.handler(prefix)
        self.door = store.door(self.direct)
        self.handler = store.handler(prefix, server=self.proxy.url, **{**IMPATIENT, **options})
        self.earlier = self.direct.write(value)

    def steps(self, call: str) -> dict[Any, int]:
        """Return how many bytes a call on a good network sends and gets."""
        self.run(call, None)
        return dict(self.proxy.passed)

    def run(self, call: str, fault: Fault | None) -> Exception | None:
        """Write or read while a fault happens, and return the error.

        Whatever comes of it, no object is there that is not whole, and the earlier reference reads.
        """
        before = set(self.door.names())
        self.proxy.arm(fault)
        raised: Exception | None = None
        try:
            if call == "write":
                self.assert_value(self.direct.read(self.handler.write(self.value)))
            else:
                self.assert_value(self.handler.read(self.earlier))
        except ResultHandlerError as error:
            raised = error
        if fault is not None:
            assert self.proxy.happened, f"nothing happened at {fault}"
        self.proxy.arm(None)
        new = set(self.door.names()) - before
        for name in new:
            self.assert_value(self.direct.read(f"{self.direct._root}/{name}"))
        self.assert_value(self.direct.read(self.earlier))
        # A write that was tried again has made one object all the same.
        assert len(new) == (call == "write") or (raised is not None and len(new) <= 1)
        return raised

    def assert_value(self, back: Any) -> None:
        assert np.array_equal(back, self.value) if isinstance(back, np.ndarray) else back == self.value

    def close(self) -> None:
        self.proxy.close()


def outcomes(
    store: Any, call: str, faults: Callable[[dict[Any, int]], list[Fault]], **options: Any
) -> dict[Fault, Exception | None]:
    """Run each of some faults on a network of its own, side by side: most of their time is waiting."""
    first = Trial(store, **options)
    planned = faults(first.steps(call))
    first.close()

    def run(fault: Fault) -> Exception | None:
        trial = Trial(store, **options)
        try:
            # Connections are in use already, as in the midst of work.
            trial.run("read", None)
            return trial.run(call, fault)
        finally:
            trial.close()

    with ThreadPoolExecutor(len(planned)) as threads:
        started = {fault: threads.submit(run, fault) for fault in planned}
        return {fault: future.result(timeout=HANG) for fault, future in started.items()}


def at_every_step(steps: dict[Any, int], *, once: bool) -> list[Fault]:
    """Return every harm at the beginning, in the midst of the head and of the body, and at the end, both ways."""
    return [
        Fault(harm, side, after, once)
        for harm in ("cut", "reset", "stall")
        for side in ("request", "answer")
        for after in (0, 20, steps[side] // 2, steps[side] - 1)
    ]


@pytest.mark.parametrize("call", ["write", "read"])
def test_one_fault_is_overcome(store: Any, call: str) -> None:
    """Whatever happens to one connection, and when, the call succeeds: it is tried again, and a write counts once.

    Among the faults are the lost answers of writes that the store has carried out.
    """
    found = outcomes(store, call, lambda steps: at_every_step(steps, once=True), retry_for=30)

    assert found == dict.fromkeys(found)


@pytest.mark.parametrize("call", ["write", "read"])
def test_a_network_that_stays_bad(store: Any, call: str) -> None:
    """When every connection suffers, the call ends with UnreachableStore, in bounded time."""
    started = time.monotonic()
    found = outcomes(store, call, lambda steps: [fault for fault in at_every_step(steps, once=False) if fault.after in (0, 20)])

    assert [type(error) for error in found.values()] == [UnreachableStore] * len(found)
    assert time.monotonic() - started < HANG


@pytest.mark.parametrize("call", ["write", "read"])
def test_large_values(store: Any, call: str) -> None:
    """A fault amid a value that takes many packets, or many requests, is overcome too."""
    # GCS takes 8 MiB in one request; a stalled request of the others may take a second more for each MiB.
    value = np.arange(1_200_000.0 if store.scheme == "gs" else 180_000.0)

    def faults(steps: dict[Any, int]) -> list[Fault]:
        side: Any = "request" if call == "write" else "answer"
        amid = [Fault(harm, side, int(steps[side] * part)) for harm in ("cut", "reset", "stall") for part in (0.3, 0.97)]
        # The last answer is lost: of a write, the one that says that it was carried out.
        return [*amid, Fault("reset", "answer", steps["answer"] - 1)]

    found = outcomes(store, call, faults, value=value, timeout=2, retry_for=30)

    assert found == dict.fromkeys(found)
