"""What "equals" and "of the same type" mean for values that were written and read back.

Two questions are kept apart, so that one defect breaks one rule:

* :func:`content_difference` asks ``handler.round-trip``: is it the same content? NaN equals NaN, containers are compared
  part by part, and a part that differs by its type alone (a tuple that became a list) is the same content.
* :func:`type_difference` asks ``handler.type-fidelity``: has what is the same content the same type, at every depth, and
  has zero kept its sign?

Both return None, or a short text that says where and what.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set, Sized
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any

from .source import shown

type_name = "{0.__module__}.{0.__qualname__}".format


def name_of(cls: type) -> str:
    """The name of a class as its users know it: ``int``, ``collections.OrderedDict``."""
    return cls.__qualname__ if cls.__module__ == "builtins" else type_name(cls)


def content_difference(expected: object, actual: object) -> str | None:
    """Say where two values differ in content, or return None when they do not."""
    return _difference(expected, actual, "", _Content())


def type_difference(expected: object, actual: object) -> str | None:
    """Say where two values of the same content differ in type or in the sign of zero, or return None."""
    return _difference(expected, actual, "", _Types())


def plain_difference(expected: object, actual: object) -> str | None:
    """Say where two values differ by Python's own equality, with NaN equal to NaN, or return None.

    It stands between the other two: ``1 == 1.0`` and a subclass equals its base, but a tuple is not a list.
    """
    return _difference(expected, actual, "", _Plain())


class _Content:
    """Same content, whatever the types."""

    def at_node(self, expected: object, actual: object) -> bool | None:
        """True or False when the two nodes alone decide, None when their parts do."""
        if expected is actual:
            return True
        if isinstance(expected, _TEXT) and isinstance(actual, _TEXT):
            return _text(expected) == _text(actual)
        if _is_scalar(expected) and _is_scalar(actual):
            return (
                _equal(expected, actual)
                or _both_nan(expected, actual)
                or (type(expected) is not type(actual) and _same_spelling(expected, actual))
            )
        return None

    def match_key(self, key: object, candidates: Mapping[object, object]) -> object:
        """The key of the other mapping that carries the same content."""
        if key in candidates:
            return candidates[key]
        spelling = _spelling(key)
        for candidate in candidates:
            if self.at_node(key, candidate) or (spelling and spelling == _spelling(candidate)):
                return candidate
        return _MISSING

    def kinds_agree(self, expected: object, actual: object) -> bool:
        """Whether two containers may be compared part by part."""
        return True


class _Plain(_Content):
    """Python's own equality, part by part so that NaN may equal NaN."""

    def at_node(self, expected: object, actual: object) -> bool | None:
        if expected is actual:
            return True
        if _is_scalar(expected) or _is_scalar(actual):
            return _equal(expected, actual) or _both_nan(expected, actual)
        return None

    def match_key(self, key: object, candidates: Mapping[object, object]) -> object:
        return candidates.get(key, _MISSING)

    def kinds_agree(self, expected: object, actual: object) -> bool:
        return isinstance(actual, type(expected)) or isinstance(expected, type(actual))


class _Types(_Plain):
    """Same type and sign of zero, at every depth of what has the same content."""

    def at_node(self, expected: object, actual: object) -> bool | None:
        if expected is actual:
            return True
        if type(expected) is not type(actual):
            return False
        if isinstance(expected, float) and isinstance(actual, float):
            return math.copysign(1.0, expected) == math.copysign(1.0, actual) or math.isnan(expected)
        if isinstance(expected, complex) and isinstance(actual, complex):
            return bool(self.at_node(expected.real, actual.real) and self.at_node(expected.imag, actual.imag))
        if isinstance(expected, datetime | time) and isinstance(actual, datetime | time):
            return type(expected.tzinfo) is type(actual.tzinfo) and expected.utcoffset() == actual.utcoffset()
        return True if _is_scalar(expected) else None


