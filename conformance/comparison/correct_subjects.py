"""The correct subjects that saboteurs spoil: every rule of their classes applies to them and is kept."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from resultspec import rules
from resultspec_conformance.governance.golden import record
from resultspec_conformance.subjects import (
    HANDLER_CLASSES,
    EngineSubject,
    HandlerSubject,
    HierarchySubject,
    ResultSubject,
    Subject,
)
from resultspec_reference import JSONResultHandler, LocalResultHandler, NoResult, Parameter, Result, make_converter, resolve

# The class private asks for a key.
_KEY = b"0123456789abcdef0123456789abcdef"


def _make(scratch: Path) -> LocalResultHandler:
    return LocalResultHandler(scratch / "results", sync=False, key=_KEY)


def _make_synced(scratch: Path) -> LocalResultHandler:
    return LocalResultHandler(scratch / "results")


def _rebuild(directory: str) -> LocalResultHandler:
    return LocalResultHandler(directory, sync=False, key=_KEY)


def _handler(rule: str, scratch: Path) -> HandlerSubject:
    """A handler of local files.

    It names a description, or references of an earlier version, for the rules that ask for them alone: the description
    rebuilds the handler without its saboteur, which would then break that rule too.
    """
    make = _make_synced if rules.rule(rule).cls == "durable" else _make
    subject = HandlerSubject(make, claims=frozenset(HANDLER_CLASSES), name="LocalResultHandler")
    if rule == "shared.describable":
        return attrs.evolve(subject, describe=lambda handler: str(handler.directory), rebuild=_rebuild)
    if rule == "shared.golden":
        recorded, golden = scratch / "recorded", scratch / "golden"
        recorded.mkdir()
        earlier = _make(recorded)
        record(golden, recorded, [(value, earlier.write(value)) for value in ([1, "two"], {"three": 3.0})])
        return attrs.evolve(subject, golden=golden)
    return subject


def _results() -> ResultSubject:
    """The results of the reference."""
    converter = make_converter()
    return ResultSubject(
        Result,
        NoResult,
        dump=converter.unstructure,
        load=lambda stored: converter.structure(stored, Result | type(NoResult)),  # type: ignore[arg-type] # a union of classes
        handler=JSONResultHandler,
        name="Result",
    )


@attrs.frozen(eq=False)
class _Carrier:
    """A task, a flow or a configuration: all that the resolution looks at."""

    result_handler: Any


class _Driver:
    """Puts the reference's resolution under the suite."""

    def __init__(self) -> None:
        self._configuration = _Carrier(None)

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        return _Carrier(result_handler)

    def parameter(self, name: str) -> Any:
        return Parameter(name)

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> Any:
        return _Carrier(result_handler)

    def configure(self, result_handler: Any) -> None:
        self._configuration = _Carrier(result_handler)

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        return resolve(task=producer, flow=flow, configuration=self._configuration)


def _hierarchy() -> HierarchySubject:
    """The reference's way to find the handler that applies."""
    return HierarchySubject(_Driver, name="resolve")


def _engine() -> EngineSubject:
    """The model engine of the tests, which shows everything that the rules ask for."""
    if (tests := str(Path(__file__).parents[1] / "tests")) not in sys.path:
        sys.path.append(tests)
    engines = importlib.import_module("engines_of_tests")
    subject: EngineSubject = attrs.evolve(engines.model_subject, name="a model engine")
    return subject


def correct_subject(rule: str, scratch: Path) -> Subject:
    """The correct subject on which a saboteur is let loose.

    Args:
        rule: The rule that the saboteur breaks.
        scratch: An empty directory.

    Raises:
        LookupError: There is no subject of the rule's class.
    """
    cls = rules.rule(rule).cls
    if cls in HANDLER_CLASSES:
        return _handler(rule, scratch)
    makers: dict[str, Callable[[], Subject]] = {
        "result": _results,
        "noresult": _results,
        "hierarchy": _hierarchy,
        "engine": _engine,
    }
    if cls not in makers:
        raise LookupError(f"there is no correct subject of class {cls} to spoil")
    return makers[cls]()
