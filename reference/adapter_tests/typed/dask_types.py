"""What a type checker knows of functions whose output is kept by reference; checked, never run."""

# Dask's own annotations leave some parameters out.
# pyright: reportUnknownMemberType=false

from typing import assert_type

from distributed import Client, Future
from resultspec_reference import HandledResult, JSONResultHandler, LocalResultHandler
from resultspec_reference.adapters.dask import ByReference, by_reference, gather


def measure(path: str) -> dict[str, float]:
    """Return what is JSON."""
    raise NotImplementedError


def digest(path: str) -> bytes:
    """Return what is not."""
    raise NotImplementedError


class Narrow:
    """A handler of bytes alone."""

    def write(self, value: bytes, /) -> int:
        """Keep bytes."""
        raise NotImplementedError

    def read(self, reference: int, /) -> bytes:
        """Return bytes."""
        raise NotImplementedError


def everything(client: Client) -> None:
    """The type of a value is known from the function to the client, whatever the handler's own is."""
    wide: LocalResultHandler = LocalResultHandler()
    assert_type(by_reference(measure, wide), ByReference[dict[str, float], str])
    assert_type(by_reference(measure, wide)("a"), HandledResult[dict[str, float], str])
    assert_type(by_reference(digest, Narrow()), ByReference[bytes, int])

    future = client.submit(by_reference(digest, wide), "a")
    assert_type(future, Future[HandledResult[bytes, str]])
    assert_type(future.result().value, str)
    assert_type(future.result().read().value, bytes)
    assert_type(gather(client, [future]), list[bytes])
    assert_type(gather(client, client.map(by_reference(measure, wide), ["a"])), list[dict[str, float]])


def refused(client: Client) -> None:
    """A handler that does not take what a function returns is refused, and so is a future of a plain function."""
    by_reference(digest, JSONResultHandler())  # type: ignore[misc]
    by_reference(measure, Narrow())  # type: ignore[misc]
    gather(client, [client.submit(digest, "a")])  # type: ignore[arg-type]
