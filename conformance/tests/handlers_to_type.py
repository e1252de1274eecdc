"""Handler classes that differ in their annotations alone: what the static rules judge.

Nothing here is ever run but the constructors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypedDict, TypeVar, overload

from resultspec import JSON, AsyncResultHandler, ResultHandler

if TYPE_CHECKING:
    from decimal import Decimal

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R", bound=JSON)
P = ParamSpec("P")
Number = TypeVar("Number", bound=float)
Anything = Any


class Place(TypedDict):
    bucket: str


# --- Good ones -------------------------------------------------------------------------------------------------------


class Plain:
    def write(self, value: bytes) -> str: ...
    def read(self, reference: str) -> bytes: ...


class Options:
    def write(self, value: bytes, /, *, compress: bool = False) -> str: ...
    def read(self, reference: str, retries: int = 3, *more: str, **options: object) -> bytes: ...


class Generous:
    """Takes more than it gives."""

    def write(self, value: object) -> str: ...
    def read(self, reference: object) -> int: ...


class Narrower:
    """Gives less than it takes, in both directions."""

    def write(self, value: float) -> dict[str, str]: ...
    def read(self, reference: Mapping[str, JSON]) -> bool: ...


class Declared(ResultHandler[bytes, str]):
    def write(self, value: bytes, /) -> str: ...
    def read(self, reference: str, /) -> bytes: ...


class OfAny(Generic[T, R]):
    def write(self, value: T) -> R: ...
    def read(self, reference: R) -> T: ...


class OfNumbers(Generic[Number]):
    def write(self, value: Number) -> str: ...
    def read(self, reference: str) -> Number: ...


class Inherited(OfAny[int, str]):
    """Has methods of its base alone."""


class Perhaps:
    def write(self, value: int | None) -> None: ...
    def read(self, reference: None) -> int | None: ...


class Quoted:
    def write(self, value: "Decimal") -> "str": ...
    def read(self, reference: "str") -> "Decimal": ...


class Static:
    @staticmethod
    def write(value: int) -> str: ...
    @classmethod
    def read(cls, reference: str) -> int: ...


def logged(method: Callable[P, T]) -> Callable[P, T]:
    return method


class Decorated:
    @logged
    def write(self, value: int) -> str: ...
    @logged
    def read(self, reference: str) -> int: ...


class Overloaded:
    @overload
    def write(self, value: int) -> str: ...
    @overload
    def write(self, value: str) -> str: ...
    def write(self, value: int | str) -> str: ...
    def read(self, reference: str) -> int: ...


class Awaited:
    async def write(self, value: int) -> str: ...
    async def read(self, reference: str) -> int: ...


class AwaitedCoroutines:
    def write(self, value: int) -> Coroutine[Any, Any, str]: ...
    def read(self, reference: str) -> Coroutine[object, object, int]: ...


class DeclaredAwaited(AsyncResultHandler[int, str]):
    async def write(self, value: int, /) -> str: ...
    async def read(self, reference: str, /) -> int: ...


class AwaitedGeneric(Generic[T]):
    async def write(self, value: T) -> list[JSON]: ...
    async def read(self, reference: list[JSON]) -> T: ...


class Abstract(Protocol):
    def write(self, value: int) -> str: ...
    def read(self, reference: str) -> int: ...


class Implements(Abstract):
    def write(self, value: int) -> str: ...
    def read(self, reference: str) -> int: ...


class Outer:
    class Nested:
        def write(self, value: int) -> str: ...
        def read(self, reference: str) -> int: ...


class Attributes:
    write: Callable[[int], str]
    read: Callable[[str], int]


# --- static.protocol -------------------------------------------------------------------------------------------------


class NeedsName:
    def write(self, value: int, name: str) -> str: ...
    def read(self, reference: str) -> int: ...


class KeywordAlone:
    def write(self, value: int) -> str: ...
    def read(self, *, reference: str) -> int: ...


class NoArgument:
    def write(self) -> str: ...
    def read(self, reference: str) -> int: ...


class WithoutRead:
    def write(self, value: int) -> str: ...

    if not TYPE_CHECKING:

        def read(self, reference): ...


class HalfAwaited:
    async def write(self, value: int) -> str: ...
    def read(self, reference: str) -> int: ...


class Futures:
    def write(self, value: int) -> asyncio.Future[str]: ...
    def read(self, reference: str) -> asyncio.Future[int]: ...


class Awaitables:
    def write(self, value: int) -> Awaitable[str]: ...
    def read(self, reference: str) -> Awaitable[int]: ...


# --- static.json-bound -----------------------------------------------------------------------------------------------


class ByPath:
    def write(self, value: int) -> Path: ...
    def read(self, reference: Path) -> int: ...


class ByTypedDict:
    def write(self, value: int) -> Place: ...
    def read(self, reference: Place) -> int: ...


class BySequence:
    def write(self, value: int) -> Sequence[str]: ...
    def read(self, reference: Sequence[str]) -> int: ...


class ByObject:
    def write(self, value: int) -> object: ...
    def read(self, reference: object) -> int: ...


class ByUnbound(Generic[T]):
    def write(self, value: int) -> T: ...
    def read(self, reference: T) -> int: ...


class ByBytesAwaited:
    async def write(self, value: int) -> bytes: ...
    async def read(self, reference: bytes) -> int: ...


# --- static.symmetry -------------------------------------------------------------------------------------------------


class OrNone:
    def write(self, value: int) -> str: ...
    def read(self, reference: str) -> int | None: ...


class TakesLess:
    def write(self, value: int) -> JSON: ...
    def read(self, reference: str) -> int: ...


class TwoVariables(Generic[S, T]):
    def write(self, value: S) -> str: ...
    def read(self, reference: str) -> T: ...


class OrNoneAwaited:
    async def write(self, value: int) -> str: ...
    async def read(self, reference: str) -> int | None: ...


# --- static.typed ----------------------------------------------------------------------------------------------------


class ByAny:
    def write(self, value: Any) -> str: ...
    def read(self, reference: str) -> Any: ...


class ByAlias:
    def write(self, value: Anything) -> str: ...
    def read(self, reference: str) -> Anything: ...


class HalfAnnotated:
    def write(self, value: int) -> str: ...
    def read(self, reference): ...


class BareDict:
    def write(self, value: int) -> dict: ...  # type: ignore[type-arg]
    def read(self, reference: dict) -> int: ...  # type: ignore


class InsideAny:
    def write(self, value: dict[str, Any]) -> str: ...
    def read(self, reference: str) -> dict[str, Any]: ...


class AwaitedAny:
    async def write(self, value: Any) -> str: ...
    async def read(self, reference: str) -> Any: ...


class AwaitedCoroutinesOfAny:
    def write(self, value: int) -> Coroutine[Any, Any, Any]: ...
    def read(self, reference: str) -> Coroutine[Any, Any, int]: ...


def erased(method):
    return method


class Erased:
    @erased
    def write(self, value: int) -> str: ...
    @erased
    def read(self, reference: str) -> int: ...


# --- no annotations at all -------------------------------------------------------------------------------------------


class BareAwaited:
    def write(self, value): ...
    async def read(self, reference): ...


class Bare:
    def write(self, value): ...
    def read(self, reference): ...


class Delegating:
    def __init__(self) -> None:
        self._inner = Plain()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def local() -> type:
    class Local:
        def write(self, value: int) -> str: ...
        def read(self, reference: str) -> int: ...

    return Local


made = type("made", (), {"write": Plain.write, "read": Plain.read})
