"""Runs a flow: finds what is ready, has it done, and stores every state before anything is built on it."""

import hashlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs
from resultspec import CarriesHandler, ResultHandler

from .._configuration import Configuration
from .._hierarchy import Parameter, resolve
from .._json import JSONResultHandler
from .._results import HandledResult, Result
from ._forms import HandlerOf, from_form, to_form
from ._progress import shown
from ._runs import FlowRun
from ._states import Cached, Cause, Failed, Inputs, Pending, Retrying, Running, State, Success, TriggerFailed
from ._store import Claim, StateStore, StoredState
from ._tasks import Graph, Hole, Output
from ._work import Done, compute, digest_of, fetch

_JSON = JSONResultHandler()
_LONGEST_WAIT = 3600.0


@attrs.define(eq=False)
class _Job:
    """A task that is to be run once: a task of the flow, or an element of a mapped one.

    Attributes:
        name: What its state is stored under.
        output: The task's place in the flow.
        arguments: What it is called with, a hole for each input.
        element: The input that is an element of a mapped output, where it is one.
        state: Its state.
        result: Its result as others use it here: raw where memory is shared.
        handled: Its result as it is stored.
        digest: What its value is known by among the keys of the cache.
        element_digest: The same of the element.
        kept: Its inputs as they are stored for a retry, once it has failed.
        attempts: How many times it has failed.
        key: The key under which its output is cached.
        distrusts_cache: Whether what was found under the key could not be read.
    """

    name: str
    output: Output
    arguments: Mapping[str, Any]
    element: Result[Any, Any] | None = None
    element_digest: str | None = None
    state: State[Any] = attrs.field(factory=Pending[Any])
    result: Result[Any, Any] | None = None
    handled: HandledResult[Any, Any] | None = None
    digest: str | None = None
    kept: Inputs | None = None
    attempts: int = 0
    key: str | None = None
    distrusts_cache: bool = False


