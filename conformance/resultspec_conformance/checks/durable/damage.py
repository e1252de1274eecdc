"""Whether reading notices that what is stored was damaged."""

import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ...checking import Untested, Violation, check
from ...processes import writers
from ...processes.interpreters import WorkerDied, WorkerHung
from ...processes.writing import Writer, problem
from ...storage import StorageDoor
from ...trials import bulk
from ...trials.bulk import bulky, stored
from ...trials.outcomes import Outcome
from ...trials.trial import Trial, fresh
from ...values.comparison import type_difference
from ...values.source import shown
from ..core.examples import is_honoured
from .space import ending


@check("durable.corruption", company="seeks")
def damage_is_noticed(trial: Trial) -> str:
    """Bytes of every stored object are flipped, and it is cut, emptied and lengthened; each time a new handler reads it.

    A read may raise, or give exactly the value, as it does where the damaged byte means nothing. Whole values that were
    put in each other's place are a matter of ``private.tamper-evident``.
    """
    first, *others = stored(trial, 4, "no stored value to damage")
    # Some are large, since a checksum may cover the beginning alone, or small values alone.
    values = [
        *(others or [first]),
        *bulky(trial)[:1],
        *(fresh(value) for value in trial.bench.large[:1] if is_honoured(trial, value)),
    ]
    opening = Writer(trial, "store", [first])
    opening.ask(writers.write_and_exit)  # what is there from now on belongs to no value that is damaged
    reader = opening.reader()
    door = trial.door(reader)
    known = {name: door.get(name) for name in door.names()}
    kept: list[tuple[Any, Any, dict[str, Sequence[int]]]] = []
    for index, value in enumerate(values):
        writer = Writer(trial, "store", [value], log=str(index))
        writer.ask(writers.write_and_exit)
        references = [one.reference for one in writer.acknowledged() if one.error is None]
        now = {name: door.get(name) for name in door.names()}
        if references:
            kept.append((value, references[0], {name: _changed(known.get(name), now[name]) for name in now}))
        known = now
    damaging = _Damaging(
        trial, door, {name: known[name] for _, _, places in kept for name in places if places[name] and name in known}
    )
    for value, reference, places in kept:
        for name, offsets in places.items():
            if offsets and name in known and not name.endswith("-shm"):  # an index in memory that sqlite makes anew
                damaging.damage(name, offsets, reference, value)
    if not damaging.tried:
        raise Untested("no stored object belongs to a value")
    waits = f"; after {damaging.hung} others read waits for long, which ended the check early" if damaging.hung else ""
    return f"{damaging.tried} kinds of damage{waits}"


_FLIPS = 24


def _changed(old: bytes | None, new: bytes) -> Sequence[int]:
    """The offsets of the blocks of an object that were not there before."""
    if old is None:
        return range(len(new))
    blocks = (at for at in range(0, len(new), _BLOCK) if old[at : at + _BLOCK] != new[at : at + _BLOCK])
    return [offset for at in blocks for offset in range(at, min(at + _BLOCK, len(new)))]


_BLOCK = 16


