"""Checks of the family *engine*: what an engine does with results.

Each runs small flows whose handlers and task bodies note what they are given, and judges what they noted, what the engine
reports of the tasks, and, where its driver shows them, its states and what it has stored.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from resultspec import JSON

from ..checking import Untested, Violation, check
from ..engines import TaskReport, causes
from ..pipelines import ParameterValue, Pipeline, PipelineTask, TaskOutput
from ..secrets.holding import first_revealed, holds_json, reveals
from ..spies import FileSpy
from ..trials.enginebench import Engine, EngineTrial, resuming_a_run, running_until_a_retry
from ..trials.journal import Entry
from ..trials.outcomes import one_line
from ..trials.tasks import HOUR, combine, consume, produce
from ..values.source import shown

_VALUES: tuple[Any, ...] = ("text", {"a": [1, 2.5, None]}, 0, "", None)
_CANARIES: Mapping[str, tuple[Any, str | int]] = {
    "text": ("Kestrel4417Meadow", "Kestrel4417Meadow"),
    "record": ({"owner": "Bittern9025Gravel", "parts": [1, 2]}, "Bittern9025Gravel"),
    "bytes": (b"\x00Plover3360Timber\xff", "Plover3360Timber"),
    "number": (7_204_519_336_688_190_143, 7_204_519_336_688_190_143),
}
"""Values that must not be seen, each with the part of it that is looked for."""


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


def _seen(trial: EngineTrial, task: PipelineTask, argument: str = "x") -> list[Any]:
    """What the body of a task was given for an argument, one for each call."""
    return [entry.value.get(argument) for entry in trial.entries(task.name, "call")]


def _wrote(trial: EngineTrial, value: Any) -> list[str]:
    """The handlers that were given a value to write, alone or within another."""
    found = [entry.who for entry in trial.entries(deed="write") if repr(value) in repr(entry.value)]
    return list(dict.fromkeys(found))


def _succeeded(reports: Mapping[str, TaskReport], task: PipelineTask, when: str) -> None:
    report = reports[task.name]
    if not report.succeeded:
        told = causes(report).partition("\n")[0] or "no error"
        raise Violation(f"the task {task.name!r} failed {when}", expected="a task that succeeds", actual=f"it failed with {told}")


def _failed_with(report: TaskReport, spy: FileSpy, task: str, what: str) -> None:
    """The task failed, and keeps what the handler said."""
    if report.succeeded:
        raise Violation(f"{task} succeeded although {what}", expected="a task that failed", actual="a task that succeeded")
    told = causes(report)
    if spy.complaint not in told:
        raise Violation(
            f"{task} failed because {what}, and the cause is lost",
            expected=f"an error with the cause {spy.complaint!r}",
            actual=shown(told) if told else "no error at all",
        )


def _retrying(trial: EngineTrial, inputs: Mapping[str, Any], name: str = "consumer", **options: Any) -> PipelineTask:
    """A task that fails once and is retried, with a handler of its own."""
    handler = trial.spy("handler-of-the-consumer")
    body = combine if "y" in inputs else consume
    return trial.task(name, body, inputs, failures=1, retries=1, result_handler=handler, **options)


# --- state-result ---------------------------------------------------------------------------------------------------------------


def _state(engine: Engine, flow: Any, task: PipelineTask, which: int) -> Any:
    states = engine.states(flow, task.name)
    if states is None:
        raise Untested("the driver shows no states (SupportsStates)")
    if len(states) <= abs(which + 1):
        raise Untested("the driver shows no state from before the computation")
    return states[which]


def _of(state: Any, name: str) -> Any:
    try:
        return getattr(state, name)
    except Exception as error:
        raise Violation(
            f"{name} of a state raised {type(error).__qualname__}", expected="a result", actual=one_line(error)
        ) from error


def _holds(state: Any, value: Any, which: str) -> None:
    underlying, result = _of(state, "_result"), _of(state, "result")
    try:
        held, read = underlying.value, underlying.read().value
    except Exception as error:
        raise Violation(
            f"_result of {which} is not a Result that can be read",
            expected=f"a Result of {shown(value)}",
            actual=f"{shown(underlying)}: {one_line(error)}",
        ) from error
    if not _same(read, value):
        raise Violation(f"_result of {which} is another's", expected=f"a Result of {shown(value)}", actual=shown(read))
    if not _same(result, held):
        raise Violation(f"result of {which} is not the value of its _result", expected=shown(held), actual=shown(result))


@check("engine.state-result")
def the_final_state_holds_the_result(trial: EngineTrial) -> None:
    """Tasks return values, falsy ones and None among them; _result and result of their final states are read."""
    for number, value in enumerate(_VALUES):
        task = trial.task(f"producer-{number}", produce, output=value, result_handler=trial.spy("handler"))
        engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
        flow = engine.build(pipeline)
        _succeeded(engine.run(flow, pipeline), task, "although its body returned")
        _holds(_state(engine, flow, task, -1), value, "the final state of a finished task")


@check("engine.state-result")
def no_state_holds_anything_but_the_result(trial: EngineTrial) -> None:
    """A task returns a value: every state that it went through is asked for its _result and result."""
    task = trial.task("producer", produce, output="text", result_handler=trial.spy("handler"))
    engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
    flow = engine.build(pipeline)
    _succeeded(engine.run(flow, pipeline), task, "although its body returned")
    if (states := engine.states(flow, task.name)) is None:
        raise Untested("the driver shows no states (SupportsStates)")
    for number, state in enumerate(states):
        if not _is_absence(_of(state, "_result"), _of(state, "result")):
            _holds(state, "text", f"state {number + 1} of a task that returned it, unless it holds NoResult,")


def _is_absence(underlying: Any, result: Any) -> bool:
    """Whether what a state holds is NoResult: it alone is its own value."""
    return result is underlying and getattr(underlying, "value", None) is underlying


@check("engine.state-result")
def the_state_of_a_cached_task_holds_the_result(trial: EngineTrial) -> None:
    """A task with a cached output is run twice; _result and result of its final state are read after the second run."""
    task = trial.task("producer", produce, output="text", result_handler=trial.spy("handler"), cache_for=HOUR)
    engine, pipeline = trial.engine(), Pipeline(name="cached", tasks=(task,))
    flow = engine.build(pipeline)
    for _ in range(2):
        _succeeded(engine.run(flow, pipeline), task, "although its body returned")
    _holds(_state(engine, flow, task, -1), "text", "the final state of a task that is cached")


@check("engine.state-result")
def a_state_before_computation_holds_no_result(trial: EngineTrial) -> None:
    """The first state of a task that is run is asked for its _result and result."""
    task = trial.task("producer", produce, output="text", result_handler=trial.spy("handler"))
    engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
    flow = engine.build(pipeline)
    engine.run(flow, pipeline)
    first = _state(engine, flow, task, 0)
    underlying, result = _of(first, "_result"), _of(first, "result")
    for name, found in (("_result", underlying), ("result", result)):
        if found is not underlying or getattr(found, "value", None) is not found:
            raise Violation(
                f"{name} of a state from before the computation is {shown(found)}", expected="NoResult", actual=shown(found)
            )


@check("engine.state-result")
def what_is_stored_of_a_finished_task_names_its_result(trial: EngineTrial) -> str:
    """Where there are no states: the reference of a task's output is looked for in what the engine stores."""
    spy = trial.spy("handler-of-the-output")
    task = trial.task("producer", produce, output="text", result_handler=spy, cache_for=HOUR)
    engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
    flow = engine.build(pipeline)
    _succeeded(engine.run(flow, pipeline), task, "although its body returned")
    if engine.states(flow, task.name) is not None:
        raise Untested("the driver shows states, which were judged instead")
    references = [str(entry.reference) for entry in trial.entries(spy.name, "write") if entry.value == "text"]
    if not references:
        raise Untested("the driver shows no states (SupportsStates), and the handler was not asked to write the output")
    if not any(reveals(_stored(engine), reference) for reference in references):
        raise Violation(
            "what the engine stores of a finished task does not name its result",
            expected=f"the reference {references[0]!r}",
            actual="it is not there",
        )
    return "judged by what the engine stores: its driver shows no states"


