"""Twins of any handler: an awaitable one that is correct, and one that has a format of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from ..subjects import HandlerSubject
from ..trials.making import maker_for


class AwaitableTwin:
    """The awaitable twin of a handler: works as it does, on the loop.

    Args:
        handler: The handler.
    """

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    async def write(self, value: Any, /) -> Any:
        return self.handler.write(value)

    async def read(self, reference: Any, /) -> Any:
        return self.handler.read(reference)


class OwnFormat(AwaitableTwin):
    """Has a format of its own for references, which it alone reads."""

    async def write(self, value: Any, /) -> Any:
        return {"awaitable": await super().write(value)}

    async def read(self, reference: Any, /) -> Any:
        return await super().read(reference["awaitable"])


@attrs.frozen
class TwinOf:
    """A factory of twins.

    Attributes:
        kind: The class of the twin.
        make: The class or factory of the handler.
    """

    kind: type[AwaitableTwin]
    make: Callable[..., Any]

    def __call__(self, scratch: Path) -> AwaitableTwin:
        """Make a handler on a scratch directory, and its twin around it."""
        return self.kind(maker_for(self.make)(scratch))


def _twin_with_its_own_format(subject: HandlerSubject) -> HandlerSubject:
    """Has a twin with a format of its own."""
    return attrs.evolve(subject, twin=TwinOf(OwnFormat, subject.make))


TWIN_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {"shared.instance": _twin_with_its_own_format}
"""By rule, a function that makes of a correct subject one whose twin breaks the rule and no other."""
