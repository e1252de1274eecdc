"""What an engine hands from task to task: raw values, None among them."""

from typing import Any

from resultspec import JSON

from ...checking import Untested, Violation, check
from ...pipelines import ParameterValue, Pipeline, PipelineTask, TaskOutput
from ...trials.enginebench import EngineTrial
from ...trials.tasks import HOUR, consume, produce
from ...values.source import shown
from .common import arguments_of, is_same, retrying, writers_of


def _saw_none(trial: EngineTrial, consumer: PipelineTask, calls: int, when: str) -> None:
    seen = arguments_of(trial, consumer)
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
    consumer = retrying(trial, {"x": TaskOutput(producer.name)})
    trial.engine().play(Pipeline(name="none", tasks=(producer, consumer)))
    _saw_none(trial, consumer, 1, "at its first call")
    again = len(trial.entries(producer.name, "call")) > 1
    if again or len(arguments_of(trial, consumer)) < 2:
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
    seen = arguments_of(trial, mapped)
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
    if len(arguments_of(trial, consumer)) != 2 or len(trial.entries(producer.name, "call")) != 1:
        raise Untested("the engine does not retry a task with its inputs: engine.retry-inputs judges that")


def _saw_raw(trial: EngineTrial, consumer: PipelineTask, value: Any, where: str) -> None:
    for found in arguments_of(trial, consumer):
        if not is_same(found, value):
            raise Violation(
                f"a task was given something other than the raw value {where}", expected=shown(value), actual=shown(found)
            )


@check("engine.raw-to-tasks")
def bodies_receive_raw_values_at_first_and_at_a_retry(trial: EngineTrial) -> None:
    """A task that takes another's output fails once and is retried: what was its body given?"""
    value = {"raw": ["value", 1]}
    producer = trial.task("producer", produce, output=value, result_handler=trial.spy("handler"))
    consumer = retrying(trial, {"x": TaskOutput(producer.name)})
    trial.engine().play(Pipeline(name="raw", tasks=(producer, consumer)))
    _saw_raw(trial, consumer, value, "at its first call or at its retry")
    if len(arguments_of(trial, consumer)) < 2:
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
        consumer = retrying(trial, {"x": TaskOutput(producer.name)}, f"consumer-{number}")
        trial.engine().play(Pipeline(name=f"raw-{number}", tasks=(producer, consumer)))
        _saw_raw(trial, consumer, value, "at its first call or at its retry")


@check("engine.raw-to-tasks")
def bodies_receive_raw_parameters(trial: EngineTrial) -> None:
    """Tasks take parameters, falsy ones among them, fail once and are retried."""
    values: tuple[JSON, ...] = ({"raw": ["parameter", 1]}, 0, "")
    for number, value in enumerate(values):
        consumer = retrying(trial, {"x": ParameterValue("p")}, f"consumer-{number}")
        trial.engine().play(Pipeline(name=f"raw-{number}", tasks=(consumer,), parameters={"p": value}))
        _saw_raw(trial, consumer, value, "of a parameter, at its first call or at its retry")


@check("engine.raw-to-tasks")
def bodies_receive_raw_elements(trial: EngineTrial) -> None:
    """A task is mapped over another's output, and fails once for every element."""
    elements = ["raw value", {"another": "raw value"}]
    producer = trial.task("producer", produce, output=elements, result_handler=trial.spy("handler"))
    mapped = retrying(trial, {"x": TaskOutput(producer.name)}, mapped="x")
    trial.engine().play(Pipeline(name="mapped", tasks=(producer, mapped)))
    for found in arguments_of(trial, mapped):
        if not any(is_same(found, element) for element in elements):
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
    if seen := arguments_of(trial, consumer):
        raise Violation(
            "a task was called although the task upstream has no result",
            expected="no call",
            actual=f"a call with {shown(seen[0])}",
        )
    if reports[consumer.name].succeeded:
        raise Violation(
            "a task that was not called is reported to have succeeded", expected="a task that did not", actual="it succeeded"
        )


@check("engine.mapped-owner")
def the_elements_of_a_mapped_output_keep_their_owner(trial: EngineTrial) -> None:
    """A task is mapped over another's output, and fails once for every element: who wrote the elements?"""
    owner = trial.spy("handler-of-the-producer")
    elements = ["first element", "second element"]
    producer = trial.task("producer", produce, output=elements, result_handler=owner)
    mapped = retrying(trial, {"x": TaskOutput(producer.name)}, mapped="x")
    trial.engine().play(Pipeline(name="mapped", tasks=(producer, mapped), result_handler=trial.spy("handler-of-the-flow")))
    if len(arguments_of(trial, mapped)) < 2 * len(elements):
        raise Untested("the mapped task was not called twice for each element")
    for element in elements:
        wrote = writers_of(trial, element)
        if not wrote:
            raise Untested("no handler was asked to write an element of the mapped output")
        if wrote != [owner.name]:
            raise Violation(
                "an element of a mapped output was written by another handler than that of its producer",
                expected=f"a write by {owner.name!r} alone",
                actual=f"writes by {' and '.join(map(repr, wrote))}",
            )
