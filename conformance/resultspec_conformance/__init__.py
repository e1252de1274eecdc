"""The conformance suite: run it against your own result handler."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import check, reproduce, sensitivity
    from .engines import EngineDriver, SupportsClose, SupportsResume, SupportsStates, SupportsStorage, TaskReport, Unsupported
    from .pipelines import Constant, ParameterValue, Pipeline, PipelineTask, TaskOutput
    from .pytest_suite import HandlerConformance, conformance_checks
    from .report import Report, RuleReport
    from .sabotage import RuleSensitivity, SensitivityReport
    from .settings import Settings
    from .storage import StorageDoor
    from .subjects import EngineSubject, HandlerSubject, HierarchyDriver, HierarchySubject, ResultSubject
    from .trials.making import BadSubject

__all__ = [
    "BadSubject",
    "Constant",
    "EngineDriver",
    "EngineSubject",
    "HandlerConformance",
    "HandlerSubject",
    "HierarchyDriver",
    "HierarchySubject",
    "ParameterValue",
    "Pipeline",
    "PipelineTask",
    "Report",
    "ResultSubject",
    "RuleReport",
    "RuleSensitivity",
    "SensitivityReport",
    "Settings",
    "StorageDoor",
    "SupportsClose",
    "SupportsResume",
    "SupportsStates",
    "SupportsStorage",
    "TaskOutput",
    "TaskReport",
    "Unsupported",
    "check",
    "conformance_checks",
    "reproduce",
    "sensitivity",
]

# Loaded when they are asked for: Hypothesis and pytest take longer to import than most handlers take to be checked.
_HOMES = {
    "BadSubject": "trials.making",
    "Constant": "pipelines",
    "EngineDriver": "engines",
    "EngineSubject": "subjects",
    "HandlerConformance": "pytest_suite",
    "HandlerSubject": "subjects",
    "HierarchyDriver": "subjects",
    "HierarchySubject": "subjects",
    "ParameterValue": "pipelines",
    "Pipeline": "pipelines",
    "PipelineTask": "pipelines",
    "Report": "report",
    "ResultSubject": "subjects",
    "RuleReport": "report",
    "RuleSensitivity": "sabotage",
    "SensitivityReport": "sabotage",
    "Settings": "settings",
    "StorageDoor": "storage",
    "SupportsClose": "engines",
    "SupportsResume": "engines",
    "SupportsStates": "engines",
    "SupportsStorage": "engines",
    "TaskOutput": "pipelines",
    "TaskReport": "engines",
    "Unsupported": "engines",
    "check": "api",
    "conformance_checks": "pytest_suite",
    "reproduce": "api",
    "sensitivity": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
