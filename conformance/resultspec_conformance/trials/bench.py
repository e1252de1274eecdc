"""What all trials of a run share: the subject, its values, scratch directories, other processes."""

import copy
import json
import shutil
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain, count, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hypothesis.errors import Unsatisfiable
from resultspec import rules

from ..checking import Check, NotApplicable, Refused, Untested, Violation
from ..processes.interpreters import Process, WorkerDied, WorkerFailed
from ..report import SubjectReport
from ..secrets.credentials import credentials_of
from ..settings import Settings
from ..subjects import HANDLER_CLASSES, HandlerSubject
from ..typing_probe.answers import Problem
from ..typing_probe.asking import is_annotated, problems_of, why_not
from ..typing_probe.classes import CannotProbe
from ..values.comparison import name_of
from ..values.domain import CannotInfer, Domain, domain_of
from ..values.drawing import draw, shortest, smallest
from .calling import is_awaited
from .hanging import watched
from .making import BadSubject, Maker, maker_for
from .outcomes import one_line
from .script import Script
from .trial import Trial, fresh

if TYPE_CHECKING:
    from .model import Finding


class Bench:
    """What all trials of a handler share.

    Making one is the smoke stage: it finds out whether the subject can be checked at all.

    Attributes:
        kept: The scratch directories that are kept as evidence, by rule.
        judging: The scratch directory of the latest trial that judged a rule.

    Args:
        subject: What is checked.
        settings: What is asked for.
        root: An empty directory for the files of the run; whoever made it removes it.

    Raises:
        BadSubject: It cannot; the text says why and what to do.
    """

    def __init__(self, subject: HandlerSubject, settings: Settings, root: Path) -> None:
        self.subject = subject
        self.settings = settings
        self.maker: Maker = maker_for(subject.make)
        self.twin_maker: Maker | None = maker_for(subject.twin) if subject.twin is not None else None
        self.beat = time.monotonic()
        self.findings: dict[str, Any] = {}
        """What one check has found out and another, or its own reproduction, need not find out again."""
        self.kept: dict[str, Path] = {}
        self._exact: set[int] = set()
        self._processes: list[Process] = []
        self._started: list[Process] = []
        self._closed = threading.Event()
        self._nursery: Process | None = None
        self._numbers = count()
        self._typing: Future[Sequence[Problem] | CannotProbe] | None = None
        self._root = root
        self._beside = ThreadPoolExecutor(_BESIDE, "resultspec-beside")
        self.judging = root
        try:
            handler = self._first_handler(self.maker)
            if self.twin_maker is not None:
                self._first_handler(self.twin_maker)
            self.handler_class = type(handler)
            self.domain: Domain = _domain(handler, subject)
            self.pool = self._draw()
        except BaseException:
            self.close()
            raise

    def _first_handler(self, maker: Maker) -> Any:
        scratch = self._root / "first"
        scratch.mkdir(exist_ok=True)
        try:
            handler = maker(scratch)
        except Exception as error:
            raise BadSubject(f"making the handler raised {one_line(error)}; {maker.advice}") from error
        for method in ("write", "read"):
            if not callable(getattr(handler, method, None)):
                raise BadSubject(
                    f"{type(handler).__qualname__} has no method {method}; a result handler has write(value) and read(reference)"
                )
        return handler

    def _draw(self) -> list[Any]:
        """The values of the run: telling ones first, then drawn ones."""
        try:
            drawn = draw(self.domain.strategy, self.settings.seed, self.settings.examples)
        except Unsatisfiable as error:
            raise BadSubject(
                "no values can be drawn: all that were made were refused by the class or a filter; give values= that are not"
            ) from error
        except Exception as error:
            remedy = "check the subject's values=" if self.domain.declared else "name a Hypothesis strategy as values="
            raise BadSubject(f"no values can be drawn: {one_line(error)}; {remedy}") from error
        if not drawn:
            raise BadSubject("the subject's values= draws nothing; give a strategy that has values")
        return [*self.domain.telling(), *drawn]

    @cached_property
    def shipped(self) -> bytes:
        """The maker for other processes, as it was before any value was written."""
        return self.maker.ship()

    @contextmanager
    def trial(self, script: Script | None = None, evidence_of: str | None = None, example: Any = None) -> Iterator[Trial]:
        """A trial in a scratch directory of its own, which is removed afterwards.

        Args:
            script: Records the steps.
            evidence_of: The rule that the trial judges: where it is broken, and the run keeps evidence, the directory stays.
            example: The value of the pool that it is about.
        """
        scratch = self._root / f"trial-{next(self._numbers)}"
        if evidence_of is not None:
            self.judging = scratch
        self.beat = time.monotonic()
        try:
            yield Trial(self, scratch, script, example)
        except Violation:
            if evidence_of is not None and self.settings.keep:
                self.keep(evidence_of, scratch)
            raise
        finally:
            self.beat = time.monotonic()
            if scratch not in self.kept.values() and scratch.exists():
                self._remove(scratch)

    def keep(self, rule: str, scratch: Path) -> None:
        """Keep the directory of a trial as evidence against a rule, where the trial has made one."""
        if scratch.exists():
            self.kept[rule] = scratch

    def _remove(self, directory: Path) -> None:
        """Remove a directory while the next trial is under way: a disk that syncs takes its time to."""
        if self._closed.is_set():  # a check that hung has come to its end after all
            shutil.rmtree(directory, ignore_errors=True)
        else:
            self._beside.submit(shutil.rmtree, directory, ignore_errors=True)

    def outcome(self, run: Callable[..., Any]) -> Any:
        """Run a function in a trial: what it returned, or the violation, refusal or other end that it came to."""
        with self.trial() as trial:
            try:
                return run(trial)
            except (Violation, Refused, Untested, NotApplicable) as end:
                return end

    def honours(self, value: Any) -> bool:
        """Whether the handler accepts a value and gives it back, in a trial of its own."""

        def alone(trial: Trial) -> None:
            handler = trial.handler()
            pristine = fresh(value)
            trial.expect_same(handler.read(handler.write(fresh(value))), pristine, "alone")

        return self.outcome(alone) is None

    @cached_property
    def awaited(self) -> bool:
        """Whether a method of the handlers is to be awaited."""
        with self.trial() as trial:
            return is_awaited(trial.handler().handler, map(fresh, self.pool))

    @cached_property
    def sequences(self) -> "Finding | None":
        """What a state machine finds by sequences of steps, run once; None when a step did not end.

        It is given up before the check that asks for it is: the step that hangs has a check of its own.
        """
        from .model import explore  # imports Hypothesis' state machines, which take a while

        ended, error = watched(lambda: explore(self), lambda: self.beat, self.settings.limit / 2)
        if error is not None:
            raise error
        found: Finding | None = ended
        return found

    @cached_property
    def large(self) -> Sequence[Any]:
        """A few large values of the domain, which checks that take value after value take as well."""
        from .bulk import large_examples  # which knows benches

        return large_examples(self)

    def came_back_exactly(self, example: Any) -> None:
        """Note that a value of the pool came back as it was, its types too, from a handler that had written nothing else."""
        if example is not None:  # which has a rule of its own, and stands for no value of the pool
            self._exact.add(id(example))

    def is_exact(self, example: Any) -> bool:
        """Whether a value of the pool is known to come back as it was, so that another rule need not try it again."""
        return id(example) in self._exact

    @cached_property
    def _accepted(self) -> list[Any]:
        """Values of the pool that the handler accepts and gives back."""
        accepted = []
        for value in self.pool:
            if self.is_exact(value) or self.honours(value):
                accepted.append(value)
            if len(accepted) >= _ENOUGH:
                break
        return accepted

    @cached_property
    def _different(self) -> list[Any]:
        """The accepted values, neither None nor falsy nor alike where there are such."""
        distinct: dict[tuple[type, str], Any] = {}
        for value in self._accepted:
            if value is not None:
                distinct.setdefault((type(value), repr(value)), value)
        ordinary = [value for value in distinct.values() if not _is_falsy(value)]
        return ordinary or list(distinct.values()) or self._accepted

    def accepted(self, count: int) -> list[Any]:
        """Fresh values that the handler accepts and gives back, different ones first, ``count`` at the most."""
        return [fresh(value) for value in self._different[:count]]

    def process(self) -> Process:
        """An interpreter that has seen nothing of the run.

        Raises:
            Untested: The factory cannot be sent to it.
        """
        if self._closed.is_set():
            raise Untested("the run is over")  # for a check that hung, and goes on when nobody waits for it
        try:
            started = Process(self.shipped, self.settings.limit)
        except BadSubject as error:
            raise Untested(str(error)) from error
        self._started.append(started)
        return started

    @property
    def allows_company(self) -> bool:
        """Whether handlers may be tried in two threads: nothing is awaited, and no trial reaches what another stores."""
        return not self.awaited and self.subject.tamper is None and (self.maker.takes_scratch or self.inline)

    def neighbour(self) -> "Bench":
        """A bench with processes of its own, for checks in a second thread; all else is shared, and closed with this one."""
        other = copy.copy(self)
        other._processes = []
        self._nursery = None  # the other's from now on
        with suppress(Untested):
            other.worker()
        return other

    def prepare(self) -> None:
        """Start what a run of every rule needs, so that it is ready when it is asked for: interpreters, and mypy."""
        with suppress(Untested):  # who asks for one hears why there is none
            for number in range(PROCESSES):
                self.worker(number)
            if self.maker.takes_scratch:
                self._nursery = self.process()
        if why_not(self.handler_class) is None:
            self._typing = self._beside.submit(self._problems)

    def worker(self, number: int = 0) -> Process:
        """An interpreter that is kept for the whole run, or as long as it lives.

        Raises:
            Untested: The factory cannot be sent to it.
        """
        while len(self._processes) <= number:
            self._processes.append(self.process())
        if not self._processes[number].alive:
            self._processes[number] = self.process()
        return self._processes[number]

    def nursery(self) -> Process:
        """An interpreter, kept for the whole run, in which no handler is made: it forks those that write.

        An inline handler that has no directory leaves nothing behind that a fork could inherit, so any worker will do.

        Raises:
            Untested: The factory cannot be sent to it.
        """
        if self.inline and not self.maker.takes_scratch:
            return self.worker()
        if self._nursery is None:
            self._nursery = self.process()
        return self._nursery

    def retire(self, process: Process) -> None:
        """Forget a worker that died or hung."""
        process.close()
        if process is self._nursery:
            self._nursery = None
        with suppress(ValueError):
            self._processes.remove(process)

    @cached_property
    def inline(self) -> bool:
        """Whether the reference itself holds the value.

        It does when a process that has seen neither the handler nor its storage reads it, and a longer value has a longer
        reference. A handler that leaves files in its store does not. Any process can read what lies in a service, so that
        reading alone tells nothing there; nor does a reference that is no longer, such as a moment in a fixed number of digits,
        unless the value is more than it has room for.
        """
        if self.subject.storage is not None:
            return self.subject.storage == "inline"
        small, *larger = sorted(self._accepted[:_ENOUGH], key=_content) or [None]
        with self.trial() as trial:
            if (short := self._readable_elsewhere(trial, small)) is None:
                return False
            for value in chain(larger[: -_FEW - 1 : -1], islice(self.domain.large(), _FEW)):
                more = _content(value) - _content(small)
                if more >= _TELLING_SIZE and (long := self._readable_elsewhere(trial, value)) is not None:
                    # Either way: text that shortens a large array makes a small value of it.
                    if abs(long - short) >= more // 3:
                        return True
                    if more > _ROOM * long:
                        return False
            # No value is large enough to tell. What makes a new name for the same value keeps it elsewhere.
            return self.maker.takes_scratch or self._writes_alike(trial, small)

    def _readable_elsewhere(self, trial: Trial, value: Any) -> int | None:
        """The length of a value's reference, when it leaves no file and a process that works on another store reads it."""
        try:
            reference = json.dumps(trial.handler().write(fresh(value)))
        except (Refused, Violation, TypeError, ValueError):
            return None
        if any(path.is_file() for path in trial.store().rglob("*")):
            return None
        try:
            [outcome] = self.worker().read(trial.store("nothing here"), [reference])
        except (Untested, WorkerDied, WorkerFailed):
            return None
        return len(reference) if outcome.error is None else None

    def _writes_alike(self, trial: Trial, value: Any) -> bool:
        handler = trial.handler()
        try:
            return bool(handler.write(fresh(value)) == handler.write(fresh(value)))
        except (Refused, Violation):
            return False

    def typing_problems(self) -> Sequence[Problem] | CannotProbe:
        """What mypy has against the class of the handlers, or why it cannot be asked; it is run once."""
        if self._typing is None:
            self._typing = self._beside.submit(self._problems)
        return self._typing.result()

    def _problems(self) -> Sequence[Problem] | CannotProbe:
        try:
            return problems_of(self.handler_class, 0.8 * self.settings.limit)
        except CannotProbe as reason:
            return reason

    @property
    def claims(self) -> frozenset[str]:
        """The classes that decide: those of the subject, and ``static`` where the handlers' class is annotated.

        Where mypy cannot be asked, ``static`` decides only if the author claims it.
        """
        annotated = is_annotated(self.handler_class) and why_not(self.handler_class) is None
        done = self._typing is not None and self._typing.done() and self._typing.exception() is None
        answer = self._typing.result() if self._typing is not None and done else None
        judged = annotated and not isinstance(answer, CannotProbe)
        return self.subject.claims | ({"static"} if judged else set())

    def simplest(self, check: Check, value: Any) -> Any:
        """The smallest value for which a check fails as it did for this one."""

        def fails(candidate: Any) -> bool:
            if check.where is not None and not check.where(candidate):
                return False
            return isinstance(self.outcome(lambda trial: check.run(trial, fresh(candidate))), Violation)

        if not self.domain.declared:
            value = shortest(value, fails)
        found = smallest(self.domain.strategy, fails, self.settings.seed, self.settings.examples)
        return min([value, *found], key=_size)

    def shorter(self, value: Any, run: Callable[[Trial, Any], None]) -> Any:
        """The shortest beginning of a value for which a function still finds a violation."""
        return shortest(value, lambda candidate: isinstance(self.outcome(lambda trial: run(trial, fresh(candidate))), Violation))

    def reproduce(self, check: Check, *values: Any) -> tuple[Violation | None, str]:
        """Run a failing check once more, writing down what it does: the violation, and the script that shows it."""
        rule = rules.rule(check.rule)
        script = Script(self.maker, rule.id, rule.statement, awaited=self.awaited)
        try:
            with self.trial(script, rule.id) as trial:
                check.run(trial, *map(fresh, values))
        except Violation as violation:
            return violation, self._told(script)
        except (Refused, Untested, NotApplicable):
            pass
        return None, self._told(script)

    def _told(self, script: Script) -> str:
        """The script as anybody may see it: not with a factory in it that carries a credential (``private.quiet-errors``)."""
        if self.maker.has_no_name:
            with suppress(Exception), self.trial() as trial:
                secrets = credentials_of(trial.handler().handler, self.subject.credentials)
                if any(piece in self.shipped for secret in secrets for piece in secret.pieces):
                    return script.withheld(
                        "This script would have to carry the handler's factory, and with it a credential of the handler. "
                        "Make the factory a function of a module, which a script can import."
                    )
        return script.text()

    def describe(self) -> SubjectReport:
        """What is checked, for the report."""
        return SubjectReport(
            target=self.subject.target,
            handler=name_of(self.handler_class),
            claims=tuple(name for name in HANDLER_CLASSES if name in self.claims),
            values=f"{len(self.pool):,} {self.domain.describe()}",
        )

    def close(self) -> None:
        """End the other processes, also those of a check that hung, and what is done beside the checks."""
        self._closed.set()
        self._beside.shutdown()
        for process in self._started:
            process.close()
        self._started.clear()
        self._processes.clear()
        self._nursery = None

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


PROCESSES = 3
"""How many interpreters work for a whole run: one that reads what this one wrote, and others that write beside it."""

_ENOUGH = 60
_FEW = 4
_BESIDE = 3
_TELLING_SIZE = 48
_ROOM = 4  # names of classes and fields make the content of a value look larger than it is


def _domain(handler: object, subject: HandlerSubject) -> Domain:
    try:
        return domain_of(handler, subject.values)
    except CannotInfer as error:
        raise BadSubject(str(error)) from error


def _is_falsy(value: Any) -> bool:
    try:
        return not value
    except Exception:  # noqa: BLE001 - an array of several elements has no truth value
        return False


def _content(value: Any) -> int:
    """About how many bytes a value takes at least, however it is encoded."""
    return len(zlib.compress(repr(value).encode("utf-8", "surrogatepass")))


def _size(value: Any) -> int:
    try:
        return len(repr(value))
    except Exception:  # noqa: BLE001 - the size only orders values
        return 0
