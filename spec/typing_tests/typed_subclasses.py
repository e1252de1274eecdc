"""Handlers that are derived from other handlers."""

from typing import Generic, TypeVar

from resultspec import JSON, ResultHandler
from typing_extensions import override

T = TypeVar("T")
R = TypeVar("R", bound=JSON)


class Texts:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


# %% A subclass of a handler is one, also when it is given more and gives less
class Counted(Texts):
    @override
    def write(self, value: float) -> str:
        return super().write(int(value))

    @override
    def read(self, reference: str) -> bool:
        return bool(super().read(reference))


class Sealed(Generic[T, R]):
    """Wraps any handler."""

    def __init__(self, inner: ResultHandler[T, R]) -> None:
        self._inner = inner

    def write(self, value: T) -> R:
        return self._inner.write(value)

    def read(self, reference: R) -> T:
        return self._inner.read(reference)


counted: ResultHandler[int, str] = Counted()
sealed: ResultHandler[int, str] = Sealed(Texts())
sealed_twice: ResultHandler[int, str] = Sealed(Sealed(Texts()))
sealed_for_others: ResultHandler[bytes, str] = Sealed(Texts())  # type: ignore[arg-type]


# %% A subclass that takes less than its handler is refused where it is written
class Picky(Texts):
    @override
    def write(self, value: bool) -> str:  # type: ignore[override]
        return super().write(value)
