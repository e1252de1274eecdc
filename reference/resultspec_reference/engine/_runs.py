"""What came of a run."""

from collections.abc import Mapping
from typing import Any, cast

import attrs
from typing_extensions import TypeVar

from .._noresult import NoResult
from ._states import Failed, State, TriggerFailed
from ._tasks import Output

T = TypeVar("T")


class TaskFailed(Exception):
    """A result was asked for that a run does not have, since a task failed; the cause is what the task raised."""


@attrs.frozen
class FlowRun:
    """A run of a flow that has ended, or rests until it is resumed.

    Attributes:
        id: Its id in the database.
        states: The state of each task, by name; the elements of a mapped task are called ``name[0]`` and so on.
    """

    id: str
    states: Mapping[str, State[Any]]

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be done."""
        return all(state.finished for state in self.states.values())

    @property
    def succeeded(self) -> bool:
        """Whether every task has a result."""
        return all(state.succeeded for state in self.states.values())

    def state(self, output: T) -> State[T]:
        """The state of a task, named by what calling it in the flow returned.

        Raises:
            LookupError: The task is mapped, so that it has a state for each element; see ``states``.
            TypeError: This is not the output of a task.
        """
        name = _output(output).name
        if name not in self.states:
            raise LookupError(f"{name} is mapped; its states are those of {name}[0] and so on")
        return self.states[name]

    def result(self, output: T) -> T:
        """The value that a task returned; the list of them where it is mapped.

        Raises:
            TaskFailed: The task failed, or one that it needs.
            ReadError: The handler cannot read the value.
        """
        found = _output(output)
        if found.name in self.states:
            return cast("T", _value(found.name, self.states[found.name]))
        names = [f"{found.name}[{index}]" for index in range(len(self.states))]
        return cast("T", [_value(name, self.states[name]) for name in names if name in self.states])


def _value(name: str, state: State[Any]) -> Any:
    if isinstance(state, Failed):
        raise TaskFailed(f"{name} failed: {state.cause.error} at {state.cause.where}") from state.error
    if isinstance(state, TriggerFailed):
        raise TaskFailed(f"{name} was not run, since {state.upstream} failed")
    if state._result is NoResult:
        raise TaskFailed(f"{name} has no result: it is {state.kind}")
    return state._result.read().value


def _output(output: object) -> Output:
    if not isinstance(output, Output):
        raise TypeError(f"This is a {type(output).__qualname__}, not what calling a task in the flow returned")
    return output
