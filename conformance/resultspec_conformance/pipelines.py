"""Pipelines: tasks and what passes between them, as plain data that any engine can be told to run."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs


@attrs.frozen
class TaskOutput:
    """An input that is the output of a task upstream.

    Attributes:
        task: The name of that task.
    """

    task: str


@attrs.frozen
class ParameterValue:
    """An input that is a parameter of the flow.

    Attributes:
        parameter: Its name; the value is in ``Pipeline.parameters``.
    """

    parameter: str


@attrs.frozen
class Constant:
    """An input that is the same in every run and may be stored as it is.

    Attributes:
        value: A JSON value.
    """

    value: Any


Input = TaskOutput | ParameterValue | Constant


@attrs.frozen(kw_only=True)
class PipelineTask:
    """One task of a pipeline.

    Attributes:
        name: What it is called, once in a pipeline.
        function: Its body: a plain function of an importable module. It takes the inputs by keyword.
        inputs: Where each argument of the function comes from.
        result_handler: The handler set for the task; None, and None alone, when none is set.
        retries: How often it is tried again after its body raised. Retries need not wait, and each reads the inputs back.
        cache_for: How long its output is cached, so that every other run, of this flow on the same storage, takes it instead of
            computing it; None when it is not cached. An engine may tell outputs apart by the names of the flow and the task
            alone, or by the inputs too.
        mapped: The input over whose elements, a list's, the task is mapped: it runs once for each. None when it is not.
        decorated: Whether it is to be made with the engine's decorator instead of its constructor, where there are both.
    """

    name: str
    function: Callable[..., Any]
    inputs: Mapping[str, Input] = attrs.field(factory=dict[str, Input])
    result_handler: Any = None
    retries: int = 0
    cache_for: timedelta | None = None
    mapped: str | None = None
    decorated: bool = False


@attrs.frozen(kw_only=True)
class Pipeline:
    """A flow to be run, as plain data; it pickles, so that another process can be told to run it too.

    Attributes:
        name: What the flow is called.
        tasks: Its tasks, each after those whose output it takes.
        result_handler: The handler set for the flow; None, and None alone, when none is set.
        parameters: The values of the parameters, by name.
    """

    name: str
    tasks: tuple[PipelineTask, ...]
    result_handler: Any = None
    parameters: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
