"""Checks of the class *shared*: what a handler keeps across instances, processes and threads."""

import json
import pickle
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cloudpickle

from ..checking import NotApplicable, Untested, Violation, check, check_each
from ..governance.golden import recorded
from ..processes.crowds import Crowd, Seen, write_by_forks, write_by_threads
from ..processes.interpreters import Process, WorkerDied, WorkerFailed
from ..processes.worker import read as read_there
from ..processes.worker import write as write_there
from ..secrets.credentials import credentials_of
from ..secrets.revealing import revealed
from ..trials.bench import PROCESSES
from ..trials.making import importable_name
from ..trials.outcomes import Outcome, attempt, one_line
from ..trials.trial import Handle, Trial, differs, fresh
from ..values.source import shown, source_of
from .core.examples import is_falsy, is_honoured, is_ordinary, leave_lost_falsy_values

_THREADS = 8
_SHORT = 100  # characters of a value in a script, where enough values have no more
_ROUNDS = 4
# How much threads hesitate and how often each writes; the first write of a store, which may have to make it, is tried most.
_ROUNDS_OF_THREADS = ((0.0, 6), (0.1, 6), *((0.3, 1),) * 4)
_EACH = range(PROCESSES)
_WRITES_PER_PROCESS = 10


@check_each("shared.instance", where=is_ordinary, most=20)
def another_instance_reads_it(trial: Trial, value: Any) -> None:
    """A second, equally configured handler reads what the first wrote, made before the write and made after it."""
    _another_reads(trial, value)


@check_each("shared.instance", where=is_falsy, most=12)
def another_instance_reads_falsy_values(trial: Trial, value: Any) -> None:
    """The same for values that are empty, zero or False, where they come back at all."""
    leave_lost_falsy_values(trial, value)
    _another_reads(trial, value)


def _another_reads(trial: Trial, value: Any) -> None:
    written = fresh(value)
    message = "an equally configured instance read something else"
    reference = trial.transported(trial.handler().write(value))
    trial.expect_same(trial.handler("late").read(reference), written, message)
    early = trial.handler("early", "another store")  # so that each reference is read once: to read again is another rule's
    writer = trial.handler("writer", "another store")
    reference = trial.transported(writer.write(fresh(written), accepted="another instance refused what the first accepted"))
    trial.expect_same(early.read(reference), written, message)


@check("shared.pickle")
def a_pickled_handler_works(trial: Trial) -> str:
    """The handler is pickled, by pickle and by cloudpickle; original and copy read each other's references."""
    handler = trial.handler()
    values = [*trial.accepted(4), *_large(trial)]
    ways = [(f"cloudpickle, protocol {pickle.HIGHEST_PROTOCOL}", cloudpickle.dumps, "cloudpickle")]
    plainly = importable_name(type(handler.handler)) is not None
    if plainly:
        ways.insert(0, ("pickle", pickle.dumps, "pickle"))
    for way, dump, module in ways:
        fresh_copy = _copied(trial, handler, dump, module, way)
        for one, other in ((handler, fresh_copy), (fresh_copy, handler)):
            for value in values:
                reference = one.write(fresh(value), accepted=f"a handler copied by {way} does not write")
                trial.expect_same(other.read(reference), value, f"a handler copied by {way} read something else")
        used_copy = _copied(trial, handler, dump, module, way)
        for value in values:
            reference = used_copy.write(fresh(value), accepted=f"a handler copied by {way} after use does not write")
            trial.expect_same(used_copy.read(reference), value, f"a handler copied by {way} after use")
    return "pickle and cloudpickle" if plainly else "cloudpickle alone: the class cannot be imported by name"


def _large(trial: Trial) -> list[Any]:
    """Fresh large values that the handler gives back: many a handler keeps them in another way than small ones."""
    return [fresh(value) for value in trial.bench.large if is_honoured(trial, value)][:2]


def _copied(trial: Trial, handler: Handle, dump: Any, module: str, way: str) -> Handle:
    line = f"copied = pickle.loads({module}.dumps({handler.name}))"
    try:
        copied = pickle.loads(dump(handler.handler))  # noqa: S301 - pickled a moment ago
    except Exception as error:
        if trial.script is not None:
            trial.script.do(line)
        raise Violation(
            f"the handler cannot be copied by {way}", expected="a handler that pickles", actual=one_line(error)
        ) from error
    return trial.adopt(copied, "copied", line)


