"""Results: raw, handled, and nothing in between."""

import copy
import math
import pickle
from typing import Any

import attrs
import cloudpickle
import pytest
import resultspec
from hypothesis import given
from hypothesis import strategies as st
from resultspec.errors import MissingHandler
from resultspec_reference import HandledResult, JSONResultHandler, NoResult, RawResult, Result


@attrs.define
class Ledger:
    """A handler that notes its calls and keeps values in itself."""

    values: list[Any] = attrs.Factory(list)
    calls: list[str] = attrs.Factory(list)

    def write(self, value: Any, /) -> int:
        self.calls.append("write")
        self.values.append(value)
        return len(self.values) - 1

    def read(self, reference: int, /) -> Any:
        self.calls.append("read")
        return self.values[reference]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
HASHABLES = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5)
VALUES = st.recursive(
    HASHABLES, lambda inner: st.lists(inner) | st.dictionaries(HASHABLES, inner) | st.sets(HASHABLES), max_leaves=8
)


def test_both_kinds_are_what_the_specification_names() -> None:
    """Each kind satisfies its Protocol."""
    handler = Ledger()

    assert isinstance(Result(1), resultspec.RawResult)
    assert isinstance(Result(0, True, handler), resultspec.HandledResult)
    assert isinstance(Result(1), RawResult)
    assert isinstance(Result(0, True, handler), HandledResult)


def test_attributes() -> None:
    """The value, whether it is handled, and the handler are there as given."""
    handler = Ledger()
    raw, handled = Result([1], result_handler=handler), Result(0, handled=True, result_handler=handler)

    assert (raw.value, raw.handled, raw.result_handler) == ([1], False, handler)
    assert (handled.value, handled.handled, handled.result_handler) == (0, True, handler)
    assert (Result(1).handled, Result(1).result_handler) == (False, None)


@pytest.mark.parametrize("name", ["value", "handled", "result_handler", "other"])
@pytest.mark.parametrize("result", [Result(1), Result("1", True, JSONResultHandler())])
def test_they_are_immutable(result: Any, name: str) -> None:
    """No attribute can be set or deleted."""
    with pytest.raises(AttributeError):
        setattr(result, name, 2)
    with pytest.raises(AttributeError):
        delattr(result, name)


def test_write_and_read_return_to_the_raw_result() -> None:
    """Write gives a handled result, read gives back an equal raw one; both leave their original as it was."""
    raw = Result([1, None], result_handler=Ledger())

    handled = raw.write()
    back = handled.read()

    assert (handled.value, handled.handled) == (0, True)
    assert back == raw
    assert back is not raw
    assert (raw.value, raw.handled) == ([1, None], False)


def test_write_and_read_are_idempotent() -> None:
    """A raw result reads as itself and a handled one writes as itself, and nobody calls the handler."""
    handler = Ledger()
    raw, handled, bare = Result(1, result_handler=handler), Result(0, True, handler), Result(1)

    assert raw.read() is raw
    assert handled.write() is handled
    assert bare.read() is bare
    assert handler.calls == []


def test_writing_without_a_handler() -> None:
    """It raises MissingHandler."""
    with pytest.raises(MissingHandler, match="result_handler"):
        Result(1).write()


def test_handled_without_a_handler() -> None:
    """It raises MissingHandler at construction."""
    with pytest.raises(MissingHandler, match="result_handler"):
        Result("ref", True)  # type: ignore[call-overload]


@pytest.mark.parametrize("handled", [False, True])
def test_a_result_of_noresult(handled: Any) -> None:
    """It is an error, handled or not."""
    handler: Any = JSONResultHandler()

    with pytest.raises(ValueError, match="NoResult"):
        Result(NoResult, handled, handler)


def test_none_is_a_value() -> None:
    """Result(None) is a result, also there and back, and not NoResult."""
    result = Result(None, result_handler=JSONResultHandler())

    assert result.value is None
    assert result.write().read() == result
    assert result != NoResult


def test_a_falsy_handler_is_a_handler() -> None:
    """Only None means that there is no handler."""

    class Empty(JSONResultHandler):
        def __len__(self) -> int:
            return 0

    assert Result(1, result_handler=Empty()).write().value == "1"


@given(VALUES)
def test_equal_after_a_copy(value: Any) -> None:
    """A result of a copied value is equal, NaN included, and hashes alike if it hashes at all."""
    one, other = Result(value), Result(pickle.loads(pickle.dumps(value)))

    assert one == other
    try:
        expected = hash(one)
    except TypeError:
        with pytest.raises(TypeError):
            hash(other)
    else:
        assert hash(other) == expected


@given(HASHABLES)
def test_hashable_when_the_value_is(value: Any) -> None:
    """The result of a hashable value is hashable."""
    assert isinstance(hash(Result(value)), int)


@given(st.lists(HASHABLES))
def test_not_hashable_when_the_value_is_not(value: list[Any]) -> None:
    """The result of a value that is not hashable is not hashable either."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Result(value))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Result((1, value)))


@pytest.mark.parametrize(
    "values",
    [
        (1, True, 1.0, 1 + 0j),
        (0.0, -0.0, 0, False, None, "", b""),
        ([1], [True], [1.0], (1,), {1}, {1: 1}),
        ({"a": 1}, {"a": True}, {"a": 1.0}),
        ({1: "a"}, {True: "a"}, {1.0: "a"}),
        (b"a", bytearray(b"a"), "a"),
        (math.nan, math.inf, -math.inf),
    ],
)
def test_types_tell_values_apart(values: tuple[Any, ...]) -> None:
    """Values that differ by type or by the sign of zero make results that differ, at every depth."""
    results = [Result(value) for value in values]

    assert all(one != other for one in results for other in results if one is not other)


def test_what_else_tells_results_apart() -> None:
    """The handler and being handled count; nothing else is ever equal."""
    handler = JSONResultHandler()

    assert Result("1", result_handler=handler) == Result("1", False, JSONResultHandler())
    assert Result("1", result_handler=handler) != Result("1", True, handler)
    assert Result("1", result_handler=handler) != Result("1")
    assert Result(1) not in (1, None, (1, False, None), NoResult)


@pytest.mark.parametrize("result", [Result(1), Result({"a": [None]}), Result("1", True, JSONResultHandler())])
def test_pickles_and_copies(result: Any) -> None:
    """Every way of copying gives an equal result of the same kind."""
    copies = [pickle.loads(pickle.dumps(result, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    copies += [pickle.loads(cloudpickle.dumps(result)), copy.copy(result), copy.deepcopy(result)]

    assert copies == [result] * len(copies)
    assert {type(each) for each in copies} == {type(result)}


def test_repr_is_quiet() -> None:
    """A raw result shows the type of its value alone, a handled one its reference."""
    secret = "a secret"

    assert secret not in repr(Result(secret)) + str(Result(secret))
    assert "str" in repr(Result(secret))
    assert repr(Result("1", True, JSONResultHandler())) == ("Result('1', handled=True, result_handler=JSONResultHandler())")
