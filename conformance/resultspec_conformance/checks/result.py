"""Checks of the family *result*: what an implementation of ``Result`` keeps."""

import json
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle
from resultspec.errors import MissingHandler

from ..checking import NotApplicable, Violation, check
from ..spies import Spy
from ..subjects import ResultSubject
from ..trials.outcomes import one_line
from ..values.source import shown

_CANARY = "a value that only its owner may see"


def _given(what: str, work: Callable[..., Any]) -> Any:
    """The result of something that must work."""
    try:
        return work()
    except Exception as error:
        raise Violation(f"{what} raised {one_line(error)}", expected=f"{what} to work", actual=one_line(error)) from error


def _raises(what: str, work: Callable[..., Any], kinds: type[Exception] | tuple[type[Exception], ...] = Exception) -> None:
    try:
        got = work()
    except kinds:
        return
    except Exception as error:
        wanted = getattr(kinds, "__name__", "an exception")
        raise Violation(f"{what} raised the wrong error", expected=wanted, actual=one_line(error)) from error
    raise Violation(f"{what} did not raise", expected=getattr(kinds, "__name__", "an exception"), actual=f"it gave {shown(got)}")


def _is(what: str, expected: object, actual: object) -> None:
    if type(expected) is not type(actual) or expected != actual:
        raise Violation(f"{what} is {shown(actual)}", expected=shown(expected), actual=shown(actual))


def _same_object(what: str, expected: object, actual: object) -> None:
    if actual is not expected:
        raise Violation(f"{what} is another object", expected=f"the same object, {shown(expected)}", actual=shown(actual))


def _raw(subject: ResultSubject, value: Any, handler: Any = None) -> Any:
    return _given(f"Result({shown(value)})", lambda: subject.result(value, False, handler))


def _handled(subject: ResultSubject, handler: Spy, value: Any) -> Any:
    reference = handler.write(value)
    handler.calls.clear()
    return _given(f"a handled Result({shown(reference)})", lambda: subject.result(reference, True, handler))


@check("result.attributes")
def attributes_are_there_and_read_only(subject: ResultSubject) -> None:
    """Results are made, raw and handled; their three attributes are read, assigned to and deleted."""
    spy = Spy()
    for result, value, handled in ((_raw(subject, [1], spy), [1], False), (_handled(subject, spy, [1]), "0", True)):
        _is("value", value, _given("reading value", lambda result=result: result.value))
        _is("handled", handled, _given("reading handled", lambda result=result: result.handled))
        _same_object("result_handler", spy, _given("reading result_handler", lambda result=result: result.result_handler))
        for name in ("value", "handled", "result_handler"):
            _raises(f"assigning to {name}", lambda result=result, name=name: setattr(result, name, None))
            _raises(f"deleting {name}", lambda result=result, name=name: delattr(result, name))
    _is("result_handler of a result without one", None, _raw(subject, 1).result_handler)


@check("result.write")
def write_hands_the_value_to_the_handler(subject: ResultSubject) -> None:
    """A raw result is written; a handled result with the handler's reference must come of it."""
    spy = Spy()
    written = _given("write()", _raw(subject, {"a": 1}, spy).write)
    _is("handled after write()", True, written.handled)
    _is("value after write()", "0", written.value)
    _same_object("result_handler after write()", spy, written.result_handler)
    _is("what the handler was asked", [("write", {"a": 1})], spy.calls)


@check("result.read")
def read_asks_the_handler_for_the_value(subject: ResultSubject) -> None:
    """A handled result is read; a raw result with the handler's value must come of it."""
    spy = Spy()
    read = _given("read()", _handled(subject, spy, {"a": 1}).read)
    _is("handled after read()", False, read.handled)
    _is("value after read()", {"a": 1}, read.value)
    _same_object("result_handler after read()", spy, read.result_handler)
    _is("what the handler was asked", [("read", "0")], spy.calls)


@check("result.read")
def a_read_that_fails_raises(subject: ResultSubject) -> None:
    """A handled result whose reference is unknown is read."""
    _raises("read() of an unknown reference", subject.result("no such reference", True, Spy()).read)


@check("result.write-idempotent")
def writing_twice_is_writing_once(subject: ResultSubject) -> None:
    """A handled result is written: it is itself, and the handler is not called."""
    spy = Spy()
    result = _handled(subject, spy, [1])
    _same_object("write() of a handled result", result, _given("write() of a handled result", result.write))
    _is("what the handler was asked", [], spy.calls)


@check("result.read-idempotent")
def reading_twice_is_reading_once(subject: ResultSubject) -> None:
    """A raw result is read, with a handler and without: it is itself, and the handler is not called."""
    spy = Spy()
    for result in (_raw(subject, [1], spy), _raw(subject, None)):
        _same_object("read() of a raw result", result, _given("read() of a raw result", result.read))
    _is("what the handler was asked", [], spy.calls)


@check("result.round-trip")
def written_and_read_is_the_same_result(subject: ResultSubject) -> None:
    """Raw results of several values are written and read, and compared with themselves."""
    for value in (1, "text", [1, {"a": None}], 0, ""):
        raw = _raw(subject, value, Spy())
        back = _given("write().read()", lambda raw=raw: raw.write().read())
        _is("value after write().read()", value, back.value)
        if back != _raw(subject, value, Spy()):
            raise Violation("write().read() is not the result it was", expected=shown(value), actual=shown(back))


