"""Saboteurs of the class *static*: each wraps any handler, works as it does, and breaks one rule by its annotations."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from resultspec import JSON

from ..subjects import HandlerSubject
from .handlers import Wrapper, wrapping


class HalfPromised(Wrapper):
    """Says that write is to be awaited, and read not."""

    rule = "static.protocol"

    def write(self, value: object, /) -> Coroutine[object, object, JSON]:
        return cast("Coroutine[object, object, JSON]", super().write(value))

    def read(self, reference: JSON, /) -> object:
        return super().read(reference)


class AnyReference(Wrapper):
    """Says that a reference is any object."""

    rule = "static.json-bound"

    def write(self, value: object, /) -> object:
        return super().write(value)

    def read(self, reference: object, /) -> object:
        return super().read(reference)


class NarrowReader(Wrapper):
    """Says that read takes text, where write gives JSON."""

    rule = "static.symmetry"

    def write(self, value: object, /) -> JSON:
        reference: JSON = super().write(value)
        return reference

    def read(self, reference: str, /) -> object:
        return super().read(reference)


class SaysNothing(Wrapper):
    """Says Any wherever it says something."""

    rule = "static.typed"

    def write(self, value: Any, /) -> Any:
        return super().write(value)

    def read(self, reference: Any, /) -> Any:
        return super().read(reference)


STATIC_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {
    wrapper.rule: wrapping(wrapper) for wrapper in (HalfPromised, AnyReference, NarrowReader, SaysNothing)
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""
