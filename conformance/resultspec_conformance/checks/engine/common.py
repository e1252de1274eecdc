"""What the checks of this family have in common: what the spies noted, and what the engine reports."""

from collections.abc import Mapping
from typing import Any

from ...checking import Violation
from ...engines import TaskReport, causes
from ...pipelines import PipelineTask
from ...spies import FileSpy
from ...trials.enginebench import EngineTrial
from ...trials.tasks import combine, consume
from ...values.source import shown

VALUES: tuple[Any, ...] = ("text", {"a": [1, 2.5, None]}, 0, "", None)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are of one type and look alike."""
    return type(one) is type(other) and repr(one) == repr(other)


def arguments_of(trial: EngineTrial, task: PipelineTask, argument: str = "x") -> list[Any]:
    """What the body of a task was given for an argument, one for each call."""
    return [entry.value.get(argument) for entry in trial.entries(task.name, "call")]


def writers_of(trial: EngineTrial, value: Any) -> list[str]:
    """The handlers that were given a value to write, alone or within another."""
    found = [entry.who for entry in trial.entries(deed="write") if repr(value) in repr(entry.value)]
    return list(dict.fromkeys(found))


def must_have_succeeded(reports: Mapping[str, TaskReport], task: PipelineTask, when: str) -> None:
    """Raise a violation when a task failed."""
    report = reports[task.name]
    if not report.succeeded:
        told = causes(report).partition("\n")[0] or "no error"
        raise Violation(f"the task {task.name!r} failed {when}", expected="a task that succeeds", actual=f"it failed with {told}")


def must_have_failed(report: TaskReport, spy: FileSpy, task: str, what: str) -> None:
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


def retrying(trial: EngineTrial, inputs: Mapping[str, Any], name: str = "consumer", **options: Any) -> PipelineTask:
    """A task that fails once and is retried, with a handler of its own."""
    handler = trial.spy("handler-of-the-consumer")
    body = combine if "y" in inputs else consume
    return trial.task(name, body, inputs, failures=1, retries=1, result_handler=handler, **options)
