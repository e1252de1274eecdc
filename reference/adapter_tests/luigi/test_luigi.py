"""The target in Luigi itself, with its local scheduler."""

import gc
import json
import os
import pickle
import resource
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import luigi
import pytest
from luigi.execution_summary import LuigiRunResult, LuigiStatusCode
from resultspec import ResultHandler
from resultspec.errors import CorruptResult, InvalidReference, UnknownReference, WriteError
from resultspec_reference import JSONResultHandler, LocalResultHandler
from resultspec_reference.adapters.luigi import ResultTarget

EXAMPLE = Path(__file__).parents[3] / "examples" / "luigi_readings.py"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own for each test, in which the tasks keep their values."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Ran, "handler", LocalResultHandler("values", sync=False))
    return tmp_path


class Ran(luigi.Task):
    """Leaves a trace of each time that it ran, and puts out a value."""

    handler: ClassVar[ResultHandler[Any, Any]] = JSONResultHandler()
    value: ClassVar[Any] = None
    name = luigi.Parameter("ran")

    def output(self) -> ResultTarget[Any]:
        """Where the value is."""
        return ResultTarget(luigi.LocalTarget(f"{self.name}.json"), self.handler)

    def run(self) -> None:
        """Leave a trace, and put the value out."""
        with Path("trace").open("a") as file:
            file.write(f"{self.name}\n")
        self.output().write(self.made())

    def made(self) -> Any:
        """Return the value."""
        return self.value


class After(Ran):
    """Puts out the representation of what the other task has put out."""

    name = luigi.Parameter("after")

    def requires(self) -> Ran:
        """The other task."""
        return Ran()

    def made(self) -> Any:
        """Read what is needed."""
        return repr(self.input().read())


class Wide(Ran):
    """Needs two tasks, which two workers can run at once."""

    name = luigi.Parameter("wide")

    def requires(self) -> list[Ran]:
        """Two tasks, which do not need each other."""
        return [Ran(name="left"), Ran(name="right")]

    def made(self) -> Any:
        """Read what is needed."""
        return [target.read() for target in self.input()]


class Refusing:
    """A handler that fails."""

    def write(self, value: Any, /) -> str:
        """Fail."""
        raise WriteError("nothing was written") from OSError("the disk is on fire")

    def read(self, reference: str, /) -> Any:
        """Never called."""
        raise NotImplementedError


class Dying(LocalResultHandler[Any]):
    """A handler whose process is killed as soon as it has written a value."""

    def write(self, value: Any, /) -> str:
        """Write, and die."""
        super().write(value)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("not reached")


def build(task: luigi.Task, workers: int = 1) -> LuigiRunResult:
    """Let Luigi complete a task."""
    return luigi.build([task], local_scheduler=True, workers=workers, detailed_summary=True)


def traces() -> list[str]:
    """Which tasks ran, in their order."""
    return Path("trace").read_text().splitlines()


def test_the_example_says_what_it_promises(directory: Path) -> None:
    """Run as its reader runs it, twice: the second time Luigi runs nothing. The records hold references only."""
    first, second = (
        subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=300, check=True) for _ in range(2)
    )
    total = Decimal(2).sqrt() + Decimal(3).sqrt()
    records = [json.loads(Path(name).read_text()) for name in ("measured.json", "total.json")]

    assert first.stdout == second.stdout == f"The total is {total!r}\n"
    assert "2 ran successfully" in first.stderr
    assert "1 complete ones were encountered" in second.stderr
    assert sorted(record["reference"] for record in records) == sorted(str(path) for path in (directory / "values").iterdir())


def test_the_example_runs_on_two_worker_processes() -> None:
    """The same total, though each task ran in a process of its own."""
    main = runpy.run_path(str(EXAMPLE))["main"]

    assert main(workers=2) == Decimal(2).sqrt() + Decimal(3).sqrt()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("value", [None, 0, "", {1: ("a", b"\0")}, -0.0], ids=repr)
