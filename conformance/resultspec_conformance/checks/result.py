"""Checks of the family *result*: what an implementation of ``Result`` keeps."""

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from types import SimpleNamespace
from typing import Any

import cloudpickle
from resultspec import JSON
from resultspec.errors import MissingHandler, ReadError, WriteError

from ..checking import NotApplicable, Untested, Violation, check
from ..secrets.revealing import Secret, revealed
from ..spies import FalsySpy, Spy
from ..subjects import ResultSubject
from ..trials.outcomes import one_line
from ..values.source import shown
from ..values.strictjson import json_problem

_CANARY = "zq7vKw-private-4LmXet9Y"
_SECRET = Secret("the value", (_CANARY.encode(),))


class _One:
    """A handler of one value, whose reference may be any JSON; it notes what it was asked."""

    def __init__(self, value: Any, reference: Any) -> None:
        self.value = value
        self.reference = reference
        self.calls: list[tuple[str, Any]] = []

    def write(self, value: Any, /) -> Any:
        self.calls.append(("write", copy.deepcopy(value)))
        return copy.deepcopy(self.reference)

    def read(self, reference: Any, /) -> Any:
        self.calls.append(("read", copy.deepcopy(reference)))
        return copy.deepcopy(self.value)

    def __repr__(self) -> str:
        return f"<handler that keeps {shown(self.value)} under {shown(self.reference)}>"


class _Broken:
    """A handler that raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, value: Any, /) -> Any:
        raise self.error

    def read(self, reference: Any, /) -> Any:
        raise self.error

    def __repr__(self) -> str:
        return f"<handler that raises {one_line(self.error)}>"


_REFERENCES: tuple[JSON, ...] = ("0", 0, "", None, False, {"key": ["k", False]})


def _given(what: str, work: Callable[..., Any]) -> Any:
    """The result of something that must work."""
    try:
        return work()
    except Exception as error:
        raise Violation(f"{what} raised {one_line(error)}", expected=f"{what} to work", actual=one_line(error)) from error


def _raises(what: str, work: Callable[..., Any], kind: type[Exception] = Exception) -> None:
    wanted = "an exception" if kind is Exception else kind.__name__
    try:
        got = work()
    except kind:
        return
    except Exception as error:
        raise Violation(f"{what} raised the wrong error", expected=wanted, actual=one_line(error)) from error
    raise Violation(f"{what} did not raise", expected=wanted, actual=f"it gave {shown(got)}")


def _is(what: str, expected: object, actual: object) -> None:
    if type(expected) is not type(actual) or expected != actual:
        raise Violation(f"{what} is {shown(actual)}", expected=shown(expected), actual=shown(actual))


def _same_object(what: str, expected: object, actual: object) -> None:
    if actual is not expected:
        raise Violation(
            f"{what} is another object", expected=f"the same object, {shown(expected)}", actual=f"another, {shown(actual)}"
        )


def _is_result(after: str, result: Any, *, handled: bool, value: Any, handler: Any) -> None:
    """Whether something is a result that has these attributes."""
    _is(f"handled {after}", handled, _given(f"reading handled {after}", lambda: result.handled))
    _is(f"value {after}", value, _given(f"reading value {after}", lambda: result.value))
    _same_object(f"result_handler {after}", handler, _given(f"reading result_handler {after}", lambda: result.result_handler))


def _raw(subject: ResultSubject, value: Any, handler: Any = None) -> Any:
    """A raw result of a copy of the value, so that whoever alters it alters nothing of the suite's."""
    return _given(f"Result({shown(value)})", lambda: subject.result(copy.deepcopy(value), False, handler))


def _handled(subject: ResultSubject, handler: Spy, value: Any) -> Any:
    reference = handler.write(value)
    handler.calls.clear()
    return _kept(subject, reference, handler)


def _kept(subject: ResultSubject, reference: Any, handler: Any) -> Any:
    return _given(f"a handled Result({shown(reference)})", lambda: subject.result(reference, True, handler))


