"""A state shows the value of its result, and holds the result itself."""

from enum import Enum
from typing import Any, Final, Self

from resultspec import NoResultType, Result, State
from typing_extensions import override


class Absence(Enum):
    _value_: Any

    NO_RESULT = "NoResult"

    @property
    @override
    def value(self) -> Self:
        return self

    def read(self) -> Self:
        return self

    def write(self) -> Self:
        return self


NoResult: Final = Absence.NO_RESULT


# %% A state shows a value and holds its result
class WithProperty:
    def __init__(self, result: Result[int, str] | Absence = NoResult) -> None:
        self._result = result

    @property
    def result(self) -> int | str | Absence:
        return self._result.value


class WithProtocols:
    _result: Result[Any, Any] | NoResultType = NoResult

    @property
    def result(self) -> object:
        return self._result.value


class WithoutResult:
    result: Any = None


class WithNone:
    """None is a value; before computation there is NoResult."""

    _result: Result[Any, Any] | None = None
    result: Any = None


class WithRawValue:
    _result: int = 1
    result: int = 1


states: list[State] = [WithProperty(), WithProtocols()]
without_result: State = WithoutResult()  # type: ignore[assignment]
with_none: State = WithNone()  # type: ignore[assignment]
with_raw_value: State = WithRawValue()  # type: ignore[assignment]
