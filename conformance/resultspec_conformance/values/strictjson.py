"""What strict JSON is: the values that survive a journey through JSON text unchanged."""

import json
import math
import re

from .source import shown


def json_problem(value: object, what: str = "the reference") -> str | None:
    """Say what keeps a value from being strict JSON (RFC 8259, and of exactly JSON's types), or return None."""
    problem = _problem(value, what, ())
    if problem is not None:
        return problem
    try:
        return None if json.loads(json.dumps(value)) == value else f"{what} changes on its way through JSON text"
    except (ValueError, TypeError, RecursionError) as error:
        return f"{what} cannot be written as JSON text: {type(error).__name__}: {error}"


def _problem(value: object, where: str, above: tuple[int, ...]) -> str | None:
    kind = type(value)
    if value is None or kind in (bool, int):
        return None
    if kind is float and isinstance(value, float):
        return None if math.isfinite(value) else f"{where} is {value}, which JSON does not have"
    if kind is str and isinstance(value, str):
        return _text_problem(value, where)
    if kind in (list, dict):
        if id(value) in above:
            return f"{where} contains itself"
        if len(above) > _DEEPEST:
            return f"{where} is nested more than {_DEEPEST} deep"
        return _parts_problem(value, where, (*above, id(value)))
    name = kind.__qualname__
    if kind.__mro__[1] in (bool, int, float, str, list, dict):
        return f"{where} is a {name}, a subclass of {kind.__mro__[1].__qualname__}, which comes back from JSON as its base"
    return f"{where} is a {name}, which is no JSON type: {shown(value)}"


def _parts_problem(value: object, where: str, above: tuple[int, ...]) -> str | None:
    if isinstance(value, list):
        found = (_problem(item, f"{where}[{index}]", above) for index, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    assert isinstance(value, dict)  # the only other container
    for key, item in value.items():
        if type(key) is not str:
            return f"{where} has the key {shown(key)}, a {type(key).__qualname__}: JSON keys are text"
        if problem := _text_problem(key, f"a key of {where}") or _problem(item, f"{where}[{key!r}]", above):
            return problem
    return None


def _text_problem(text: str, where: str) -> str | None:
    if not text.isascii() and _SURROGATE.search(text):
        return f"{where} holds a lone surrogate, which JSON text in UTF-8 cannot carry: {shown(text)}"
    return None


_DEEPEST = 100
_SURROGATE = re.compile("[\ud800-\udfff]")
