"""Stands for a library whose author has never heard of us."""

from collections.abc import Mapping


class Counters:
    """A handler, by its methods alone."""

    def __init__(self) -> None:
        self._values: dict[int, int] = {}

    def write(self, value: int) -> int:
        self._values[len(self._values)] = value
        return len(self._values) - 1

    def read(self, reference: int) -> int:
        return self._values[reference]


class Fields:
    """A mapping is a reference too."""

    def write(self, value: bytes) -> Mapping[str, int | str]:
        return {"length": len(value), "hex": value.hex()}

    def read(self, reference: Mapping[str, int | str]) -> bytes:
        return bytes.fromhex(str(reference["hex"]))


class Pairs:
    """No handler: a tuple comes back from JSON as a list."""

    def write(self, value: int) -> tuple[int, int]:
        return value, 0

    def read(self, reference: tuple[int, int]) -> int:
        return reference[0]
