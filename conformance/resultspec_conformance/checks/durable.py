"""Checks of the class *durable*: what a handler keeps through exits, crashes and faults."""

import gc
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import attrs

from ..attacks.databases import is_lmdb
from ..checking import Untested, Violation, check
from ..processes import writers
from ..processes.interpreters import WorkerDied, WorkerHung
from ..processes.killing import series
from ..processes.writing import ALL_ARE_READ, Writer, problem, write_down
from ..storage import Files, StorageDoor
from ..trials import bulk
from ..trials.bulk import bulky, stored
from ..trials.outcomes import Outcome, attempt
from ..trials.trial import NOTHING_STORED, Trial, fresh
from ..values import traps
from ..values.comparison import type_difference
from ..values.source import shown, source_of
from .core.examples import is_honoured

_EXIT_VALUES = 12


@check("durable.exit")
def an_exited_process_leaves_its_values(trial: Trial) -> str:
    """A process writes, and exits as any interpreter does: exit functions run, daemon threads are lost; then this one reads."""
    values = [*trial.accepted(_EXIT_VALUES), *bulky(trial)]
    writer = Writer(trial, "store", values)
    ended = writer.ask(writers.write_and_exit)
    told = writer.acknowledged()
    if len(told) < len(values):
        raise Violation(
            "a process that writes died", expected=f"{len(values)} references", actual=f"{len(told)}, and {_ending(ended)}"
        )
    reader = writer.reader()
    for one in told:
        if one.error is not None:
            raise Violation(
                "another process could not write what this one can",
                expected=f"a reference for {shown(values[one.index])}",
                actual=one.error,
            )
        outcome = reader.attempt_read(one.reference)
        if problem(trial, outcome, values[one.index]) is not None:
            _exit_script(trial, values[one.index])
            raise Violation(
                "a value is not there any more after the process that wrote it has exited",
                expected=shown(values[one.index]),
                actual=outcome.error or shown(outcome.value),
            )
    return f"{len(values)} values of a process that has exited"


def _exit_script(trial: Trial, value: Any) -> None:
    if trial.script is not None:
        trial.script.do('(scratch / "store").mkdir()', f"value = {trial.script.of(value)}")
        trial.script.do(f"reference = {trial.script.in_fresh_process('write', 'store', 'value')}")
        trial.script.do(f"handler = {trial.script.handler('store')}", "read_back = handler.read(reference)")
        trial.script.fails_unless("repr(read_back) == repr(value)", "value", "read_back")


@check("durable.kill")
def what_was_acknowledged_survives_kills(trial: Trial) -> str:
    """Writers are killed by SIGKILL before each system call that alters the storage, within long writes, and after each return."""
    found = series(trial)
    if found.lost is not None:
        raise found.lost
    return found.told()


@check("durable.all-or-nothing")
def nothing_is_read_in_part(trial: Trial) -> str:
    """After each kill, and while a process writes, every reference is read that was returned or can be foreseen."""
    found = series(trial)
    if found.partial is not None:
        raise found.partial
    return found.told()