_TEXT = (str, bytes, bytearray, memoryview)
_MISSING = object()


def _difference(expected: object, actual: object, path: str, mode: _Content, seen: frozenset[Any] = frozenset()) -> str | None:
    pair = (id(expected), id(actual))
    if pair in seen:
        return None
    seen |= {pair}
    decided = mode.at_node(expected, actual)
    if decided is not None:
        return None if decided else _told(expected, actual, path, mode)
    if (special := _frame_difference(expected, actual, mode)) is not None:
        return (path and f"at {path}: ") + special if special else None
    if (arrays := _array_parts(expected, actual)) is not None:
        return _array_difference(*arrays, path, mode)
    if not mode.kinds_agree(expected, actual):
        return _told(expected, actual, path, mode)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return _mapping_difference(expected, actual, path, mode, seen)
    if isinstance(expected, Set) and isinstance(actual, Set | list | tuple):
        return _set_difference(expected, actual, path, mode)
    if isinstance(expected, _SEQUENCES) and isinstance(actual, _SEQUENCES):
        return _sequence_difference(list(expected), list(actual), path, mode, seen)
    return _object_difference(expected, actual, path, mode, seen)


_SEQUENCES = (list, tuple, Sequence)


def _told(expected: object, actual: object, path: str, mode: _Content) -> str:
    if type(expected) is not type(actual):
        what = f"expected {name_of(type(expected))} {shown(expected)}, got {name_of(type(actual))} {shown(actual)}"
    else:
        what = f"expected {shown(expected)}, got {shown(actual)}"
    return (path and f"at {path}: ") + what


def _mapping_difference(
    expected: Mapping[Any, Any], actual: Mapping[Any, Any], path: str, mode: _Content, seen: frozenset[Any]
) -> str | None:
    candidates = {key: key for key in actual}
    if isinstance(mode, _Types) and type(expected).__eq__ is not dict.__eq__ and not _equal(list(expected), list(actual)):
        return (path and f"at {path}: ") + f"expected the keys in order {shown(list(expected))}, got {shown(list(actual))}"
    for key, value in expected.items():
        found = candidates.get(key, _MISSING)
        if _plainly_same(key, found) and _plainly_same(value, actual[found]):
            continue
        where = f"{path}[{shown(key)}]"
        match = _nan_key(candidates) if _both_nan(key, key) else mode.match_key(key, candidates)
        if match is _MISSING:
            return (
                f"at {where}: the key is missing"
                if len(candidates) < len(expected)
                else (f"at {where}: no such key among {shown(list(actual))}")
            )
        if isinstance(mode, _Types) and (told := _difference(key, match, f"the key {shown(key)} of {path or 'the value'}", mode)):
            return told
        if told := _difference(value, actual[match], where, mode, seen):
            return told
    if len(actual) != len(expected):
        return (path and f"at {path}: ") + _numbers(expected, actual, "key")
    return None


def _nan_key(candidates: Mapping[object, object]) -> object:
    return next((key for key in candidates if _both_nan(key, key)), _MISSING)


def _set_difference(expected: Set[Any], actual: Set[Any] | Sequence[Any], path: str, mode: _Content) -> str | None:
    prefix = path and f"at {path}: "
    if len(expected) != len(actual):
        return prefix + _numbers(expected, actual, "element")
    try:
        candidates = {element: element for element in actual}
    except TypeError:
        candidates = {}
    for element in expected:
        match = _nan_key(candidates) if _both_nan(element, element) else candidates.get(element, _MISSING)
        if match is _MISSING:
            match = next((other for other in actual if content_difference(element, other) is None), _MISSING)
        if match is _MISSING or _difference(element, match, "", mode):
            return f"{prefix}expected the element {name_of(type(element))} {shown(element)} in {shown(actual)}"
    return None