@check("result.attributes")
def attributes_are_there_and_read_only(subject: ResultSubject) -> None:
    """Results are made, raw and handled; their three attributes are read, assigned to and deleted."""
    spy = Spy()
    for result, value, handled in ((_raw(subject, [1], spy), [1], False), (_handled(subject, spy, [1]), "0", True)):
        what = f"a {'handled' if handled else 'raw'} result"
        _is_result(f"of {what}", result, handled=handled, value=value, handler=spy)
        _read_only(what, result)
    _is("result_handler of a result without one", None, _raw(subject, 1).result_handler)


@check("result.attributes")
def attributes_of_what_comes_of_a_result_are_read_only(subject: ResultSubject) -> None:
    """Results that were written, and results that were read, have their attributes assigned to and deleted."""
    for what, make in _outcomes(subject, Spy()):
        try:
            result = make()
        except Exception:  # noqa: BLE001, S112 - for result.write and result.read to say
            continue
        _read_only(what, result)


def _outcomes(subject: ResultSubject, spy: Spy) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "a result that was written", _raw(subject, [1], spy).write
    yield "a result that was read", _handled(subject, spy, [1]).read


def _read_only(what: str, result: Any) -> None:
    for name in ("value", "handled", "result_handler"):
        _raises(f"assigning to {name} of {what}", lambda name=name: setattr(result, name, None))
        _raises(f"deleting {name} of {what}", lambda name=name: delattr(result, name))


@check("result.write")
def write_hands_the_value_to_the_handler(subject: ResultSubject) -> None:
    """Raw results are written by handlers with references of many kinds: handled results with these must come of it."""
    for reference, value in product(_REFERENCES, _WRITTEN):
        handler = _One(value, reference)
        after = f"after write() of {shown(value)}"
        written = _given(f"write() of {shown(value)}", _raw(subject, value, handler).write)
        _is_result(after, written, handled=True, value=reference, handler=handler)
        _is(f"what the handler was asked by write() of {shown(value)}", [("write", value)], handler.calls)


_WRITTEN: tuple[Any, ...] = ({"a": 1}, 0, "", [], (1, {2: b"3"}))  # None is for result.none


@check("result.write")
def a_falsy_handler_writes(subject: ResultSubject) -> None:
    """A raw result is written by a handler that is falsy, as a container of nothing is."""
    _handled_by_falsy(subject)
    handler = FalsySpy()
    written = _given("write() by a handler that is falsy", _raw(subject, 1, handler).write)
    _is_result("after write() by a handler that is falsy", written, handled=True, value="0", handler=handler)


@check("result.write")
def a_write_that_fails_raises(subject: ResultSubject) -> None:
    """A raw result is written by handlers that raise."""
    for error in (WriteError("it is full"), OSError("it is full"), KeyError("it is full"), TypeError("it is no such value")):
        _raises(f"write() by a handler that raised {one_line(error)}", _raw(subject, 1, _Broken(error)).write)


@check("result.read")
def read_asks_the_handler_for_the_value(subject: ResultSubject) -> None:
    """Handled results with references of many kinds are read: raw results with the handler's value must come of it."""
    for reference in _REFERENCES:
        value = {"a": 1}
        handler = _One(value, reference)
        after = f"after read() of the reference {shown(reference)}"
        read = _given(f"read() of the reference {shown(reference)}", _kept(subject, reference, handler).read)
        _is_result(after, read, handled=False, value=value, handler=handler)
        _is(f"what the handler was asked by read() of {shown(reference)}", [("read", reference)], handler.calls)


@check("result.read")
def a_falsy_handler_reads(subject: ResultSubject) -> None:
    """A handled result is read by a handler that is falsy."""
    handled = _handled_by_falsy(subject)
    read = _given("read() by a handler that is falsy", handled.read)
    _is_result("after read() by a handler that is falsy", read, handled=False, value=1, handler=handled.result_handler)


@check("result.read")
def a_read_that_fails_raises(subject: ResultSubject) -> None:
    """Handled results are read whose reference is unknown, or whose handlers raise."""
    _raises("read() of an unknown reference", _kept(subject, "no such reference", Spy()).read)
    for error in (ReadError("it is gone"), OSError("it is gone"), KeyError("it is gone"), ValueError("it is damaged")):
        _raises(f"read() by a handler that raised {one_line(error)}", _kept(subject, "0", _Broken(error)).read)