@check("result.original-untouched")
def neither_write_nor_read_alters_the_result(subject: ResultSubject) -> None:
    """Attributes are compared before and after write and read."""
    spy = Spy()
    for result, method in ((_raw(subject, [1], spy), "write"), (_handled(subject, spy, [1]), "read")):
        before = (result.value, result.handled, result.result_handler)
        _given(f"{method}()", getattr(result, method))
        after = (result.value, result.handled, result.result_handler)
        if before != after:
            raise Violation(f"{method}() altered the result", expected=shown(before), actual=shown(after))


@check("result.missing-handler")
def writing_without_a_handler_raises(subject: ResultSubject) -> None:
    """A raw result without a handler is written."""
    _raises("write() without a handler", _raw(subject, 1).write, MissingHandler)


@check("result.handled-needs-handler")
def a_handled_result_has_a_handler(subject: ResultSubject) -> None:
    """A handled result is made without a handler."""
    _raises("making a handled result without a handler", lambda: subject.result("0", True, None), MissingHandler)


@check("result.none")
def a_result_of_none_is_a_result(subject: ResultSubject) -> None:
    """A result of None is made, written and read, and compared with NoResult."""
    result = _raw(subject, None, Spy())
    _is("value of a result of None", None, result.value)
    _is("handled of a result of None", False, result.handled)
    if result is subject.no_result or result == subject.no_result:
        raise Violation("a result of None is taken for NoResult", expected="two different things", actual=shown(result))
    _is("value of a result of None that was written and read", None, _given("write().read()", result.write).read().value)


@check("result.none")
def a_result_of_no_result_is_an_error(subject: ResultSubject) -> None:
    """A result is made of NoResult, which would be the presence of an absence."""
    _raises("making a Result of NoResult", lambda: subject.result(subject.no_result, False, None))


@check("result.equality")
def equality_sees_value_type_handled_and_handler(subject: ResultSubject) -> None:
    """Results that are alike are compared, results that differ in one respect, and results with other things."""
    one, other = Spy("one"), Spy("other")
    raw = _raw(subject, 1, one)
    _equal("results made alike", raw, _raw(subject, 1, one))
    _equal("handled results made alike", subject.result("0", True, one), subject.result("0", True, one))
    different: dict[str, tuple[Any, Any]] = {
        "of different values": (raw, _raw(subject, 2, one)),
        "of 1 and True": (raw, _raw(subject, True, one)),
        "of 1 and 1.0": (raw, _raw(subject, 1.0, one)),
        "of different handlers": (raw, _raw(subject, 1, other)),
        "with and without a handler": (raw, _raw(subject, 1)),
        "handled and not": (subject.result("0", True, one), _raw(subject, "0", one)),
        "and their value": (raw, 1),
        "and None": (_raw(subject, None), None),
        "and NoResult": (raw, subject.no_result),
    }
    for what, (left, right) in different.items():
        if left == right or not left != right:
            raise Violation(f"results {what} are equal", expected=f"{shown(left)} != {shown(right)}", actual="they are equal")


def _equal(what: str, left: Any, right: Any) -> None:
    if left != right or not left == right:
        raise Violation(f"{what} are not equal", expected=f"{shown(left)} == {shown(right)}", actual="they differ")
    if hash(left) != hash(right):
        raise Violation(f"{what} have different hashes", expected="one hash", actual=f"{hash(left)} and {hash(right)}")


@check("result.pickle")
def results_survive_pickling(subject: ResultSubject) -> None:
    """Raw and handled results are pickled by every protocol, and by cloudpickle."""
    for result in (_raw(subject, [1, None], Spy()), _raw(subject, None), subject.result("0", True, Spy())):
        copies = [_given(f"pickling by protocol {n}", lambda n=n, r=result: pickle.loads(pickle.dumps(r, n))) for n in _PROTOCOLS]  # noqa: S301
        copies.append(_given("cloudpickling", lambda r=result: pickle.loads(cloudpickle.dumps(r))))  # noqa: S301
        for copied in copies:
            if copied != result or type(copied) is not type(result):
                raise Violation("a pickled result came back as another", expected=shown(result), actual=shown(copied))


_PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@check("result.stored-form")
def only_handled_results_are_stored(subject: ResultSubject) -> None:
    """The stored form of a raw result is asked for, that of a handled one is searched for the value and loaded."""
    if subject.dump is None or subject.load is None or subject.handler is None:
        raise NotApplicable("the subject names no dump=, load= and handler=")
    dump, load, handler = subject.dump, subject.load, subject.handler()
    raw = _raw(subject, _CANARY, handler)
    _raises("asking for the stored form of a raw result", lambda: dump(raw))
    handled = _given("write()", _raw(subject, [1], handler).write)
    stored = _given("asking for the stored form of a handled result", lambda: dump(handled))
    text = _given("turning the stored form into JSON", lambda: json.dumps(stored, allow_nan=False))
    back = _given("loading the stored form", lambda: load(json.loads(text)))
    if back != handled:
        raise Violation("a stored result loads as another", expected=shown(handled), actual=shown(back))


@check("result.quiet-repr")
def repr_keeps_the_value_to_itself(subject: ResultSubject) -> None:
    """The repr and the str of a raw result are searched for its value."""
    result = _raw(subject, _CANARY, Spy())
    for form in (repr, str, format):
        if _CANARY in form(result):
            raise Violation(f"{form.__name__}() of a raw result shows its value", expected="no value", actual=form(result))
