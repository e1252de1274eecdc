"""Flows: graphs of tasks that are run together."""

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from resultspec import CarriesHandler, ResultHandler

from .._hierarchy import Parameter
from ._running import Runner
from ._runs import FlowRun
from ._states import State
from ._store import StateStore
from ._tasks import Graph, Output, Task, closed, holes_for, opened


class Flow:
    """A graph of tasks that are run together.

    Tasks that are called within the flow add themselves to it::

        @task
        def double(number: int) -> int:
            return 2 * number

        with Flow("doubling") as flow:
            doubled = double(parameter("number", int))

        run = flow.run(number=21)
        assert run.result(doubled) == 42

    Every output is written by the handler that applies to its task, and only the reference reaches the database: see
    :func:`resultspec_reference.resolve`.

    Args:
        name: What the flow is called.
        result_handler: What keeps the outputs of tasks that name no handler; None: the configuration's
            (``hierarchy.flow-over-config``).
    """

    def __init__(self, name: str, *, result_handler: ResultHandler[Any, Any] | None = None) -> None:
        self.name = name
        self.result_handler = result_handler
        self.outputs: dict[str, Output] = {}
        """What stands for the output of each task, by name, in the order in which they were added."""
        self._tokens: list[Token[Graph | None]] = []

    def __repr__(self) -> str:
        return f"<Flow {self.name!r} of {len(self.outputs)} tasks>"

    def __enter__(self) -> Self:
        self._tokens.append(opened(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        closed(self._tokens.pop())

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that the tasks take."""
        sources = (source for output in self.outputs.values() for source in output.inputs.values())
        return tuple(dict.fromkeys(source.name for source in sources if isinstance(source, Parameter)))

    def add(self, task: Task[..., Any], arguments: Mapping[str, Any], over: str | None = None) -> Output:
        """Add a task, as calling it within the flow does.

        Args:
            task: The task.
            arguments: What it is called with, by parameter; outputs of the flow and parameters may be anywhere in it.
            over: The parameter over whose elements the task is mapped, or None.

        Returns:
            What stands for its output.

        Raises:
            ValueError: An argument is the output of another flow.
        """
        without, inputs = holes_for(arguments)
        for place, source in inputs.items():
            if isinstance(source, Output) and self.outputs.get(source.name) is not source:
                raise ValueError(f"{task.name} takes as {place} the output of {source.name}, which is not in {self!r}")
        output = Output(self._unused(task.name), task, without, inputs, over)
        self.outputs[output.name] = output
        return output

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        store: StateStore | None = None,
        executor: Executor | None = None,
        configuration: CarriesHandler | None = None,
        retry: bool = True,
        on_state: Callable[[str, State[Any]], None] | None = None,
        progress: bool | None = None,
        **named: Any,
    ) -> FlowRun:
        """Run the flow.

        Args:
            parameters: Values of the parameters, by name.
            store: Where the states are kept; by default ``StateStore()``.
            executor: What runs the tasks; by default a pool of threads. Values are sent to any other executor, such as
                that of a Dask client (``client.get_executor()``), by reference.
            configuration: What names the handler where neither task nor flow does; by default
                :class:`resultspec_reference.Configuration`.
            retry: Whether to retry what fails; else the run rests where nothing but retries is left, to be resumed later.
            on_state: Is told of every state that a task enters, with the task's name, once the state is stored.
            progress: Whether to show the progress on standard error; by default when that is a terminal.
            named: Further parameters.

        Returns:
            The run, which has ended, or rests.

        Raises:
            TypeError: A parameter is missing or unknown.
            UnsupportedValue: A parameter is not JSON.
            InvalidConfiguration: No handler applies to a task, or the configuration is unusable.
        """
        given = {**(parameters or {}), **named}
        missing, unknown = set(self.parameters) - set(given), set(given) - set(self.parameters)
        if missing or unknown:
            what = f"needs {', '.join(sorted(missing))}" if missing else f"has no parameter {', '.join(sorted(unknown))}"
            raise TypeError(f"The flow {self.name} {what}; its parameters are {', '.join(self.parameters) or 'none'}")
        with _kept(store) as kept:
            runner = Runner(self, kept, executor, configuration, retry, on_state, progress)
            runner.start(given)
            return runner.run()

    def resume(
        self,
        run: str,
        /,
        *,
        store: StateStore | None = None,
        executor: Executor | None = None,
        configuration: CarriesHandler | None = None,
        retry: bool = True,
        on_state: Callable[[str, State[Any]], None] | None = None,
        progress: bool | None = None,
    ) -> FlowRun:
        """Go on with a run that was interrupted, in whatever process (``engine.fresh-process``).

        Tasks whose output is stored are not run again. The process that had the run before, if it still lives, is
        refused the database from now on.

        Args:
            run: The id of the run.
            store: Where its states are kept.
            executor: As for :meth:`run`, like the arguments below.
            configuration: See there.
            retry: See there.
            on_state: See there.
            progress: See there.

        Raises:
            UnknownRun: There is no such run.
            ValueError: The run is one of another flow, or the flow has lost tasks since.
        """
        with _kept(store) as kept:
            runner = Runner(self, kept, executor, configuration, retry, on_state, progress)
            runner.resume(run)
            return runner.run()

    def _unused(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self.outputs:
            number += 1
            candidate = f"{name}-{number}"
        return candidate


@contextmanager
def _kept(given: StateStore | None) -> Generator[StateStore]:
    """The store that was given, or one that is closed afterwards."""
    if given is not None:
        yield given
        return
    with StateStore() as store:
        yield store