def _handled_by_falsy(subject: ResultSubject) -> Any:
    """A handled result whose handler is falsy; that there is one, ``result.handled-needs-handler`` has to say."""
    handler = FalsySpy()
    try:
        return subject.result(handler.write(1), True, handler)
    except Exception as error:
        raise Untested(f"no handled result can be made with a handler that is falsy: {one_line(error)}") from error


@check("result.write-idempotent")
def writing_twice_is_writing_once(subject: ResultSubject) -> None:
    """Handled results, made and written, are written: each is itself, and the handler is not called."""
    spy = Spy()
    for what, result in (
        ("a handled result", _handled(subject, spy, [1])),
        ("a result that was written", _given("write()", _raw(subject, [1], spy).write)),
    ):
        spy.calls.clear()
        _same_object(f"write() of {what}", result, _given(f"write() of {what}", result.write))
        _is(f"what the handler was asked by write() of {what}", [], spy.calls)


@check("result.read-idempotent")
def reading_twice_is_reading_once(subject: ResultSubject) -> None:
    """Raw results, made with a handler and without, and read, are read: each is itself, and the handler is not called."""
    spy = Spy()
    for what, result in (
        ("a raw result", _raw(subject, [1], spy)),
        ("a raw result without a handler", _raw(subject, None)),
        ("a result that was read", _given("read()", _handled(subject, spy, [1]).read)),
    ):
        spy.calls.clear()
        _same_object(f"read() of {what}", result, _given(f"read() of {what}", result.read))
        _is(f"what the handler was asked by read() of {what}", [], spy.calls)


@check("result.round-trip")
def written_and_read_is_the_same_result(subject: ResultSubject) -> None:
    """Raw results of several values, JSON and not, are written and read, and compared with themselves."""
    for value in (1, "text", [1, {"a": None}], 0, "", False, (1, 2), {1: b"2"}):
        spy = Spy()
        raw = _raw(subject, value, spy)
        back = _given(f"write().read() of {shown(value)}", lambda raw=raw: raw.write().read())
        _is("value after write().read()", value, back.value)
        if not _equals(back, _raw(subject, value, spy)):
            raise Violation("write().read() is not the result it was", expected=shown(raw), actual=shown(back))


@check("result.original-untouched")
def neither_write_nor_read_alters_the_result(subject: ResultSubject) -> None:
    """Attributes, in depth, are compared before and after write and read, those that fail included."""
    value, reference = [3, {"a": [1]}], {"key": ["k"]}
    broken = _Broken(OSError("out of order"))
    for handler in (_One(value, reference), broken):
        for result, method in (
            (_raw(subject, copy.deepcopy(value), handler), "write"),
            (_kept(subject, copy.deepcopy(reference), handler), "read"),
        ):
            before = (copy.deepcopy(result.value), result.handled, result.result_handler)
            with suppress(Exception):  # what the broken handler is for; the other is result.write's and result.read's
                getattr(result, method)()
            after = (result.value, result.handled, result.result_handler)
            if before != after:
                what = f"{method}() that failed" if handler is broken else f"{method}()"
                raise Violation(f"{what} altered the result", expected=shown(before), actual=shown(after))


@check("result.missing-handler")
def writing_without_a_handler_raises(subject: ResultSubject) -> None:
    """Raw results without a handler are written."""
    for value in (1, None, ""):
        _raises(f"write() of {shown(value)} without a handler", _raw(subject, value).write, MissingHandler)


@check("result.handled-needs-handler")
def a_handled_result_has_a_handler(subject: ResultSubject) -> None:
    """Handled results are made without a handler."""
    for reference in ("0", "", None):
        _raises(
            f"making a handled result of {shown(reference)} without a handler",
            lambda reference=reference: subject.result(reference, True, None),
        )


