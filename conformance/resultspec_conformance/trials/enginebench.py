"""The bench of engines: each trial has an engine with an empty database, and handlers and tasks that note what they see."""

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from resultspec import rules

from ..checking import Check, NotApplicable, Untested, Violation
from ..engines import TaskReport, Unsupported, ask, causes
from ..pipelines import Constant, Input, Pipeline, PipelineTask, TaskOutput
from ..processes.interpreters import Process, WorkerDied, WorkerFailed
from ..settings import Settings
from ..spies import FileSpy
from ..subjects import EngineSubject, HierarchySubject, ResultSubject
from ..values.source import shown
from .journal import Deed, Entry, Journal
from .making import BadSubject, Maker, importable_name, maker_for
from .outcomes import one_line
from .plainbench import FixedBench, PlainBench
from .runhierarchy import HierarchyOfRuns
from .tasks import consume, plan, produce


class Engine:
    """A driver of the subject within a trial, on a database of its own.

    What the driver raises is a violation, unless it says that the engine does not support what was asked.
    """

    def __init__(self, driver: Any, beat: Callable[[], None]) -> None:
        self.driver = driver
        self._beat = beat

    def configure(self, result_handler: Any) -> None:
        """Let the configuration name a handler."""
        self._ask("configuring a handler", self.driver.configure, result_handler)

    def configure_if_possible(self, result_handler: Any) -> None:
        """The same, for what does not depend on it."""
        with suppress(Untested):
            self.configure(result_handler)

    def task(self, task: PipelineTask) -> Any:
        """Make a task."""
        return self._ask("making a task", self.driver.task, task)

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        """Make a flow from tasks that were made."""
        return self._ask("making a flow", self.driver.flow, pipeline, tasks)

    def build(self, pipeline: Pipeline) -> Any:
        """Make the tasks of a pipeline, and the flow."""
        return self.flow(pipeline, {task.name: self.task(task) for task in pipeline.tasks})

    def run(self, flow: Any, pipeline: Pipeline) -> Mapping[str, TaskReport]:
        """Run a flow that was made of a pipeline."""
        return complete(self._ask("running a flow", self.driver.run, flow, pipeline.parameters), pipeline)

    def play(self, pipeline: Pipeline) -> Mapping[str, TaskReport]:
        """Make a flow of a pipeline, and run it."""
        return self.run(self.build(pipeline), pipeline)

    def must_resume(self) -> None:
        """See that the driver can let a run rest.

        Raises:
            Untested: It cannot.
        """
        if not (self._has("run_until_retry") and self._has("resume")):
            raise Untested("the driver has no run_until_retry and resume (SupportsResume)")

    def rest(self, pipeline: Pipeline) -> None:
        """Make a flow of a pipeline, and run it until a task waits for its retry."""
        self.must_resume()
        self._ask("running a flow until a retry", self.driver.run_until_retry, self.build(pipeline), pipeline.parameters)

    def resume(self, pipeline: Pipeline) -> Mapping[str, TaskReport]:
        """Make the flow of a pipeline again, and resume its run."""
        return complete(self._ask("resuming a run", self.driver.resume, self.build(pipeline)), pipeline)

    def states(self, flow: Any, task: str) -> Sequence[Any] | None:
        """The states of a task in the last run, or None when the driver shows none."""
        if not self._has("states"):
            return None
        states: list[Any] = list(self._ask("asking for the states of a task", self.driver.states, flow, task))
        return states

    def stored(self) -> list[Any] | None:
        """What the engine has stored, or None when the driver does not show it."""
        if not self._has("stored"):
            return None
        return list(self._ask("asking for what the engine has stored", lambda: list(ask(self.driver.stored))))

    def close(self) -> None:
        """Let go of what the driver holds."""
        if self._has("close"):
            ask(self.driver.close)

    def _has(self, method: str) -> bool:
        """Whether the driver has a method that not every driver has.

        It is asked for by name: for ``isinstance``, a driver that passes on what it does not know has no methods.
        """
        return callable(getattr(self.driver, method, None))

    def _ask(self, what: str, method: Callable[..., Any], *arguments: Any) -> Any:
        self._beat()
        try:
            return ask(method, *arguments)
        except Unsupported as reason:
            raise Untested(f"the engine does not support it: {reason}") from reason
        except Exception as error:
            raise Violation(
                f"{what} raised {type(error).__qualname__}", expected=f"{what} to work", actual=one_line(error)
            ) from error