def _damages(size: int, offsets: Sequence[int]) -> Iterator[tuple[str, str]]:
    """What is done to an object: in words, and as an expression of its content."""
    chosen = sorted({offsets[number * (len(offsets) - 1) // (_FLIPS - 1)] for number in range(_FLIPS)})
    for number, at in enumerate(at for at in chosen if at < size):
        mask = (0x01, 0x80, 0x10)[number % 3]
        yield f"byte {at} of {size} was flipped", f"content[:{at}] + bytes([content[{at}] ^ {mask}]) + content[{at + 1}:]"
    for one, other in ((at, chosen[-1 - number]) for number, at in enumerate(chosen[: len(chosen) // 2 : 4])):
        if other < size:  # what cancels out in a sum
            between = f"content[{one + 1}:{other}]"
            yield (
                f"bytes {one} and {other} of {size} were exchanged",
                f"content[:{one}] + content[{other}:{other + 1}] + {between} + content[{one}:{one + 1}] + content[{other + 1}:]",
            )
            flipped = "bytes([content[{0}] ^ 0x20])".format
            yield (
                f"the same bit of bytes {one} and {other} of {size} was flipped",
                f"content[:{one}] + {flipped(one)} + {between} + {flipped(other)} + content[{other + 1}:]",
            )
    for left in sorted({0, size // 2, size - 1}):
        yield (f"all but {left} of {size} bytes were cut off" if left else "it was emptied"), f"content[:{left}]"
    yield "a byte was added", 'content + b"0"'
    yield "it was doubled", "content + content"


class _Damaging:
    """Damages stored objects one at a time, and reads.

    Args:
        trial: The trial.
        door: The way to what is stored; other trials may have stored much beside it.
        whole: The objects that belong to the trial, as they are undamaged.
    """

    def __init__(self, trial: Trial, door: StorageDoor, whole: dict[str, bytes]) -> None:
        self._trial = trial
        self._door = door
        self._store = str(trial.store())
        self._whole = whole
        self._names = set(door.names())
        self._leaks = False
        self.tried = 0
        self.hung = 0

    def damage(self, name: str, offsets: Sequence[int], reference: Any, value: Any) -> None:
        """Damage an object in every way, and read what it belongs to each time."""
        content = self._whole[name]
        self._expect_whole(reference, value, "what another process wrote does not read here, damaged or not")
        for words, expression in _damages(len(content), offsets):
            damaged: bytes = eval(expression, {"content": content})  # noqa: S307 - an expression of this module
            if damaged == content or self.hung >= _MOST_HUNG:
                continue
            self._door.set(name, damaged)
            outcome = self._read(reference, f"{name}: {words}")
            self._restore()
            if outcome is None:
                self.hung += 1
                continue
            self.tried += 1
            if outcome.error is None and (told := _differs_at_all(self._trial, value, outcome.value)) is not None:
                _corruption_script(self._trial, value, expression)
                raise Violation(
                    f"damage went unnoticed ({name}: {words}): {told}",
                    expected=f"an exception, or {shown(value)}",
                    actual=shown(outcome.value),
                )
        self._expect_whole(reference, value, "a stored object that was damaged and put back does not read any more")

    def _expect_whole(self, reference: Any, value: Any, otherwise: str) -> None:
        outcome = self._read(reference, "nothing was damaged")
        if outcome is not None and (told := problem(self._trial, outcome, value)) is not None:
            raise Untested(f"{otherwise}: {told}")

    def _restore(self) -> None:
        """Put back every object of the trial, since reading may have altered others than the damaged one."""
        now = set(self._door.names())
        for name in now - self._names:
            self._door.remove(name)
        for name, content in self._whole.items():
            if name not in now or self._door.get(name) != content:
                self._door.set(name, content)

    def _read(self, reference: Any, damage: str) -> Outcome | None:
        """Read by a new handler in another process, which damaged data may bring down; None when it hung."""
        if self._leaks:
            return self._read_apart(reference, damage)
        worker = self._trial.bench.worker()
        self._trial.bench.beat = time.monotonic()
        try:
            worker.begin(writers.do, None, (writers.read_anew, (self._store, reference)), self._trial.bench.shipped)
            outcome: Outcome
            outcome, clean = worker.answer(_PATIENCE)
        except WorkerHung:
            self._trial.bench.retire(worker)
            return None
        except WorkerDied as death:
            self._trial.bench.retire(worker)
            raise _brought_down(damage, str(death)) from death
        if not clean:  # the next read would go to the file of before
            self._trial.bench.retire(worker)
            self._leaks = True
        return outcome

    def _read_apart(self, reference: Any, damage: str) -> Outcome | None:
        writer = Writer(self._trial, "store", [])
        outcome: Outcome | None
        outcome, ended = writer.command(writers.read_apart, self._store, reference, _PATIENCE)
        if outcome is None and ended != -signal.SIGKILL:
            raise _brought_down(damage, ending(ended))
        return outcome


def _brought_down(damage: str, how: str) -> Violation:
    return Violation(f"reading a damaged value brought the process down ({damage})", expected="an exception", actual=how)


_PATIENCE = 5.0
_MOST_HUNG = 2


def _differs_at_all(trial: Trial, written: Any, read: Any) -> str | None:
    differs = trial.differs(written, read)
    return differs if differs is not None or trial.subject.equal is not None else type_difference(written, read)


def _corruption_script(trial: Trial, value: Any, expression: str) -> None:
    if trial.script is None:
        return
    trial.script.do(
        "from resultspec_conformance.trials import bulk",
        "from resultspec_conformance.storage import Files",
        '(scratch / "store").mkdir()',
        f"value = {bulk.source(value)}",
        f"reference = {trial.script.handler('store')}.write(value)",
        'door = Files(scratch / "store")',
        "for name in door.names():",
        "    content = door.get(name)",
        f"    door.set(name, {expression})",
        "    try:",
        f"        read_back = {trial.script.handler('store')}.read(reference)",
        "    except Exception as error:",
        '        print("raised, as the rule asks:", repr(error))',
        "    else:",
        '        print("expected: an exception, or", repr(value)[:200])',
        '        print("actual:  ", repr(read_back)[:200])',
        "        if repr(read_back) != repr(value):",
        '            raise SystemExit("the rule is broken")',
        "    door.set(name, content)",
    )
