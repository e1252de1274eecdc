"""Reads and writes that fail."""

from ...checking import Untested, Violation, check
from ...pipelines import Pipeline, TaskOutput
from ...trials.enginebench import EngineTrial
from ...trials.tasks import HOUR, produce
from ...values.source import shown
from .common import must_have_failed, retrying


@check("engine.write-failure")
def a_write_that_fails_fails_the_task(trial: EngineTrial) -> None:
    """A task whose output is cached has a handler that cannot write."""
    spy = trial.spy("unwritable", fails="write")
    task = trial.task("producer", produce, output="text", result_handler=spy, cache_for=HOUR)
    reports = trial.engine().play(Pipeline(name="unwritable", tasks=(task,)))
    if not trial.entries(spy.name, "write"):
        raise Untested("the handler of a task whose output is cached was not asked to write it")
    must_have_failed(reports[task.name], spy, "the task", "its handler could not write the result")


@check("engine.write-failure")
def a_write_of_an_input_that_fails_fails_a_task(trial: EngineTrial) -> None:
    """A task fails once and is to be retried; the handler of its input cannot write."""
    spy = trial.spy("unwritable", fails="write")
    producer = trial.task("producer", produce, output="text", result_handler=spy)
    consumer = retrying(trial, {"x": TaskOutput(producer.name)})
    reports = trial.engine().play(Pipeline(name="unwritable input", tasks=(producer, consumer)))
    if not trial.entries(spy.name, "write"):
        raise Untested("the handler of an input was not asked to write it: engine.retry-inputs judges that")
    # An engine that writes every output fails the producer; one that writes what a retry needs, the task that waits for it.
    failed = producer if not reports[producer.name].succeeded else consumer
    must_have_failed(reports[failed.name], spy, f"the task {failed.name!r}", "the result could not be written")


@check("engine.read-failure")
def a_read_that_fails_fails_the_task(trial: EngineTrial) -> None:
    """A task fails once and is retried; the handler of its input cannot read."""
    spy = trial.spy("unreadable", fails="read")
    producer = trial.task("producer", produce, output="text", result_handler=spy)
    consumer = retrying(trial, {"x": TaskOutput(producer.name)})
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
    must_have_failed(reports[consumer.name], spy, "the task", "the handler of its input could not read")
