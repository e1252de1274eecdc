"""The driver of the model engine, as the author of an engine writes it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resultspec_conformance import Constant, ParameterValue, Pipeline, PipelineTask, TaskOutput, TaskReport

from . import model


class ModelDriver:
    """Runs pipelines on the model engine, in a database under the directory."""

    run_class = model.Run

    def __init__(self, directory: Path) -> None:
        self.store = model.Store(directory / "database.json")
        self.configuration = model.Configuration()
        self.runs: dict[Any, model.Run] = {}

    def task(self, task: PipelineTask) -> Any:
        """Make a task."""
        options = {
            "result_handler": task.result_handler,
            "retries": task.retries,
            "cache_for": None if task.cache_for is None else task.cache_for.total_seconds(),
            "mapped": task.mapped,
        }
        return (
            model.task(task.name, **options)(task.function) if task.decorated else model.Task(task.function, task.name, **options)
        )

    def flow(self, pipeline: Pipeline, tasks: Mapping[str, Any]) -> Any:
        """Make a flow."""

        def given(one: Any) -> Any:
            match one:
                case TaskOutput(name):
                    return model.Upstream(tasks[name])
                case ParameterValue(name):
                    return model.Parameter(name)
                case Constant(value):
                    return value

        bound = {tasks[task.name]: {name: given(one) for name, one in task.inputs.items()} for task in pipeline.tasks}
        return model.Flow(pipeline.name, bound, pipeline.result_handler)

    def configure(self, result_handler: Any) -> None:
        """Set the configured handler."""
        self.configuration = model.Configuration(result_handler)

    def run(self, flow: Any, parameters: Mapping[str, Any]) -> Mapping[str, TaskReport]:
        """Run a flow to its end."""
        run = self._run(flow, parameters)
        run.start()
        return self._reports(run)

    def run_until_retry(self, flow: Any, parameters: Mapping[str, Any]) -> None:
        """Run a flow until it rests."""
        self._run(flow, parameters, rests=True).start()

    def resume(self, flow: Any) -> Mapping[str, TaskReport]:
        """Run it to its end."""
        run = self._run(flow, {})
        run.resume()
        return self._reports(run)

    def states(self, flow: Any, task: str) -> Sequence[Any]:
        """The states of the last run."""
        return self.runs[flow].states[task]

    def stored(self) -> Iterable[Any]:
        """The database file."""
        if self.store.path.exists():
            yield self.store.path.read_bytes()

    def _run(self, flow: Any, parameters: Mapping[str, Any], rests: bool = False) -> model.Run:
        self.runs[flow] = self.run_class(flow, self.store, self.configuration, parameters, rests)
        return self.runs[flow]

    def _reports(self, run: model.Run) -> Mapping[str, TaskReport]:
        return {name: TaskReport(states[-1].succeeded, states[-1].error) for name, states in run.states.items()}