def _sequence_difference(expected: list[Any], actual: list[Any], path: str, mode: _Content, seen: frozenset[Any]) -> str | None:
    if len(expected) != len(actual):
        return (path and f"at {path}: ") + _numbers(expected, actual, "element")
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        if not _plainly_same(one, other) and (told := _difference(one, other, f"{path}[{index}]", mode, seen)):
            return told
    return None


_PLAIN_SCALARS = frozenset({bool, int, str, bytes, type(None)})


def _plainly_same(one: object, other: object) -> bool:
    """Whether two parts are the same by every measure, which can be said of most of them without a closer look."""
    if type(one) is not type(other):
        return False
    return one == other if type(one) in _PLAIN_SCALARS else type(one) is float and one == other != 0  # zeros have signs


def _object_difference(expected: object, actual: object, path: str, mode: _Content, seen: frozenset[Any]) -> str | None:
    """Compare objects by their own equality first, then by their attributes (a NaN inside, or no equality defined)."""
    by_attributes = _attributes(expected), _attributes(actual)
    if not isinstance(mode, _Types) and _equal(expected, actual):
        return None
    if None in by_attributes or (not isinstance(mode, _Types) and type(expected) is not type(actual)):
        if isinstance(mode, _Types):
            return None
        renamed = type(mode) is _Content and type(expected) is not type(actual) and not isinstance(expected, Collection)
        same = renamed and _same_spelling(expected, actual)
        return None if same else _told(expected, actual, path, mode)
    if not by_attributes[0] and not by_attributes[1]:
        return None
    for (name, one), (_, other) in zip(*by_attributes, strict=False):  # type: ignore[arg-type]
        if told := _difference(one, other, f"{path}.{name}", mode, seen):
            return told
    return None


def _attributes(value: object) -> list[tuple[str, object]] | None:
    """The parts of an object that carry its content, or None when they cannot be seen."""
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name, _MISSING)) for field in fields(value) if field.compare]
    attributes = dict(getattr(value, "__dict__", {}))
    slots = [name for cls in type(value).__mro__ for name in _slots(cls) if hasattr(value, name)]
    attributes.update((name, getattr(value, name)) for name in slots)
    if not attributes and type(value).__reduce_ex__ is object.__reduce_ex__ and type(value).__module__ == "builtins":
        return None
    return sorted(attributes.items())


def _slots(cls: type) -> Iterator[str]:
    slots = cls.__dict__.get("__slots__", ())
    yield from (name for name in ([slots] if isinstance(slots, str) else slots) if name not in {"__weakref__", "__dict__"})


def _is_scalar(value: object) -> bool:
    # A range is not looked into: it may stand for more numbers than there is memory for.
    return isinstance(
        value, None | bool | int | float | complex | str | bytes | bytearray | memoryview | range | date | time | Enum | type
    )


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - an equality that cannot be decided is not an equality
        return False


def _both_nan(one: object, other: object) -> bool:
    return _is_nan(one) and _is_nan(other)


def _is_nan(value: object) -> bool:
    if not _is_scalar(value) and not hasattr(value, "is_nan") and not hasattr(value, "dtype"):
        return False
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN is what differs from itself
    except Exception:  # noqa: BLE001 - what cannot be compared with itself is not a NaN
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def _same_spelling(one: object, other: object) -> bool:
    return not _spelling(one).isdisjoint(_spelling(other)) if one is not None and other is not None else False


def _spelling(value: object) -> frozenset[str]:
    """How a value may look once it was turned into text or into the value behind its name."""
    if isinstance(value, bytes | bytearray):
        return frozenset({_text(value)})
    forms: list[Callable[[Any], object]] = [str, lambda v: v.isoformat(), lambda v: v.value, lambda v: str(v).lower()]
    spellings = set()
    for form in forms:
        try:
            spellings.add(str(form(value)))
        except Exception:  # noqa: BLE001, S112 - a form that a value does not have
            continue
    if value is None:
        spellings.add("null")
    return frozenset(spellings)


