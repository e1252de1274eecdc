"""The absence of a computation."""

from enum import Enum
from typing import Any, Final, Literal, Self


class NoResultType(Enum):
    """The type of :data:`NoResult`, which is its only instance.

    A one-member Enum, so that ``is NoResult`` narrows on every checker, and nobody can make a second instance or a
    subclass (``noresult.closed``).
    """

    NO_RESULT = "NoResult"

    @property
    def value(self) -> "Literal[NoResultType.NO_RESULT]":
        """The same object (``noresult.value``)."""
        return NoResult

    def read(self) -> "Literal[NoResultType.NO_RESULT]":
        """Return the same object (``noresult.read``)."""
        return NoResult

    def write(self) -> "Literal[NoResultType.NO_RESULT]":
        """Return the same object (``noresult.write``)."""
        return NoResult

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NoResult"

    __str__ = __repr__

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        # The name of a global: pickle looks it up, hence the identical object (``noresult.identity``).
        return "NoResult"


# The type is written out: pyrefly does not narrow by an imported constant whose type is inferred.
NoResult: Final[Literal[NoResultType.NO_RESULT]] = NoResultType.NO_RESULT
"""The absence of a computation, which ``Result(None)`` is not; one object per process, falsy (family *noresult*)."""