@check("shared.process")
def a_fresh_interpreter_reads_it(trial: Trial) -> str:
    """A new process in another directory, with another hash seed, reads the references; and the other way round."""
    handler = trial.handler()
    values = [*trial.accepted(12), *_large(trial)]
    store = trial.store()
    worker = trial.bench.worker()
    for value in values:  # one by one, since a later write may disturb an earlier one: another rule's
        reference = handler.write(fresh(value))
        [outcome] = _answered(trial, lambda reference=reference: worker.read(store, [json.dumps(reference)]))
        _expect(trial, outcome, value, reference, "a fresh interpreter in another directory could not read the reference")
    for value in values:
        [(text, error)] = _answered(trial, lambda value=value: worker.write(store, [value]))
        if text is None:
            raise Violation(
                "a fresh interpreter could not write what this one can",
                expected=f"a reference for {shown(value)}",
                actual=str(error),
            )
        if trial.script is not None:
            trial.script.do(f"reference = {trial.script.in_fresh_process('write', 'store', trial.script.of(value))}")
        trial.expect_same(handler.read(json.loads(text)), value, "what a fresh interpreter wrote read differently here")
    return f"{len(values)} values each way"


@check("shared.process")
def a_pickled_handler_works_in_a_fresh_interpreter(trial: Trial) -> str:
    """The pickled handler itself is sent to a new process, which reads the references."""
    handler = trial.handler()
    values = trial.accepted(6)
    try:
        shipped = cloudpickle.dumps(handler.handler)
    except Exception as error:
        raise NotApplicable(f"the handler does not pickle: {one_line(error)}") from error
    reference = handler.write(fresh(values[0]))
    here = attempt(pickle.loads(shipped).read, reference)  # noqa: S301 - pickled a moment ago
    if here.error is not None or trial.differs(values[0], here.value) is not None:
        raise NotApplicable("a pickled handler does not work here either")
    worker = trial.bench.worker()
    for value in values:
        reference = handler.write(fresh(value))
        text = json.dumps(reference)
        [outcome] = _answered(trial, lambda text=text: worker.call(read_there, None, [text], shipped))
        _expect(trial, outcome, value, reference, "the pickled handler could not read the reference in a fresh interpreter")
    return "and the pickled handler"


def _expect(trial: Trial, outcome: Outcome, value: Any, reference: Any, message: str) -> None:
    differs = outcome.error or trial.differs(value, outcome.value)
    if differs is None:
        return
    if trial.script is not None:
        call = trial.script.in_fresh_process("read", "store", trial.script.of(reference))
        trial.script.do(f"read_back = {call}", f"expected = {trial.script.of(value)}")
        trial.script.fails_unless("repr(read_back) == repr(expected)", "expected", "read_back")
    raise Violation(message, expected=shown(value), actual=outcome.error or shown(outcome.value))


def _answered(trial: Trial, ask: Any) -> Any:
    """Ask a worker; that it dies or cannot make the handler is a violation."""
    try:
        return ask()
    except WorkerDied as death:
        raise Violation(
            f"the other process {death}", expected="an interpreter that goes on running", actual=str(death)
        ) from death
    except WorkerFailed as failure:
        raise Violation(
            "an equally configured handler cannot be made in a fresh interpreter", expected="a handler", actual=str(failure)
        ) from failure


@check("shared.threads", company="shuns")
def threads_share_one_handler(trial: Trial) -> str:
    """Threads that start together write and read on one instance, from the first write of a store on, in another process."""
    values = _distinct(trial)
    total = 0
    for number, (hesitation, writes) in enumerate(_ROUNDS_OF_THREADS):
        handler = trial.handler("handler", f"round {number}")
        total += _threads(trial, handler, values, f"round {number}", hesitation, writes)
    return f"{total} writes by {_THREADS} threads"