@check("result.handled-needs-handler")
def a_falsy_handler_is_a_handler(subject: ResultSubject) -> None:
    """A handled result is made with a handler that is falsy."""
    _given("making a handled result with a handler that is falsy", lambda: subject.result("0", True, FalsySpy()))


@check("result.none")
def a_result_of_none_is_a_result(subject: ResultSubject) -> None:
    """A result of None is made, written and read, and compared with NoResult."""
    result = _raw(subject, None, Spy())
    _is("value of a result of None", None, result.value)
    _is("handled of a result of None", False, result.handled)
    if result is subject.no_result or _equals_foreign(result, subject.no_result):
        raise Violation("a result of None is taken for NoResult", expected="two different things", actual=shown(result))
    written = _given("write() of a result of None", result.write)
    _is("handled of a result of None that was written", True, written.handled)
    _is("value of a result of None that was written and read", None, _given("read()", written.read).value)


@check("result.none")
def a_result_of_no_result_is_an_error(subject: ResultSubject) -> None:
    """Results are made of NoResult, which would be the presence of an absence."""
    for handled, handler in ((False, None), (False, Spy()), (True, Spy())):
        _raises(
            f"making a {'handled' if handled else 'raw'} Result of NoResult with{'' if handler else 'out'} a handler",
            lambda handled=handled, handler=handler: subject.result(subject.no_result, handled, handler),
        )


@check("result.equality")
def equality_sees_value_type_handled_and_handler(subject: ResultSubject) -> None:
    """Results that are alike are compared, results that differ in one respect, and results with other things."""
    one, other = Spy("one"), Spy("other")
    raw = _raw(subject, 1, one)
    _equal("results made alike", raw, _raw(subject, 1, one))
    _equal("results with equal handlers", raw, _raw(subject, 1, Spy("one")))
    _equal("results of equal containers", _raw(subject, [1, {"a": ()}], one), _raw(subject, [1, {"a": ()}], one))
    _equal("handled results made alike", _kept(subject, "0", one), _kept(subject, "0", one))
    different: dict[str, tuple[Any, Any]] = {
        "of different values": (raw, _raw(subject, 2, one)),
        "of 1 and True": (raw, _raw(subject, True, one)),
        "of 0 and False": (_raw(subject, 0, one), _raw(subject, False, one)),
        "of None and of a falsy value": (_raw(subject, None, one), _raw(subject, 0, one)),
        "of 1 and 1.0": (raw, _raw(subject, 1.0, one)),
        "of different handlers": (raw, _raw(subject, 1, other)),
        "with and without a handler": (raw, _raw(subject, 1)),
        "of different references": (_kept(subject, "0", one), _kept(subject, "1", one)),
        "handled and of different handlers": (_kept(subject, "0", one), _kept(subject, "0", other)),
        "handled and not": (_kept(subject, "0", one), _raw(subject, "0", one)),
        "and their value": (raw, 1),
        "and a tuple of their attributes": (raw, (1, False, one)),
        "and a dict of their attributes": (raw, {"value": 1, "handled": False, "result_handler": one}),
        "and another kind of object with their attributes": (
            raw,
            SimpleNamespace(value=1, handled=False, result_handler=one),
        ),
        "and None": (_raw(subject, None), None),
        "and NoResult": (raw, subject.no_result),
    }
    for what, (left, right) in different.items():
        if _equals(left, right) or _equals(right, left):
            raise Violation(f"results {what} are equal", expected=f"{shown(left)} != {shown(right)}", actual="they are equal")


def _equal(what: str, left: Any, right: Any) -> None:
    if not _equals(left, right):
        raise Violation(f"{what} are not equal", expected=f"{shown(left)} == {shown(right)}", actual="they differ")
    try:
        hashes = hash(left), hash(right)
    except TypeError:
        return  # a result may be comparable and not hashable
    if hashes[0] != hashes[1]:
        raise Violation(f"{what} have different hashes", expected="one hash", actual=f"{hashes[0]} and {hashes[1]}")