def test_a_value_is_read_downstream_and_is_not_made_twice(value: Any, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its type there; a second build runs nothing."""
    monkeypatch.setattr(Ran, "value", value)
    first, second = build(After(), workers), build(After(), workers)

    assert [first.status, second.status] == [LuigiStatusCode.SUCCESS] * 2
    assert traces() == ["ran", "after"]
    assert repr(Ran().output().read()) == After().output().read() == repr(value)


def test_two_workers_write_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task's value is its own."""
    monkeypatch.setattr(Ran, "made", lambda task: {task.name} if task.name != "wide" else Wide.made(task))
    done = build(Wide(), workers=2)

    assert done.status is LuigiStatusCode.SUCCESS
    assert Wide().output().read() == [{"left"}, {"right"}]


def test_a_crash_between_value_and_reference_leaves_the_task_incomplete(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """The value was written, and its process killed before it recorded the reference; a later build runs the task again."""
    monkeypatch.setattr(Ran, "handler", Dying("values", sync=False))
    failed = build(Ran(), workers=2)
    stored = list((directory / "values").iterdir())
    complete = Ran().complete()
    monkeypatch.setattr(Ran, "handler", LocalResultHandler("values", sync=False))
    done = build(Ran(), workers=2)

    assert (failed.status, len(stored), complete) == (LuigiStatusCode.FAILED, 1, False)
    assert done.status is LuigiStatusCode.SUCCESS
    assert traces() == ["ran", "ran"]


def test_an_error_of_the_handler_fails_the_task_and_keeps_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Luigi is given the handler's own error; what comes after does not run."""
    failures: list[BaseException] = []
    Ran.event_handler(luigi.Event.FAILURE)(lambda _, error: failures.append(error))
    monkeypatch.setattr(Ran, "handler", Refusing())
    done = build(After())

    assert done.status is LuigiStatusCode.FAILED
    assert traces() == ["ran"]
    assert [str(error) for error in failures] == ["nothing was written"]
    assert repr(failures[0].__cause__) == "OSError('the disk is on fire')"


@pytest.mark.parametrize("error", [UnknownReference, CorruptResult])
def test_a_lost_or_damaged_value_fails_whoever_reads_it(error: type[Exception], directory: Path) -> None:
    """The task that put it out counts as complete, and is not silently run again."""
    failures: list[BaseException] = []
    After.event_handler(luigi.Event.FAILURE)(lambda _, raised: failures.append(raised))
    build(Ran())
    (stored,) = (directory / "values").iterdir()
    if error is UnknownReference:
        stored.unlink()
    else:
        stored.write_bytes(stored.read_bytes()[:-1])
    done = build(After())

    assert done.status is LuigiStatusCode.FAILED
    assert traces() == ["ran", "after"]
    assert [type(raised) for raised in failures] == [error]


def test_removing_the_record_lets_the_task_run_again() -> None:
    """It is how a lost value is made anew."""
    build(Ran())
    Ran().output().record.remove()
    build(Ran())

    assert traces() == ["ran", "ran"]


def test_what_was_not_written_cannot_be_read() -> None:
    """The error says what to do."""
    with pytest.raises(UnknownReference, match=r"ran\.json holds no reference: first run the task"):
        Ran().output().read()


@pytest.mark.parametrize("record", ["", '{"reference": "', "12", "null", "{}"])
def test_a_record_that_was_cut_is_no_reference(record: str) -> None:
    """It raises, whatever the handler would make of it."""
    target = ResultTarget(luigi.LocalTarget("cut.json"), JSONResultHandler())
    Path("cut.json").write_text(record)

    with pytest.raises(InvalidReference, match=r"cut\.json is no record of a reference"):
        target.read()


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow any more: also not the one that the output of the tests may go to."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handled)


# Luigi's file tries to write once more when it is collected, and fails again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_record_for_which_there_is_no_room_is_none() -> None:
    """The write raises, and what was recorded before is still recorded."""
    target = ResultTarget(luigi.LocalTarget("full.json"), JSONResultHandler())
    with full_disk(), pytest.raises(OSError, match="too large"):
        target.write(1)
    gc.collect()

    assert not target.exists()


def test_a_target_travels_to_other_processes() -> None:
    """Pickled, it names the same value."""
    build(Ran())
    sent: ResultTarget[Any] = pickle.loads(pickle.dumps(Ran().output()))

    assert sent.exists()
    assert sent.read() is None