def complete(reports: Any, pipeline: Pipeline) -> Mapping[str, TaskReport]:
    """What a driver reports of a run, once it is clear that it does so of every task."""
    found = reports if isinstance(reports, Mapping) else {}
    for task in pipeline.tasks:
        if not isinstance(found.get(task.name), TaskReport):
            raise Violation(
                f"after a run, the driver does not say how the task {task.name!r} ended",
                expected="a TaskReport of every task, by name",
                actual=shown(reports),
            )
    return found


class EngineTrial:
    """One trial: a scratch directory, the engines made in it, and what a check may ask for.

    Args:
        bench: What all trials of a run share.
        scratch: A directory that is this trial's alone.
    """

    def __init__(self, bench: "EngineBench", scratch: Path) -> None:
        self.bench = bench
        self.scratch = scratch
        self.witness = scratch / "witness"
        """Where the journal, the plans of the tasks and the values of the handlers are: nothing of the engine's."""
        self.witness.mkdir()
        self._engines: list[Engine] = []
        self._numbers = itertools.count()

    def number(self) -> int:
        """A number that was not given before in this trial."""
        return next(self._numbers)

    def engine(self) -> Engine:
        """An engine with an empty database, and a handler in the user's configuration where it has one."""
        directory = self.scratch / f"engine-{len(self._engines)}"
        directory.mkdir()
        engine = Engine(self.bench.maker(directory), self.bench.touch)
        self._engines.append(engine)
        engine.configure_if_possible(self.spy("configured"))
        return engine

    def driver(self) -> HierarchyOfRuns:
        """The engine as the checks of the family *hierarchy* ask for it: its answers are what its runs did."""
        return HierarchyOfRuns(self)

    def spy(self, name: str, **options: Any) -> FileSpy:
        """A handler that notes what it is asked."""
        return FileSpy(name, str(self.witness), **options)

    def task(
        self,
        name: str,
        function: Callable[..., Any],
        inputs: Mapping[str, Input] | None = None,
        *,
        output: Any = "done",
        failures: int = 0,
        **options: Any,
    ) -> PipelineTask:
        """A task, and the plan of what its body does."""
        place = Constant(plan(self.witness, name, output, failures))
        return PipelineTask(name=name, function=function, inputs={"place": place, **(inputs or {})}, **options)

    def entries(self, who: str | None = None, deed: Deed | None = None) -> list[Entry]:
        """What handlers and tasks have noted so far, in order; of one of them, and of one kind, when asked so."""
        found = Journal(self.witness).entries()
        return [entry for entry in found if who in (None, entry.who) and deed in (None, entry.deed)]

    def in_fresh_process(self, operation: Callable[[Any, tuple[Pipeline, Any]], Any], pipeline: Pipeline, configured: Any) -> Any:
        """Work with a driver that a fresh interpreter makes on the directory of this trial's engine.

        Raises:
            Untested: The driver cannot be sent there.
            Violation: It ended the interpreter, hung, or raised.
        """
        directory = self.scratch / "engine"
        directory.mkdir(exist_ok=True)
        try:
            with Process(self.bench.maker.ship(), self.bench.settings.limit) as process:
                self.bench.touch()
                ended, told = process.call(_told, directory, (operation, pipeline, configured))
        except BadSubject as error:
            raise Untested(str(error)) from error
        except (WorkerDied, WorkerFailed) as error:
            raise Violation(
                "a fresh process could not go on with the run", expected="a process that ends well", actual=f"it {error}"
            ) from error
        if ended is Untested:
            raise Untested(told)
        if ended is Violation:
            raise Violation(f"in a fresh process, {told['message']}", expected=told["expected"], actual=told["actual"])
        return told

    def close(self) -> None:
        """Let go of the engines."""
        for engine in self._engines:
            engine.close()


def running_until_a_retry(driver: Any, payload: tuple[Pipeline, Any]) -> None:
    """In a fresh process: run a pipeline until a task waits for its retry."""
    pipeline, configured = payload
    engine = Engine(driver, _nothing)
    engine.configure_if_possible(configured)
    engine.rest(pipeline)
    engine.close()


def resuming_a_run(driver: Any, payload: tuple[Pipeline, Any]) -> dict[str, TaskReport]:
    """In a fresh process: resume the run of a pipeline, and say how each task ended, with errors as text."""
    pipeline, configured = payload
    engine = Engine(driver, _nothing)
    engine.configure_if_possible(configured)
    reports = engine.resume(pipeline)
    engine.close()
    return {name: TaskReport(report.succeeded, causes(report)) for name, report in reports.items()}


