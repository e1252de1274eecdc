"""Writers killed at every moment, and raced by a reader: what was found of each reference.

One series of kills serves two rules: what was acknowledged is there (``durable.kill``), and nothing is there in part
(``durable.all-or-nothing``).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from ..checking import Untested, Violation
from ..trials.bench import Bench
from ..trials.bulk import bulky
from ..trials.outcomes import Outcome, attempt
from ..trials.trial import Handle, Trial, fresh
from ..values.source import shown
from . import writers
from .writing import ALL_ARE_READ, Writer, problem, write_down

_MOST_KILLS = 40
_MOST_KILLS_AMONG_MANY = 16
_RACED_WRITES = 24
_RACED_UNTIL = 16
_SLOW = 2.0


@attrs.define
class Series:
    """What came of killing writers.

    Attributes:
        kills: How many writers were killed.
        kind: At what moments, in words.
        reads: How many references were read.
        foreseen: Whether references can be foreseen.
        lost: The first acknowledged reference that was lost.
        partial: The first reference under which something else than a whole value was found.
        hopeless: Whether a reader waited long for what was lost, so that more kills would take for ever and tell nothing.
        raced: Whether references were also read while they were written.
    """

    kind: str
    kills: int = 0
    reads: int = 0
    foreseen: bool = False
    lost: Violation | None = None
    partial: Violation | None = None
    hopeless: bool = False
    raced: bool = False

    def told(self) -> str:
        """What was done, for the report."""
        which = "returned and foreseeable" if self.foreseen else "returned"
        race = ", also while they were written" if self.raced else ""
        return f"{self.kills} writers killed, at {self.kind}; {self.reads} reads of {which} references{race}"


def series(trial: Trial) -> Series:
    """The series of the run; a trial that is to be reproduced has one of its own.

    Raises:
        Untested: No process can write, or none could be killed.
    """
    if trial.script is not None:
        return _Killing(trial).run()
    if trial.bench not in _known:
        _known[trial.bench] = _Killing(trial).run()
    return _known[trial.bench]


_known: WeakKeyDictionary[Bench, Series] = WeakKeyDictionary()


class _Killing:
    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        large = bulky(trial)
        small = trial.accepted(1 if large else 3)
        self._values = [*small, *large, fresh(small[0])]  # who keeps equal values in one place writes there again
        self._nothing: list[Outcome] = []

    def run(self) -> Series:
        twin = Writer(self._trial, "undisturbed", self._values)
        moments, why_not = twin.ask(writers.moments)
        if not any(one.error is None for one in twin.acknowledged()):
            raise Untested("no other process could write any value")
        chosen = _chosen(moments, _MOST_KILLS)
        share = "all" if len(chosen) == len(moments) else f"{len(chosen)} of"
        calls = "system call that alters storage" if why_not is None else f"call of a function that may alter storage ({why_not})"
        found = Series(f"{share} {len(moments)} moments: before each {calls}, within long writes and after each return")
        again = Writer(self._trial, "undisturbed again", self._values)
        again.ask(writers.write_and_exit)
        known = [one.reference for one in again.acknowledged()]
        found.foreseen = any(one is not None and one in known for one in again.foreseen(twin))
        self._nothing = self._empty(twin) if found.foreseen else []
        for moment in chosen:
            self._kill(found, twin, moment, moments[moment])
            if found.hopeless:
                break
        if not found.kills:
            raise Untested("no writer could be killed")
        if not self._trial.bench.inline and found.lost is None:
            self._race(found)
        return found

    def _empty(self, twin: Writer) -> list[Outcome]:
        """What comes of reading the references where nothing was written."""
        nothing = Writer(self._trial, "nothing", self._values)
        reader = nothing.reader()
        return [reader.attempt_read(reference) for reference in nothing.foreseen(twin)]

    def _kill(self, found: Series, twin: Writer, moment: int, words: str) -> None:
        writer = Writer(self._trial, f"kill {moment}", self._values)
        if not writer.ask(writers.write_and_die, moment):
            return
        found.kills += 1
        when = f"after the writer was killed {words}"
        reader = writer.reader()
        told = writer.acknowledged()
        returned = {one.index: one.reference for one in told if one.error is None}
        for index, reference in returned.items():
            self._look_at_returned(found, reader, writer.values[index], reference, when, moment)
        if found.foreseen:
            for index, reference in enumerate(writer.foreseen(twin)):
                if index not in returned and reference is not None:
                    self._look_at_foreseen(found, reader, writer, index, reference, when, moment)
            self._write_again(found, reader, writer.values[len(told) : len(told) + 1], when, moment)

    def _write_again(self, found: Series, reader: Handle, interrupted: Sequence[Any], when: str, moment: int) -> None:
        """What a killed writer left under a name that can be foreseen must not be taken for the value when it is written again."""
        for value in interrupted:
            written = attempt(reader.handler.write, fresh(value))
            if written.error is not None:
                return
            outcome = reader.attempt_read(written.value)
            if problem(self._trial, outcome, value) is not None and found.lost is None:
                found.lost = Violation(
                    f"a value was written again {when}, and the reference that write returned does not give it",
                    expected=shown(value),
                    actual=outcome.error or shown(outcome.value),
                )
                self._write_down(moment, _WRITTEN_AGAIN)

    def _look_at_returned(
        self, found: Series, reader: Handle, value: Any, reference: Any, when: str, moment: int | None = None
    ) -> None:
        started = time.monotonic()
        outcome = reader.attempt_read(reference)
        found.reads += 1
        told = problem(self._trial, outcome, value)
        if told is None:
            return
        found.hopeless |= time.monotonic() - started > _SLOW
        if found.lost is None:
            found.lost = Violation(
                f"a reference that write had returned does not give its value {when}",
                expected=shown(value), actual=outcome.error or shown(outcome.value),
            )  # fmt: skip
            self._write_down(moment, ALL_ARE_READ)
        if outcome.error is None and found.partial is None:
            found.partial = _in_part(value, outcome.value, told, when)
            self._write_down(moment, _WHOLE_OR_RAISES)

    def _look_at_foreseen(
        self, found: Series, reader: Handle, writer: Writer, index: int, reference: Any, when: str, moment: int | None = None
    ) -> None:
        """A name that can be foreseen may give any whole value that was written, or what it gives where nothing is."""
        outcome = reader.attempt_read(reference)
        found.reads += 1
        if outcome.error is not None or found.partial is not None:
            return
        told = self._trial.differs(writer.values[index], outcome.value)
        others = (value for value in writer.values if self._trial.differs(value, outcome.value) is None)
        if told is None or next(others, None) is not None:
            return
        if index < len(self._nothing) and problem(self._trial, self._nothing[index], outcome.value) is None:
            return
        found.partial = _in_part(writer.values[index], outcome.value, told, when)
        self._write_down(moment, _WHOLE_OR_RAISES)

    def _race(self, found: Series) -> None:
        """A process writes as fast as it can, this one reads what it has returned and what it will return; then it is killed."""
        writer = Writer(self._trial, "race", list(_variants(self._values, _RACED_WRITES)))
        foreseen: list[Any] = []
        if found.foreseen:
            twin = Writer(self._trial, "undisturbed race", writer.values)
            twin.ask(writers.write_and_exit)
            foreseen = writer.foreseen(twin)
        pid = writer.ask(writers.begin_to_write)
        try:
            self._read_on(found, writer, foreseen, pid)
        finally:
            writer.command(writers.kill, pid)
        found.raced = True
        self._kill_among_many(found, writer)

    def _read_on(self, found: Series, writer: Writer, foreseen: Sequence[Any], pid: int) -> None:
        """Read what a process has returned and what it will return, until it has written enough or has ended."""
        reader = writer.reader()
        seen, idle, progress = 0, 0, time.monotonic()
        while seen < _RACED_UNTIL and not (idle % 64 == 63 and writer.command(writers.has_ended, pid)):
            told = writer.acknowledged()
            for one in told[seen:]:
                if one.error is None:
                    self._look_at_returned(found, reader, writer.values[one.index], one.reference, "while it writes on")
            for index in range(len(told), min(len(told) + 2, len(foreseen))):
                self._look_at_foreseen(found, reader, writer, index, foreseen[index], "while it is being written")
            if len(told) > seen:
                seen, idle, progress = len(told), 0, time.monotonic()
                continue
            idle += 1
            time.sleep(0.0005)
            limit = self._trial.bench.settings.limit
            if time.monotonic() - progress > limit:
                actual = f"nothing within {limit:g} seconds"
                raise Violation("a process that writes hung", expected="write to return or raise", actual=actual)

    def _kill_among_many(self, found: Series, raced: Writer) -> None:
        """Writers are killed while they write to a store that holds many values, which share its files and indexes."""
        kept = [(raced.values[one.index], one.reference) for one in raced.acknowledged() if one.error is None]
        writer = attrs.evolve(raced, values=self._values[:1], log="more")
        moments, _ = writer.ask(writers.moments)
        when = "after the writer was killed in a race"
        for moment in (None, *_chosen(moments, _MOST_KILLS_AMONG_MANY)):
            if moment is not None:
                found.kills += writer.ask(writers.write_and_die, moment)
                when = f"after a writer to a store of {len(kept)} values was killed {moments[moment]}"
            reader = writer.reader()
            for value, reference in kept:
                self._look_at_returned(found, reader, value, reference, when)
            if found.lost is not None:
                return
        reader = writer.reader()
        for one in writer.acknowledged():
            if one.error is None:
                self._look_at_returned(found, reader, writer.values[one.index], one.reference, when)

    def _write_down(self, moment: int | None, ending: Sequence[str]) -> None:
        """Write a script of one kill in a store of its own; races have none, since they may end otherwise each time."""
        if moment is not None:
            steps = ("writers.write_and_exit(make, twin)", f"writers.write_and_die(make, order, {moment})")
            write_down(self._trial, self._values, [*steps, *ending])


_WRITTEN_AGAIN = (
    'handler = make(scratch / "store")',
    "expected = values[len(writers.acknowledgements(order.log))]",
    "read_back = handler.read(handler.write(expected))",
    'print("expected:", repr(expected)[:200])',
    'print("actual:  ", repr(read_back)[:200])',
    "if repr(read_back) != repr(expected):",
    '    raise SystemExit("the rule is broken")',
)
_WHOLE_OR_RAISES = (
    'handler = make(scratch / "store")',
    "for told in [*writers.acknowledgements(order.log), *writers.acknowledgements(twin.log)]:",
    "    reference = json.loads(json.dumps(told.reference).replace(twin.store, order.store))",
    "    try:",
    "        read_back = handler.read(reference)",
    "    except Exception as error:",
    '        print("raised, as the rule allows:", repr(error)[:200])',
    "    else:",
    '        print("expected:", repr(values[told.index])[:200])',
    '        print("actual:  ", repr(read_back)[:200])',
    "        if repr(read_back) not in map(repr, values):",
    '            raise SystemExit("the rule is broken")',
)


def _in_part(value: Any, read: Any, told: str, when: str) -> Violation:
    return Violation(
        f"read returned something else than the whole value {when}: {told}",
        expected=f"an exception, or {shown(value)}",
        actual=shown(read),
    )


def _chosen(moments: Sequence[str], most: int) -> list[int]:
    """Evenly chosen moments, those at a new state of a single long write and after a return before all others."""
    if len(moments) <= most:
        return list(range(len(moments)))
    first = [index for index, moment in enumerate(moments) if moment.startswith(("within", "right after"))][: most // 2]
    rest = [index for index in range(len(moments)) if index not in first]
    return sorted(first + [rest[number * len(rest) // (most - len(first))] for number in range(most - len(first))])


def _variants(values: Sequence[Any], count: int) -> Iterator[Any]:
    """Different large values: each a little shorter than the last of its kind."""
    long = [value for value in values if not isinstance(value, dict) and hasattr(value, "__len__") and len(value) > 2 * count]
    for index in range(count):
        if not long:
            yield values[index % len(values)]
            continue
        value = long[index % len(long)]
        yield value[: len(value) - index // len(long)]
