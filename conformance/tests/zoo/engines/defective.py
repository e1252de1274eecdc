"""Engines that are broken as engines are: each is the model engine with a mistake in it.

``DEFECTIVE`` names the rules that the mistake breaks.
"""

import base64
import json
import pickle
from collections.abc import Mapping
from typing import Any

from resultspec_reference import JSONResultHandler, NoResult, Result

from .model import AtRest, Run, State, Task, Upstream
from .model_driver import ModelDriver

DEFECTIVE: dict[type[ModelDriver], list[str]] = {}


def breaks(*rules: str) -> Any:
    """Note which rules a run breaks, and make the driver that uses it."""

    def note(run: type[Run]) -> type[Run]:
        driver = type(run.__name__, (ModelDriver,), {"run_class": run, "__doc__": run.__doc__, "__module__": __name__})
        DEFECTIVE[driver] = list(rules)
        return run

    return note


@breaks("engine.only-handled-stored")
class _ErrorsTellInputs(Run):
    """Says in an error what the task was given."""

    def _call(self, one: Task, inputs: Mapping[str, Any]) -> Any:
        try:
            return super()._call(one, inputs)
        except AtRest:
            raise
        except Exception as error:
            given = {name: result.read().value for name, result in inputs.items()}
            raise RuntimeError(f"{one.name} failed with {given}") from error


@breaks("engine.only-handled-stored")
class _PicklesStates(Run):
    """Stores a copy of all states as they are in memory, pickled, in base85."""

    def _save(self, *, with_results: bool = False) -> None:
        super()._save(with_results=with_results)
        values = [state._result.value for states in self.states.values() for state in states if state._result is not NoResult]
        content = json.loads(self.store.path.read_text())
        content["dump"] = base64.b85encode(pickle.dumps(values)).decode()
        self.store.path.write_text(json.dumps(content))


@breaks("engine.retry-inputs")
class _KeepsTheFirstInput(Run):
    """Keeps one input of a task that waits for a retry, and has the others in memory."""

    def _cached_input(self, one: Task, name: str, result: Any) -> Any:
        return result.write() if name == "x" else result


@breaks("engine.retry-inputs")
class _NeverReadsBack(Run):
    """Keeps the inputs of a task that waits for a retry, and retries with those in memory."""

    def _cached_input(self, one: Task, name: str, result: Any) -> Any:
        result.write()
        return result


@breaks("engine.retry-inputs")
class _ComputesInputsAgain(Run):
    """Computes the tasks upstream again for a retry."""

    def _cached_input(self, one: Task, name: str, result: Any) -> Any:
        given = self.flow.tasks[one][name]
        if isinstance(given, Upstream):
            self._output(given.task)
        return result.write()


@breaks("engine.cached-output")
class _FalsyIsNotCached(Run):
    """Takes a falsy cached output for a miss."""

    def _cached(self, one: Task) -> Any:
        found = super()._cached(one)
        return found if found is not None and found.read().value else None


@breaks("engine.cached-output")
class _NoneIsNotCached(Run):
    """Takes a cached None for a miss."""

    def _cached(self, one: Task) -> Any:
        found = super()._cached(one)
        return found if found is not None and found.read().value is not None else None


@breaks("engine.state-result", "engine.raw-to-tasks")
class _TakesReferencesFromTheCache(Run):
    """Takes the reference of a cached output for its value."""

    def _end_of(self, one: Task) -> State:
        found = self._cached(one)
        if found is not None:
            return State("Cached", Result(found.value, False, found.result_handler))
        return super()._end_of(one)


@breaks("engine.upstream-none")
class _LeavesNoneOut(Run):
    """Calls a body without the inputs that are None."""

    def _call(self, one: Task, inputs: Mapping[str, Any]) -> Any:
        there = {name: result for name, result in inputs.items() if result.handled or result.value is not None}
        return super()._call(one, there)