def _told(driver: Any, payload: tuple[Any, Pipeline, Any]) -> tuple[type | None, Any]:
    """In a fresh process: do what is asked, and say what came of it, also where it is an end that cannot travel."""
    operation, pipeline, configured = payload
    try:
        return None, operation(driver, (pipeline, configured))
    except Untested as reason:
        return Untested, str(reason)
    except Violation as violation:
        return Violation, {"message": violation.message, "expected": violation.expected, "actual": violation.actual}


def _nothing() -> None:
    """Another process does not tell of its progress."""


class EngineBench(FixedBench):
    """What all trials of an engine share.

    Making one is the smoke stage: a flow of two tasks is run, and seen to have run.

    Raises:
        BadSubject: It did not; the text says why and what to do.
    """

    subject: EngineSubject

    def __init__(self, subject: EngineSubject, settings: Settings) -> None:
        self.subject = subject
        self.settings = settings
        self.maker: Maker = maker_for(subject.driver)
        self.beat = time.monotonic()
        self._numbers = itertools.count()
        self._root = Path(tempfile.mkdtemp(prefix="resultspec-")).resolve()
        try:
            self._smoke()
        except BaseException:
            self.close()
            raise

    def _smoke(self) -> None:
        try:
            with self.trial() as trial:
                first = trial.task("first", produce, output="smoke")
                second = trial.task("second", consume, {"x": TaskOutput("first")})
                reports = trial.engine().play(Pipeline(name="smoke", tasks=(first, second)))
                called = [entry.who for entry in trial.entries(deed="call")]
        except Violation as violation:
            raise BadSubject(
                f"before anything can be said of the engine, its driver must run a flow of two tasks: {violation.message} "
                f"({violation.actual})"
            ) from violation
        except Exception as error:
            raise BadSubject(
                f"before anything can be said of the engine, its driver must run a flow of two tasks: {one_line(error)}"
            ) from error
        failed = [name for name, report in reports.items() if not report.succeeded]
        if failed or called != ["first", "second"]:
            told = f"; {failed[0]} failed with {causes(reports[failed[0]]) or 'no error'}" if failed else ""
            raise BadSubject(
                "before anything can be said of the engine, its driver must run a flow of two tasks, first and second: "
                f"the bodies that were called are {', '.join(called) or 'none'}{told}"
            )

    def touch(self) -> None:
        """Note that the run makes progress."""
        self.beat = time.monotonic()

    @contextmanager
    def trial(self, script: None = None, evidence_of: str | None = None, example: object = None) -> Iterator[EngineTrial]:
        """A trial in a scratch directory of its own, which is removed afterwards."""
        scratch = self._root / f"trial-{next(self._numbers)}"
        scratch.mkdir()
        self.touch()
        trial = EngineTrial(self, scratch)
        try:
            yield trial
        finally:
            trial.close()
            self.touch()
            shutil.rmtree(scratch, ignore_errors=True)

    def reproduce(self, check: Check, *values: Any) -> tuple[Violation | None, str]:
        """Run a failing check once more: the violation, and a script that runs it by itself."""
        rule = rules.rule(check.rule)
        name = importable_name(self.subject.driver)
        driver = f"lambda scratch: {self.maker.expression('scratch')}" if name is None else name[1]
        imports = "\n".join(self.maker.imports())
        script = _SCRIPT.format(rule=rule.id, statement=rule.statement, summary=check.summary, imports=imports, driver=driver)
        try:
            with self.trial() as trial:
                check.run(trial, *values)
        except Violation as violation:
            return violation, script
        except (NotApplicable, Untested):
            pass
        return None, script

    def close(self) -> None:
        """Remove every file of the run."""
        shutil.rmtree(self._root, ignore_errors=True)


_SCRIPT = '''\
"""{rule}: {statement}

{summary}
"""

{imports}
from resultspec_conformance import EngineSubject, reproduce

if __name__ == "__main__":
    reproduce("{rule}", EngineSubject({driver}))
'''


def bench_for(subject: ResultSubject | HierarchySubject | EngineSubject, settings: Settings) -> EngineBench | PlainBench:
    """Make what the trials of a subject share that is no handler.

    Raises:
        BadSubject: The subject cannot be checked as it is given.
    """
    return EngineBench(subject, settings) if isinstance(subject, EngineSubject) else PlainBench(subject, settings)
