"""Tasks that run again, or need not: retries and caches."""

from itertools import pairwise

from ...checking import Untested, Violation, check
from ...pipelines import Pipeline, PipelineTask, TaskOutput
from ...trials.enginebench import EngineTrial
from ...trials.journal import Entry
from ...trials.tasks import HOUR, combine, consume, produce
from ...values.source import shown
from .common import VALUES, is_same, must_have_succeeded, retrying, writers_of


@check("engine.retry-inputs")
def the_inputs_of_a_retry_are_kept_and_read_by_their_owners(trial: EngineTrial) -> None:
    """A task that takes two outputs, each with a handler of its own, fails once: who wrote and read what?"""
    own, others = trial.spy("handler-of-the-producer"), trial.spy("handler-of-the-other")
    one = trial.task("producer", produce, output="first value", result_handler=own)
    other = trial.task("other-producer", produce, output="second value", result_handler=others)
    consumer = retrying(trial, {"x": TaskOutput(one.name), "y": TaskOutput(other.name)})
    trial.engine().play(Pipeline(name="retry", tasks=(one, other, consumer)))
    calls = trial.entries(consumer.name, "call")
    if len(calls) < 2:
        raise Violation("a task that may be retried was not", expected="two calls of its body", actual=f"{len(calls)}")
    for producer, owner, value in ((one, own, "first value"), (other, others, "second value")):
        wrote = writers_of(trial, value)
        if wrote != [owner.name]:
            raise Violation(
                f"the output of {producer.name!r}, an input of a task that waited for its retry, was not written by its owner alone",
                expected=f"a write by {owner.name!r}",
                actual=f"a write by {' and '.join(map(repr, wrote))}" if wrote else "no write at all",
            )
        reads = [entry for entry in _between_calls(trial, consumer) if entry.who == owner.name and entry.deed == "read"]
        if not any(is_same(entry.value, value) for entry in reads):
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
        asked = [entry for entry in entries if entry.who == owners[name].name and is_same(entry.value, value)]
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


@check("engine.cached-output")
def a_cached_output_is_read_and_not_computed_again(trial: EngineTrial) -> None:
    """A flow with a cached output, None and falsy ones among them, is run twice: who was called, and who read what?"""
    for number, value in enumerate(VALUES):
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
            must_have_succeeded(reports, task, "in a run that could take an output from the cache")
        if (calls := len(trial.entries(producer.name, "call"))) != 1:
            raise Violation(
                f"a task whose output, {shown(value)}, is cached was computed again",
                expected="one call of its body in two runs",
                actual=f"{calls} calls",
            )
        reads = [entry for entry in trial.entries()[before:] if entry.who == spy.name and entry.deed == "read"]
        if not any(is_same(entry.value, value) for entry in reads):
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
        must_have_succeeded(reports, last, f"in the {run} run of a flow with a cached output")
        if (calls := len(trial.entries(cached.name, "call"))) != 1:
            raise Violation(
                f"a task that takes an input, and whose output is cached, was computed again in the {run} run",
                expected="one call of its body in all runs",
                actual=f"{calls} calls",
            )
        reads = [entry for entry in trial.entries()[before:] if entry.who == spy.name and entry.deed == "read"]
        if run != "first" and not any(is_same(entry.value, "text") for entry in reads):
            raise Violation(
                f"the cached output of a task that takes an input was not read through its handler in the {run} run",
                expected=f"a read by {spy.name!r}",
                actual="no such read",
            )