class Runner:
    """Runs one flow once.

    Args:
        flow: The flow.
        store: Where states are kept.
        executor: What runs the tasks; None: a pool of threads of the runner's own.
        configuration: What names the handler where neither task nor flow does; None: the user's.
        retry: Whether to retry what fails, or to let the run rest where nothing but retries is left.
        on_state: Is told of every state that a task enters.
        progress: Whether to show the progress; None: on a terminal.
    """

    def __init__(
        self,
        flow: Graph,
        store: StateStore,
        executor: Executor | None,
        configuration: CarriesHandler | None,
        retry: bool,
        on_state: Callable[[str, State[Any]], None] | None,
        progress: bool | None,
    ) -> None:
        self._claim: Claim
        self._flow = flow
        self._store = store
        self._executor = executor
        self._shared = executor is None or isinstance(executor, ThreadPoolExecutor)
        self._configuration = Configuration() if configuration is None else configuration
        self._retry = retry
        self._on_state = on_state
        self._progress = progress
        self._handlers: dict[str, ResultHandler[Any, Any]] = {}
        self._parameters: dict[str, Result[Any, Any]] = {}
        self._jobs: dict[str, list[_Job]] = {}
        self._stored: Mapping[str, StoredState] = {}
        self._running: dict[Future[Done], tuple[_Job, bool]] = {}
        self._pool: Executor
        self._tell: Callable[[str, State[Any]], None]
        self._digested = any(output.task.cache_for is not None for output in flow.outputs.values())

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin a new run."""
        self._resolve()
        texts = {name: _JSON.write(value) for name, value in parameters.items()}
        self._take_parameters(texts)
        self._claim = self._store.begin(self._flow.name, texts)

    def resume(self, run: str) -> None:
        """Take over a run that was begun."""
        self._resolve()
        stored = self._store.run(run)
        if stored.flow != self._flow.name:
            raise ValueError(f"The run {run} is one of the flow {stored.flow}, not of {self._flow.name}")
        lost = {name.partition("[")[0] for name in stored.states} - set(self._flow.outputs)
        if lost or set(self._flow.parameters) - set(stored.parameters):
            raise ValueError(f"The flow {self._flow.name} has changed since the run {run}: it lacks {', '.join(sorted(lost))}")
        self._claim = self._store.take_over(run)
        self._take_parameters(stored.parameters)
        self._stored = self._store.run(run).states

    def run(self) -> FlowRun:
        """Run what is ready until nothing is left to be done, or nothing but retries that are not wanted now."""
        with ExitStack() as stack:
            self._pool = self._executor or stack.enter_context(ThreadPoolExecutor(thread_name_prefix="resultspec-task"))
            self._tell = stack.enter_context(shown(self._flow.name, len(self._flow.outputs), self._progress))
            try:
                while self._advance():
                    pass
            finally:
                for future in self._running:
                    future.cancel()
        run = FlowRun(self._claim.run, {job.name: job.state for job in self._all()})
        if run.finished:
            self._store.end(self._claim, "succeeded" if run.succeeded else "failed")
        return run

    def _advance(self) -> bool:
        """Launch what is ready, and wait for something to happen; whether anything is left to be done."""
        expanded = self._expand()
        ready = self._ready()
        for job in ready:
            self._launch(job)
        pause = self._pause()
        if self._running:
            done, _ = wait(self._running, timeout=pause, return_when=FIRST_COMPLETED)
            for future in done:
                job, from_cache = self._running.pop(future)
                self._settle(job, future, from_cache=from_cache)
        elif pause is not None:
            time.sleep(pause)
        else:
            return expanded or bool(ready)
        return True

    def _resolve(self) -> None:
        """Find the handler of each task now, so that an unusable configuration stops the run before it begins."""
        for name, output in self._flow.outputs.items():
            self._handlers[name] = resolve(task=output.task, flow=self._flow, configuration=self._configuration)

    def _take_parameters(self, texts: Mapping[str, str]) -> None:
        self._parameters = {name: Result(text, True, _JSON).read() for name, text in texts.items()}

    def _all(self) -> Iterator[_Job]:
        for name in self._flow.outputs:
            yield from self._jobs.get(name, ())

    def _expand(self) -> bool:
        """Make the jobs of the tasks for which it has become known what they are; whether there were any."""
        before = len(self._jobs)
        for name, output in self._flow.outputs.items():
            if name in self._jobs:
                continue
            if output.over is None:
                self._add(name, [_Job(name, output, output.arguments)])
            elif (elements := self._elements(output)) is not None:
                self._add(name, elements)
        return len(self._jobs) > before

    def _add(self, name: str, jobs: list[_Job]) -> None:
        self._jobs[name] = jobs
        for job in jobs:
            if self._on_state is not None and isinstance(job.state, Pending):
                self._on_state(job.name, job.state)
            if (stored := self._stored.get(job.name)) is not None:
                self._restore(job, stored)

    def _restore(self, job: _Job, stored: StoredState) -> None:
        """Take up a job where it was left."""
        handlers = HandlerOf(self._handlers[job.output.name], dict(self._handlers_of_inputs(job)))
        state = from_form(stored.form, self._store.converter, handlers)
        if isinstance(state, Running):
            job.attempts = state.attempt - 1
        elif not isinstance(state, Pending):
            job.state = state
        if isinstance(state, Retrying):
            job.attempts, job.kept = state.attempt, state.cached_inputs
        if isinstance(state, Success) and isinstance(state._result, HandledResult):
            job.result = job.handled = state._result
            job.digest = stored.digest

    def _handlers_of_inputs(self, job: _Job) -> Iterator[tuple[str, ResultHandler[Any, Any]]]:
        for place, source in job.output.inputs.items():
            yield place, _JSON if isinstance(source, Parameter) else self._handlers[source.name]

    def _elements(self, output: Output) -> list[_Job] | None:
        """The jobs of a mapped task, or None while it is not known what it is mapped over."""
        assert output.over is not None  # the caller has looked
        source = output.inputs.get(output.over)
        if source is None:
            items = list(output.arguments[output.over])
            return [self._element(output, index, {output.over: item}) for index, item in enumerate(items)]
        if isinstance(source, Output):
            upstream = self._jobs.get(source.name)
            if upstream is None or not all(job.state.finished for job in upstream):
                return None
            if failed := next((job for job in upstream if not job.state.succeeded), None):
                return [self._ended(output, TriggerFailed(upstream=failed.name))]
            if source.over is not None:
                return [self._element(output, index, {}, job.result, job.digest) for index, job in enumerate(upstream)]
        try:
            whole = self._result_of(source)
            items = list(whole.read().value)
        except Exception as error:
            return [self._ended(output, Failed(cause=Cause.of(error), error=error))]
        # An element is a part of what the producer returned: its owner's handler keeps it (engine.mapped-owner).
        owner = whole.result_handler
        return [
            self._element(output, index, {}, Result(item, False, owner), digest_of(item) if self._digested else None)
            for index, item in enumerate(items)
        ]

    def _element(
        self,
        output: Output,
        index: int,
        constant: Mapping[str, Any],
        element: Result[Any, Any] | None = None,
        digest: str | None = None,
    ) -> _Job:
        arguments = {**output.arguments, **constant}
        return _Job(f"{output.name}[{index}]", output, arguments, element=element, element_digest=digest)

    def _ended(self, output: Output, state: State[Any]) -> _Job:
        job = _Job(output.name, output, output.arguments)
        self._become(job, state)
        return job

    def _ready(self) -> list[_Job]:
        now = datetime.now(UTC)
        pending = [job for job in self._all() if isinstance(job.state, Pending)]
        waiting = [job for job in self._all() if self._retry and isinstance(job.state, Retrying) and job.state.due <= now]
        return [job for job in pending if self._is_ready(job)] + waiting

    def _is_ready(self, job: _Job) -> bool:
        """Whether every task that it takes an input from has ended."""
        for place, source in job.output.inputs.items():
            if isinstance(source, Output) and not (place == job.output.over and job.element is not None):
                upstream = self._jobs.get(source.name)
                if upstream is None or not all(one.state.finished for one in upstream):
                    return False
        return True

    def _pause(self) -> float | None:
        """Seconds until the next retry is due, or None when none waits or is wanted."""
        dues = [job.state.due for job in self._all() if isinstance(job.state, Retrying)]
        if not dues or not self._retry:
            return None
        return min(max((min(dues) - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)

    def _launch(self, job: _Job) -> None:
        """Have a job done: from what was kept for its retry, from the cache, or by calling its function."""
        if failed := self._failed_upstream(job):
            self._become(job, TriggerFailed(upstream=failed))
            return
        try:
            inputs = self._inputs(job) if job.kept is None else job.kept
            if not self._shared:
                inputs = _handled(inputs)
            if job.kept is None:
                job.key = self._key(job)
        except Exception as error:
            self._fail(job, error)
            return
        cached = self._cached(job)
        self._become(job, Running(attempt=job.attempts + 1))
        if cached is None:
            work = partial(compute, job.output.task.function, job.arguments, inputs, self._handlers[job.output.name])
        else:
            work = partial(fetch, cached)
        try:
            future = self._pool.submit(work, shared=self._shared, digested=self._digested)
        except Exception as error:
            self._fail(job, error)
        else:
            self._running[future] = job, cached is not None

    def _cached(self, job: _Job) -> HandledResult[Any, Any] | None:
        """The valid cached output that stands for what a job would compute, if there is one."""
        form = None if job.key is None or job.distrusts_cache else self._store.remembered(job.key)
        if form is None:
            return None
        state = from_form(form, self._store.converter, HandlerOf(self._handlers[job.output.name], {}))
        return state._result if isinstance(state._result, HandledResult) else None

    def _settle(self, job: _Job, future: Future[Done], *, from_cache: bool) -> None:
        """Take in what came of a job."""
        error = future.exception()
        if error is None:
            done = future.result()
            job.result, job.handled, job.digest = done.result, done.handled, done.digest
            self._become(job, Cached(result=done.result) if from_cache else Success(result=done.result))
            if not from_cache:
                self._remember(job)
        elif not isinstance(error, Exception):
            raise error
        elif from_cache:
            # What cannot be read is no valid cached output: the task is computed, and that output takes its place.
            job.distrusts_cache, job.state = True, Pending()
        else:
            self._fail(job, error)

    def _remember(self, job: _Job) -> None:
        if job.key is not None and job.output.task.cache_for is not None:
            until = datetime.now(UTC) + job.output.task.cache_for
            self._store.remember(job.key, to_form(Success(result=_there(job.handled)), self._store.converter), until)

    def _fail(self, job: _Job, error: Exception) -> None:
        """Keep the inputs of a job that failed for its retry, or let it fail for good."""
        job.attempts += 1
        if job.attempts <= job.output.task.retries:
            try:
                job.kept = self._kept_inputs(job) if job.kept is None else job.kept
            except Exception as failure:
                failure.add_note(f"raised while the inputs of {job.name} were kept for a retry")
                failure.__context__ = error
                error = failure
            else:
                due = datetime.now(UTC) + job.output.task.retry_delay
                cause = Cause.of(error)
                self._become(job, Retrying(attempt=job.attempts, due=due, cached_inputs=job.kept, cause=cause, error=error))
                return
        self._become(job, Failed(cause=Cause.of(error), error=error))

    def _become(self, job: _Job, state: State[Any]) -> None:
        """Let a job enter a state, once that is stored."""
        stored = attrs.evolve(state, result=_there(job.handled)) if isinstance(state, Success) else state
        self._store.save(self._claim, job.name, StoredState(to_form(stored, self._store.converter), job.digest))
        job.state = state
        self._tell(job.name, state)
        if self._on_state is not None:
            self._on_state(job.name, state)

    def _failed_upstream(self, job: _Job) -> str | None:
        for source in job.output.inputs.values():
            if isinstance(source, Output):
                for upstream in self._jobs.get(source.name, ()):
                    if upstream.state.finished and not upstream.state.succeeded:
                        return upstream.name
        return None

    def _inputs(self, job: _Job) -> dict[str, Result[Any, Any] | list[Result[Any, Any]]]:
        return {place: self._input(job, place, source, lambda one: one.result) for place, source in job.output.inputs.items()}

    def _kept_inputs(self, job: _Job) -> Inputs:
        """The inputs as they are stored for a retry, each handled by its producer's handler."""
        return _handled(
            {place: self._input(job, place, source, lambda one: one.handled) for place, source in job.output.inputs.items()}
        )

    def _input(
        self, job: _Job, place: str, source: Output | Parameter, form: Callable[[_Job], Result[Any, Any] | None]
    ) -> Result[Any, Any] | list[Result[Any, Any]]:
        if place == job.output.over and job.element is not None:
            return job.element
        if isinstance(source, Output) and source.over is not None:
            return [_there(form(one)) for one in self._jobs[source.name]]
        if isinstance(source, Output):
            return _there(form(self._jobs[source.name][0]))
        return self._parameters[source.name]

    def _result_of(self, source: Output | Parameter) -> Result[Any, Any]:
        return self._parameters[source.name] if isinstance(source, Parameter) else _there(self._jobs[source.name][0].result)

    def _key(self, job: _Job) -> str | None:
        """The key under which the output is cached: of the function's text, and of what each argument is known by."""
        task = job.output.task
        if task.cache_for is None:
            return None
        digests: dict[str, Any] = {"arguments": digest_of(_without_holes(job.arguments))}
        for place, source in job.output.inputs.items():
            if place == job.output.over and job.element is not None:
                digests[place] = job.element_digest
            elif isinstance(source, Parameter):
                digests[place] = hashlib.sha256(_JSON.write(self._parameters[source.name].value).encode()).hexdigest()
            else:
                known = [upstream.digest for upstream in self._jobs[source.name]]
                digests[place] = None if None in known else known
        if None in digests.values():
            return None
        function = task.function
        identity = [self._flow.name, task.name, getattr(function, "__module__", ""), _text_of(function)]
        return hashlib.sha256(json.dumps([identity, digests], sort_keys=True).encode()).hexdigest()


def _handled(inputs: Inputs) -> Inputs:
    return {
        place: [one.write() for one in given] if isinstance(given, list) else given.write() for place, given in inputs.items()
    }


def _there(result: Result[Any, Any] | None) -> Result[Any, Any]:
    assert result is not None  # the task succeeded: its consumers are not run before
    return result


def _without_holes(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in arguments.items() if not isinstance(value, Hole)}


def _text_of(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        return repr((code.co_code, code.co_consts)) if code is not None else repr(type(function))