# --- only-handled-stored --------------------------------------------------------------------------------------------------------


def _stored(engine: Engine) -> Sequence[Any]:
    stored = engine.stored()
    if stored is None:
        raise Untested("the driver does not show what its engine stores (SupportsStorage)")
    if not stored:
        raise Untested("the driver shows that its engine stores nothing at all")
    return stored


def _nothing_raw(engine: Engine, what: str) -> None:
    kinds = {canary: kind for kind, (_, canary) in _CANARIES.items()}
    if found := first_revealed(_stored(engine), kinds, share=0.0):  # a part of a value is raw data too
        canary, how = found
        raise Violation(
            f"the engine stored {what} raw: the {kinds[canary]} {canary!r}, or a part of it, was found {how}",
            expected="references, and no part of the values",
            actual=f"{canary!r}, or a part of it, {how} in what the engine stored",
        )


def _guarded(trial: EngineTrial, *, cache: bool, failures: int) -> list[PipelineTask]:
    """Tasks that return what must not be seen, each with a consumer that is retried."""
    tasks: list[PipelineTask] = []
    for kind, (value, _) in _CANARIES.items():
        handler = trial.spy(f"handler-of-{kind}")
        producer = trial.task(
            f"{kind}-producer", produce, output=value, result_handler=handler, cache_for=HOUR if cache else None
        )
        options = {"failures": failures, "retries": 1, "output": value, "result_handler": handler}
        tasks += (producer, trial.task(f"{kind}-consumer", consume, {"x": TaskOutput(producer.name)}, **options))
    return tasks


