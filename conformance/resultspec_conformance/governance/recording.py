"""Makes a recording of references: what ``resultspec record`` does."""

import gc
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..checking import Refused, Violation
from ..report import RuleReport
from ..runner import run
from ..settings import Settings
from ..subjects import HandlerSubject
from ..trials.bench import Bench
from ..trials.hanging import watched
from ..trials.making import BadSubject
from ..trials.outcomes import one_line
from ..trials.trial import Handle, Trial, fresh
from ..values.comparison import name_of, type_difference
from ..values.strictjson import json_problem
from . import golden


@attrs.frozen
class Recorded:
    """What was recorded.

    Attributes:
        types: How many values of each type.
        refused: How many values the handler refused.
        changed: How many came back changed, or cannot be kept, and were left out.
    """

    types: dict[str, int]
    refused: int
    changed: int


def make_recording(subject: HandlerSubject, directory: Path, count: int, settings: Settings) -> Recorded:
    """Let a handler write values of its domain, and keep them with their references.

    The recording is read back at once by a handler on a copy of the storage, and is not kept when that fails.

    Args:
        subject: The handler.
        directory: Where the recording is made; nothing may be there.
        count: How many values are kept at the most, as many types of them as the domain has.
        settings: What the values are drawn with.

    Raises:
        BadSubject: No recording can be made; the text says why. Nothing is left at ``directory``.
    """
    if directory.exists():
        raise BadSubject(f"{directory} is there already; name a directory that is not, or remove it")
    root = Path(tempfile.mkdtemp(prefix="resultspec-")).resolve()
    beat = [0.0]
    try:
        ended, error = watched(
            lambda: _recorded(subject, directory, count, settings, root, beat), lambda: beat[0], settings.limit
        )
        if isinstance(error, BadSubject):
            raise error
        if error is not None:
            raise BadSubject(f"the recording cannot be made: {one_line(error)}") from error
        if ended is None:
            raise BadSubject(f"the handler hung: a call did not end within {settings.limit:g} seconds")
        found = _read_back(subject, directory, settings)
        if found.status != "passed":
            raise BadSubject(
                "the references do not read from a copy of the storage, so that no later version could be asked for them: "
                f"{found.message or found.reason}; the handler may keep its values elsewhere, or absolute paths in them"
            )
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(root, ignore_errors=True)
    recorded: Recorded = ended
    return recorded


def _recorded(
    subject: HandlerSubject, directory: Path, count: int, settings: Settings, root: Path, beat: list[float]
) -> Recorded:
    with Bench(subject, settings, root) as bench, bench.trial() as trial:
        handler = trial.handler()
        pairs: list[tuple[Any, Any]] = []
        refused = changed = 0
        for value in _by_turns(bench.pool):
            beat[0] = bench.beat
            try:
                reference = _honoured(trial, handler, value)
            except Refused:
                refused += 1
                continue
            except Violation:
                changed += 1
                continue
            pairs.append((fresh(value), reference))
            if len(pairs) == count:
                break
        if not pairs:
            raise BadSubject("the handler gave back none of the values that were tried, so that there is nothing to record")
        by = name_of(type(handler.handler))
        store = handler.directory
        del handler
        gc.collect()  # a handler that holds a file open closes it before its storage is copied
        golden.record(directory, store, pairs, by)
        types: dict[str, int] = {}
        for value, _ in pairs:
            types[name_of(type(value))] = types.get(name_of(type(value)), 0) + 1
        return Recorded(types, refused, changed)


def _honoured(trial: Trial, handler: Handle, value: Any) -> Any:
    """The reference of a value that is given back as it was, and that a recording can hold."""
    reference = handler.write(fresh(value))
    if problem := json_problem(reference):
        raise BadSubject(f"a reference is not strict JSON, which comes first: {problem}; see rule handler.json-reference")
    read = handler.read(reference)
    trial.expect_same(read, value, "changed")
    if trial.subject.equal is None and (told := type_difference(value, read)) is not None:
        raise Violation(told, expected="the same type", actual=told)
    if not golden.can_be_kept(value):
        raise Violation("cannot be kept", expected="a value that pickles", actual=name_of(type(value)))
    return reference


def _by_turns(pool: Sequence[Any]) -> Iterator[Any]:
    """The different values of a pool, one of each type after the other, in the pool's order."""
    by_type: dict[type, list[Any]] = {}
    seen: set[tuple[type, str]] = set()
    for value in pool:
        key = (type(value), repr(value))
        if key not in seen:
            seen.add(key)
            by_type.setdefault(type(value), []).append(value)
    for turn in range(max(map(len, by_type.values()), default=0)):
        yield from (values[turn] for values in by_type.values() if turn < len(values))


def _read_back(subject: HandlerSubject, directory: Path, settings: Settings) -> RuleReport:
    report = run(attrs.evolve(subject, golden=directory), attrs.evolve(settings, rules=("shared.golden",), waive={}))
    return report.rule("shared.golden")
