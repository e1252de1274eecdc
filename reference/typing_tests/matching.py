"""Pattern matching; checked, never run."""

from typing import assert_never, assert_type

from resultspec_reference import HandledResult, NoResultType, RawResult


# %% A match statement tells the three kinds of outcome apart
def describe(outcome: RawResult[int, str] | HandledResult[int, str] | NoResultType) -> int | str | None:
    """Match by class, and take the value out."""
    match outcome:
        case HandledResult(value=reference):
            return assert_type(reference, str)
        case RawResult(value=value):
            return assert_type(value, int)
        case NoResultType.NO_RESULT:
            return None
        case _:
            assert_never(outcome)


# %% A match statement that forgets the absence of a result does not pass
def forgetful(outcome: RawResult[int, str] | NoResultType) -> int:
    """Match by class, and forget one."""
    match outcome:
        case RawResult():
            return outcome.value
        case _:
            assert_never(outcome)  # type: ignore[arg-type]