@check("engine.only-handled-stored")
def nothing_raw_is_stored_of_outputs_and_inputs(trial: EngineTrial) -> None:
    """Values of several kinds are returned, passed on, cached as inputs, and lost with a task that fails for good."""
    for failures in (1, 2):
        engine = trial.engine()
        engine.play(Pipeline(name="guarded", tasks=tuple(_guarded(trial, cache=False, failures=failures))))
        _nothing_raw(engine, "a task's output or input")


@check("engine.only-handled-stored")
def nothing_raw_is_stored_of_cached_outputs(trial: EngineTrial) -> None:
    """Values of several kinds are returned by tasks whose outputs are cached, and taken from the cache."""
    engine, pipeline = trial.engine(), Pipeline(name="guarded", tasks=tuple(_guarded(trial, cache=True, failures=0)))
    flow = engine.build(pipeline)
    for _ in range(2):
        engine.run(flow, pipeline)
    _nothing_raw(engine, "a cached output")


@check("engine.only-handled-stored")
def nothing_raw_is_stored_of_what_cannot_be_written(trial: EngineTrial) -> None:
    """A value is returned whose handler cannot write, by a task whose output is cached."""
    handler = trial.spy("unwritable", fails="write")
    value, _ = _CANARIES["record"]
    task = trial.task("producer", produce, output=value, result_handler=handler, cache_for=HOUR)
    engine = trial.engine()
    engine.play(Pipeline(name="unwritable", tasks=(task,)))
    _nothing_raw(engine, "an output that its handler could not write")


@check("engine.only-handled-stored")
def nothing_raw_is_stored_of_mapped_outputs(trial: EngineTrial) -> None:
    """A list is returned, over whose elements a task is mapped that fails once for each of them."""
    elements = [value for value, _ in _CANARIES.values()]
    producer = trial.task("producer", produce, output=elements, result_handler=trial.spy("handler"))
    mapped = trial.task("mapped", consume, {"x": TaskOutput("producer")}, mapped="x", failures=1, retries=1)
    engine = trial.engine()
    engine.play(Pipeline(name="mapped", tasks=(producer, mapped)))
    _nothing_raw(engine, "an element of a mapped output")


@check("engine.only-handled-stored")
def nothing_raw_is_stored_while_a_run_rests(trial: EngineTrial) -> None:
    """A run rests while a task waits for its retry, and what is stored then is searched."""
    engine = trial.engine()
    engine.rest(Pipeline(name="resting", tasks=tuple(_guarded(trial, cache=False, failures=1))))
    _nothing_raw(engine, "a task's output or input while the run rests")


# --- retry-inputs ---------------------------------------------------------------------------------------------------------------


@check("engine.retry-inputs")
def the_inputs_of_a_retry_are_kept_and_read_by_their_owners(trial: EngineTrial) -> None:
    """A task that takes two outputs, each with a handler of its own, fails once: who wrote and read what?"""
    own, others = trial.spy("handler-of-the-producer"), trial.spy("handler-of-the-other")
    one = trial.task("producer", produce, output="first value", result_handler=own)
    other = trial.task("other-producer", produce, output="second value", result_handler=others)
    consumer = _retrying(trial, {"x": TaskOutput(one.name), "y": TaskOutput(other.name)})
    trial.engine().play(Pipeline(name="retry", tasks=(one, other, consumer)))
    calls = trial.entries(consumer.name, "call")
    if len(calls) < 2:
        raise Violation("a task that may be retried was not", expected="two calls of its body", actual=f"{len(calls)}")
    for producer, owner, value in ((one, own, "first value"), (other, others, "second value")):
        wrote = _wrote(trial, value)
        if wrote != [owner.name]:
            raise Violation(
                f"the output of {producer.name!r}, an input of a task that waited for its retry, was not written by its owner alone",
                expected=f"a write by {owner.name!r}",
                actual=f"a write by {' and '.join(map(repr, wrote))}" if wrote else "no write at all",
            )
        reads = [entry for entry in _between_calls(trial, consumer) if entry.who == owner.name and entry.deed == "read"]
        if not any(_same(entry.value, value) for entry in reads):
            raise Violation(
                f"the retry did not read the output of {producer.name!r} back",
                expected=f"a read by {owner.name!r} after the first call failed and before the second",
                actual="no such read",
            )
        if len(trial.entries(producer.name, "call")) > 1:
            raise Violation(
                f"the retry computed {producer.name!r} again", expected="one call of its body", actual="more than one call"
            )


