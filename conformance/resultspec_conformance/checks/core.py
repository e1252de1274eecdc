"""Checks of the class *core*: what every handler keeps, seen through one instance in one process."""

import copy
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Literal, NoReturn

from ..checking import NotApplicable, Refused, Untested, Violation, check, check_each
from ..processes.interpreters import WorkerDied, WorkerFailed
from ..processes.worker import read_one
from ..trials.calling import call
from ..trials.clock import AGES, global_random_restored, stopped, years_later
from ..trials.outcomes import STANDARD_ERRORS, Outcome, not_standard, one_line
from ..trials.trial import Handle, Trial, fewest, fresh
from ..values.altering import alter
from ..values.comparison import content_difference, name_of, plain_difference, type_difference
from ..values.domain import large_values, siblings
from ..values.references import cut, forged, names, wrong_types
from ..values.source import shown
from ..values.strictjson import json_problem
from ..values.traps import half_writable

_SOME = 40
_RETAINED = 11
_SHRINKING = 2_000
_STOPPED_WRITES = 12


def is_falsy(value: Any) -> bool:
    """Whether a value is empty, zero or False, as rule ``handler.falsy-values`` means it."""
    try:
        return value is not None and not value
    except Exception:  # noqa: BLE001 - an array of several elements has no truth value
        return False


def is_ordinary(value: Any) -> bool:
    """Whether a value is neither None nor falsy: those have rules of their own."""
    return value is not None and not is_falsy(value)


def is_alterable(value: Any) -> bool:
    """Whether an ordinary value can be altered in place, at any depth."""
    return is_ordinary(value) and alter(fresh(value))


@check_each("handler.json-reference")
def references_are_strict_json(trial: Trial, value: Any) -> None:
    """Every value is written, and its reference walked for anything that JSON cannot carry."""
    reference = trial.handler().write(value)
    if problem := json_problem(reference):
        trial.fail(
            f"write returned a reference that is not strict JSON: {problem}",
            expected="strict JSON: None, bool, int, finite float, str, list, dict with str keys, of exactly these types",
            actual=f"{name_of(type(reference))}: {shown(reference)}",
            unless="shape(json.loads(json.dumps(reference, allow_nan=False))) == shape(reference)",
        )


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
            largest = max(largest, _length(value))
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


@check_each("handler.reference-transport", where=is_ordinary, most=_SOME)
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


@check_each("handler.repeatable-read", where=is_ordinary, most=_SOME)
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


@check_each("handler.independent-writes", where=is_ordinary, most=_SOME)
def equal_and_similar_values_stay_apart(trial: Trial, value: Any) -> None:
    """A value is written with its siblings: in another case, normal form, spacing, length, and once more the same."""
    alike = list(islice(siblings(value), 24))
    message = "a later write disturbed an earlier reference"
    if trial.script is None and trial.bench.outcome(lambda one: _kept_at_once(one, [value, *alike, value], message)) is None:
        return
    _all_are_read(trial, [fresh(value), *_taken(trial, alike), fresh(value)], message)


def _kept_at_once(trial: Trial, values: Sequence[Any], message: str) -> None:
    """Write all values on one handler that refuses none of them, and read them: what most handlers can do."""
    handler = trial.handler()
    references = [handler.write(fresh(value)) for value in values]
    for value, reference in zip(values, references, strict=True):
        trial.expect_same(handler.read(reference), value, message)


