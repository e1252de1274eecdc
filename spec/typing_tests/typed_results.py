"""Results: ``handled is True`` narrows the union of both refinements, and structure alone decides what is one."""

from dataclasses import dataclass
from typing import Literal, assert_never, assert_type

from resultspec import JSON, HandledResult, RawResult, Result, ResultHandler


# %% ``handled is True`` narrows the union of both refinements
def narrow_by_else(result: RawResult[int, str] | HandledResult[int, str]) -> int:
    if result.handled is True:
        assert_type(result, HandledResult[int, str])
        assert_type(result.value, str)
        assert_type(result.result_handler, ResultHandler[int, str])
        return result.result_handler.read(result.value)
    else:  # noqa: RET505 - the branch is what is tested.
        assert_type(result, RawResult[int, str])
        assert_type(result.value, int)
        assert_type(result.result_handler, ResultHandler[int, str] | None)
        return result.value


def narrow_by_both(result: RawResult[int, str] | HandledResult[int, str]) -> None:
    if result.handled is True:
        assert_type(result, HandledResult[int, str])
    elif result.handled is False:
        assert_type(result, RawResult[int, str])
    else:
        assert_never(result)


def one_is_left(result: RawResult[int, str] | HandledResult[int, str]) -> None:
    if result.handled is True:
        return
    assert_never(result)  # type: ignore[arg-type]


# %% Writing gives a handled result, reading a raw one
def there_and_back(result: Result[int, str]) -> None:
    assert_type(result.value, int | str)
    assert_type(result.handled, bool)
    assert_type(result.write(), HandledResult[int, str])
    assert_type(result.write().read(), RawResult[int, str])
    assert_type(result.write().read().value, int)


# %% A refinement is a result; neither is the other
def refinements_are_results(raw: RawResult[int, str], handled: HandledResult[int, str]) -> list[Result[int, str]]:
    return [raw, handled]


def reference_by_default(result: Result[int]) -> None:
    assert_type(result, Result[int, JSON])


def a_result_is_no_refinement(result: Result[int, str]) -> RawResult[int, str]:
    return result  # type: ignore[return-value]


def raw_is_not_handled(raw: RawResult[int, str]) -> HandledResult[int, str]:
    return raw  # type: ignore[return-value]


def handled_is_not_raw(handled: HandledResult[int, str]) -> RawResult[int, str]:
    return handled  # type: ignore[return-value]


# %% Results are read-only
def read_only(raw: RawResult[int, str]) -> None:
    raw.value = 2  # type: ignore[misc]
    raw.handled = False  # type: ignore[misc]
    raw.result_handler = None  # type: ignore[misc]


# %% A class of the right shape is a result, a frozen dataclass too
class Texts:
    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


@dataclass(frozen=True)
class MyRaw:
    """A frozen dataclass, with fields where the Protocol has properties."""

    value: int
    result_handler: Texts | None = None
    handled: Literal[False] = False

    def read(self) -> "MyRaw":
        return self

    def write(self) -> "MyHandled":
        return MyHandled(str(self.value), self.result_handler or Texts())


class MyHandled:
    """A plain class with properties."""

    def __init__(self, reference: str, handler: Texts) -> None:
        self._reference = reference
        self._handler = handler

    @property
    def value(self) -> str:
        return self._reference

    @property
    def handled(self) -> Literal[True]:
        return True

    @property
    def result_handler(self) -> Texts:
        return self._handler

    def read(self) -> MyRaw:
        return MyRaw(self._handler.read(self._reference), self._handler)

    def write(self) -> "MyHandled":
        return self


my_raw: RawResult[int, str] = MyRaw(1)
my_handled: HandledResult[int, str] = MyHandled("1", Texts())
my_results: list[Result[int, str]] = [MyRaw(1), MyHandled("1", Texts())]
mistaken: HandledResult[int, str] = MyRaw(1)  # type: ignore[assignment]


# %% A handled result that could be without a handler is none
@dataclass(frozen=True)
class WithoutHandler:
    """A handled result that could be without a handler (rule result.handled-needs-handler)."""

    value: str
    result_handler: Texts | None = None
    handled: Literal[True] = True

    def read(self) -> MyRaw:
        return MyRaw(1)

    def write(self) -> MyHandled:
        return MyHandled("1", Texts())


without_handler: HandledResult[int, str] = WithoutHandler("1")  # type: ignore[assignment]