def _between_calls(trial: EngineTrial, task: PipelineTask) -> list[Entry]:
    """What was noted between the first two calls of a task."""
    entries = trial.entries()
    calls = [index for index, entry in enumerate(entries) if entry.who == task.name and entry.deed == "call"]
    return entries[calls[0] + 1 : calls[1]]


@check("engine.retry-inputs")
def every_input_of_every_retry_is_kept_and_read(trial: EngineTrial) -> None:
    """A task that takes two outputs, one of which is falsy, fails twice: who wrote, and who read before each retry?"""
    outputs = {"x": ("empty-producer", 0), "y": ("full-producer", "a value")}
    owners = {name: trial.spy(f"handler-of-{name}") for name, _ in outputs.values()}
    producers = [trial.task(name, produce, output=value, result_handler=owners[name]) for name, value in outputs.values()]
    inputs = {argument: TaskOutput(name) for argument, (name, _) in outputs.items()}
    consumer = trial.task("twice-failing", combine, inputs, failures=2, retries=2, result_handler=trial.spy("consumers"))
    trial.engine().play(Pipeline(name="two retries", tasks=(*producers, consumer)))
    entries = trial.entries()
    calls = [index for index, entry in enumerate(entries) if entry.who == consumer.name and entry.deed == "call"]
    if len(calls) < 3:
        raise Violation("a task that may be retried twice was not", expected="three calls of its body", actual=f"{len(calls)}")
    for name, value in outputs.values():
        asked = [entry for entry in entries if entry.who == owners[name].name and _same(entry.value, value)]
        if not any(entry.deed == "write" for entry in asked):
            raise Violation(
                f"{shown(value)}, an input of a task that waited for its retry, was not written by its owner",
                expected=f"a write by {owners[name].name!r}",
                actual="no such write",
            )
        for retry, (before, after) in enumerate(pairwise(calls[:3]), 1):
            if not any(entry in asked and entry.deed == "read" for entry in entries[before:after]):
                raise Violation(
                    f"retry {retry} of a task did not read its input {shown(value)} back",
                    expected=f"a read by {owners[name].name!r} between its calls {retry} and {retry + 1}",
                    actual="no such read",
                )


# --- cached-output --------------------------------------------------------------------------------------------------------------


@check("engine.cached-output")
def a_cached_output_is_read_and_not_computed_again(trial: EngineTrial) -> None:
    """A flow with a cached output, None and falsy ones among them, is run twice: who was called, and who read what?"""
    for number, value in enumerate(_VALUES):
        spy = trial.spy(f"handler-{number}")
        producer = trial.task(f"producer-{number}", produce, output=value, result_handler=spy, cache_for=HOUR)
        consumer = trial.task(f"consumer-{number}", consume, {"x": TaskOutput(producer.name)})
        engine, pipeline = trial.engine(), Pipeline(name=f"cached-{number}", tasks=(producer, consumer))
        flow = engine.build(pipeline)
        if not engine.run(flow, pipeline)[consumer.name].succeeded:
            raise Untested(f"a task that takes {shown(value)} failed before anything could be taken from the cache")
        before = len(trial.entries())
        reports = engine.run(flow, pipeline)
        for task in pipeline.tasks:
            _succeeded(reports, task, "in a run that could take an output from the cache")
        if (calls := len(trial.entries(producer.name, "call"))) != 1:
            raise Violation(
                f"a task whose output, {shown(value)}, is cached was computed again",
                expected="one call of its body in two runs",
                actual=f"{calls} calls",
            )
        reads = [entry for entry in trial.entries()[before:] if entry.who == spy.name and entry.deed == "read"]
        if not any(_same(entry.value, value) for entry in reads):
            raise Violation(
                f"the cached output {shown(value)} was not read through its handler",
                expected=f"a read by {spy.name!r} in the second run",
                actual="no such read",
            )


