"""What an engine author writes: a driver that runs pipelines on the engine, and says what came of it.

Four methods are asked of every driver, see :class:`EngineDriver`. What not every engine can show is asked for by a small
Protocol of its own: a driver that has the method of ``SupportsStates``, ``SupportsStorage``, ``SupportsResume`` or
``SupportsClose`` is judged by it, and where it has not, the rules that need it are judged by what the suite's own handlers
and tasks have seen, or reported as untested with the reason.

Every method may be a coroutine function instead; the suite awaits it, always on the same event loop.

A driver for an engine whose names are made up::

    class Driver:
        def __init__(self, directory: Path) -> None:
            self.engine = Engine(database=directory / "engine.db")

        def task(self, task: PipelineTask) -> Any:
            options = {"retries": task.retries, "cache_for": task.cache_for, "result_handler": task.result_handler}
            return Task(task.function, task.name, **options)

        def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
            flow = Flow(pipeline.name, result_handler=pipeline.result_handler)
            for task in pipeline.tasks:
                for argument, given in task.inputs.items():
                    match given:
                        case TaskOutput(name):
                            flow.connect(tasks[name], tasks[task.name], argument)
                        case ParameterValue(name):
                            flow.connect(Parameter(name), tasks[task.name], argument)
                        case Constant(value):
                            flow.bind(tasks[task.name], argument, value)
            return flow

        def configure(self, result_handler: Any) -> None:
            self.engine.settings.result_handler = result_handler

        def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
            ended = self.engine.run(flow, **parameters)
            return {name: TaskReport(state.is_successful, state.error) for name, state in ended.items()}

    subject = EngineSubject(Driver)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from .pipelines import Pipeline, PipelineTask
from .trials.calling import call


class Unsupported(Exception):
    """Raised by a driver for what its engine does not have: mapping, say. The text says what.

    The rule that asked for it is reported as untested, with that text as its reason.
    """


@attrs.frozen
class TaskReport:
    """How a task ended in a run.

    Attributes:
        succeeded: Whether the engine says that it succeeded; a task that was not run, or was skipped, did not.
        error: Why it did not: the exception, with its ``__cause__``, or whatever text the engine keeps of it and of its
            causes, such as the traceback.
    """

    succeeded: bool
    error: BaseException | str | None = None


def causes(report: TaskReport) -> str:
    """The texts of the exceptions that a report keeps: the error's own, and those of its causes."""
    if not isinstance(report.error, BaseException):
        return report.error or ""
    lines: list[str] = []
    waiting: list[BaseException | None] = [report.error]
    seen: set[int] = set()
    while waiting:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        lines += [f"{type(error).__qualname__}: {error}", *getattr(error, "__notes__", ())]
        waiting += [error.__cause__, None if error.__suppress_context__ else error.__context__]
        waiting += error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return "\n".join(lines)


class EngineDriver(Protocol):
    """**Protocol:** runs pipelines on an engine; the one thing that an engine author writes.

    One driver stands for one installation of the engine: its database is empty when the first driver is made on a scratch
    directory, and another driver made on the same directory, perhaps in another process, finds what the first has stored.

    Handlers are passed to the engine as they are, or not at all where they are None. The suite's are cheap, pickle, and are
    attrs classes (:class:`~resultspec_conformance.spies.FileSpy`), so that an engine can store how to make them again. They and
    the bodies of tasks note in files what they are asked, so that an engine may call them in any thread and any process. Which
    task fails where an input cannot be kept for a retry, the one that returned it or the one that waits, is the engine's choice.
    """

    def task(self, task: PipelineTask, /) -> Any:
        """Make a task of the engine.

        It is made once, also when it is put into several flows; what its inputs are is for :meth:`flow` to say. An engine
        whose tasks exist within a flow only may return the description itself, and make the task in :meth:`flow`.

        Raises:
            Unsupported: The engine has no such tasks.
        """
        ...

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any], /) -> Any:
        """Make a flow of the engine, from the tasks that :meth:`task` made, by name.

        The parameters of the flow are those that the inputs of its tasks name.

        Raises:
            Unsupported: The engine has no such flows.
        """
        ...

    def configure(self, result_handler: Any, /) -> None:
        """Let the user's configuration name this handler from now on; None: it names none, and the engine's own default applies.

        It is called before a flow is run, between its runs, and also in the process that resumes one. It may be something that
        is no handler, which the engine has to refuse here or when it needs the handler.
        """
        ...

    def run(self, flow: Any, parameters: Mapping[str, Any], /) -> Mapping[str, TaskReport]:
        """Run a flow with values for its parameters, to its end, retries included: how each of its tasks ended, by name.

        Each call is another run, and does not raise because a task fails. The report of a mapped task is that of all its
        elements: it succeeded when all did.
        """
        ...


class SupportsStates(Protocol):
    """**Protocol:** a driver whose engine has state objects."""

    def states(self, flow: Any, task: str, /) -> Sequence[Any]:
        """The states that a task went through in the last run of a flow, from the pending one to the final one.

        Each is a :class:`resultspec.State`: what its ``result`` and ``_result`` are is what is judged; until there is a result,
        both are NoResult, in every state. They may be copies made as the run went on, but not made for the occasion out of
        something else. It is not asked of mapped tasks.
        """
        ...


class SupportsStorage(Protocol):
    """**Protocol:** a driver that shows what its engine stores."""

    def stored(self) -> Iterable[Any]:
        """Everything that the engine has stored, sent or queued so far, in however many pieces.

        Files and messages go as their bytes or text, rows of a database as lists of their fields, documents as JSON. What
        handlers keep in their own storage is no part of it. Text and bytes that hold JSON are parsed by the suite.
        """
        ...


class SupportsResume(Protocol):
    """**Protocol:** a driver whose engine can let a run rest while a task waits for its retry."""

    def run_until_retry(self, flow: Any, parameters: Mapping[str, Any], /) -> None:
        """Start a run, and return when a task waits for its retry and everything about the run is stored.

        That includes the parameters, which :meth:`resume` is not given again, and the outputs that later tasks take. An engine
        that retries at once lets the retry wait, for an hour say, so that the run comes to rest.
        """
        ...

    def resume(self, flow: Any, /) -> Mapping[str, TaskReport]:
        """Take up the waiting run of a flow of this name, as if the retry were due, and run it to its end.

        It is called in another process than the one that began the run, on a driver made there on the same directory, with
        the same configuration, and with a flow made there of the same pipeline.

        Returns:
            How each task ended, those that had ended before included.
        """
        ...


class SupportsClose(Protocol):
    """**Protocol:** a driver that holds something which has to be let go: a server, a pool, a connection."""

    def close(self) -> None:
        """Let it go; nothing is asked of the driver afterwards, and its directory is removed."""
        ...


def ask(method: Callable[..., Any], *arguments: Any) -> Any:
    """Call a method of a driver and return its result, awaited where it is awaitable."""
    return call(lambda _: method(*arguments), None)


def is_driver(thing: Any) -> bool:
    """Whether something has the methods of an :class:`EngineDriver`: a driver, or a class of drivers."""
    return all(callable(getattr(thing, method, None)) for method in ("task", "flow", "configure", "run"))
