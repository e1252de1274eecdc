"""The type parameters: what is inferred, the default of R, and that both are invariant."""

from typing import Generic, TypeVar, assert_type

from resultspec import JSON, AsyncResultHandler, ResultHandler

T = TypeVar("T")
R = TypeVar("R", bound=JSON)


def write(handler: ResultHandler[T, R], value: T) -> R:
    return handler.write(value)


def read(handler: ResultHandler[T, R], reference: R) -> T:
    return handler.read(reference)


class Texts:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


class AnyJSON:
    """Takes every reference, and returns text."""

    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: JSON) -> int:
        return int(str(reference))


class Memory(Generic[T]):
    def __init__(self) -> None:
        self._values: list[T] = []

    def write(self, value: T) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def read(self, reference: int) -> T:
        return self._values[reference]


# %% A class that inherits the Protocol is checked where it is written
class Inherits(ResultHandler[int, str]):
    """The Protocols can also be inherited, so that the checker looks at the class where it is written."""

    def write(self, value: int, /) -> str:
        return str(value)

    def read(self, reference: str, /) -> int:
        return int(reference)


class InheritsWrongly(ResultHandler[int, str]):
    def write(self, value: int, /) -> bytes:  # type: ignore[override]
        return bytes(value)

    def read(self, reference: str, /) -> int:
        return int(reference)


# %% A generic function infers both parameters from the handler
assert_type(write(Texts(), 1), str)
assert_type(read(Texts(), "1"), int)
assert_type(write(Memory[bytes](), b""), int)
assert_type(read(Memory[bytes](), 0), bytes)
assert_type(write(Inherits(), 1), str)

write(Texts(), "1")  # type: ignore[misc]
read(Texts(), 1)  # type: ignore[misc]
write(Memory[bytes](), "")  # type: ignore[misc]


# %% Left out, the type of references is JSON
def reference_by_default(handler: ResultHandler[int], asynchronous: AsyncResultHandler[int]) -> None:
    """Without a second argument, R is JSON."""
    assert_type(handler, ResultHandler[int, JSON])
    assert_type(asynchronous, AsyncResultHandler[int, JSON])
    assert_type(handler.write(1), JSON)


every_reference: ResultHandler[int] = AnyJSON()
text_alone: ResultHandler[int, str] = AnyJSON()
text_for_every: ResultHandler[int] = Texts()  # type: ignore[assignment]


# %% Both parameters are invariant
def value_is_not_covariant(handler: ResultHandler[bool, str]) -> ResultHandler[int, str]:
    return handler  # type: ignore[return-value]


def value_is_not_contravariant(handler: ResultHandler[int, str]) -> ResultHandler[bool, str]:
    return handler  # type: ignore[return-value]


def reference_is_not_covariant(handler: ResultHandler[int, str]) -> ResultHandler[int, JSON]:
    return handler  # type: ignore[return-value]


def reference_is_not_contravariant(handler: ResultHandler[int, JSON]) -> ResultHandler[int, str]:
    return handler  # type: ignore[return-value]