@check("engine.cached-output")
def a_cached_output_of_inputs_is_read_in_every_run(trial: EngineTrial) -> None:
    """A task that takes another's output has a cached output itself, and is run three times."""
    spy = trial.spy("handler-of-the-cached")
    producer = trial.task("producer", produce, output="input", result_handler=trial.spy("handler-of-the-producer"))
    cached = trial.task("cached", consume, {"x": TaskOutput("producer")}, output="text", result_handler=spy, cache_for=HOUR)
    last = trial.task("last", consume, {"x": TaskOutput("cached")})
    engine, pipeline = trial.engine(), Pipeline(name="cached in between", tasks=(producer, cached, last))
    flow = engine.build(pipeline)
    for run in ("first", "second", "third"):
        before = len(trial.entries())
        reports = engine.run(flow, pipeline)
        _succeeded(reports, last, f"in the {run} run of a flow with a cached output")
        if (calls := len(trial.entries(cached.name, "call"))) != 1:
            raise Violation(
                f"a task that takes an input, and whose output is cached, was computed again in the {run} run",
                expected="one call of its body in all runs",
                actual=f"{calls} calls",
            )
        reads = [entry for entry in trial.entries()[before:] if entry.who == spy.name and entry.deed == "read"]
        if run != "first" and not any(_same(entry.value, "text") for entry in reads):
            raise Violation(
                f"the cached output of a task that takes an input was not read through its handler in the {run} run",
                expected=f"a read by {spy.name!r}",
                actual="no such read",
            )


# --- upstream-none --------------------------------------------------------------------------------------------------------------


def _saw_none(trial: EngineTrial, consumer: PipelineTask, calls: int, when: str) -> None:
    seen = _seen(trial, consumer)
    references = [entry.reference for entry in trial.entries(deed="write")]
    if len(seen) < calls:
        raise Violation(
            f"a task whose input is None was not called {when}", expected=f"{calls} calls with None", actual=f"{len(seen)} calls"
        )
    for found in seen:
        if found in references and found is not None:
            raise Untested("a task was given a reference: engine.raw-to-tasks judges that")
        if found is not None:
            raise Violation(f"a task was given {shown(found)} for an upstream None {when}", expected="None", actual=shown(found))


@check("engine.upstream-none")
def none_is_passed_on(trial: EngineTrial) -> None:
    """A task returns None to another."""
    producer = trial.task("producer", produce, output=None, result_handler=trial.spy("handler"))
    consumer = trial.task("consumer", consume, {"x": TaskOutput(producer.name)})
    trial.engine().play(Pipeline(name="none", tasks=(producer, consumer)))
    _saw_none(trial, consumer, 1, "at its first call")


@check("engine.upstream-none")
def none_is_passed_on_at_a_retry(trial: EngineTrial) -> None:
    """A task returns None to another, which fails once and is retried."""
    producer = trial.task("producer", produce, output=None, result_handler=trial.spy("handler"))
    consumer = _retrying(trial, {"x": TaskOutput(producer.name)})
    trial.engine().play(Pipeline(name="none", tasks=(producer, consumer)))
    _saw_none(trial, consumer, 1, "at its first call")
    again = len(trial.entries(producer.name, "call")) > 1
    if again or len(_seen(trial, consumer)) < 2:
        _must_retry(trial)
    _saw_none(trial, consumer, 2, "at its retry")
    if again:
        raise Violation(
            "a task that returned None was computed again for a retry",
            expected="one call of its body",
            actual="more than one call",
        )


@check("engine.upstream-none")
def none_is_passed_on_from_the_cache(trial: EngineTrial) -> None:
    """A task whose output, None, is cached is run twice with another that takes it."""
    producer = trial.task("producer", produce, output=None, result_handler=trial.spy("handler"), cache_for=HOUR)
    consumer = trial.task("consumer", consume, {"x": TaskOutput(producer.name)})
    engine, pipeline = trial.engine(), Pipeline(name="none", tasks=(producer, consumer))
    flow = engine.build(pipeline)
    for _ in range(2):
        engine.run(flow, pipeline)
    _saw_none(trial, consumer, 2, "from the cache")


@check("engine.upstream-none")
def none_is_passed_on_as_an_element(trial: EngineTrial) -> None:
    """A task is mapped over another's output, a list that has None in it."""
    producer = trial.task("producer", produce, output=["first", None, "last"], result_handler=trial.spy("handler"))
    mapped = trial.task("mapped", consume, {"x": TaskOutput(producer.name)}, mapped="x")
    trial.engine().play(Pipeline(name="none mapped", tasks=(producer, mapped)))
    seen = _seen(trial, mapped)
    if "first" not in seen or "last" not in seen:
        raise Untested("a task that is mapped over a list was not called with its elements")
    if None not in seen:
        raise Violation(
            "a mapped task was not called with None, an element of the list",
            expected="calls with 'first', None and 'last'",
            actual=f"calls with {' and '.join(map(shown, seen))}",
        )


