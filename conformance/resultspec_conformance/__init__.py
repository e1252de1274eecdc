"""The conformance suite: run it against your own result handler."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import check, reproduce, sensitivity
    from .making import BadSubject
    from .pytest_suite import HandlerConformance, conformance_checks
    from .report import Report, RuleReport
    from .sabotage import RuleSensitivity, SensitivityReport
    from .settings import Settings
    from .storage import StorageDoor
    from .subjects import HandlerSubject, HierarchyDriver, HierarchySubject, ResultSubject

__all__ = [
    "BadSubject",
    "HandlerConformance",
    "HandlerSubject",
    "HierarchyDriver",
    "HierarchySubject",
    "Report",
    "ResultSubject",
    "RuleReport",
    "RuleSensitivity",
    "SensitivityReport",
    "Settings",
    "StorageDoor",
    "check",
    "conformance_checks",
    "reproduce",
    "sensitivity",
]

# Loaded when they are asked for: Hypothesis and pytest take longer to import than most handlers take to be checked.
_HOMES = {
    "BadSubject": "making",
    "HandlerConformance": "pytest_suite",
    "HandlerSubject": "subjects",
    "HierarchyDriver": "subjects",
    "HierarchySubject": "subjects",
    "Report": "report",
    "ResultSubject": "subjects",
    "RuleReport": "report",
    "RuleSensitivity": "sabotage",
    "SensitivityReport": "sabotage",
    "Settings": "settings",
    "StorageDoor": "storage",
    "check": "api",
    "conformance_checks": "pytest_suite",
    "reproduce": "api",
    "sensitivity": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
