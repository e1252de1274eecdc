"""The commonest mistakes of those who write a handler or use an engine, each with its mend; checked, never run.

The documentation shows them, with what mypy says.
"""

from typing import Any, assert_type

from resultspec import JSON, AsyncResultHandler, ResultHandler
from resultspec_reference import LocalResultHandler, NoResult, NoResultType, RawResult, Result
from resultspec_reference.engine import Flow, parameter, task


# %% ``write`` returns something else than it says
# mend: Return what the annotation names. A reference is small JSON that says where the value is: here, a text.
class Returns:
    def write(self, value: int) -> str:
        return value  # type: ignore[return-value]

    def read(self, reference: str) -> int:
        return int(reference)


# mended
class ReturnsText:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


returns: ResultHandler[int, str] = ReturnsText()


# %% A method is missing
# mend: A handler has both methods, also where nobody reads yet: what cannot be read need not be written.
class WriteOnly:
    def write(self, value: int) -> str:
        return str(value)


write_only: ResultHandler[int, str] = WriteOnly()  # type: ignore[assignment]


# mended
class Complete(WriteOnly):
    def read(self, reference: str) -> int:
        return int(reference)


complete: ResultHandler[int, str] = Complete()


# %% ``read`` does not take what ``write`` returns
# mend: Name one type in both places. A reference comes back as it went: whoever reads has nothing else.
class Asymmetric:
    def write(self, value: str) -> int:
        return len(value)

    def read(self, reference: str) -> str:
        return reference


asymmetric: ResultHandler[str, int] = Asymmetric()  # type: ignore[assignment]


# mended
class Symmetric:
    def __init__(self) -> None:
        self._values: list[str] = []

    def write(self, value: str) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def read(self, reference: int) -> str:
        return self._values[reference]


symmetric: ResultHandler[str, int] = Symmetric()


# %% ``read`` returns None for what is missing
# mend: Raise an error: UnknownReference, or a LookupError. None is a value like others, and may have been written.
class Perhaps:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int | None:
        return int(reference) if reference.isdecimal() else None


perhaps: ResultHandler[int, str] = Perhaps()  # type: ignore[assignment]


# mended
class Raises:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        if not reference.isdecimal():
            raise LookupError("There is no such value")
        return int(reference)


raises: ResultHandler[int, str] = Raises()


# %% The reference is bytes
# mend: JSON has no bytes: write them as hexadecimal or base64.
class ByBytes:
    def write(self, value: int) -> bytes:
        return value.to_bytes(8, "big")

    def read(self, reference: bytes) -> int:
        return int.from_bytes(reference, "big")


by_bytes: ResultHandler[int] = ByBytes()  # type: ignore[assignment]


# mended
class ByHexadecimal:
    def write(self, value: int) -> str:
        return value.to_bytes(8, "big").hex()

    def read(self, reference: str) -> int:
        return int.from_bytes(bytes.fromhex(reference), "big")


by_hexadecimal: ResultHandler[int, str] = ByHexadecimal()


# %% The reference is a tuple
# mend: JSON has no tuples; one would come back as a list. Use a dict of names, which also says what is what.
class ByTuple:
    def write(self, value: int) -> tuple[str, int]:
        return "table", value

    def read(self, reference: tuple[str, int]) -> int:
        return reference[1]


def keep(value: int, handler: ResultHandler[int, tuple[str, int]]) -> None:  # type: ignore[type-var]
    handler.write(value)


# mended
class ByNames:
    def write(self, value: int) -> dict[str, str]:
        return {"table": "table", "row": str(value)}

    def read(self, reference: dict[str, str]) -> int:
        return int(reference["row"])


by_names: ResultHandler[int, dict[str, str]] = ByNames()


# %% A parameter must be given by keyword
# mend: Engines call ``write(value)`` and ``read(reference)``. Give what else there is a default, or to the constructor.
class ByKeyword:
    def write(self, *, value: int) -> str:
        return str(value)

    def read(self, reference: str, *, encoding: str) -> int:
        return int(reference.encode(encoding))


by_keyword: ResultHandler[int, str] = ByKeyword()  # type: ignore[assignment]


# mended
class ByPosition:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str, *, encoding: str = "utf-8") -> int:
        return int(reference.encode(encoding))


by_position: ResultHandler[int, str] = ByPosition()


# %% Asynchronous methods, where an engine calls plain ones
# mend: Declare what it is: AsyncResultHandler. An engine that takes plain handlers does not await.
class Asynchronous:
    async def write(self, value: int) -> str:
        return str(value)

    async def read(self, reference: str) -> int:
        return int(reference)


asynchronous: ResultHandler[int, str] = Asynchronous()  # type: ignore[assignment]

# mended
awaited: AsyncResultHandler[int, str] = Asynchronous()


# %% A generic without its parameters
# differs(ty): It has no strict mode that asks for them.
# mend: Say of which values it is a handler. The type of references may be left out; it is JSON then.
def forget(handler: ResultHandler) -> None:  # type: ignore[type-arg]
    print("Nothing is known of what this handler keeps")


# mended
def remember(handler: ResultHandler[str]) -> JSON:
    return handler.write("text")


# %% A method without annotations
# differs(ty): It has no strict mode that asks for them.
# mend: Annotate both methods. Without annotations mypy does not look into them, and the engine learns nothing of them.
class Bare:
    def write(self, value):  # type: ignore[no-untyped-def]
        return "17"

    def read(self, reference: str) -> int:
        return int(reference)


# mended
class Dressed:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


dressed: ResultHandler[int, str] = Dressed()


# %% Any in a method
# mend: Name the types, or ``object`` where a handler takes every value. Any is what mypy accepts everywhere and never looks
# behind, so that it says nothing here, strict as it may be; the suite does: rule static.typed.
class Anything:
    def write(self, value: Any) -> Any:
        return value

    def read(self, reference: Any) -> Any:
        return reference


anything: ResultHandler[int, str] = Anything()


# mended
class Everything:
    def write(self, value: object) -> str:
        return repr(value)

    def read(self, reference: str) -> object:
        return reference


everything: ResultHandler[object, str] = Everything()

# %% A handled result without its handler
# mend: Whoever has a reference needs the handler that reads it: give both.
unreadable = Result("17", handled=True)  # type: ignore[call-overload]

# mended
readable = Result("17", handled=True, result_handler=ReturnsText())
assert_type(readable.read().value, int)


# %% A handler where ``handled`` belongs
# mend: Name the handler. The second argument says whether the value is handled already, so that it is a reference.
misplaced = Result(3, ReturnsText())  # type: ignore[call-overload]

# mended
placed = Result(3, result_handler=ReturnsText())
assert_type(placed.value, int)


# %% A result that may not be there
# mend: Ask first: ``is NoResult`` narrows. None says nothing of absence, since it is a value.
def double(outcome: RawResult[int, str] | NoResultType) -> int:
    return outcome.value * 2  # type: ignore[operator]


# mended
def double_or_nothing(outcome: RawResult[int, str] | NoResultType) -> int:
    if outcome is NoResult:
        return 0
    return outcome.value * 2


# %% A task is given what it does not take
# mend: Tasks are checked as the functions that they are made of: give the parameter the type that the task takes.
@task
def scaled(number: float) -> float:
    return 2 * number


with Flow("wrong", result_handler=LocalResultHandler()):
    scaled(parameter("number", str))  # type: ignore[arg-type]

# mended
with Flow("right", result_handler=LocalResultHandler()):
    scaled(parameter("number", float))
