"""A Final one-member Enum satisfies NoResultType, and narrows with ``is``."""

from enum import Enum
from typing import Any, Final, Self, assert_never, assert_type

from resultspec import HandledResult, NoResultType, RawResult
from typing_extensions import override


class Absence(Enum):
    # Without this, mypy takes the type of the member's value for that of the property below.
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

# %% A final Enum of one member is the absence of a result
satisfies: NoResultType = NoResult

assert_type(NoResult.value, Absence)
assert_type(NoResult.read(), Absence)
assert_type(NoResult.write(), Absence)


# %% ``is NoResult`` narrows
def narrow(result: RawResult[int, str] | HandledResult[int, str] | Absence) -> int | str | None:
    if result is NoResult:
        absent: Absence = result
        print(absent)
        return None
    assert_type(result, RawResult[int, str] | HandledResult[int, str])
    return result.value


def narrow_by_is_not(result: RawResult[int, str] | Absence) -> int:
    if result is not NoResult:
        return assert_type(result, RawResult[int, str]).value
    return 0


def all_three(result: RawResult[int, str] | HandledResult[int, str] | Absence) -> None:
    if result is NoResult:
        absent: Absence = result
        print(absent)
    elif result.handled is True:
        assert_type(result, HandledResult[int, str])
    elif result.handled is False:
        assert_type(result, RawResult[int, str])
    else:
        assert_never(result)


def value_of_either(result: RawResult[int, str] | Absence) -> int | Absence:
    """The value can be asked for without asking first whether there is one."""
    return result.value


def through_the_protocol(result: NoResultType) -> NoResultType:
    return result.value.read().write()


# %% Something else is not the absence of a result
class NotItself:
    """Value is not the same object."""

    value: None = None

    def read(self) -> Self:
        return self

    def write(self) -> Self:
        return self


not_itself: NoResultType = NotItself()  # type: ignore[assignment]
none_is_not_it: NoResultType = None  # type: ignore[assignment]


def a_result_is_not_it(result: RawResult[int, str]) -> NoResultType:
    return result  # type: ignore[return-value]
