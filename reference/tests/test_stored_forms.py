"""Stored forms: what they are, and what they are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from resultspec import ResultHandler
from resultspec_reference import (
    HandledResult,
    JSONResultHandler,
    LocalResultHandler,
    NoResult,
    NoResultType,
    RawResult,
    Result,
    StoredFormError,
    make_converter,
)

JSON_FORM = {"kind": "json"}
RESULT_FORM = {"type": "result", "value": "[1]", "handler": JSON_FORM}


@attrs.frozen
class Lake(JSONResultHandler):
    """A third party's handler."""

    url: str


@attrs.frozen
class Shelf:
    """Something of an engine's that holds outcomes."""

    outcome: Result[Any, Any] | NoResultType
    handler: ResultHandler[Any, Any]


HANDLERS: list[tuple[Any, Any]] = [
    (JSONResultHandler(), JSON_FORM),
    (LocalResultHandler("/a"), {"kind": "local", "directory": "/a", "sync": True}),
    (
        LocalResultHandler("/a", sync=False, key=Path("/k")),
        {"kind": "local", "directory": "/a", "sync": False, "key_file": "/k"},
    ),
    (Lake("u"), {"kind": "lake", "url": "u"}),
]
OUTCOMES: list[tuple[Any, Any]] = [
    (NoResult, {"type": "no-result"}),
    (Result("[1]", True, JSONResultHandler()), RESULT_FORM),
    *(
        (Result({"n": [1, None]}, True, handler), {"type": "result", "value": {"n": [1, None]}, "handler": form})
        for handler, form in HANDLERS
    ),
]


@pytest.mark.parametrize(("handler", "form"), HANDLERS)
def test_handlers(handler: Any, form: Any) -> None:
    """A handler's form is JSON, and loads as an equal handler: as its own class and as any handler."""
    converter: Any = make_converter({"lake": Lake})
    through_text = json.loads(json.dumps(converter.unstructure(handler)))

    assert through_text == form
    assert converter.structure(through_text, type(handler)) == handler
    assert converter.structure(through_text, ResultHandler) == handler
    assert converter.structure(through_text, ResultHandler[Any, Any]) == handler


@pytest.mark.parametrize(("outcome", "form"), OUTCOMES)
def test_outcomes(outcome: Any, form: Any) -> None:
    """A result's form and NoResult's are JSON, and load as what they were."""
    converter: Any = make_converter({"lake": Lake})
    through_text = json.loads(json.dumps(converter.unstructure(outcome)))

    assert through_text == form
    assert converter.structure(through_text, type(outcome)) == outcome
    assert converter.structure(through_text, Result | NoResultType) == outcome
    assert converter.structure(through_text, Result[Any, str] | NoResultType) == outcome


def test_within_other_classes() -> None:
    """The forms serve where results and handlers are fields of something else."""
    converter = make_converter()
    shelves = [Shelf(NoResult, JSONResultHandler()), Shelf(Result("1", True, JSONResultHandler()), JSONResultHandler())]

    form = converter.unstructure(shelves)

    assert form[0] == {"outcome": {"type": "no-result"}, "handler": JSON_FORM}
    assert converter.structure(json.loads(json.dumps(form)), list[Shelf]) == shelves


def test_a_raw_result_has_none() -> None:
    """Asking for it raises, and the error does not quote the value."""
    converter: Any = make_converter()
    raw = Result("hunter2", result_handler=JSONResultHandler())
    attempts: list[Callable[[], object]] = [
        lambda: converter.unstructure(raw),
        lambda: converter.unstructure(raw, Result[str, str]),
        lambda: converter.unstructure(Shelf(raw, JSONResultHandler())),
    ]
    for store in attempts:
        with pytest.raises(StoredFormError, match="write") as caught:
            store()

        assert "hunter2" not in repr(caught.value)


def test_nothing_loads_as_a_raw_result() -> None:
    """No stored form makes a raw result."""
    with pytest.raises(StoredFormError):
        make_converter().structure(RESULT_FORM, RawResult)


@pytest.mark.parametrize("reference", [(1,), b"a", {1: 1}, float("nan"), object()])
def test_a_reference_that_is_not_json(reference: Any) -> None:
    """A result whose reference is not JSON is not stored."""
    with pytest.raises(StoredFormError, match="not JSON"):
        make_converter().unstructure(Result(reference, True, JSONResultHandler()))


def test_an_inline_key_is_not_stored() -> None:
    """A handler with its key inline has no form, and the error does not quote the key."""
    key = b"0123456789abcdef"

    with pytest.raises(StoredFormError, match="key file") as caught:
        make_converter().unstructure(LocalResultHandler("/a", key=key))

    assert key.decode() not in repr(caught.value)


def test_unregistered_handlers_are_not_stored() -> None:
    """A class that nobody registered has no form, nor has a subclass of one that has."""
    converter = make_converter()
    handlers: list[Any] = [Lake("u"), object()]
    for handler in handlers:
        with pytest.raises(StoredFormError, match="register"):
            converter.unstructure(Result("1", True, handler))


MALFORMED_HANDLERS: list[Any] = [
    None,
    "json",
    [],
    {},
    {"kind": "other"},
    {"kind": []},
    {"kind": "json", "more": 1},
    {"kind": "local"},
    {"kind": "local", "directory": "/a"},
    {"kind": "local", "directory": "/a", "sync": 1},
    {"kind": "local", "directory": "a", "sync": True},
    {"kind": "local", "directory": 1, "sync": True},
    {"kind": "local", "directory": "/a\0", "sync": True},
    {"kind": "local", "directory": "/a", "sync": True, "key_file": "k"},
    {"kind": "local", "directory": "/a", "sync": True, "key": "k"},
    {"kind": "lake"},
    {"kind": "lake", "url": {}, 1: 1},
]
MALFORMED: list[Any] = [
    None,
    1,
    "result",
    [],
    {},
    {"type": "state"},
    {"type": "no-result", "more": 1},
    {"type": "result"},
    {"type": "result", "value": "1"},
    {"type": "result", "handler": JSON_FORM},
    RESULT_FORM | {"more": 1},
    RESULT_FORM | {"value": (1,)},
    *(RESULT_FORM | {"handler": handler} for handler in MALFORMED_HANDLERS),
]


@pytest.mark.parametrize("form", MALFORMED, ids=repr)
def test_malformed_forms(form: Any) -> None:
    """What is not a stored form raises the one error for it."""
    converter: Any = make_converter({"lake": Lake})
    for target in (Result, HandledResult, Result | NoResultType):
        with pytest.raises(StoredFormError):
            converter.structure(form, target)


def test_the_wrong_kind() -> None:
    """A form of one thing does not load as another."""
    converter: Any = make_converter()
    cases: list[tuple[Any, Any]] = [
        ({"type": "no-result"}, Result),
        (RESULT_FORM, NoResultType),
        (JSON_FORM, LocalResultHandler),
        (JSON_FORM, Result),
        ({"type": "no-result"}, ResultHandler),
    ]
    for form, target in cases:
        with pytest.raises(StoredFormError):
            converter.structure(form, target)
