"""Runs that go on in another process."""

from ...checking import Violation, check
from ...pipelines import ParameterValue, Pipeline, TaskOutput
from ...trials.enginebench import EngineTrial, resuming_a_run, running_until_a_retry
from ...trials.tasks import combine, produce
from ...values.source import shown
from .common import is_same, must_have_succeeded, retrying


@check("engine.fresh-process")
def another_process_resumes_the_run(trial: EngineTrial) -> None:
    """A process runs a flow until a task waits for its retry, and ends; another resumes the run."""
    trial.engine().must_resume()
    configured = trial.spy("configured")
    producer = trial.task("producer", produce, output={"kept": [1, "two"]}, result_handler=trial.spy("handler-of-the-producer"))
    other = trial.task("other-producer", produce, output="kept by the flow")
    consumer = retrying(trial, {"x": TaskOutput(producer.name), "y": TaskOutput(other.name)}, output="consumed")
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
        must_have_succeeded(reports, task, "when another process resumed the run")
    expected = {
        consumer.name: {"x": {"kept": [1, "two"]}, "y": "kept by the flow"},
        last.name: {"x": "consumed", "y": {"kept": [1, "two"]}},
        final.name: {"x": "done", "y": {"given": [1]}},
    }
    for name, inputs in expected.items():
        calls = trial.entries(name, "call")
        found = calls[-1].value if calls else None
        if not is_same(found, inputs):
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
