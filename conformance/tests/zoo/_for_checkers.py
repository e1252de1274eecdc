"""A handler whose domain is imported for type checkers alone, as linters ask for where nothing needs it at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resultspec import JSON

if TYPE_CHECKING:
    from fractions import Fraction

    from zoo.nowhere import Unknown  # type: ignore[import-not-found]


@dataclass(frozen=True)
class Ratios:
    """Two numbers in a list."""

    unknown: Unknown | None = None

    def write(self, value: Fraction, /) -> list[JSON]:
        if type(value).__name__ != "Fraction":
            raise TypeError(f"a Fraction is kept here, and no {type(value).__name__}")
        return [value.numerator, value.denominator]

    def read(self, reference: list[JSON], /) -> Fraction:
        from fractions import Fraction

        parts: list[Any] = reference
        numerator, denominator = parts
        value = Fraction(numerator, denominator)
        if any(type(number) is not int for number in parts) or self.write(value) != reference:
            raise ValueError("not a reference of this handler")
        return value