def _array_parts(expected: object, actual: object) -> tuple[Any, Any] | None:
    """The two arrays, when the expected value is a NumPy array or scalar."""
    if type(expected).__module__.partition(".")[0] != "numpy" or not hasattr(expected, "dtype"):
        return None
    return expected, actual


def _array_difference(expected: Any, actual: Any, path: str, mode: _Content) -> str | None:
    import numpy as np

    prefix = path and f"at {path}: "
    if isinstance(mode, _Types):
        if type(expected) is not type(actual):
            return f"{prefix}expected {name_of(type(expected))}, got {name_of(type(actual))}"
        if expected.dtype != actual.dtype:
            return f"{prefix}expected dtype {expected.dtype!r}, got {actual.dtype!r}"
        zeros = expected == 0 if expected.dtype.kind in "fc" else np.zeros(0)
        if np.any(np.signbit(np.real(expected))[zeros] != np.signbit(np.real(actual))[zeros]) if np.any(zeros) else False:
            return f"{prefix}expected {shown(expected)}, got {shown(actual)}: zero lost its sign"
        return None
    if type(mode) is _Plain and isinstance(expected, np.ndarray) and not isinstance(actual, np.ndarray):
        return _told(expected, actual, path, mode)
    try:
        other = np.asarray(actual)
    except Exception:  # noqa: BLE001 - what NumPy cannot see as an array is none
        return _told(expected, actual, path, mode)
    if np.shape(expected) != other.shape:
        return f"{prefix}expected shape {np.shape(expected)}, got {other.shape}"
    try:
        same = np.array_equal(expected, other, equal_nan=True)
    except TypeError:  # dtypes that know no NaN
        same = np.array_equal(expected, other)
    return None if same else f"{prefix}expected {shown(expected)}, got {shown(actual)}"


def _frame_difference(expected: Any, actual: Any, mode: _Content) -> str | None:
    """Compare pandas and pyarrow objects: a text, "" for no difference, or None when they are neither."""
    library = type(expected).__module__.partition(".")[0]
    if library == "pandas" and hasattr(expected, "equals"):
        return _pandas_difference(expected, actual, strict=isinstance(mode, _Types))
    if library == "pyarrow" and hasattr(expected, "equals"):
        if type(expected) is not type(actual):
            return f"expected {name_of(type(expected))}, got {name_of(type(actual))}"
        if isinstance(mode, _Types):
            kind = "schema" if hasattr(expected, "schema") else "type"
            one, other = getattr(expected, kind, None), getattr(actual, kind, None)
            return "" if one == other else f"expected {kind} {one}, got {other}"
        parts = (expected.to_pylist(), actual.to_pylist()) if hasattr(expected, "to_pylist") else (expected, actual)
        return content_difference(*parts) or ""
    return None


def _pandas_difference(expected: Any, actual: Any, *, strict: bool) -> str:
    import pandas as pd

    if type(expected) is not type(actual):
        return f"expected {name_of(type(expected))}, got {name_of(type(actual))}"
    loose: dict[str, object] = {} if strict else {"check_dtype": False}
    asserts: list[tuple[type, Any, dict[str, object]]] = [
        (pd.DataFrame, pd.testing.assert_frame_equal, {"check_column_type": strict, "check_index_type": strict}),
        (pd.Series, pd.testing.assert_series_equal, {"check_index_type": strict}),
        (pd.Index, pd.testing.assert_index_equal, {}),
    ]
    for cls, assert_equal, options in asserts:
        if isinstance(expected, cls):
            options |= loose if cls is not pd.Index else {"exact": strict}
            try:
                assert_equal(expected, actual, check_exact=True, **options)
            except AssertionError as difference:
                return " ".join(str(difference).split())
            return ""
    return "" if expected.equals(actual) else f"expected {shown(expected)}, got {shown(actual)}"


def _numbers(expected: Sized, actual: Sized, noun: str) -> str:
    return f"expected {len(expected)} {noun}{'' if len(expected) == 1 else 's'}, got {len(actual)}"