def _must_retry(trial: EngineTrial) -> None:
    """See that the engine retries well enough where no None is about.

    Raises:
        Untested: It does not, which engine.retry-inputs judges.
    """
    producer = trial.task("plain-producer", produce, output="plain", result_handler=trial.spy("plain-handler"))
    consumer = trial.task("plain-consumer", consume, {"x": TaskOutput(producer.name)}, failures=1, retries=1)
    trial.engine().play(Pipeline(name="plain retry", tasks=(producer, consumer)))
    if len(_seen(trial, consumer)) != 2 or len(trial.entries(producer.name, "call")) != 1:
        raise Untested("the engine does not retry a task with its inputs: engine.retry-inputs judges that")


# --- raw-to-tasks ---------------------------------------------------------------------------------------------------------------


def _saw_raw(trial: EngineTrial, consumer: PipelineTask, value: Any, where: str) -> None:
    for found in _seen(trial, consumer):
        if not _same(found, value):
            raise Violation(
                f"a task was given something other than the raw value {where}", expected=shown(value), actual=shown(found)
            )


@check("engine.raw-to-tasks")
def bodies_receive_raw_values_at_first_and_at_a_retry(trial: EngineTrial) -> None:
    """A task that takes another's output fails once and is retried: what was its body given?"""
    value = {"raw": ["value", 1]}
    producer = trial.task("producer", produce, output=value, result_handler=trial.spy("handler"))
    consumer = _retrying(trial, {"x": TaskOutput(producer.name)})
    trial.engine().play(Pipeline(name="raw", tasks=(producer, consumer)))
    _saw_raw(trial, consumer, value, "at its first call or at its retry")
    if len(_seen(trial, consumer)) < 2:
        raise Untested("the task was not called twice: engine.retry-inputs judges that")


@check("engine.raw-to-tasks")
def bodies_receive_raw_values_from_the_cache(trial: EngineTrial) -> None:
    """A task takes another's output, which is cached, in two runs."""
    producer = trial.task("producer", produce, output="raw value", result_handler=trial.spy("handler"), cache_for=HOUR)
    consumer = trial.task("consumer", consume, {"x": TaskOutput(producer.name)})
    engine, pipeline = trial.engine(), Pipeline(name="raw", tasks=(producer, consumer))
    flow = engine.build(pipeline)
    for _ in range(2):
        engine.run(flow, pipeline)
    _saw_raw(trial, consumer, "raw value", "computed or from the cache")


@check("engine.raw-to-tasks")
def bodies_receive_what_is_no_json(trial: EngineTrial) -> None:
    """Tasks take values that JSON does not have, or that are falsy, fail once and are retried."""
    for number, value in enumerate(((1, b"2"), {3: "4"}, 0, "", [])):
        producer = trial.task(f"producer-{number}", produce, output=value, result_handler=trial.spy("handler"))
        consumer = _retrying(trial, {"x": TaskOutput(producer.name)}, f"consumer-{number}")
        trial.engine().play(Pipeline(name=f"raw-{number}", tasks=(producer, consumer)))
        _saw_raw(trial, consumer, value, "at its first call or at its retry")


@check("engine.raw-to-tasks")
def bodies_receive_raw_parameters(trial: EngineTrial) -> None:
    """Tasks take parameters, falsy ones among them, fail once and are retried."""
    values: tuple[JSON, ...] = ({"raw": ["parameter", 1]}, 0, "")
    for number, value in enumerate(values):
        consumer = _retrying(trial, {"x": ParameterValue("p")}, f"consumer-{number}")
        trial.engine().play(Pipeline(name=f"raw-{number}", tasks=(consumer,), parameters={"p": value}))
        _saw_raw(trial, consumer, value, "of a parameter, at its first call or at its retry")


@check("engine.raw-to-tasks")
def bodies_receive_raw_elements(trial: EngineTrial) -> None:
    """A task is mapped over another's output, and fails once for every element."""
    elements = ["raw value", {"another": "raw value"}]
    producer = trial.task("producer", produce, output=elements, result_handler=trial.spy("handler"))
    mapped = _retrying(trial, {"x": TaskOutput(producer.name)}, mapped="x")
    trial.engine().play(Pipeline(name="mapped", tasks=(producer, mapped)))
    for found in _seen(trial, mapped):
        if not any(_same(found, element) for element in elements):
            raise Violation(
                "a mapped task was given something other than an element of the list",
                expected=shown(elements),
                actual=shown(found),
            )