def _threads(trial: Trial, handler: Handle, values: Sequence[Any], store: str, hesitation: float, writes: int) -> int:
    alike, limit = partial(differs, trial.subject.equal), 0.8 * trial.bench.settings.limit
    crowd = Crowd(values, alike, _THREADS, writes, limit, hesitation)
    trial.bench.beat = time.monotonic()
    try:
        worker = trial.bench.worker()
        seen: Seen = worker.call(write_by_threads, trial.store(store), crowd)
    except (Untested, WorkerFailed):  # it cannot be sent there
        seen = write_by_threads(handler.handler, crowd)
    except WorkerDied as death:
        _threads_script(trial, values, store)
        raise Violation(
            f"under {_THREADS} threads, the process {death}", expected="every call to end", actual=str(death)
        ) from death
    else:
        if seen.hung:
            trial.bench.retire(worker)
    if seen.problems:
        message, expected, actual = seen.problems[0]
        _threads_script(trial, values, store)
        raise Violation(
            f"under {_THREADS} threads, {message} ({len(seen.problems)} times)",
            expected="every call to end" if seen.hung else shown(expected),
            actual=actual,
        )
    return seen.writes


def _threads_script(trial: Trial, values: Sequence[Any], store: str) -> None:
    if trial.script is None:
        return

    sources = list(map(source_of, values[:24]))
    short = [source for source in sources if len(source) <= _SHORT]
    trial.script.do(
        f"values = [{', '.join(short if len(short) >= _THREADS else sources)}]",
        "sys.setswitchinterval(1e-6)",
        "",
        "def write_and_read(value):",
        "    reference = handler.write(value)",
        "    return repr(handler.read(reference)) == repr(value)",
        "",
        f"for attempt in range(50):  # a race shows sooner or later; each attempt works on the store of {store!r}",
        f"    with ThreadPoolExecutor({_THREADS}) as threads:",
        "        if not all(threads.map(write_and_read, values * 4)):",
        '            raise SystemExit("the rule is broken: a thread read another value than it wrote")',
    )


def _distinct(trial: Trial) -> list[Any]:
    """Accepted values, different from each other where the domain has that many, some of them large."""
    values = [value for value in trial.accepted(48) if is_ordinary(value)] or trial.accepted(48)
    large = []
    for value in trial.bench.domain.large():
        if is_honoured(trial, value):
            large.append(value)
        if len(large) == 3:
            break
    return [*values[:24], *large, *values[24:]]


@check("shared.processes", company="shuns")
def processes_share_one_storage(trial: Trial) -> str:
    """Three processes write at the same time to a store that none of them has opened before; all references are read."""
    values = _distinct(trial)
    _processes_script(trial, values)
    store = trial.store("between processes")
    workers = [trial.bench.worker(number) for number in range(PROCESSES)]
    for worker in workers:  # a first call, so that they start together afterwards
        _answered(trial, lambda worker=worker: worker.write(trial.store("warm-up"), values[:1]))
    kept: list[tuple[Any, str]] = []
    for number in range(_ROUNDS):  # each begins together, however far apart the last one ended
        first = number * PROCESSES * _WRITES_PER_PROCESS
        shares = [[values[(first + index * PROCESSES + n) % len(values)] for index in range(_WRITES_PER_PROCESS)] for n in _EACH]
        for worker, share in zip(workers, shares, strict=True):
            worker.begin(write_there, store, [fresh(value) for value in share])
        heard = [_heard(worker) for worker in workers]  # all of them first: an answer left behind would be taken for another
        for answer, share in zip(heard, shares, strict=True):
            for value, (text, error) in zip(share, _answered(trial, answer), strict=True):
                if text is None:
                    raise Violation(
                        "a write raised while other processes were writing, and works alone",
                        expected=f"a reference for {shown(value)}",
                        actual=str(error),
                    )
                kept.append((value, text))
    reader: Process = workers[0]
    outcomes = _answered(trial, lambda: reader.read(store, [text for _, text in kept]))
    for (value, text), outcome in zip(kept, outcomes, strict=True):
        told = outcome.error or trial.differs(value, outcome.value)
        if told is not None:
            raise Violation(
                f"after {PROCESSES} processes wrote at once, the reference {shown(json.loads(text))} reads differently",
                expected=shown(value),
                actual=outcome.error or shown(outcome.value),
            )
    return f"{len(kept)} writes by {PROCESSES} processes"


