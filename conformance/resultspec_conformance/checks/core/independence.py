"""Checks of the class *core*: no write, and nobody who alters a value, disturbs what was written."""

import copy
import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from ...checking import NotApplicable, Refused, Untested, Violation, check, check_each
from ...trials.calling import call
from ...trials.clock import AGES, global_random_restored, stopped, years_later
from ...trials.outcomes import attempt
from ...trials.trial import Trial, fewest, fresh
from ...values.altering import outline
from ...values.comparison import content_difference, type_difference
from ...values.references import forged
from ...values.similar import siblings
from ...values.source import shown, source_of
from ...values.strictjson import json_problem
from ...values.traps import half_writable
from .examples import ENOUGH, SOME, honoured, is_alterable, is_honoured, is_ordinary, leave_lost_falsy_values, length

Writing = Callable[[Callable[[Any], Any], Any], Any]


_STOPPED_WRITES = 12
_SHRINKING = 2_000
_RETAINED = 11
_REFUSED = 200


@check_each("handler.independent-writes", where=is_ordinary, most=SOME)
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
    values = trial.accepted(ENOUGH)
    count = _RETAINED * trial.bench.settings.examples
    numbered = _numbered(trial, count)
    many = [values[index % len(values)] if numbered is None or index % 8 == 0 else numbered(index) for index in range(count)]
    big = [value for value in islice(trial.bench.domain.large(), 6) if is_honoured(trial, value)]
    rounds = big * max(1, min(8, 4_000_000 // max(1, sum(map(length, big)) or 1)))
    written = _all_are_read(trial, [*many, *rounds], "a reference was lost to later writes")
    return f"{written:,} writes were all kept"


def _numbered(trial: Trial, count: int) -> Callable[[int], object] | None:
    """A function that makes a different value for every number, where there is one and the handler keeps what it makes."""
    numbered = trial.bench.domain.numbered()
    if numbered is None:
        return None
    try:
        some = [numbered(index) for index in (0, 1, 2, 3, count)]
    except Exception:  # noqa: BLE001 - a class of the domain refuses such values
        return None
    return numbered if all(is_honoured(trial, value) for value in some) else None


@check("handler.independent-writes")
def another_instance_disturbs_nothing(trial: Trial) -> None:
    """A second handler on the same store writes, as often as the first has written; then the references of the first are read."""
    handler, other = trial.handler(), trial.handler("other")
    values = trial.accepted(4)
    references = [handler.write(fresh(value)) for value in values]
    for value in reversed(values):
        with suppress(Refused):  # that another instance can write is a matter of shared.instance
            other.write(fresh(value))
    for value, reference in zip(values, references, strict=True):
        trial.expect_same(handler.read(reference), value, "a write by another instance disturbed an earlier reference")


@check("handler.independent-writes", company="shuns")
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


@check("handler.independent-writes", company="shuns")
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
            values = list(honoured(trial, iter(values)))
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

    script = trial.script
    assert script is not None  # the caller has looked
    trial.store()
    sources = list(map(source_of, values))
    told = "pickle.dumps" if any("pickle.loads" in source for source in sources) else "repr"  # which may abbreviate
    indent = "    " if context else ""
    script.do(
        '(scratch / "store").mkdir()',
        f"values = [{', '.join(sources)}]",
        *([context] if context else []),
        f"{indent}handler = {script.handler('store')}",
        f"{indent}references = []",
        f"{indent}for value in values:",
        f"{indent}    random.seed(0)",
        f"{indent}    references.append(handler.write(copy.deepcopy(value)))",
        f"{indent}read_back = [handler.read(reference) for reference in references]",
    )
    script.fails_unless(f"list(map({told}, read_back)) == list(map({told}, values))", "values", "read_back")


@check_each("handler.input-untouched", where=is_ordinary, most=SOME)
def neither_value_nor_reference_is_altered(trial: Trial, value: Any) -> None:
    """The value is compared before and after write, the reference before and after read."""
    handler = trial.handler()
    before, was_writable = fresh(value), _is_writable(value)
    reference = handler.write(value)
    told = content_difference(before, value) or type_difference(before, value)
    if told is not None:
        trial.fail(
            f"write altered the value it was given: {told}",
            expected=shown(before),
            actual=shown(value),
            unless=f"repr(value) == {repr(before)!r}",
        )
    if was_writable and not _is_writable(value):
        trial.fail(
            "write took from the value that it can be altered",
            expected="an array that is writable, as before",
            actual="one that is read-only",
            unless="value.flags.writeable",
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


def _is_writable(value: Any) -> bool:
    return bool(getattr(getattr(value, "flags", None), "writeable", False))


@check("handler.input-untouched")
def what_is_refused_is_not_altered(trial: Trial) -> str:
    """Values that write refuses, and references to nothing, are compared before and after, down to their parts."""
    refused = 0
    for value in chain(half_writable(), islice(trial.bench.domain.outside(), _REFUSED)):
        handler = trial.handler()
        before, told, script = outline(value), shown(value), trial.script
        if script is not None:
            source = source_of(value)
            name = script.name(value, "value")
            script.do("from resultspec_conformance.values.altering import outline")
            script.do(f"{name} = {source}", f"before = outline({name})")
        try:
            handler.write(value)
        except Refused:
            refused += 1
            if outline(value) != before:
                if script is not None:
                    script.fails_unless(f"outline({name}) == before", "'the value as it was'", name)
                raise Violation(
                    "write altered a value that it refused", expected=f"{told}, as it was", actual=shown(value)
                ) from None
    handler = trial.handler("reader", "reader")
    reference = handler.write(trial.accepted(1)[0])
    unknown = list(forged(reference)) if json_problem(reference) is None else []
    for candidate in unknown:
        before, told = outline(candidate), shown(candidate)
        attempt(handler.handler.read, candidate)
        if outline(candidate) != before:
            raise Violation("read altered a reference that it refused", expected=f"{told}, as it was", actual=shown(candidate))
    return f"{refused} refused values, {len(unknown)} refused references"


@check_each("handler.snapshot", where=is_alterable, most=SOME)
def altering_the_value_later_changes_nothing(trial: Trial, value: Any) -> None:
    """The value is altered in place, at every depth, after it was written."""
    leave_lost_falsy_values(trial, value)
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    trial.alter(value)
    trial.expect_same(handler.read(reference), written, "altering the value after write altered what is read")


@check_each("handler.fresh-read", where=is_alterable, most=SOME)
def altering_what_was_read_changes_nothing(trial: Trial, value: Any) -> None:
    """What was read is altered in place, at every depth, before the next read; three times over."""
    leave_lost_falsy_values(trial, value)
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value)
    for _ in range(3):
        read = handler.read(reference)
        trial.expect_same(read, written, "altering a value that was read altered the next read")
        if not trial.alter(read):
            raise NotApplicable("what is read cannot be altered")