@check("engine.raw-to-tasks")
def a_task_without_its_input_is_not_called(trial: EngineTrial) -> None:
    """A task takes the output of another, which fails for good."""
    producer = trial.task("producer", produce, failures=1, result_handler=trial.spy("handler"))
    consumer = trial.task("consumer", consume, {"x": TaskOutput(producer.name)})
    reports = trial.engine().play(Pipeline(name="failed", tasks=(producer, consumer)))
    if seen := _seen(trial, consumer):
        raise Violation(
            "a task was called although the task upstream has no result",
            expected="no call",
            actual=f"a call with {shown(seen[0])}",
        )
    if reports[consumer.name].succeeded:
        raise Violation(
            "a task that was not called is reported to have succeeded", expected="a task that did not", actual="it succeeded"
        )


# --- write-failure and read-failure ---------------------------------------------------------------------------------------------


@check("engine.write-failure")
def a_write_that_fails_fails_the_task(trial: EngineTrial) -> None:
    """A task whose output is cached has a handler that cannot write."""
    spy = trial.spy("unwritable", fails="write")
    task = trial.task("producer", produce, output="text", result_handler=spy, cache_for=HOUR)
    reports = trial.engine().play(Pipeline(name="unwritable", tasks=(task,)))
    if not trial.entries(spy.name, "write"):
        raise Untested("the handler of a task whose output is cached was not asked to write it")
    _failed_with(reports[task.name], spy, "the task", "its handler could not write the result")


@check("engine.write-failure")
def a_write_of_an_input_that_fails_fails_a_task(trial: EngineTrial) -> None:
    """A task fails once and is to be retried; the handler of its input cannot write."""
    spy = trial.spy("unwritable", fails="write")
    producer = trial.task("producer", produce, output="text", result_handler=spy)
    consumer = _retrying(trial, {"x": TaskOutput(producer.name)})
    reports = trial.engine().play(Pipeline(name="unwritable input", tasks=(producer, consumer)))
    if not trial.entries(spy.name, "write"):
        raise Untested("the handler of an input was not asked to write it: engine.retry-inputs judges that")
    # An engine that writes every output fails the producer; one that writes what a retry needs, the task that waits for it.
    failed = producer if not reports[producer.name].succeeded else consumer
    _failed_with(reports[failed.name], spy, f"the task {failed.name!r}", "the result could not be written")


@check("engine.read-failure")
def a_read_that_fails_fails_the_task(trial: EngineTrial) -> None:
    """A task fails once and is retried; the handler of its input cannot read."""
    spy = trial.spy("unreadable", fails="read")
    producer = trial.task("producer", produce, output="text", result_handler=spy)
    consumer = _retrying(trial, {"x": TaskOutput(producer.name)})
    reports = trial.engine().play(Pipeline(name="unreadable", tasks=(producer, consumer)))
    entries = trial.entries()
    asked = [index for index, entry in enumerate(entries) if entry.who == spy.name and entry.deed == "read"]
    if not asked:
        raise Untested("the handler of an input was not asked to read it: engine.retry-inputs judges that")
    after = [entry for entry in entries[asked[0] :] if entry.who == consumer.name]
    if after:
        raise Violation(
            "a task was called although the handler of its input could not read",
            expected="no call after the read failed",
            actual=f"a call with {shown(after[0].value.get('x'))}",
        )
    _failed_with(reports[consumer.name], spy, "the task", "the handler of its input could not read")


# --- fresh-process --------------------------------------------------------------------------------------------------------------


