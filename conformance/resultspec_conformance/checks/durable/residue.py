"""What failed writes leave behind."""

import gc
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ...attacks.databases import is_lmdb
from ...checking import Untested, Violation, check
from ...processes import writers
from ...processes.writing import Writer
from ...storage import Files, StorageDoor
from ...trials import bulk
from ...trials.bulk import bulky, stored
from ...trials.outcomes import attempt
from ...trials.trial import Trial, fresh
from ...values import traps
from ...values.source import shown, source_of
from .space import SLOW, sizes


@check("durable.no-residue", company="shuns")
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
        with _composed_in(temporary):
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


@contextmanager
def _composed_in(directory: Path) -> Iterator[None]:
    """Let temporary files, in which many a handler composes what it stores, be made in a directory."""
    usual, tempfile.tempdir = tempfile.tempdir, str(directory)
    try:
        yield
    finally:
        tempfile.tempdir = usual


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
    before, after = sizes(trial, [small, large])
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
        if time.monotonic() - started > SLOW:
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
