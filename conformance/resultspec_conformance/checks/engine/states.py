"""What the states of tasks hold."""

from typing import Any

from ...checking import Untested, Violation, check
from ...pipelines import Pipeline, PipelineTask
from ...secrets.holding import reveals
from ...trials.enginebench import Engine, EngineTrial
from ...trials.outcomes import one_line
from ...trials.tasks import HOUR, produce
from ...values.source import shown
from .common import VALUES, is_same, must_have_succeeded
from .storage import stored_by


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
    if not is_same(read, value):
        raise Violation(f"_result of {which} is another's", expected=f"a Result of {shown(value)}", actual=shown(read))
    if not is_same(result, held):
        raise Violation(f"result of {which} is not the value of its _result", expected=shown(held), actual=shown(result))


@check("engine.state-result")
def the_final_state_holds_the_result(trial: EngineTrial) -> None:
    """Tasks return values, falsy ones and None among them; _result and result of their final states are read."""
    for number, value in enumerate(VALUES):
        task = trial.task(f"producer-{number}", produce, output=value, result_handler=trial.spy("handler"))
        engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
        flow = engine.build(pipeline)
        must_have_succeeded(engine.run(flow, pipeline), task, "although its body returned")
        _holds(_state(engine, flow, task, -1), value, "the final state of a finished task")


@check("engine.state-result")
def no_state_holds_anything_but_the_result(trial: EngineTrial) -> None:
    """A task returns a value: every state that it went through is asked for its _result and result."""
    task = trial.task("producer", produce, output="text", result_handler=trial.spy("handler"))
    engine, pipeline = trial.engine(), Pipeline(name="one task", tasks=(task,))
    flow = engine.build(pipeline)
    must_have_succeeded(engine.run(flow, pipeline), task, "although its body returned")
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
        must_have_succeeded(engine.run(flow, pipeline), task, "although its body returned")
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
    must_have_succeeded(engine.run(flow, pipeline), task, "although its body returned")
    if engine.states(flow, task.name) is not None:
        raise Untested("the driver shows states, which were judged instead")
    references = [str(entry.reference) for entry in trial.entries(spy.name, "write") if entry.value == "text"]
    if not references:
        raise Untested("the driver shows no states (SupportsStates), and the handler was not asked to write the output")
    if not any(reveals(stored_by(engine), reference) for reference in references):
        raise Violation(
            "what the engine stores of a finished task does not name its result",
            expected=f"the reference {references[0]!r}",
            actual="it is not there",
        )
    return "judged by what the engine stores: its driver shows no states"
