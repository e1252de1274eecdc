"""What a type checker knows of results; checked, never run."""

from typing import Any, Literal, assert_never, assert_type

import resultspec
from resultspec import JSON
from resultspec_reference import (
    Configuration,
    HandledResult,
    JSONResultHandler,
    LocalResultHandler,
    NoResult,
    NoResultType,
    Parameter,
    RawResult,
    Result,
    resolve,
)


class Counter:
    """Keeps ints under numbers; imports nothing of the contract."""

    def write(self, value: int, /) -> dict[str, str]:
        """Keep a value."""
        raise NotImplementedError

    def read(self, reference: dict[str, str], /) -> int:
        """Read a value."""
        raise NotImplementedError


reference: dict[str, str] = {"a": "b"}

# %% The constructor knows which refinement it builds, and of what
# Which refinement is built, and of what, is known from the arguments.
assert_type(Result(1), RawResult[int, JSON])
assert_type(Result(1, False), RawResult[int, JSON])
assert_type(Result(1, result_handler=Counter()), RawResult[int, dict[str, str]])
assert_type(Result(1, False, Counter()), RawResult[int, dict[str, str]])
assert_type(Result(reference, True, Counter()), HandledResult[int, dict[str, str]])
assert_type(Result(reference, handled=True, result_handler=Counter()), HandledResult[int, dict[str, str]])
assert_type(Result(1, result_handler=LocalResultHandler[int]()), RawResult[int, str])

# %% A dict that is written in place takes the type that the handler asks for
# differs(pyrefly): It takes the type of the dict from the bound of R before it looks at the handler. A variable with a type
# is understood by all.
assert_type(Result({"a": "b"}, True, Counter()), HandledResult[int, dict[str, str]])

# %% A result's attributes and methods know their types
# So are the attributes, and what the methods return.
raw = Result(1, result_handler=Counter())
assert_type(raw.value, int)
assert_type(raw.handled, Literal[False])
assert_type(raw.result_handler, resultspec.ResultHandler[int, dict[str, str]] | None)
assert_type(raw.read(), RawResult[int, dict[str, str]])
handled = raw.write()
assert_type(handled, HandledResult[int, dict[str, str]])
assert_type(handled.value, dict[str, str])
assert_type(handled.handled, Literal[True])
assert_type(handled.result_handler, resultspec.ResultHandler[int, dict[str, str]])
assert_type(handled.read().value, int)

# %% A handled result without a handler, a handler of other values, and assignment are refused
# A handled result needs its handler; a handler must fit the value; nothing can be set.
Result({"a": "b"}, True)  # type: ignore[call-overload]
Result("a", False, Counter())  # type: ignore[call-overload]
raw.value = 2  # type: ignore[misc]
raw.handled = True  # type: ignore[misc, assignment]

# %% What the reference offers is what the specification names
# They are what the specification names.
as_raw: resultspec.RawResult[int, dict[str, str]] = raw
as_handled: resultspec.HandledResult[int, dict[str, str]] = handled
as_result: resultspec.Result[int, dict[str, str]] = raw
as_no_result: resultspec.NoResultType = NoResult
as_json_handler: resultspec.ResultHandler[JSON, str] = JSONResultHandler()
as_local_handler: resultspec.ResultHandler[int, str] = LocalResultHandler()
as_parameter: resultspec.Parameter = Parameter("x")
as_configuration: resultspec.CarriesHandler = Configuration()
as_resolve: resultspec.Resolve = resolve


# %% Three kinds of outcome are told apart
def narrow(outcome: RawResult[int, str] | HandledResult[int, str] | NoResultType) -> None:
    """Every kind of outcome can be told from the others."""
    if outcome is NoResult:
        absent: NoResultType = outcome
        print(absent)
    elif outcome.handled is True:
        assert_type(outcome, HandledResult[int, str])
    elif outcome.handled is False:
        assert_type(outcome, RawResult[int, str])
    else:
        assert_never(outcome)


# %% NoResult is what its methods return, and is falsy
assert_type(NoResult.value, Literal[NoResultType.NO_RESULT])
assert_type(NoResult.read(), Literal[NoResultType.NO_RESULT])
assert_type(NoResult.write(), Literal[NoResultType.NO_RESULT])
falsy: bool = bool(NoResult)

# %% There is no second NoResult
# differs(ty): It does not check what an Enum is called with.
NoResultType()  # type: ignore[call-arg]

# %% A handler of the reference keeps the values that it is said to keep
# A local handler is of the values it is said to keep, or of any.
assert_type(LocalResultHandler(), LocalResultHandler[object])
assert_type(LocalResultHandler[int]("a").read("b"), int)
assert_type(JSONResultHandler().read("1"), JSON)
JSONResultHandler().write((1,))  # type: ignore[arg-type]
LocalResultHandler(key="text")  # type: ignore[arg-type]


def anything(value: Any) -> RawResult[Any, str]:
    """Untyped values are no hindrance."""
    return Result(value, result_handler=LocalResultHandler[Any]())
