"""Checks of the class *core*: what is read is what was written, exactly."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ...checking import NotApplicable, Refused, Violation, check, check_each
from ...trials.trial import Trial, fresh
from ...values.comparison import content_difference, name_of, plain_difference, type_difference
from ...values.source import shown
from ...values.strictjson import json_problem
from .examples import SOME, is_falsy, is_ordinary, length


@check_each("handler.json-reference")
def references_are_strict_json(trial: Trial, value: Any) -> None:
    """Every value is written, and its reference walked for anything that JSON cannot carry."""
    _is_strict_json(
        trial,
        trial.handler().write(value),
        "write returned a reference that is not strict JSON",
        "strict JSON: None, bool, int, finite float, str, list, dict with str keys, of exactly these types",
    )


def _is_strict_json(trial: Trial, reference: Any, message: str, expected: str) -> None:
    if (problem := json_problem(reference)) is None:
        return
    name = "reference"
    if trial.script is not None:
        trial.script.do("from resultspec_conformance.values.strictjson import json_problem")
        name = trial.script.of(reference)
    trial.fail(
        f"{message}: {problem}",
        expected=expected,
        actual=f"{name_of(type(reference))}: {shown(reference)}",
        unless=f"json_problem({name}) is None",
    )


@check("handler.json-reference")
def references_to_equal_values_are_strict_json(trial: Trial) -> None:
    """Values are written once more: a handler that knows them already may answer in another way."""
    handler = trial.handler()
    for value in trial.bench.pool[:_TWICE]:
        with suppress(Refused):
            handler.write(fresh(value))
            _is_strict_json(
                trial,
                handler.write(fresh(value)),
                "when a value was written twice, write returned a reference that is not strict JSON",
                "strict JSON, as for the first time",
            )


_TWICE = 40


@check_each("handler.round-trip", where=is_ordinary)
def what_was_written_is_read(trial: Trial, value: Any) -> None:
    """Every value is written, read, and compared part by part."""
    _written_and_read(trial, value, "read returned something else than was written")


@check("handler.round-trip")
def large_values_are_read_whole(trial: Trial) -> str | None:
    """Values around the buffer sizes of common stores, and of several megabytes, are written and read."""
    largest = 0
    for value in trial.bench.domain.large():
        one = trial if trial.script is not None else None
        outcome = trial.bench.outcome(lambda t, value=value: _written_and_read(t, value, "a large value came back changed"))
        if isinstance(outcome, Violation):
            smallest = trial.bench.shorter(value, lambda t, v: _written_and_read(t, v, "a large value came back changed"))
            _written_and_read(one or trial, smallest, "a large value came back changed")
        if outcome is None:
            largest = max(largest, length(value))
    if not largest:
        raise NotApplicable("the domain has no large values")
    return f"values of up to {largest:,} elements"


def _written_and_read(trial: Trial, value: Any, message: str) -> None:
    handler = trial.handler()
    written = fresh(value)
    read = handler.read(handler.write(value))
    if trial.differs(value, read) is not None:  # a handler that alters its input breaks another rule
        trial.expect_same(read, written, message)
    _note_if_exact(trial, written, read)


def _note_if_exact(trial: Trial, written: Any, read: Any) -> None:
    """Spare type-fidelity another write where the types were kept; where they were not, it sees so for itself."""
    if trial.subject.equal is None and not (content_difference(written, read) or type_difference(written, read)):
        trial.bench.came_back_exactly(trial.example)


@check_each("handler.type-fidelity")
def types_are_kept_at_every_depth(trial: Trial, value: Any) -> None:
    """Every value that comes back with the same content is compared by type, and by the sign of zero, at every depth."""
    if trial.subject.equal is not None:
        raise NotApplicable("the subject's own equal decides what is the same")
    if trial.script is None and trial.bench.is_exact(trial.example):
        return
    _types_are_kept(trial, value, content_difference)


@check("handler.type-fidelity")
def types_beyond_plain_values_are_kept(trial: Trial) -> str:
    """Where anything may be written: subclasses, enumerations and other common types that come back equal."""
    if trial.subject.equal is not None:
        raise NotApplicable("the subject's own equal decides what is the same")
    kept = 0
    for value in trial.bench.domain.beyond():
        outcome = trial.bench.outcome(lambda one, value=value: _types_are_kept(one, value, plain_difference))
        kept += outcome is None
        if isinstance(outcome, Violation):
            _types_are_kept(trial, value, plain_difference)
            raise outcome
    if not kept:
        raise NotApplicable("the handler takes no values beyond its domain")
    return f"{kept} values of further types"


@check("handler.type-fidelity")
def equal_values_of_different_types_stay_apart(trial: Trial) -> str:
    """Values that Python calls equal and that differ in type, in the sign of zero or in time zone are written to one handler."""
    if trial.subject.equal is not None:
        raise NotApplicable("the subject's own equal decides what is the same")
    tried = 0
    for alike in _ALIKE:
        kept = [value for value in alike if _is_kept(trial, value)]
        if len(kept) > 1:
            tried += 1
            handler = trial.handler("handler", f"store {tried}")
            for value, reference in [(value, handler.write(fresh(value))) for value in kept]:
                read = handler.read(reference)
                if plain_difference(value, read) is None:  # one that came back as something else is another rule's
                    trial.expect_same_types(read, value, "a value was taken for another that is equal to it")
    if not tried:
        raise NotApplicable("the domain has no equal values of different types")
    return f"{tried} groups of equal values"


_ALIKE: tuple[tuple[Any, ...], ...] = (
    (1, True, 1.0),
    (False, 0, 0.0, -0.0),
    ((1, "a"), (True, "a"), (1.0, "a")),
    ([1], [True], [1.0]),
    ({"a": 1}, {"a": True}, {"a": 1.0}),
    (frozenset({1}), {1}),
    (datetime(2020, 1, 2, 12, tzinfo=UTC), datetime(2020, 1, 2, 13, tzinfo=timezone(timedelta(hours=1)))),
)


def _is_kept(trial: Trial, value: Any) -> bool:
    """Whether a value, when it is alone, comes back as it was, its type too."""

    def kept(one: Trial) -> bool:
        handler = one.handler()
        return type_difference(value, handler.read(handler.write(fresh(value)))) is None

    return trial.bench.outcome(kept) is True


def _types_are_kept(trial: Trial, value: Any, difference: Callable[[object, object], str | None]) -> None:
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    try:
        read = handler.read(reference)
    except Violation as violation:  # another rule's: round-trip, none or falsy-values
        raise NotApplicable("what does not come back has no type") from violation
    if difference(written, read) is None:
        trial.expect_same_types(read, written, "the value came back with another type")


@check_each("handler.reference-transport", where=is_ordinary, most=SOME)
def references_survive_json_text(trial: Trial, value: Any) -> None:
    """The reference is turned into JSON text and back before it is read; then once more, its keys in another order."""
    handler = trial.handler()
    written = fresh(value)
    reference = trial.transported(handler.write(value))
    trial.expect_same(handler.read(reference), written, "after a journey through JSON text the reference read differently")
    if not _has_order(reference):
        return
    another = trial.handler("another", "another store")
    reference = another.write(fresh(written))
    turned = json.loads(json.dumps(reference), object_pairs_hook=_reversed)
    if trial.script is not None:
        name = trial.script.of(reference)
        trial.script.do(
            "# JSON objects have no order: databases and other encoders give keys back in an order of their own.",
            f"{name} = json.loads(json.dumps({name}), object_pairs_hook=lambda pairs: dict(reversed(pairs)))",
        )
        trial.script.rename(turned, name)
    trial.expect_same(another.read(turned), written, "with its keys in another order the reference read differently")


def _has_order(reference: Any) -> bool:
    """Whether an object of several keys is somewhere in a reference."""
    if isinstance(reference, dict):
        return len(reference) > 1 or any(map(_has_order, reference.values()))
    return isinstance(reference, list) and any(map(_has_order, reference))


def _reversed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


@check("handler.none")
def none_is_data(trial: Trial) -> str | None:
    """None is written: it is refused, or read back as None."""
    handler = trial.handler()
    try:
        reference = handler.write(None)
    except Refused as refusal:
        return f"None is refused: {refusal}"
    read = handler.read(reference)
    if read is not None:
        trial.expect_same(read, None, "a written None came back as something else")
        trial.expect_same_types(read, None, "a written None came back as something else")
    return None


@check_each("handler.falsy-values", where=is_falsy)
def falsy_values_are_data(trial: Trial, value: Any) -> None:
    """Every empty, zero or False value of the domain is written, read and compared."""
    handler = trial.handler()
    written = fresh(value)
    read = handler.read(handler.write(value))
    if read is None:
        trial.expect_same_types(read, written, "a falsy value was taken for no value")
    trial.expect_same(read, written, "a falsy value came back as something else")
    _note_if_exact(trial, written, read)


@check_each("handler.repeatable-read", where=is_ordinary, most=SOME)
def reading_can_be_repeated(trial: Trial, value: Any) -> None:
    """One reference is read five times, with another value read in between."""
    handler = trial.handler()
    written = fresh(value)
    other = handler.write(trial.accepted(1)[0])  # first, since a later write may not disturb the value: another rule
    reference = handler.write(value)
    for _ in range(3):
        trial.expect_same(handler.read(reference), written, "reading again gave something else")
    handler.attempt_read(other)
    for _ in range(2):
        trial.expect_same(handler.read(reference), written, "reading again gave something else")