@check("handler.independent-writes")
def many_writes_are_all_kept(trial: Trial) -> str:
    """Over a thousand different values, some of them large, are written before the first is read."""
    values = trial.accepted(_ENOUGH)
    count = _RETAINED * trial.bench.settings.examples
    numbered = trial.bench.domain.numbered()
    if numbered is not None and not all(is_honoured(trial, numbered(index)) for index in (0, 1, 2, 3, count)):
        numbered = None
    many = [values[index % len(values)] if numbered is None or index % 8 == 0 else numbered(index) for index in range(count)]
    big = [value for value in islice(trial.bench.domain.large(), 6) if is_honoured(trial, value)]
    rounds = big * max(1, min(8, 4_000_000 // max(1, sum(map(_length, big)) or 1)))
    written = _all_are_read(trial, [*many, *rounds], "a reference was lost to later writes")
    return f"{written:,} writes were all kept"


@check("handler.independent-writes")
def writes_under_a_stopped_clock_stay_apart(trial: Trial) -> None:
    """Different values are written while the clock stands still and the global random generator repeats itself."""
    values = trial.accepted(_STOPPED_WRITES)

    def seeded(write: Callable[[Any], Any], value: Any) -> Any:
        random.seed(0)
        return write(value)

    with global_random_restored(), stopped():
        _all_are_read(
            trial,
            values,
            "under a stopped clock and a repeating random generator, one write took the place of another",
            seeded,
            "with time_machine.travel(0, tick=False):",
        )


@check("handler.independent-writes")
def age_does_not_lose_a_result(trial: Trial) -> str | None:
    """A reference is read as if ten years had passed: with every file ten years older, and with the clock ahead."""
    [value] = trial.accepted(1)
    aged = trial.handler("aged", "aged")
    written = fresh(value)
    reference = aged.write(fresh(value))
    if _grow_old(trial, "aged"):
        aged.write(fresh(value))  # many a store tidies up when it is written to
        trial.expect_same(aged.read(reference), written, "a reference was lost to the age of its files")
    handler = trial.handler()
    reference = handler.write(value)
    with years_later():
        late = handler.attempt_read(reference)
        if late.error is None and trial.differs(written, late.value) is None:
            return None
        try:
            again = handler.attempt_read(call(handler.handler.write, fresh(written)))
        except Exception:  # noqa: BLE001 - a store that checks clocks refuses everything from the future
            return "the store cannot be tried with a clock ten years ahead"
        if again.error is not None:
            return "the store cannot be tried with a clock ten years ahead"
    if trial.script is not None:
        trial.script.do(
            "late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3650)",
            "with time_machine.travel(late):",
            f"    read_back = handler.read({trial.script.of(reference)})",
        )
        trial.script.fails_unless(f"repr(read_back) == repr({trial.script.of(value)})", trial.script.of(value), "read_back")
    raise Violation(
        "a reference was lost to its age",
        expected=f"{shown(written)}, ten years later",
        actual=late.error or shown(late.value),
    )


def _grow_old(trial: Trial, store: str) -> bool:
    """Let every file of a store look ten years older; False when there is none."""
    then = time.time() - AGES.total_seconds()
    files = [path for path in trial.store(store).rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        os.utime(path, (then, then))
    if files and trial.script is not None:
        trial.script.do(
            f'for path in (scratch / "{store}").rglob("*"):',
            "    if path.is_file():",
            f"        os.utime(path, (path.stat().st_mtime - {AGES.total_seconds():.0f},) * 2)",
        )
    return bool(files)


_ENOUGH = 60


def _honoured(trial: Trial, candidates: Iterator[object]) -> Iterator[object]:
    """Those of the candidates that the handler accepts and gives back when they are alone."""
    return (candidate for candidate in candidates if is_honoured(trial, candidate))


def _taken(trial: Trial, candidates: list[Any]) -> list[Any]:
    """Those of the candidates that write takes; each refusal is followed by a new handler, since it may do harm of its own."""

    def until_refused(one: Trial) -> int:
        handler = one.handler()
        for index, value in enumerate(candidates):
            try:
                handler.write(fresh(value))
            except Refused:
                return index
        return len(candidates)

    taken: list[Any] = []
    while candidates:
        count = trial.bench.outcome(until_refused)
        if not isinstance(count, int):  # write did worse than refuse: round-trip's to tell
            break
        taken += candidates[:count]
        candidates = candidates[count + 1 :]
    return taken


def is_honoured(trial: Trial, value: Any) -> bool:
    """Whether the handler accepts a value and gives it back, in a trial of its own."""

    def alone(other: Trial) -> None:
        handler = other.handler()
        other.expect_same(handler.read(handler.write(fresh(value))), value, "alone")

    return trial.bench.outcome(alone) is None


Writing = Callable[[Callable[[Any], Any], Any], Any]


def _plainly(write: Callable[[Any], Any], value: Any) -> Any:
    return write(value)


def _all_are_read(
    trial: Trial, values: Sequence[Any], message: str, writing: Writing = _plainly, context: str | None = None
) -> int:
    """Write all values on one handler, then read all: how many were accepted.

    On failure, the fewest values that fail are looked for, and written once more for the report. A value that the handler
    does not give back even when it is alone is another rule's, and left out.
    """

    def write_and_read(one: Trial, chosen: Sequence[Any]) -> int:
        handler = one.handler()
        kept: list[tuple[int, Any]] = []
        for index, value in enumerate(chosen):
            with suppress(Refused):
                kept.append((index, writing(handler.write, fresh(value))))
        for index, reference in kept:
            try:
                one.expect_same(handler.read(reference), chosen[index], message)
            except Violation as violation:
                raise _Lost(index, violation) from violation
        return len(kept)

    def attempt(chosen: Sequence[Any]) -> Any:
        try:
            return trial.bench.outcome(lambda one: write_and_read(one, chosen))
        except _Lost as lost:
            return lost

    known = f"{message}: {len(values)} writes from {shown(values[0])}"
    needed = trial.bench.findings.get(known)  # so that to reproduce a failure is not to search again
    if needed is None:
        outcome = attempt(values)
        if isinstance(outcome, _Lost) and not is_honoured(trial, values[outcome.index]):
            values = list(_honoured(trial, iter(values)))
            outcome = attempt(values)
        if not isinstance(outcome, _Lost):
            if not isinstance(outcome, int) or not outcome:
                raise Untested("the handler gave back none of the values that were tried, not even when they were alone")
            return outcome
        needed = _fewest_writes(trial, values, outcome.index, lambda chosen: isinstance(attempt(chosen), _Lost), writing)
        trial.bench.findings[known] = needed
    if trial.script is not None:
        _write_script(trial, needed, context)
    script, trial.script = trial.script, None  # it has been written
    try:
        return write_and_read(trial, needed)  # here, so that what is kept as evidence shows it
    except _Lost as lost:
        found = lost.violation
    finally:
        trial.script = script
    raise Violation(
        f"{found.message} (after {len(needed)} writes: {', '.join(map(shown, needed[:4]))}{', ...' if len(needed) > 4 else ''})",
        expected=found.expected,
        actual=found.actual,
    )


class _Lost(Exception):
    """A value, by its place among those that were written, is no longer read."""

    def __init__(self, index: int, violation: Violation) -> None:
        super().__init__(violation.message)
        self.index = index
        self.violation = violation


def _fewest_writes(
    trial: Trial, values: Sequence[Any], lost: int, fails: Callable[[Sequence[Any]], bool], writing: Writing
) -> Sequence[Any]:
    """The fewest of a failing sequence of writes: up to the one that did the damage, and of those what is needed."""

    def first_harm(one: Trial) -> int:
        """Write again and read the lost value after each write: how many writes it took to lose it."""
        handler = one.handler()
        reference = None
        for index, value in enumerate(values):
            try:
                written = writing(handler.write, fresh(value))
            except Refused:
                continue
            reference = written if index == lost else reference
            if index >= lost and reference is not None:
                found = handler.attempt_read(reference)
                if found.error is not None or one.differs(values[lost], found.value) is not None:
                    return index + 1
        return len(values)

    harm = trial.bench.outcome(first_harm)
    end = harm if isinstance(harm, int) else len(values)
    tail = 1
    while tail < end - lost:
        latest = [values[lost], *values[end - tail : end]]
        if fails(latest):
            return fewest(latest, fails, most=_SHRINKING)
        tail *= 2
    return fewest(values[:end] if fails(values[:end]) else values, fails, most=_SHRINKING)


def _write_script(trial: Trial, values: Sequence[Any], context: str | None) -> None:
    from ..values.source import source_of

    script = trial.script
    assert script is not None  # the caller has looked
    trial.store()
    indent = "    " if context else ""
    script.do(
        '(scratch / "store").mkdir()',
        f"values = [{', '.join(map(source_of, values))}]",
        *([context] if context else []),
        f"{indent}handler = {script.handler('store')}",
        f"{indent}references = []",
        f"{indent}for value in values:",
        f"{indent}    random.seed(0)",
        f"{indent}    references.append(handler.write(value))",
        f"{indent}read_back = [handler.read(reference) for reference in references]",
    )
    script.fails_unless("list(map(repr, read_back)) == list(map(repr, values))", "values", "read_back")


@check_each("handler.input-untouched", where=is_ordinary, most=_SOME)
def neither_value_nor_reference_is_altered(trial: Trial, value: Any) -> None:
    """The value is compared before and after write, the reference before and after read."""
    handler = trial.handler()
    before = fresh(value)
    reference = handler.write(value)
    told = content_difference(before, value) or type_difference(before, value)
    if told is not None:
        trial.fail(
            f"write altered the value it was given: {told}",
            expected=shown(before),
            actual=shown(value),
            unless=f"repr(value) == {repr(before)!r}",
        )
    kept = copy.deepcopy(reference)
    call(handler.handler.read, reference)
    if content_difference(kept, reference) or type_difference(kept, reference):
        if trial.script is not None:
            trial.script.do("handler.read(reference)")
        trial.fail(
            "read altered the reference it was given",
            expected=shown(kept),
            actual=shown(reference),
            unless=f"repr(reference) == {repr(kept)!r}",
        )


@check_each("handler.snapshot", where=is_alterable, most=_SOME)
def altering_the_value_later_changes_nothing(trial: Trial, value: Any) -> None:
    """The value is altered in place, at every depth, after it was written."""
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    trial.alter(value)
    trial.expect_same(handler.read(reference), written, "altering the value after write altered what is read")


@check_each("handler.fresh-read", where=is_alterable, most=_SOME)
def altering_what_was_read_changes_nothing(trial: Trial, value: Any) -> None:
    """What was read is altered in place, at every depth, before the next read; three times over."""
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    for _ in range(3):
        read = handler.read(reference)
        trial.expect_same(read, written, "altering a value that was read altered the next read")
        if not trial.alter(read):
            raise NotApplicable("what is read cannot be altered")


@check_each("handler.unknown-reference", where=is_ordinary, most=12)
def references_never_written_raise(trial: Trial, value: Any) -> None:
    """Well-formed references to nothing are read: forged ones, one of another store, one whose storage was removed."""
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value, so a well-formed one is simply another value")
    handler = trial.handler()
    written = fresh(value)
    neighbours = [other for other in trial.accepted(6) if trial.differs(written, other) is not None][:2]
    known = [_json(handler.write(fresh(other))) for other in neighbours[:1]]
    reference = _json(handler.write(value))
    known += [_json(handler.write(fresh(other))) for other in neighbours[1:]]
    decided = 0
    for unknown in forged(reference):
        if not any(names(unknown) - names(reference) <= names(other) for other in known):
            decided += _raises_or_is(trial, handler, unknown, written, "a reference that was never written was read")
    if trial.maker.takes_scratch:
        elsewhere = trial.elsewhere()
        decided += _raises_or_is(trial, elsewhere, reference, written, "an empty store read another store's reference")
        _remove_everything(trial)
        decided += _raises_or_is(
            trial, trial.handler("reopened"), reference, written, "a reference whose stored value is gone was read"
        )
    if not decided:
        raise Untested("no well-formed reference to nothing could be made from a good one")


def _json(reference: Any) -> Any:
    """The reference itself, where others can be made from it."""
    if problem := json_problem(reference):
        raise Untested(f"no other reference can be made from one that is not strict JSON: {problem}")
    return reference


def _raises_or_is(trial: Trial, handler: Handle, reference: Any, written: Any, message: str) -> bool:
    """Whether reading raised; a value other than the one that was written is a violation, that one decides nothing."""
    outcome = handler.attempt_read(reference)
    if outcome.error is not None:
        return True
    if trial.differs(written, outcome.value) is not None:
        handler.returned_instead_of_raising(reference, outcome.value, message)
    return False


def _remove_everything(trial: Trial) -> None:
    for path in trial.store().rglob("*"):
        if path.is_file() or path.is_symlink():
            path.unlink()
    if trial.script is not None:
        trial.script.do('for path in (scratch / "store").rglob("*"):', "    if path.is_file():", "        path.unlink()")


@check("handler.malformed-reference")
def malformed_references_raise(trial: Trial) -> str:
    """JSON of the wrong type or shape is read in a process of its own, so that none can harm the suite."""
    value, probed = _probed(trial)
    for probe, shape, outcome in probed:
        if outcome.error is not None and not outcome.fatal:
            continue
        if outcome.error is None and trial.bench.inline and _is_honest(trial, probe, outcome.value, shape):
            continue
        if trial.script is not None:
            handler = trial.handler()
            handler.write(value)
            trial.script.fails_unless_raises(f"handler.read({trial.script.of(probe)})")
        raise Violation(
            f"reading the malformed reference {shown(probe)} did not raise",
            expected="an exception",
            actual=outcome.error or f"read returned {shown(outcome.value)}",
        )
    return f"{len(probed)} malformed references"


Probed = tuple[Any, Literal["cut", "wrong type"], Outcome]


def _probed(trial: Trial) -> tuple[Any, list[Probed]]:
    """A value, and what came of reading malformed forms of its reference; not again once that is known.

    Reading ends with the first probe that the other process does not survive.

    Raises:
        Untested: The handler cannot be used in another process, or gives references that are not JSON.
    """
    if "probed" not in trial.bench.findings:
        values = sorted(trial.accepted(_ENOUGH), key=lambda v: len(repr(v)), reverse=True)
        value = next((v for v in values if is_ordinary(v)), values[0])
        trial.bench.findings["probed"] = value, list(_probe_all(trial, value, values))
    found: tuple[Any, list[Probed]] = trial.bench.findings["probed"]
    return found


def _probe_all(trial: Trial, value: Any, values: list[Any]) -> Iterator[Probed]:
    worker = trial.bench.worker()
    store = trial.store("probed")
    try:
        [(reference, error)] = worker.write(store, [value])
        others = worker.write(trial.store("kinds"), values[:20]) if trial.bench.inline else []
    except (WorkerDied, WorkerFailed) as failure:
        raise Untested(f"the handler cannot be used in another process: {failure}") from failure
    if reference is None:
        raise Untested(f"the handler refused the value in another process: {error}")
    good = json.loads(reference)
    kinds = {type(good)} | {type(json.loads(other)) for other, _ in others if other is not None}
    probes: list[tuple[Any, Literal["cut", "wrong type"]]] = [(probe, "cut") for probe in cut(good)]
    probes += [(probe, "wrong type") for probe in wrong_types(good, kinds)]
    for probe, shape in probes:
        trial.bench.beat = time.monotonic()
        try:
            outcome: Outcome = worker.call(read_one, store, json.dumps(probe))
        except WorkerDied as death:
            trial.bench.retire(worker)
            yield probe, shape, Outcome(error=f"the process that read it {death}", fatal=True)
            return
        except WorkerFailed as failure:
            raise Untested(f"the handler cannot be made in another process: {failure}") from failure
        yield probe, shape, outcome
        if outcome.fatal:
            return


def _is_honest(trial: Trial, probe: Any, read: Any, shape: Literal["cut", "wrong type"]) -> bool:
    """Whether a probe that an inline handler read was no malformed reference after all: one that it would itself return."""
    outcome = trial.bench.outcome(lambda other: _rewrites(other, probe, read))
    return outcome is None or (shape == "cut" and probe != "" and read is not None and not isinstance(outcome, Refused))


def _rewrites(trial: Trial, probe: Any, read: Any) -> None:
    reference = trial.handler().write(read)
    if json.dumps(reference, sort_keys=True) != json.dumps(probe, sort_keys=True):
        raise Violation("not the same", expected="", actual="")


@check("handler.loud-refusal")
def values_outside_the_domain_are_refused_or_kept(trial: Trial) -> str:
    """Values just outside the domain, and values that only look storable, are written: refused, or given back."""
    outside = _outside(trial)
    for value, outcome in outside:
        if isinstance(outcome, Violation):
            _refused_or_kept(trial, value)
            raise outcome
    refused = sum(isinstance(outcome, Refused) for _, outcome in outside)
    return f"{refused} of {len(outside)} values outside the domain were refused, the others kept"


def _outside(trial: Trial) -> list[tuple[Any, Any]]:
    """Values outside the domain with what came of writing and reading each on a handler of its own: None where it was kept."""
    if "outside" not in trial.bench.findings:
        trial.bench.findings["outside"] = [
            (value, trial.bench.outcome(lambda one, value=value: _refused_or_kept(one, value)))
            for value in islice(trial.bench.domain.outside(), 600)
        ]
    found: list[tuple[Any, Any]] = trial.bench.findings["outside"]
    return found


def _refused_or_kept(trial: Trial, value: Any) -> None:
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    try:
        read = handler.read(reference)
    except Violation as violation:
        raise Violation(
            f"write accepted {shown(written)}, which the handler cannot give back",
            expected="an exception from write, or the value from read",
            actual=f"write returned a reference, and read raised {violation.actual}",
        ) from violation
    if trial.subject.equal is None and (told := _difference(trial, written, read)):
        script = trial.script
        if script is not None:
            script.fails_unless("False", repr("an exception from write"), f"repr({script.of(read)})")
        raise Violation(
            f"write accepted a value outside the handler's domain and did not keep it: {told}",
            expected=f"an exception from write, or {shown(written)} from read",
            actual=f"{name_of(type(read))}: {shown(read)}",
        )


def _difference(trial: Trial, written: Any, read: Any) -> str | None:
    """How a value from outside the domain came back changed; a change of type alone is type-fidelity's where it judges that."""
    told = plain_difference(written, read)
    return told if told or trial.bench.domain.is_plain else type_difference(written, read)


@check("handler.failed-write")
def a_write_that_raises_harms_nothing(trial: Trial) -> str:
    """Between good writes come writes that raise; earlier references are read and later writes work."""
    handler = trial.handler()
    good = trial.accepted(6)
    kept: list[tuple[Any, Any]] = []

    def keep(value: Any) -> None:
        written = fresh(value)
        try:
            kept.append((written, handler.write(value)))
        except Refused as refusal:
            if not failed:
                raise
            raise Violation(
                "after a write that raised, a later write was refused",
                expected=f"a reference for {shown(written)}",
                actual=str(refusal),
            ) from refusal

    def all_are_read() -> None:
        for written, reference in kept:
            trial.expect_same(handler.read(reference), written, "after a write that raised, an earlier reference changed")

    failed = 0
    keep(fresh(good[0]))
    for bad in chain(half_writable(), islice(_refusable(trial), 12)):
        try:
            handler.write(bad)
        except Refused:
            failed += 1
            keep(fresh(good[failed % len(good)]))
            all_are_read()
    if not failed:
        raise Untested("the handler accepted everything, so no write could be made to fail")
    all_are_read()
    return f"{failed} writes failed"


def _refusable(trial: Trial) -> Iterator[object]:
    """Values that the handler refused when they were alone."""
    return (value for value, outcome in _outside(trial) if isinstance(outcome, Refused))


@check("handler.bounded-reference")
def references_do_not_grow(trial: Trial) -> str:
    """A small and a large value are written; the reference of the large one must not be much longer."""
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value")
    handler = trial.handler()
    lengths: list[tuple[int, int, Any]] = []
    for value in (*trial.accepted(_ENOUGH), *_grown(trial)):
        try:
            reference = call(handler.handler.write, fresh(value))
        except Exception:  # noqa: BLE001, S112 - refused: another size will do
            continue
        lengths.append((_weight(value), len(json.dumps(reference)), value))
    if not lengths:
        raise Untested("the handler refused every value that was tried")
    lengths.sort(key=lambda entry: entry[0])
    (small, short, _), (large, _, largest) = lengths[0], lengths[-1]
    long = max(length for weight, length, _ in lengths if weight >= large // 2)
    if large < 16 * max(small, 16):
        raise Untested("the values do not differ enough in size; give values= that do")
    if long > 2 * short + 64 and long - short > (large - small) // 4096 + 64:
        if trial.script is not None:
            trial.script.do("value = " + trial.script.of(largest))
            trial.script.do("reference = handler.write(value)")
            trial.script.fails_unless(f"len(json.dumps(reference)) <= {2 * short + 64}", "'a short reference'", "reference")
        raise Violation(
            "the reference grows with the value",
            expected=f"about {short} characters of reference, whatever the value's size",
            actual=f"{long} characters for a value of {large:,}, {short} for one of {small:,}",
        )
    return f"references of {short} to {long} characters for values of {small:,} to {large:,}"


def _grown(trial: Trial) -> Iterator[Any]:
    """Larger values: the domain's own, or drawn ones repeated where the handler gives those back."""
    large = sorted(trial.bench.domain.large(), key=_weight)
    yield from (*large[:2], *large[-1:])
    if trial.bench.domain.declared:
        repeatable = [v for v in trial.accepted(_ENOUGH) if type(v) in (str, bytes, list) and v]
        yield from _honoured(trial, (value * (20_000 // len(value) + 1) for value in repeatable[:4]))
        yield from _honoured(trial, islice(large_values(trial.bench.domain.annotation), 4))


def _weight(value: Any) -> int:
    return value.nbytes if hasattr(value, "nbytes") else len(repr(value))


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:
        return 1


@check("handler.standard-errors")
def errors_are_standard(trial: Trial) -> str:
    """Errors are provoked by refused values and by unknown and malformed references, and judged by type and cause."""
    refused = [(value, outcome.__cause__) for value, outcome in _outside(trial) if isinstance(outcome, Refused)]
    for value in half_writable():
        outcome = trial.bench.outcome(lambda one, value=value: one.handler().write(value))
        refused += [(value, outcome.__cause__)] if isinstance(outcome, Refused) else []
    for value, error in refused:
        if isinstance(error, Exception) and (lack := not_standard(error)):
            _is_not_standard(trial, trial.handler(), "write", value, lack, one_line(error))
    handler = trial.handler("reader")
    [value] = trial.accepted(1)
    handler.write(value)
    raised = [(probe, outcome) for probe, _, outcome in _probed_if_possible(trial) if outcome.error and not outcome.fatal]
    raised += [
        (probe, outcome) for probe in forged(_json(handler.write(value))) if (outcome := handler.attempt_read(probe)).error
    ]
    for probe, outcome in raised:
        if outcome.verdict is not None:
            _is_not_standard(trial, handler, "read", probe, outcome.verdict, str(outcome.error))
    if not refused and not raised:
        raise Untested("no error could be provoked")
    return f"{len(refused) + len(raised)} errors"


def _probed_if_possible(trial: Trial) -> list[Probed]:
    try:
        return _probed(trial)[1]
    except Untested:
        return []


def _is_not_standard(trial: Trial, handler: Handle, method: str, argument: Any, lack: str, error: str) -> NoReturn:
    if trial.script is not None:
        trial.script.do(f"{handler.name}.{method}({trial.script.of(argument)})")
    raise Violation(
        f"{method}({shown(argument)}) raised an error that callers cannot be expected to know: {lack}",
        expected=f"one of {', '.join(cls.__name__ for cls in STANDARD_ERRORS)}, with its cause",
        actual=error,
    )


@check("handler.passive-construction")
def construction_touches_nothing(trial: Trial) -> None:
    """A handler is constructed under watch: no file may be opened for writing and no connection made."""
    trial.store()
    trial.store("fresh")
    if trial.script is not None:
        trial.script.do(
            "import sys",
            "events = []",
            "watched = ('open', 'socket.connect', 'socket.bind', 'sqlite3.connect', 'subprocess.Popen')",
            "sys.addaudithook(lambda event, arguments: events.append((event, arguments)) if event in watched else None)",
        )
    with _watch(trial.bench.handler_class) as events:
        made = trial.handler("handler", "fresh")
    if events:
        trial.fail(
            f"constructing the handler {events[0]}",
            expected="a constructor that only takes note of its arguments",
            actual="; ".join(dict.fromkeys(events)),
            unless="not events",
        )
    if trial.maker.make is trial.bench.handler_class:
        created = [path.name for path in trial.store("fresh").rglob("*") if not path.is_dir()]
        if created:
            trial.fail(
                "constructing the handler created files",
                expected="no file before the first write",
                actual=", ".join(created),
                unless="not [path for path in scratch.rglob('*') if path.is_file()]",
            )
    del made


class _watch:  # noqa: N801 - reads as a statement
    """Collects what happens within the constructor of a class, by audit events (PEP 578)."""

    _hooked = False
    _current: "_watch | None" = None

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.events: list[str] = []
        self.thread = threading.get_ident()

    def __enter__(self) -> list[str]:
        if not _watch._hooked:
            sys.addaudithook(_watch._hear)  # a hook cannot be taken back, hence one that looks whether it is needed
            _watch._hooked = True
        _watch._current = self
        return self.events

    def __exit__(self, *_: object) -> None:
        _watch._current = None

    @staticmethod
    def _hear(event: str, arguments: tuple[Any, ...]) -> None:
        watching = _watch._current
        if watching is None or event not in _AUDITED or threading.get_ident() != watching.thread:
            return
        if (told := _AUDITED[event](arguments)) is not None and watching._inside():
            watching.events.append(told)

    def _inside(self) -> bool:
        """Whether a method of the class is being run, directly or further up."""
        frame = sys._getframe(2)
        while True:
            names = frame.f_code.co_varnames[:1]
            first = frame.f_locals.get(names[0]) if names else None
            if frame.f_code.co_name.startswith("_find_and_load"):
                return False
            if first is self.cls or type(first) is self.cls:
                return True
            if frame.f_back is None:
                return False
            frame = frame.f_back
        return False


def _opened_for_writing(arguments: tuple[Any, ...]) -> str | None:
    path, mode, flags = arguments[0], arguments[1], arguments[2]
    writes = (
        any(letter in str(mode) for letter in "wax+")
        if mode is not None
        else bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    )
    if not writes or str(path).endswith(".pyc") or str(path) in ("/dev/null", "/dev/tty"):
        return None
    return f"opened {path} for writing"


_AUDITED: dict[str, Callable[[tuple[Any, ...]], str | None]] = {
    "open": _opened_for_writing,
    "socket.connect": lambda arguments: f"connected to {arguments[1]}",
    "socket.bind": lambda arguments: f"bound a socket to {arguments[1]}",
    "sqlite3.connect": lambda arguments: f"connected to the database {arguments[0]}",
    "subprocess.Popen": lambda arguments: f"started the process {arguments[0]}",
}
