"""Engines that the tests name as targets: correct ones, and ones that are broken from within."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resultspec_conformance import EngineSubject, HandlerConformance, TaskReport, Unsupported
from zoo.engines import model
from zoo.engines.asynchronous import AsyncDriver
from zoo.engines.database import DatabaseDriver
from zoo.engines.model_driver import ModelDriver

model_subject = EngineSubject(ModelDriver)
async_subject = EngineSubject(AsyncDriver)
database_subject = EngineSubject(DatabaseDriver)


class ConsumerKeeps(model.Run):
    """Keeps an input, unless it is a parameter, by the handler of the task that takes it."""

    def _cached_input(self, one: model.Task, name: str, result: Any) -> Any:
        if isinstance(self.flow.tasks[one][name], model.Parameter):
            return result.write()
        return model.Result(result.read().value, False, self._handler_of(one)).write()


class ConsumerKeepsDriver(ModelDriver):
    """Runs it."""

    run_class = ConsumerKeeps


class ForgetfulDatabaseDriver(DatabaseDriver):
    """Shows no table in which the reference of an output is."""

    def stored(self) -> Any:
        """The rows of the other tables."""
        return [rows for number, rows in enumerate(super().stored()) if number != 1]


class WithoutConfiguration(ModelDriver):
    """Has a handler of its own where neither task nor flow has one, and no way to configure another."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.configuration = model.Configuration(model.JSONResultHandler())

    def configure(self, result_handler: Any) -> None:
        """Say so."""
        raise Unsupported("there is no configuration")


class WithoutCache(ModelDriver):
    """Keeps every output that is to be cached, and takes none of them in another run."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run a flow once, where a task of it is cached."""
        if flow in self.runs and any(task.cache_for is not None for task in flow.tasks):
            raise Unsupported("nothing is taken from a cache")
        return super().run(flow, parameters)


class SaysSoOnly(ModelDriver):
    """Reports success without running anything."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run nothing."""
        return {task.name: TaskReport(True) for task in flow.tasks}


class SaysNothing(ModelDriver):
    """Reports nothing of what it ran."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Any:
        """Run it."""
        super().run(flow, parameters)


class Stops(ModelDriver):
    """Lets the failure of a task stop the runner."""

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run it, and raise what a task raised."""
        reports = super().run(flow, parameters)
        for report in reports.values():
            if isinstance(report.error, BaseException):
                raise report.error
        return reports


class Hangs(AsyncDriver):
    """Never ends."""

    async def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Wait."""
        await asyncio.sleep(3600)
        return {}


class NoServer(ModelDriver):
    """Cannot be made."""

    def __init__(self, directory: Path) -> None:
        raise ConnectionError(f"no server for {directory.name}")


class WithLabel(ModelDriver):
    """Takes an argument of its own."""

    def __init__(self, directory: str, label: str) -> None:
        super().__init__(Path(directory) / label)


class StartsAnew(WithLabel):
    """Begins again where a run is to be resumed."""

    def resume(self, flow: Any) -> Mapping[str, TaskReport]:
        """Run it from its beginning."""
        return self.run(flow, {})


class Judged(HandlerConformance):
    """A pytest class for an engine, which is named as a target."""

    subject = model_subject