@check("shared.processes", company="shuns")
def forks_share_one_storage(trial: Trial) -> str:
    """A process that has a handler forks: each fork writes with the handler that it inherits, and all references are read."""
    values = _distinct(trial)
    crowd = Crowd(values, partial(differs, trial.subject.equal), PROCESSES, _WRITES_PER_PROCESS, _PATIENCE)
    worker = trial.bench.worker()
    seen: Seen = _answered(trial, lambda: worker.call(write_by_forks, trial.store("forks"), crowd))
    if seen.problems:
        message, expected, actual = seen.problems[0]
        _forks_script(trial, values)
        raise Violation(f"after {PROCESSES} forks of a process wrote at once, {message}", expected=shown(expected), actual=actual)
    return f"{seen.writes} by forks of one"


def _forks_script(trial: Trial, values: Sequence[Any]) -> None:
    if trial.script is None:
        return
    trial.script.do(
        "from resultspec_conformance.processes.crowds import Crowd, write_by_forks",
        "from resultspec_conformance.values.comparison import content_difference",
    )
    trial.handler()
    trial.script.do(
        f"values = [{', '.join(map(source_of, values[:_WRITES_PER_PROCESS]))}]",
        f"seen = write_by_forks(handler, Crowd(values, content_difference, {PROCESSES}, {_WRITES_PER_PROCESS}, {_PATIENCE}))",
    )
    trial.script.fails_unless("not seen.problems", "'every value as it was written'", "seen.problems[:1]")


_PATIENCE = 5.0


def _processes_script(trial: Trial, values: Sequence[Any]) -> None:
    """Before anything is judged, since a race may not show again."""
    if trial.script is None:
        return

    trial.script.across_processes()
    trial.script.do(
        '(scratch / "store").mkdir()',
        f"values = [{', '.join(map(source_of, values[:24]))}]",
        f"shares = [values[number::{PROCESSES}] * 4 for number in range({PROCESSES})]",
        f'with ProcessPoolExecutor({PROCESSES}, multiprocessing.get_context("spawn")) as pool:',
        "    for attempt in range(20):  # a race shows sooner or later",
        '        written = [pool.submit(write_all, scratch / "store", share) for share in shares]',
        f"        handler = {trial.script.handler('store')}",
        "        pairs = [pair for one, share in zip(written, shares) for pair in zip(share, one.result())]",
        "        for value, reference in pairs:",
        "            if repr(handler.read(reference)) != repr(value):",
        '                raise SystemExit(f"the rule is broken: {reference!r} reads differently")',
    )


def _heard(worker: Process) -> Callable[[], Any]:
    """Wait for a worker's answer, to be given out later; and so for its end, to be raised."""
    try:
        answer = worker.answer()
    except (WorkerDied, WorkerFailed) as end:
        failure = end

        def raises() -> Any:
            raise failure

        return raises
    return lambda: answer


@check("shared.equality")
def equality_follows_configuration(trial: Trial) -> str:
    """Two handlers made alike are compared, also when one was used, and two made for different directories; their hashes too."""
    used = trial.handler("one")
    one, other = used.handler, trial.handler("other").handler
    if one is other:
        raise Untested("the factory returns the same object each time")
    _are_equal(trial, one, other, "equally configured handlers are not equal")
    [value] = trial.accepted(1)
    used.attempt_read(used.write(value))
    _are_equal(trial, one, other, "equally configured handlers are not equal once one of them was used")
    if _equal(trial, one, object()) or _equal(trial, one, "another kind"):
        trial.fail("a handler equals what is no handler", expected="one != object()", actual="equal", unless="one != object()")
    if not trial.maker.takes_scratch:
        return "equally configured ones; the factory makes no others"
    different = trial.elsewhere().handler
    if _configuration(other) == _configuration(different):
        return "equally configured ones; the directory is no part of the configuration"
    if _equal(trial, one, different):
        trial.fail(
            "handlers on different stores are equal",
            expected="one != elsewhere",
            actual="one == elsewhere",
            unless="one != elsewhere",
        )
    return "equal and different configurations"


