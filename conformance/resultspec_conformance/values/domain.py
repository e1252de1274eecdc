"""The values that a handler is written for, from the annotation of its ``write``.

A domain is drawn from in three ways: a Hypothesis strategy for what nobody thought of, telling values that strategies
rarely draw, and values just outside it. Where the annotation says nothing, the domain is plain Python values.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import attrs
from hypothesis import strategies as st

from . import traps
from .annotations import admits, annotation_name, annotation_of_write, is_plain, normal
from .large import large_values
from .numbered import numbered_values
from .similar import near_misses
from .strategies import strategy_for
from .telling import further_values, plain_values, telling_values


@attrs.frozen
class Domain:
    """The values that a handler is written for.

    Attributes:
        annotation: What ``write`` names; ``Any`` where it names nothing.
        strategy: Draws values of the domain.
        declared: True when the author gave the strategy, so that the annotation only bounds the domain.
    """

    annotation: Any
    strategy: st.SearchStrategy[Any]
    declared: bool

    @property
    def is_plain(self) -> bool:
        """Whether the domain is plain Python values rather than something named."""
        return is_plain(self.annotation)

    def telling(self) -> Iterator[object]:
        """Fresh small values of the domain that are known to break handlers; none where the author drew the domain."""
        return iter(()) if self.declared else telling_values(self.annotation)

    def large(self) -> Iterator[object]:
        """Fresh large values of the domain, by size; none where the author drew the domain."""
        return iter(()) if self.declared else large_values(self.annotation)

    def beyond(self) -> Iterator[object]:
        """Fresh values of types beyond plain values, where ``write`` names no type; none where the author drew the domain."""
        return iter(()) if self.declared or not self.is_plain else further_values()

    def numbered(self) -> Callable[[int], object] | None:
        """A function that makes a different value of the annotation for every number; None where none is known."""
        return numbered_values(self.annotation)

    def outside(self) -> Iterator[object]:
        """Fresh values that the annotation does not admit, near misses first; further types and traps where it admits all."""
        if self.is_plain:
            yield from self.beyond()
        else:
            inside = list(islice(telling_values(self.annotation), 24))
            near = chain.from_iterable(near_misses(value) for value in inside)
            yield from (value for value in chain(near, plain_values(), further_values()) if not admits(self.annotation, value))
        yield from (value for value in traps.traps() if self.is_plain or not admits(self.annotation, value))

    def describe(self) -> str:
        """The domain in words that follow a number, for the report."""
        if self.declared:
            return "values of the subject's own strategy"
        return "plain Python values" if self.is_plain else f"values of {annotation_name(self.annotation)}"


class CannotInfer(Exception):
    """No values are known for an annotation; the text says what to do."""


def domain_of(handler: object, values: st.SearchStrategy[Any] | None) -> Domain:
    """Find the domain of a handler.

    Raises:
        CannotInfer: The annotation names a type of which no values can be made.
    """
    while hasattr(handler, "__wrapped__"):  # a wrapper is written for what it wraps
        handler = handler.__wrapped__
    annotation = normal(annotation_of_write(handler))
    if values is not None:
        return Domain(annotation, values, declared=True)
    try:
        strategy = strategy_for(annotation)
        strategy.validate()
    except Exception as error:
        raise CannotInfer(
            f"no values can be made for the annotation {annotation_name(annotation)} of write "
            f"({type(error).__name__}: {str(error).partition(chr(10))[0][:160]}); name a Hypothesis strategy as values="
        ) from error
    return Domain(annotation, strategy, declared=False)
