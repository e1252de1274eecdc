"""Checks of the family *noresult*: what the absence of a computation keeps."""

import copy
import json
import pickle
from collections.abc import Callable
from enum import Enum
from typing import Any

import cloudpickle

from ..checking import NotApplicable, Violation, check
from ..subjects import ResultSubject
from ..values.source import shown
from .result import _PROTOCOLS, _equals, _equals_foreign, _given, _raises, _raw, _same_object, _stored


@check("noresult.value")
def its_value_is_itself(subject: ResultSubject) -> None:
    """The attribute ``value`` is read."""
    _same_object("NoResult.value", subject.no_result, _given("NoResult.value", lambda: subject.no_result.value))


@check("noresult.read")
def reading_it_gives_itself(subject: ResultSubject) -> None:
    """It is read."""
    _same_object("NoResult.read()", subject.no_result, _given("NoResult.read()", lambda: subject.no_result.read()))


@check("noresult.write")
def writing_it_gives_itself(subject: ResultSubject) -> None:
    """It is written."""
    _same_object("NoResult.write()", subject.no_result, _given("NoResult.write()", lambda: subject.no_result.write()))


@check("noresult.identity")
def every_copy_is_the_object_itself(subject: ResultSubject) -> None:
    """It is copied, deep-copied, pickled by every protocol, cloudpickled, and all that within a container."""
    one = subject.no_result
    ways: dict[str, Any] = {
        "copy.copy": copy.copy,
        "copy.deepcopy": copy.deepcopy,
        **{f"pickle protocol {n}": lambda value, n=n: pickle.loads(pickle.dumps(value, n)) for n in _PROTOCOLS},  # noqa: S301
        **{f"cloudpickle protocol {n}": lambda value, n=n: pickle.loads(cloudpickle.dumps(value, n)) for n in _PROTOCOLS},  # noqa: S301
    }
    for way, through in ways.items():
        _same_object(f"NoResult after {way}", one, _given(way, lambda through=through: through(one)))
        _same_object(f"NoResult in a list after {way}", one, _given(way, lambda through=through: through([one]))[0])


@check("noresult.closed")
def there_is_no_second_one(subject: ResultSubject) -> None:
    """Its class is called with nothing and with a name, and subclassed; so is it itself where it is a class."""
    one = subject.no_result
    for cls in (type(one), one) if isinstance(one, type) else (type(one),):
        for arguments in ((), ("another",)):
            try:
                second = cls(*arguments)
            except Exception:  # noqa: BLE001, S112 - what is asked for
                continue
            _same_object(f"{cls.__name__}{arguments}", one, second)
        _raises(f"subclassing {cls.__name__}", lambda cls=cls: type("Another", (cls,), {}))
    if isinstance(one, Enum):
        for name, member in type(one).__members__.items():
            _same_object(f"{type(one).__name__}.{name}", one, member)


@check("noresult.distinct")
def it_is_unlike_anything_else(subject: ResultSubject) -> None:
    """It is compared with itself, with None, results and other falsy things; its truth, its hash and its repr are looked at."""
    one = subject.no_result
    if not _equals(one, one):
        raise Violation("NoResult does not equal itself", expected="NoResult == NoResult", actual="they differ")
    _given("hashing NoResult", lambda: hash(one))
    for what, other in _OTHERS.items():
        if _equals(one, other) or _equals(other, one) or one is other:
            raise Violation(f"NoResult equals {what}", expected="NoResult equals only itself", actual="they are equal")
    for result in (_raw(subject, None), _raw(subject, "NoResult")):
        if _equals_foreign(one, result) or one is result:
            raise Violation(f"NoResult equals {shown(result)}", expected="NoResult equals only itself", actual="they are equal")
    if _given("bool(NoResult)", lambda: bool(one)):
        raise Violation("NoResult is truthy", expected="bool(NoResult) is False", actual="True")
    if (seen := _given("repr(NoResult)", lambda: repr(one))) != "NoResult":
        raise Violation("NoResult has another repr", expected="NoResult", actual=seen)


class NoResult:
    """Has the name of the absence of a result, and its repr, and is something else."""

    def __repr__(self) -> str:
        return "NoResult"


_FALSY: tuple[Any, ...] = (None, False, 0, 0.0, "", b"", (), [], {})
_OTHERS: dict[str, Any] = {
    **{shown(other): other for other in (*_FALSY, ..., NotImplemented, "NoResult")},
    "an object of another class that has its name and repr": NoResult(),
}


@check("noresult.stored-form")
def its_stored_form_is_its_own(subject: ResultSubject) -> None:
    """Its stored form goes through JSON text, loads as the object itself, and differs from that of a result of None."""
    if subject.dump is None or subject.load is None or subject.handler is None:
        raise NotApplicable("the subject names no dump=, load= and handler=")
    dump, load, handler = subject.dump, subject.load, subject.handler
    text = _stored(dump, subject.no_result)
    _same_object("NoResult from its stored form", subject.no_result, _given("loading it", lambda: load(json.loads(text))))
    form = json.loads(text)
    others: dict[str, Callable[[], Any]] = {
        "a result of None": lambda: subject.result(None, False, handler()).write(),
        "a result whose reference is the stored form of NoResult": lambda: subject.result(form, True, handler()),
        "a result whose reference is None": lambda: subject.result(None, True, handler()),
    }
    for what, make in others.items():
        try:
            stored = dump(make())
        except Exception:  # noqa: BLE001, S112 - a handler may refuse None, and a result such a reference
            continue
        if stored == form:
            raise Violation(f"NoResult and {what} are stored alike", expected="two stored forms", actual=text)