@check("durable.full-disk")
def writes_without_room_raise(trial: Trial) -> str:
    """Files may grow no further, within a value or at its end, and a small disk runs full; what was written before is read."""
    [small] = stored(trial, 1, "no disk to be full")
    large = (bulky(trial) or trial.accepted(2))[-1]
    before, after = _sizes(trial, [small, large])
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
        slow = time.monotonic() - started > _SLOW
    failures += 0 if slow else _limited_index(trial, small)
    room = max(0, after.total - before.total) // 2
    writer = Writer(trial, "small disk", [small, large, small], [None, room, None])
    why_not, ended, read = writer.ask(writers.write_on_small_disk)
    if why_not is None:
        failures += _ran_out_of_space(trial, writer, ended, read, max(before.largest, after.largest // 2))
    if not failures:
        raise Untested("no write ran out of space, whatever the limit")
    return f"{failures} writes ran out of space; {why_not or 'one disk was full'}"


_SLOW = 4.0
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


def _sizes(trial: Trial, values: Sequence[Any], store: str = "measured") -> list[_Size]:
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
    [after] = _sizes(trial, [small], "many")
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
        raise Violation("the process died when it ran out of space", expected="an exception from write", actual=_ending(ended))
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


def _ending(code: int) -> str:
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


@check("durable.synced")
def what_was_not_synced_is_not_missed(trial: Trial) -> str:
    """The store is put back to what had been synced when write returned, as a power cut would leave it, and is read.

    Syncing is seen in the system calls of a process that writes: fsync, fdatasync, msync, sync, syncfs, and files opened
    with O_SYNC or O_DSYNC. (sync_file_range does not count: it leaves the size of a new file to chance.) A removal counts
    as done, and directories that were there before need no sync.
    """
    values = [*stored(trial, 1, "nothing to sync"), *bulky(trial)[:1]]
    writer = Writer(trial, "store", values)
    lost, unseen, why_not = writer.ask(writers.write_and_lose_power)
    if why_not is not None:
        raise Untested(f"it cannot be seen here what is synced: {why_not}")
    if not any(trial.scratch.glob("store.lost/*")):
        raise Untested(f"{NOTHING_STORED}, so that it cannot be seen what is synced")
    reader = writer.reader()
    for one in writer.acknowledged():
        if one.error is not None:
            continue
        outcome = reader.attempt_read(one.reference)
        if problem(trial, outcome, values[one.index]) is not None:
            if not _survives_a_kill(trial, values):
                raise Untested("a kill alone loses what was written, power cut or not; see durable.kill")
            if unseen:
                raise Untested(
                    f"it cannot be seen what is synced of {', '.join(unseen[:3])}: something else wrote it, such as a process "
                    "that the handler starts, and only the process that calls write can be followed"
                )
            write_down(trial, values, ["writers.write_and_lose_power(make, order)", *ALL_ARE_READ])
            raise Violation(
                f"write returned before the disk had it all; a power cut would lose {', '.join(lost[:6])}",
                expected=shown(values[one.index]),
                actual=outcome.error or shown(outcome.value),
            )
    return f"{len(values)} values survive a power cut" + (f", which loses {', '.join(lost[:6])}" if lost else "")


def _survives_a_kill(trial: Trial, values: Sequence[Any]) -> bool:
    """Whether the values are there when their writer was killed right after the last write returned."""
    moments, _ = Writer(trial, "undisturbed", values).ask(writers.moments)
    writer = Writer(trial, "killed", values)
    writer.ask(writers.write_and_die, len(moments) - 1)
    reader = writer.reader()
    told = [one for one in writer.acknowledged() if one.error is None]
    return all(problem(trial, reader.attempt_read(one.reference), values[one.index]) is None for one in told)


@check("durable.corruption")
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
            raise _brought_down(damage, _ending(ended))
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


@check("durable.no-residue")
def failed_writes_leave_nothing(trial: Trial) -> str:
    """After one good write, writes are made to fail, by values midway through which writing fails and by a lack of room."""
    [small] = stored(trial, 1, "no storage to open")
    handler = Writer(trial, "store", []).reader()
    first = attempt(handler.handler.write, fresh(small))
    if first.error is not None:
        raise Untested(f"the handler refused a value that it accepts elsewhere: {first.error}")
    door = trial.door(handler)
    failures = 0
    before = _contents(door)
    temporary = trial.store("temporary")
    for value, expression in _unwritable(trial):
        with mock.patch.object(tempfile, "tempdir", str(temporary)):  # where many a file is composed
            outcome = attempt(handler.handler.write, value)
        if outcome.error is None:
            before = _contents(door)
            continue
        failures += 1
        if residue := [*_residue(door, before), *_residue(Files(temporary), {})]:
            _residue_script(trial, small, expression)
            raise _left(residue, f"the failed write of {shown(value)}")
    if isinstance(door, Files):
        with suppress(Untested):  # no file of the handler's is where it could be limited
            failures += _without_room(trial, small)
        if all(_belongs_to_a_database(door, name, 1) and not _is_sqlite(door.directory / name) for name in door.names()):
            raise Untested("the storage is a database whose records cannot be seen; give the subject a door to them: tamper=")
    if not failures:
        raise Untested("no write could be made to fail")
    return f"{failures} failed writes"


_REFUSED = 30


def _unwritable(trial: Trial) -> Iterator[tuple[Any, str]]:
    """Values that many handlers refuse, and expressions that make them."""
    for index, value in enumerate(traps.half_writable()):
        yield value, f"traps.half_writable()[{index}]"
    for value in islice(trial.bench.domain.outside(), _REFUSED):
        yield value, source_of(value)


def _without_room(trial: Trial, small: Any) -> int:
    """Writes that run out of space, in processes of their own: how many failed."""
    large = (bulky(trial) or [small])[0]
    before, after = _sizes(trial, [small, large])
    Writer(trial, "full", [small], log="small").ask(writers.write_and_exit)
    door = Files(trial.store("full"))
    failures = 0
    for limit in (max(before.largest, after.largest // 2), after.largest - 1):
        started, known = time.monotonic(), _contents(door)
        writer = Writer(trial, "full", [large], [limit], log=f"limit {limit}")
        writer.ask(writers.write_and_exit)
        if any(one.error is not None for one in writer.acknowledged()):
            failures += 1
            if residue := _residue(door, known):
                _residue_script(trial, small, bulk.source(large), limit)
                raise _left(residue, f"a write that ran out of space at {limit:,} bytes")
        if time.monotonic() - started > _SLOW:
            break
    return failures


def _contents(door: StorageDoor) -> dict[str, int]:
    """The size of every stored object; that of a directory, whose name ends with a slash, and of a row is 0."""
    if not isinstance(door, Files):
        return dict.fromkeys(door.names(), 0)
    contents: dict[str, int] = {}
    for path in door.directory.rglob("*"):
        name = str(path.relative_to(door.directory))
        if path.is_dir() and not path.is_symlink():
            contents[f"{name}/"] = 0
        elif path.is_file():
            contents[name] = path.stat().st_size
            contents |= dict.fromkeys(_rows(path, name), 0)
    return contents


def _rows(path: Path, name: str) -> Iterator[str]:
    """The rows of a database of SQLite, as names; counted in a copy, since opening it may alter it."""
    if not _is_sqlite(path):
        return
    with tempfile.TemporaryDirectory(prefix="resultspec-") as copies:
        for part in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
            if part.exists():
                shutil.copy(part, copies)
        with closing(sqlite3.connect(Path(copies, path.name))) as connection, suppress(sqlite3.Error):
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - its own name
                yield from (f"{name}: row {number} of {table}" for number in range(1, count + 1))


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _left(residue: Sequence[str], cause: str) -> Violation:
    return Violation(
        f"{cause} left something behind",
        expected="a storage that holds what it held before",
        actual=f"in addition: {', '.join(residue[:6])}",
    )


def _residue(door: StorageDoor, before: Mapping[str, int]) -> list[str]:
    """What is new in the storage, and no business of a database."""
    if _contents(door) == before:
        return []
    gc.collect()  # a temporary file that nobody holds any more goes with its object
    after = _contents(door)
    new = [
        name
        for name, size in after.items()
        if name not in before and not _belongs_to_a_database(door, name, size) and not _is_shard(name, after)
    ]
    grown = [
        f"{size - before[name]:,} bytes more in {name}"
        for name, size in after.items()
        if size > before.get(name, size) + _MUCH and not _belongs_to_a_database(door, name, size)
    ]
    return new + grown


_MUCH = 8_000  # less is a counter or a log


def _is_shard(name: str, names: Mapping[str, int]) -> bool:
    """Whether a directory is one of few that many values share, by its short name, or holds what is told anyway."""
    return name.endswith("/") and (len(Path(name).name) <= 4 or any(other != name and other.startswith(name) for other in names))


def _belongs_to_a_database(door: StorageDoor, name: str, size: int) -> bool:
    if name.endswith(("-journal", "-wal", "-shm")) or (size == 0 and "lock" in name.lower()):
        return True
    if not isinstance(door, Files) or not (path := door.directory / name).is_file():
        return False
    if size == 0 and any(_is_sqlite(other) for other in path.parent.glob(f"*{path.suffix}") if other.is_file()):
        return True  # a further database, which is empty until the first write to it is done
    of_dbm = path.suffix in (".dir", ".bak", ".dat", ".lock") and path.with_suffix(".dir").exists()
    return of_dbm or _is_sqlite(path) or is_lmdb(path.with_name("data.mdb") if path.name == "lock.mdb" else path)


def _residue_script(trial: Trial, small: Any, expression: str, limit: int | None = None) -> None:
    if trial.script is None:
        return
    trial.script.do(
        "from resultspec_conformance.trials import bulk",
        '(scratch / "store").mkdir()',
        f"handler = {trial.script.handler('store')}",
        f"handler.write({source_of(small)})",
        'before = {str(path): path.is_file() and path.stat().st_size for path in scratch.rglob("*")}',
    )
    if limit is not None:
        trial.script.do(
            "import resource",
            "room = resource.getrlimit(resource.RLIMIT_FSIZE)",
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, room[1]))  # no file may grow beyond this",
        )
    trial.script.do(
        "try:",
        f"    handler.write({expression})",
        "except Exception as error:",
        '    print("raised:", repr(error))',
        *([] if limit is None else ["finally:", "    resource.setrlimit(resource.RLIMIT_FSIZE, room)"]),
        'after = {str(path): path.is_file() and path.stat().st_size for path in scratch.rglob("*")}',
    )
    trial.script.fails_unless("after == before", "before", "after")
