"""The JSON handler: what it takes comes back exactly, all else is refused."""

import collections
import enum
import json
import math
import pickle
import sys
from typing import Any, NamedTuple

import cloudpickle
import pytest
import resultspec
from hypothesis import given
from hypothesis import strategies as st
from resultspec.errors import InvalidReference, UnsupportedValue
from resultspec_reference import JSONResultHandler

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


class Colour(enum.IntEnum):
    """An int in disguise."""

    RED = 1


class Point(NamedTuple):
    """A tuple in disguise."""

    x: int


class Text(str):
    """A str in disguise."""


def test_it_is_a_handler() -> None:
    """It satisfies the Protocol."""
    assert isinstance(JSONResultHandler(), resultspec.ResultHandler)


@given(VALUES)
def test_round_trip(value: Any) -> None:
    """A JSON value comes back equal and of the same types: their reprs, in full, are the same."""
    handler = JSONResultHandler()

    assert repr(handler.read(handler.write(value))) == repr(value)


@given(VALUES)
def test_the_reference_is_standard_json(value: Any) -> None:
    """Any decoder of JSON reads the reference."""
    assert json.loads(JSONResultHandler().write(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        -0.0,
        5e-324,
        sys.float_info.max,
        2**64,
        -(2**1000),
        10**4299,
        "\x00\u2028\U0001f600",
        nested(200),
        {"": {"": []}},
    ],
    ids=lambda value: f"{value!r:.20}",
)
def test_extremes_round_trip(value: Any) -> None:
    """Signed zeros, extreme floats, large integers, odd characters and deep values come back."""
    handler = JSONResultHandler()

    assert repr(handler.read(handler.write(value))) == repr(value)


def test_readable_by_eye() -> None:
    """Text stays text."""
    assert JSONResultHandler().write({"name": "Zoë", "n": [1, 2.5]}) == '{"name": "Zoë", "n": [1, 2.5]}'


def in_itself(container: Any) -> Any:
    """Return a list or dict that contains itself."""
    if isinstance(container, list):
        container.append(container)
    else:
        container["a"] = [container]
    return container


REFUSED: dict[str, Any] = {
    "nan": math.nan,
    "infinity": -math.inf,
    "tuple": (1,),
    "bytes": b"",
    "set": {1},
    "int key": {1: 1},
    "None key": {None: 1},
    "bool key": {True: 1},
    "str subclass key": {Text("a"): 1},
    "lone surrogate": "\ud800",
    "lone surrogate key": {"\udfff": 1},
    "surrogate pair in halves": "\ud83d\ude00",
    "IntEnum": Colour.RED,
    "str subclass": Text("a"),
    "OrderedDict": collections.OrderedDict(a=1),
    "defaultdict": collections.defaultdict(int),
    "namedtuple": Point(1),
    "object": object(),
    "class": int,
    "long int": 10**4300,
    "long negative int": -(10**4300),
    "too deep": nested(201),
    "list in itself": in_itself([]),
    "dict in itself": in_itself({}),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(value: Any) -> None:
    """What would not come back exactly is refused, alone and inside something."""
    for each in (value, [0, value], {"a": value}):
        with pytest.raises(UnsupportedValue):
            JSONResultHandler().write(each)


def test_refuses_what_this_interpreter_does_not_print() -> None:
    """An integer beyond a lowered limit is refused, not half written."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        with pytest.raises(UnsupportedValue):
            JSONResultHandler().write([10**1000])
    finally:
        sys.set_int_max_str_digits(limit)


def test_says_where_and_what() -> None:
    """The error names the place and the type; keys are counted, since they are data."""
    value: Any = [0, {"a": 1, "b": 2, "c": [1j]}]

    with pytest.raises(UnsupportedValue, match=r"of type builtins\.complex at \$\[1\]\.\{2\}\[0\]"):
        JSONResultHandler().write(value)


@pytest.mark.parametrize("wrap", [lambda s: {s: 1j}, lambda s: [s, 1j], lambda s: s + "\ud800", lambda s: {s: {s: {1}}}])
def test_errors_are_quiet(wrap: Any) -> None:
    """No error carries the value, its keys included, nor do its causes."""
    with pytest.raises(UnsupportedValue) as caught:
        JSONResultHandler().write(wrap("hunter2"))
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error!r}{error}"

        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "reference",
    [
        "",
        " ",
        "{",
        "nul",
        "[1,]",
        "1 2",
        "'a'",
        "NaN",
        "Infinity",
        "[-Infinity]",
        "1e999",
        "[-1e999]",
        '{"a": 1, "a": 2}',
        '[{"a": {"b": 1, "b": 1}}]',
        '"\\ud800"',
        '"\t"',
        "1" * 5000,
        "[" * 201 + "]" * 201,
        "[" * 200_000,
        '{"a":' * 100_000,
        None,
        1,
        True,
        1.5,
        b"1",
        ["1"],
        {"a": "1"},
    ],
    ids=lambda reference: f"{reference!r:.30}",
)
def test_malformed_references(reference: Any) -> None:
    """What is not strict JSON text is refused."""
    with pytest.raises(InvalidReference):
        JSONResultHandler().read(reference)


def test_a_fresh_value_each_time() -> None:
    """Neither altering the value that was written nor one that was read alters the next read."""
    handler = JSONResultHandler()
    value: Any = {"a": [1]}
    reference = handler.write(value)
    value["a"].append(2)
    read: Any = handler.read(reference)
    read["a"].append(3)

    assert handler.read(reference) == {"a": [1]}


def test_all_are_equal() -> None:
    """All JSON handlers are equal, also after a journey, and equal to nothing else."""
    one, other = JSONResultHandler(), pickle.loads(cloudpickle.dumps(JSONResultHandler()))

    assert one == other
    assert hash(one) == hash(other)
    assert one != object()
