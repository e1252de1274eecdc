"""Checks of the family *noresult*: what the absence of a computation keeps."""

import copy
import json
import pickle
from typing import Any

import cloudpickle

from ..checking import NotApplicable, Violation, check
from ..subjects import ResultSubject
from ..values.source import shown
from .result import _PROTOCOLS, _given, _raises, _same_object


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
        "cloudpickle": lambda value: pickle.loads(cloudpickle.dumps(value)),  # noqa: S301
        **{f"pickle protocol {n}": lambda value, n=n: pickle.loads(pickle.dumps(value, n)) for n in _PROTOCOLS},  # noqa: S301
    }
    for way, through in ways.items():
        _same_object(f"NoResult after {way}", one, _given(way, lambda through=through: through(one)))
        _same_object(f"NoResult in a list after {way}", one, _given(way, lambda through=through: through([one]))[0])
    if one != one or hash(one) != hash(copy.copy(one)):  # noqa: PLR0124 - its equality is under test
        raise Violation("NoResult does not equal itself", expected="NoResult == NoResult, with one hash", actual="they differ")


@check("noresult.closed")
def there_is_no_second_one(subject: ResultSubject) -> None:
    """Its class is called with nothing and with a name, and subclassed."""
    cls = type(subject.no_result)
    for arguments in ((), ("another",)):
        try:
            second = cls(*arguments)
        except Exception:  # noqa: BLE001, S112 - what is asked for
            continue
        _same_object(f"{cls.__name__}{arguments}", subject.no_result, second)
    _raises(f"subclassing {cls.__name__}", lambda: type("Another", (cls,), {}))


@check("noresult.distinct")
def it_is_unlike_anything_else(subject: ResultSubject) -> None:
    """It is compared with None, with a result of None and with other falsy things; its truth and its repr are looked at."""
    one = subject.no_result
    for other in (None, False, 0, "", "NoResult", subject.result(None, False, None)):
        if one == other or one is other:
            raise Violation(f"NoResult equals {shown(other)}", expected="NoResult equals only itself", actual="they are equal")
    if one:
        raise Violation("NoResult is truthy", expected="bool(NoResult) is False", actual="True")
    if repr(one) != "NoResult":
        raise Violation("NoResult has another repr", expected="NoResult", actual=repr(one))


@check("noresult.stored-form")
def its_stored_form_is_its_own(subject: ResultSubject) -> None:
    """Its stored form goes through JSON text, loads as the object itself, and differs from that of a result of None."""
    if subject.dump is None or subject.load is None or subject.handler is None:
        raise NotApplicable("the subject names no dump=, load= and handler=")
    dump, load, handler = subject.dump, subject.load, subject.handler
    stored = _given("asking for the stored form of NoResult", lambda: dump(subject.no_result))
    text = _given("turning it into JSON", lambda: json.dumps(stored, allow_nan=False))
    _same_object("NoResult from its stored form", subject.no_result, _given("loading it", lambda: load(json.loads(text))))
    none = _given("storing a result of None", lambda: dump(subject.result(None, False, handler()).write()))
    if none == stored:
        raise Violation("NoResult and a result of None are stored alike", expected="two stored forms", actual=text)