@breaks("engine.raw-to-tasks")
class _PassesReferencesOfElements(Run):
    """Gives a mapped body the reference of an element."""

    def _part(self, element: Any, whole: Any) -> Any:
        return Result(super()._part(element, whole).write().value, False, JSONResultHandler())


@breaks("engine.raw-to-tasks")
class _RunsWithoutInput(Run):
    """Runs a task with NoResult where the task upstream failed."""

    def _inputs(self, one: Task) -> dict[str, Any]:
        try:
            return super()._inputs(one)
        except RuntimeError:
            return {name: _Nothing() for name, given in self.flow.tasks[one].items() if isinstance(given, Upstream)}


class _Nothing:
    """Reads as NoResult, which it holds."""

    value = NoResult

    def read(self) -> Any:
        return self


@breaks("engine.write-failure")
class _LosesTheCause(Run):
    """Raises another error `from None` where a result could not be written."""

    def _end_of(self, one: Task) -> State:
        state = super()._end_of(one)
        if type(state.error).__name__ != "WriteError":
            return state
        try:
            raise RuntimeError("the task failed") from None
        except RuntimeError as error:
            return State("Failed", error=error)


@breaks("engine.read-failure")
class _PassesNoneForWhatIsLost(Run):
    """Passes None where an input cannot be read any more."""

    def _call(self, one: Task, inputs: Mapping[str, Any]) -> Any:
        try:
            return super()._call(one, inputs)
        except Exception as error:
            if type(error).__name__ != "ReadError":
                raise
            return super()._call(one, {name: Result(None) for name in inputs})


@breaks("engine.fresh-process")
class _ResumesWithTheConsumersHandler(Run):
    """Reads the inputs of a resumed task by the handler of that task."""

    def resume(self) -> None:
        rows = self.store.get("runs", self.flow.name)
        for one in self.flow.tasks:
            for form in rows[one.name]:
                state = State.loaded(form)
                handler = self._handler_of(one)
                inputs = {name: Result(result.value, True, handler) for name, result in state.inputs.items()}
                self.states[one.name].append(State(state.kind, state._result, inputs=inputs))
        self._go()


@breaks("engine.parameter-inspectable")
class _PicklesParameters(Run):
    """Stores the JSON of a parameter pickled, in hexadecimal."""

    def _save(self, *, with_results: bool = False) -> None:
        super()._save(with_results=with_results)
        self.store.path.write_text(json.dumps(_encoded(json.loads(self.store.path.read_text()))))


def _encoded(part: Any) -> Any:
    if isinstance(part, list):
        return list(map(_encoded, part))
    if not isinstance(part, dict):
        return part
    if part.get("handler") == {"kind": "json"}:
        return {**part, "value": pickle.dumps(part["value"]).hex()}
    return {name: _encoded(item) for name, item in part.items()}


@breaks("engine.mapped-owner")
class _FlowOwnsElements(Run):
    """Handles the elements of a mapped output by the handler of the flow."""

    def _part(self, element: Any, whole: Any) -> Any:
        return Result(element, False, self.flow.result_handler or whole.result_handler)


@breaks("hierarchy.unset-is-none")
class _JoinsLevelsByOr(Run):
    """Takes a falsy handler for none."""

    def _handler_of(self, one: Task) -> Any:
        return one.result_handler or self.flow.result_handler or self.configuration.result_handler


@breaks("hierarchy.invalid-config")
class _FallsBack(Run):
    """Uses a handler of its own where the configuration is unusable."""

    def _handler_of(self, one: Task) -> Any:
        try:
            return super()._handler_of(one)
        except Exception:
            return JSONResultHandler()


@breaks("hierarchy.config-default", "hierarchy.unset-is-none")
class _HasItsOwnDefault(Run):
    """Uses a handler of its own wherever the configuration would decide."""

    def _handler_of(self, one: Task) -> Any:
        handler = super()._handler_of(one)
        return JSONResultHandler() if handler is self.configuration.result_handler else handler
