"""The reference's engine: flows of tasks whose outputs are kept by result handlers."""

from ._flows import Flow
from ._runs import FlowRun, TaskFailed
from ._states import Cached, Cause, Failed, Pending, Retrying, Running, State, Success, TriggerFailed
from ._store import RunTakenOver, StateStore, StoredRun, StoredState, UnknownRun
from ._tasks import Output, Task, parameter, task

__all__ = [
    "Cached",
    "Cause",
    "Failed",
    "Flow",
    "FlowRun",
    "Output",
    "Pending",
    "Retrying",
    "RunTakenOver",
    "Running",
    "State",
    "StateStore",
    "StoredRun",
    "StoredState",
    "Success",
    "Task",
    "TaskFailed",
    "TriggerFailed",
    "UnknownRun",
    "parameter",
    "task",
]
