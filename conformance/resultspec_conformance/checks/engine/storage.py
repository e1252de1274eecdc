"""What an engine stores: references of outputs, and parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from resultspec import JSON

from ...checking import Untested, Violation, check
from ...pipelines import ParameterValue, Pipeline, PipelineTask, TaskOutput
from ...secrets.holding import first_revealed, holds_json, reveals
from ...trials.enginebench import Engine, EngineTrial
from ...trials.tasks import HOUR, consume, produce
from ...values.source import shown
from .common import arguments_of, retrying, writers_of

_CANARIES: Mapping[str, tuple[Any, str | int]] = {
    "text": ("Kestrel4417Meadow", "Kestrel4417Meadow"),
    "record": ({"owner": "Bittern9025Gravel", "parts": [1, 2]}, "Bittern9025Gravel"),
    "bytes": (b"\x00Plover3360Timber\xff", "Plover3360Timber"),
    "number": (7_204_519_336_688_190_143, 7_204_519_336_688_190_143),
}
"""Values that must not be seen, each with the part of it that is looked for."""


def stored_by(engine: Engine) -> Sequence[Any]:
    """What an engine has stored.

    Raises:
        Untested: Its driver does not show it.
    """
    stored = engine.stored()
    if stored is None:
        raise Untested("the driver does not show what its engine stores (SupportsStorage)")
    if not stored:
        raise Untested("the driver shows that its engine stores nothing at all")
    return stored


def _nothing_raw(engine: Engine, what: str) -> None:
    kinds = {canary: kind for kind, (_, canary) in _CANARIES.items()}
    if found := first_revealed(stored_by(engine), kinds, share=0.0):  # a part of a value is raw data too
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


@check("engine.parameter-inspectable")
def a_stored_parameter_can_be_read_by_eye(trial: EngineTrial) -> None:
    """A task takes a parameter and is retried; the parameter is looked for, as JSON, in what the engine stores."""
    canary = "Avocet7718Harbour"
    value: JSON = {"parameter": [canary, 1, None]}
    flows = trial.spy("handler-of-the-flow")
    consumer = retrying(trial, {"x": ParameterValue("p")})
    engine = trial.engine()
    engine.play(Pipeline(name="parameter", tasks=(consumer,), result_handler=flows, parameters={"p": value}))
    stored = stored_by(engine)
    how, wrote = reveals(stored, canary), writers_of(trial, canary)
    if how is None and not wrote:
        # Perhaps what was stored for the retry is not kept any longer: it is looked for while the task waits.
        consumer = retrying(trial, {"x": ParameterValue("p")}, "resting-consumer")
        engine = trial.engine()
        engine.rest(Pipeline(name="resting", tasks=(consumer,), result_handler=flows, parameters={"p": value}))
        if len(arguments_of(trial, consumer)) != 1:
            raise Untested("no parameter was stored, and no run rested with one: engine.retry-inputs judges that")
        stored = stored_by(engine)
        how, wrote = reveals(stored, canary), writers_of(trial, canary)
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