@check("engine.fresh-process")
def another_process_resumes_the_run(trial: EngineTrial) -> None:
    """A process runs a flow until a task waits for its retry, and ends; another resumes the run."""
    trial.engine().must_resume()
    configured = trial.spy("configured")
    producer = trial.task("producer", produce, output={"kept": [1, "two"]}, result_handler=trial.spy("handler-of-the-producer"))
    other = trial.task("other-producer", produce, output="kept by the flow")
    consumer = _retrying(trial, {"x": TaskOutput(producer.name), "y": TaskOutput(other.name)}, output="consumed")
    last = trial.task("last", combine, {"x": TaskOutput(consumer.name), "y": TaskOutput(producer.name)})
    final = trial.task("final", combine, {"x": TaskOutput(last.name), "y": ParameterValue("p")})
    flows = trial.spy("handler-of-the-flow")
    tasks = (producer, other, consumer, last, final)
    pipeline = Pipeline(name="resumed", tasks=tasks, result_handler=flows, parameters={"p": {"given": [1]}})
    trial.in_fresh_process(running_until_a_retry, pipeline, configured)
    if len(calls := trial.entries(consumer.name, "call")) != 1 or trial.entries(last.name, "call"):
        raise Violation(
            "the run did not rest while its task waited for the retry",
            expected="one call of the task, and none of the task after it",
            actual=f"{len(calls)} calls of the task, and {len(trial.entries(last.name, 'call'))} of the task after it",
        )
    reports = trial.in_fresh_process(resuming_a_run, pipeline, configured)
    for task in pipeline.tasks:
        _succeeded(reports, task, "when another process resumed the run")
    expected = {
        consumer.name: {"x": {"kept": [1, "two"]}, "y": "kept by the flow"},
        last.name: {"x": "consumed", "y": {"kept": [1, "two"]}},
        final.name: {"x": "done", "y": {"given": [1]}},
    }
    for name, inputs in expected.items():
        calls = trial.entries(name, "call")
        found = calls[-1].value if calls else None
        if not _same(found, inputs):
            raise Violation(
                f"the task {name!r} was not given its inputs when another process resumed the run",
                expected=shown(inputs),
                actual=shown(found) if calls else "it was not called",
            )
    for producing in (producer, other):
        if len(trial.entries(producing.name, "call")) != 1:
            raise Violation(
                f"the task {producing.name!r} had ended, and was computed again when another process resumed the run",
                expected="one call of its body",
                actual=f"{len(trial.entries(producing.name, 'call'))} calls",
            )


# --- parameter-inspectable ------------------------------------------------------------------------------------------------------


@check("engine.parameter-inspectable")
def a_stored_parameter_can_be_read_by_eye(trial: EngineTrial) -> None:
    """A task takes a parameter and is retried; the parameter is looked for, as JSON, in what the engine stores."""
    canary = "Avocet7718Harbour"
    value: JSON = {"parameter": [canary, 1, None]}
    flows = trial.spy("handler-of-the-flow")
    consumer = _retrying(trial, {"x": ParameterValue("p")})
    engine = trial.engine()
    engine.play(Pipeline(name="parameter", tasks=(consumer,), result_handler=flows, parameters={"p": value}))
    stored = _stored(engine)
    how, wrote = reveals(stored, canary), _wrote(trial, canary)
    if how is None and not wrote:
        # Perhaps what was stored for the retry is not kept any longer: it is looked for while the task waits.
        consumer = _retrying(trial, {"x": ParameterValue("p")}, "resting-consumer")
        engine = trial.engine()
        engine.rest(Pipeline(name="resting", tasks=(consumer,), result_handler=flows, parameters={"p": value}))
        if len(_seen(trial, consumer)) != 1:
            raise Untested("no parameter was stored, and no run rested with one: engine.retry-inputs judges that")
        stored = _stored(engine)
        how, wrote = reveals(stored, canary), _wrote(trial, canary)
    if not holds_json(stored, value):
        raise Violation(
            "a stored parameter cannot be read as JSON by eye",
            expected=f"the JSON {shown(value)}",
            actual=_whereabouts(how, wrote),
        )


def _whereabouts(how: str | None, wrote: Sequence[str]) -> str:
    """Say where a parameter is that is not there as JSON."""
    if how is not None:
        return f"its text is stored {how}, and not as JSON"
    return f"it was written by {wrote[0]!r}" if wrote else "its text was not found in what the engine stores"


# --- mapped-owner ---------------------------------------------------------------------------------------------------------------


@check("engine.mapped-owner")
def the_elements_of_a_mapped_output_keep_their_owner(trial: EngineTrial) -> None:
    """A task is mapped over another's output, and fails once for every element: who wrote the elements?"""
    owner = trial.spy("handler-of-the-producer")
    elements = ["first element", "second element"]
    producer = trial.task("producer", produce, output=elements, result_handler=owner)
    mapped = _retrying(trial, {"x": TaskOutput(producer.name)}, mapped="x")
    trial.engine().play(Pipeline(name="mapped", tasks=(producer, mapped), result_handler=trial.spy("handler-of-the-flow")))
    if len(_seen(trial, mapped)) < 2 * len(elements):
        raise Untested("the mapped task was not called twice for each element")
    for element in elements:
        wrote = _wrote(trial, element)
        if not wrote:
            raise Untested("no handler was asked to write an element of the mapped output")
        if wrote != [owner.name]:
            raise Violation(
                "an element of a mapped output was written by another handler than that of its producer",
                expected=f"a write by {owner.name!r} alone",
                actual=f"writes by {' and '.join(map(repr, wrote))}",
            )