def _are_equal(trial: Trial, one: Any, other: Any, message: str) -> None:
    if not _equal(trial, one, other) or one != other:
        trial.fail(
            message,
            expected="one == other",
            actual=f"{shown(one)} != {shown(other)}",
            unless="one == other",
        )
    if _hash(one) != _hash(other):
        trial.fail(
            "equal handlers have different hashes",
            expected="hash(one) == hash(other)",
            actual=f"{_hash(one)} and {_hash(other)}",
            unless="hash(one) == hash(other)",
        )


def _equal(trial: Trial, one: Any, other: Any) -> bool:
    """Whether two objects are equal, which every two objects can be asked."""
    try:
        return bool(one == other)
    except Exception as error:
        if trial.script is not None:
            trial.script.do("one == object()")
        raise Violation("comparing a handler raises", expected="True or False", actual=one_line(error)) from error


def _hash(handler: Any) -> int | None:
    try:
        return hash(handler)
    except TypeError:  # being unhashable is no failure
        return None


def _configuration(handler: Any) -> bytes | None:
    try:
        stored: bytes = cloudpickle.dumps(handler)
        return stored
    except Exception:  # noqa: BLE001 - what does not pickle may still be different
        return None


@check("shared.describable")
def a_described_handler_can_be_rebuilt(trial: Trial) -> None:
    """The handler's description is sent through JSON text, and the handler rebuilt from it reads the references."""
    subject = trial.subject
    if subject.describe is None or subject.rebuild is None:
        raise NotApplicable("the subject names no describe= and rebuild=")
    handler = trial.handler()
    if trial.script is not None:
        describe = trial.script.function(subject.describe)
        trial.script.do(f"arrived = json.loads(json.dumps({describe}(handler), allow_nan=False))")
    try:
        description = subject.describe(handler.handler)
        arrived = json.loads(json.dumps(description, allow_nan=False))
    except Exception as error:
        raise Violation("the handler has no description that is JSON", expected="JSON", actual=one_line(error)) from error
    told = json.dumps(arrived, ensure_ascii=False)
    if (leak := revealed(told, credentials_of(handler.handler, subject.credentials))) is not None:
        if trial.script is not None:
            trial.script.do(
                "from resultspec_conformance.secrets.credentials import credentials_of",
                "from resultspec_conformance.secrets.revealing import revealed",
            )
            condition = "revealed(json.dumps(arrived, ensure_ascii=False), credentials_of(handler, ())) is None"
            trial.script.fails_unless(condition, "'no secret in it'", "'a secret in it'")
        raise Violation(
            "the description of the handler reveals a secret",
            expected="where the secret is found, in place of the secret",
            actual=f"{leak}, which is not repeated here",
        )
    if trial.script is not None:
        trial.script.do(f"rebuilt = {trial.script.function(subject.rebuild)}(arrived)")
    try:
        rebuilt = subject.rebuild(arrived)
    except Exception as error:
        raise Violation(
            "the handler cannot be rebuilt from its description", expected="a handler", actual=one_line(error)
        ) from error
    [value] = trial.accepted(1)
    reference = handler.write(fresh(value))
    read = Handle(trial, rebuilt, "store", "rebuilt").read(reference)
    trial.expect_same(read, value, "the handler rebuilt from its description read something else")


@check("shared.golden")
def recorded_references_still_read(trial: Trial) -> str:
    """References that an earlier version recorded are read, and compared with the values of then."""
    if trial.subject.golden is None:
        raise NotApplicable("the subject names no golden= directory")
    count = 0
    handler = trial.handler()
    for value, reference in recorded(trial.subject.golden, trial.store()):
        if trial.script is not None:
            pair = f'list(recorded(Path({str(trial.subject.golden)!r}), scratch / "store"))[{count}]'
            trial.script.do(
                "from resultspec_conformance.governance.golden import recorded", f"recorded_value, reference = {pair}"
            )
            trial.script.rename(value, "recorded_value")
            trial.script.rename(reference, "reference")
        read = handler.read(reference)
        trial.expect_same(read, value, "a reference that an earlier version wrote reads differently")
        if trial.subject.equal is None:
            trial.expect_same_types(read, value, "a reference that an earlier version wrote reads as another type")
        count += 1
    if not count:
        raise Untested(f"{trial.subject.golden} holds no recorded reference")
    return f"{count} recorded references"
