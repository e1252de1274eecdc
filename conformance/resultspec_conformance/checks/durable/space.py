"""What becomes of writes for which there is no room."""

import time
from collections.abc import Sequence
from typing import Any

import attrs

from ...checking import Untested, Violation, check
from ...processes import writers
from ...processes.writing import Writer, problem
from ...trials import bulk
from ...trials.bulk import bulky, stored
from ...trials.outcomes import Outcome
from ...trials.trial import NOTHING_STORED, Trial
from ...values.source import shown


@check("durable.full-disk", company="seeks")
def writes_without_room_raise(trial: Trial) -> str:
    """Files may grow no further, within a value or at its end, and a small disk runs full; what was written before is read."""
    [small] = stored(trial, 1, "no disk to be full")
    large = (bulky(trial) or trial.accepted(2))[-1]
    before, after = sizes(trial, [small, large])
    limits = [
        (large, max(before.largest, after.largest // 2)),
        (large, after.largest - 1),
        (small, before.largest // 2),
        (small, 0),
    ]
    failures, slow = 0, False
    for number, (value, limit) in enumerate(limits):
        if slow:  # a handler that tries again and again has shown what it does
            break
        started = time.monotonic()
        failures += _limited(trial, f"limit {number}", [], value, small, limit)
        slow = time.monotonic() - started > SLOW
    failures += 0 if slow else _limited_index(trial, small)
    room = max(0, after.total - before.total) // 2
    writer = Writer(trial, "small disk", [small, large, small], [None, room, None])
    why_not, ended, read = writer.ask(writers.write_on_small_disk)
    if why_not is None:
        failures += _ran_out_of_space(trial, writer, ended, read, max(before.largest, after.largest // 2))
    if not failures:
        raise Untested("no write ran out of space, whatever the limit")
    return f"{failures} writes ran out of space; {why_not or 'one disk was full'}"


SLOW = 4.0
_MANY = 24


@attrs.frozen
class _Size:
    """What a store takes: its files by name, its largest file, and all of them."""

    files: dict[str, int]

    @property
    def largest(self) -> int:
        return max(self.files.values())

    @property
    def total(self) -> int:
        return sum(self.files.values())


def _size(trial: Trial, store: str) -> _Size:
    directory = trial.store(store)
    files = {str(path): path.stat().st_size for path in directory.rglob("*") if path.is_file()}
    if not files:
        raise Untested(f"{NOTHING_STORED}, so that it cannot be made to run out of space")
    return _Size(files)


def sizes(trial: Trial, values: Sequence[Any], store: str = "measured") -> list[_Size]:
    """What a store takes after each of the values, written by a process of its own."""
    sizes = []
    for index, value in enumerate(values):
        writer = Writer(trial, store, [value], log=str(index))
        writer.ask(writers.write_and_exit)
        sizes.append(_size(trial, store))
        reader = writer.reader()
        for one in writer.acknowledged():
            if one.error is None and (told := problem(trial, reader.attempt_read(one.reference), value)) is not None:
                raise Untested(f"what another process writes does not read here, room or no room: {told}")
    return sizes


def _limited(trial: Trial, store: str, earlier: Sequence[tuple[Any, Any]], value: Any, small: Any, limit: int) -> bool:
    """Write a value while no file may grow beyond a limit, between two small ones without: whether it raised."""
    writer = Writer(trial, store, [small, value, small], [None, limit, None], log="limited")
    ended = writer.ask(writers.write_and_exit)
    reader = writer.reader()
    read = [reader.attempt_read(one.reference) for one in writer.acknowledged() if one.error is None]
    failed = _ran_out_of_space(trial, writer, ended, read, limit)
    for written, reference in earlier:
        outcome = reader.attempt_read(reference)
        if problem(trial, outcome, written) is not None:
            raise Violation(_LOST, expected=shown(written), actual=outcome.error or shown(outcome.value))
    return failed


def _limited_index(trial: Trial, small: Any) -> bool:
    """Where many values share a file, such as an index, let that file alone grow no further: whether the write raised."""
    many = Writer(trial, "many", [small] * _MANY)
    many.ask(writers.write_and_exit)
    earlier = [(small, one.reference) for one in many.acknowledged() if one.error is None]
    before = _size(trial, "many").files
    [after] = sizes(trial, [small], "many")
    shared = [name for name, size in after.files.items() if size > before.get(name, size)]
    if not shared:
        return False
    largest = max(shared, key=after.files.__getitem__)
    limit = 2 * after.files[largest] - before[largest]  # room for one more value
    return _limited(trial, "many", earlier, small, small, limit)


_LOST = "an earlier reference does not give its value after a write that ran out of space"


def _ran_out_of_space(trial: Trial, writer: Writer, ended: int, read: Sequence[Outcome], limit: int) -> bool:
    """Judge three writes of which the second had too little room: whether it raised."""
    told = writer.acknowledged()
    outcomes = iter(read)
    if len(told) < 3:
        _full_script(trial, writer, limit)
        raise Violation("the process died when it ran out of space", expected="an exception from write", actual=ending(ended))
    first, second, third = ((one, next(outcomes) if one.error is None else Outcome(error=one.error)) for one in told)
    for (one, outcome), message in (
        (second, "a write that ran out of space returned a reference that does not give the value"),
        (first, _LOST),
        (third, "there was room again, and a small value could still not be written and read"),
    ):
        if one.index == 1 and one.error is not None:
            continue
        if problem(trial, outcome, writer.values[one.index]) is not None:
            _full_script(trial, writer, limit)
            raise Violation(message, expected=shown(writer.values[one.index]), actual=outcome.error or shown(outcome.value))
    return second[0].error is not None


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _full_script(trial: Trial, writer: Writer, limit: int) -> None:
    if trial.script is None:
        return
    small, value, _ = writer.values
    trial.script.do(
        "from resultspec_conformance.trials import bulk",
        "import resource",
        '(scratch / "store").mkdir()',
        f"handler = {trial.script.handler('store')}",
        f"small, value = {bulk.source(small)}, {bulk.source(value)}",
        "pairs = [(small, handler.write(small))]",
        "room = resource.getrlimit(resource.RLIMIT_FSIZE)",
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, room[1]))  # no file may grow beyond this",
        "try:",
        "    pairs.append((value, handler.write(value)))",
        "except Exception as error:",
        '    print("raised, as the rule asks:", repr(error))',
        "finally:",
        "    resource.setrlimit(resource.RLIMIT_FSIZE, room)",
        "pairs.append((small, handler.write(small)))",
        "for expected, reference in pairs:",
        "    read_back = handler.read(reference)",
        "    if repr(read_back) != repr(expected):",
        '        raise SystemExit(f"the rule is broken: expected {expected!r:.200}, got {read_back!r:.200}")',
    )