def _equals(left: Any, right: Any) -> bool:
    """Whether two things are equal, which ``==`` and ``!=`` must agree on and must not refuse to say."""
    what = f"comparing {shown(left)} with {shown(right)}"
    equal = bool(_given(what, lambda: left == right))
    if equal == bool(_given(what, lambda: left != right)):
        both = f"both are {equal}"
        raise Violation(f"{what}, == and != do not contradict each other", expected="one of the two to hold", actual=both)
    return equal


def _equals_foreign(left: Any, right: Any) -> bool:
    """Whether a result, on either side, equals something else; where they cannot be compared, ``result.equality`` is broken."""
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - of another rule
        return False


@check("result.pickle")
def results_survive_pickling(subject: ResultSubject) -> None:
    """Raw and handled results are pickled by every protocol, and by cloudpickle."""
    for result in (_raw(subject, [1, None], Spy()), _raw(subject, (1, b"2")), _raw(subject, None), _kept(subject, "0", Spy())):
        copies = [_given(f"pickling by protocol {n}", lambda n=n, r=result: pickle.loads(pickle.dumps(r, n))) for n in _PROTOCOLS]  # noqa: S301
        copies.append(_given("cloudpickling", lambda r=result: pickle.loads(cloudpickle.dumps(r))))  # noqa: S301
        for copied in copies:
            _is("the type of a result that was pickled", type(result), type(copied))
            _is("value of a result that was pickled", result.value, copied.value)
            _is("handled of a result that was pickled", result.handled, copied.handled)
            _is("result_handler of a result that was pickled", result.result_handler, copied.result_handler)
            if not _equals(copied, result):
                raise Violation("a pickled result came back as another", expected=shown(result), actual=shown(copied))


_PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@check("result.stored-form")
def only_handled_results_are_stored(subject: ResultSubject) -> None:
    """Stored forms are asked for of raw results; those of handled ones are searched for the value, loaded and read."""
    if subject.dump is None or subject.load is None or subject.handler is None:
        raise NotApplicable("the subject names no dump=, load= and handler=")
    dump, load, handler = subject.dump, subject.load, subject.handler()
    for value in (_CANARY, None):
        for raw in (_raw(subject, value, handler), _raw(subject, value)):
            _raises(f"asking for the stored form of a raw result of {shown(value)}", lambda raw=raw: dump(raw))
    values: tuple[Any, ...] = (_CANARY, [1])
    written = [_given("write()", _raw(subject, value, handler).write) for value in values]
    texts = [_stored(dump, handled) for handled in written]
    # An inline handler has the value in its reference, and the stored form has to hold that.
    if not revealed(json.dumps(written[0].value), [_SECRET]) and (seen := revealed(texts[0], [_SECRET])):
        raise Violation(f"the stored form of a handled result shows {seen}", expected="its reference alone", actual=texts[0])
    for one, handled, text in zip(values, written, texts, strict=True):
        back = _given("loading the stored form", lambda text=text: load(json.loads(text)))
        _is("handled of a stored result", True, _given("handled of a stored result", lambda back=back: back.handled))
        _is("value of a stored result", handled.value, back.value)
        _is("what a stored result reads as", one, _given("read() of a stored result", back.read).value)


def _stored(dump: Callable[[Any], Any], result: Any) -> str:
    """The stored form of something that has one, as JSON text."""
    form = _given(f"asking for the stored form of {shown(result)}", lambda: dump(result))
    if problem := json_problem(form, "the stored form"):
        raise Violation("the stored form is no strict JSON", expected="strict JSON", actual=problem)
    return json.dumps(form)


@check("result.quiet-repr")
def repr_keeps_the_value_to_itself(subject: ResultSubject) -> None:
    """The repr and the str of raw results of several types are searched for their values."""
    for value in (_CANARY, [_CANARY], _CANARY.encode(), {_CANARY: 1}):
        for result in (_raw(subject, value, Spy()), _raw(subject, value)):
            for form in (repr, str, format):
                seen = _given(f"{form.__name__}() of a raw result", lambda form=form, result=result: form(result))
                if revealed(seen, [_SECRET]):
                    raise Violation(f"{form.__name__}() of a raw result shows its value", expected="no value", actual=seen)
