"""JSON without exceptions to the rule, and the handler that keeps values in it."""

import json
import re
from math import isfinite
from typing import Any, NoReturn

import attrs
from resultspec import JSON
from resultspec.errors import InvalidReference, UnsupportedValue

MAX_DEPTH = 200
"""How deep containers may nest: well below where the decoder of any supported Python gives up."""

# The largest integer that every Python reads back from text unless told otherwise (sys.set_int_max_str_digits).
_INTEGER_BOUND = 10**4300

_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJSON(Exception):
    """Something is not strict JSON.

    The place is a path such as ``$[3].{0}``, where ``{0}`` stands for the value of the first key of a dict: keys are
    data, and data does not belong in an error (``private.quiet-errors``).
    """

    def __init__(self, problem: str) -> None:
        """Begin where the problem is; each container on the way up adds itself by :meth:`within`."""
        super().__init__(problem)
        self.problem = problem
        self._place: list[str] = []

    def within(self, step: str) -> None:
        """Add the step that leads from a container to the problem."""
        self._place.append(step)

    def __str__(self) -> str:
        return f"{self.problem} at ${''.join(reversed(self._place))}"


def check(value: Any) -> None:
    """Make sure that a value comes back from strict JSON as the same value of the same type.

    Types are compared exactly: a subclass, such as an IntEnum or an OrderedDict, would come back as its base.

    Raises:
        NotJSON: It does not, or it contains itself, or it is nested deeper than :data:`MAX_DEPTH`.
    """
    _check(value, 0)


def _check(value: Any, depth: int) -> None:
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        if not value.isascii() and _SURROGATE.search(value):
            raise NotJSON("a str with a lone surrogate")
    elif kind is int:
        if abs(value) >= _INTEGER_BOUND:
            raise NotJSON("an int of more than 4300 digits")
    elif kind is float:
        if not isfinite(value):
            raise NotJSON("a float that is not finite")
    elif kind is list or kind is dict:
        if depth == MAX_DEPTH:
            raise NotJSON(f"a {kind.__name__} nested deeper than {MAX_DEPTH}, or in itself,")
        if kind is list:
            _check_list(value, depth + 1)
        else:
            _check_dict(value, depth + 1)
    elif value is not None and kind is not bool:
        raise NotJSON(f"a value of type {kind.__module__}.{kind.__qualname__}")


def _check_list(items: list[Any], depth: int) -> None:
    for index, item in enumerate(items):
        try:
            _check(item, depth)
        except NotJSON as error:
            error.within(f"[{index}]")
            raise


def _check_dict(items: dict[Any, Any], depth: int) -> None:
    for index, (key, item) in enumerate(items.items()):
        try:
            if type(key) is not str:
                raise NotJSON(f"a key of type {type(key).__qualname__}")
            _check(key, depth)
            _check(item, depth)
        except NotJSON as error:
            error.within(f".{{{index}}}")
            raise


def encode(value: Any) -> str:
    """Return the JSON text of a value, readable by eye.

    Raises:
        NotJSON: The value would not come back from the text as it is; see :func:`check`.
    """
    check(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, check_circular=False)
    except ValueError as error:
        raise NotJSON("an int longer than this interpreter prints") from error


def decode(text: str) -> Any:
    """Return the value that a JSON text stands for.

    Raises:
        NotJSON: It is not the text of one value that :func:`encode` takes.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise NotJSON(f"a container nested deeper than {MAX_DEPTH}") from error
    except json.JSONDecodeError as error:
        raise NotJSON(f"text that is not JSON, from character {error.pos} on,") from error
    except ValueError as error:
        raise NotJSON("an int of more than 4300 digits") from error
    # What text can say and a value cannot: 1e999, an escaped lone surrogate, a nesting that encode refuses.
    check(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotJSON("an object with a repeated key")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"the constant {name}")


@attrs.frozen
class JSONResultHandler:
    """Keeps a value in its own reference, as JSON text.

    For small values that may lie open, such as parameters: the reference shows the value, and whoever stores
    references stores the values. What JSON cannot give back exactly is refused: tuples, bytes, NaN and infinities,
    keys other than str, lone surrogates, subclasses such as an IntEnum, integers of more than 4300 digits, containers
    nested deeper than 200 or in themselves. All JSON handlers are equal.

    Keeps the rules of the classes *core*, *shared* and *durable*, inline; it does not claim *private*.
    """

    def write(self, value: JSON, /) -> str:
        """Return the value as JSON text.

        Args:
            value: A value of dicts, lists, str, int, float, bool and None, and of no other type.

        Returns:
            The JSON text, readable by eye.

        Raises:
            UnsupportedValue: The value would not come back as it is. The error says where, as in ``$[3].{0}``:
                ``{0}`` is the value of the first key, since keys are data (``private.quiet-errors``).
        """
        try:
            return encode(value)
        except NotJSON as error:
            raise UnsupportedValue(f"JSON cannot hold {error}") from error

    def read(self, reference: str, /) -> JSON:
        """Return the value that a JSON text stands for.

        Args:
            reference: What :meth:`write` returned.

        Returns:
            A fresh value.

        Raises:
            InvalidReference: The reference is not the text of one strict JSON value: it is not a str, has a repeated
                key, a constant such as NaN, a number beyond a float's range, or more after its end.
        """
        if not isinstance(reference, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # Callers need not be typed.
            raise InvalidReference(f"A reference is JSON text, not a value of type {type(reference).__qualname__}")
        try:
            value: JSON = decode(reference)
        except NotJSON as error:
            raise InvalidReference(f"The reference holds {error}") from error
        return value
