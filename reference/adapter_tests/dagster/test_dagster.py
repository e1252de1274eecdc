"""Values go through Dagster by a result handler: real runs on real instances, and what these keep."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from dagster import (
    AssetExecutionContext,
    AssetIn,
    AssetMaterialization,
    DagsterEventType,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    DynamicOut,
    DynamicOutput,
    In,
    JobDefinition,
    MaterializeResult,
    Out,
    ReexecutionOptions,
    TimeWindowPartitionMapping,
    asset,
    execute_job,
    in_process_executor,
    job,
    materialize,
    mem_io_manager,
    op,
    reconstructable,
)
from resultspec import JSON, ResultHandler
from resultspec.errors import CorruptResult, InvalidConfiguration, UnknownReference, WriteError
from resultspec_reference import LocalResultHandler
from resultspec_reference.adapters import dagster as adapter
from resultspec_reference.adapters.dagster import ResultHandlerIOManager
from sqlalchemy import event
from sqlalchemy.engine import Engine

EXAMPLE = Path(__file__).parents[3] / "examples" / "dagster_assets.py"
CANARY = "Lapwing5512Orchard"
VALUES = [
    None,
    0,
    -0.0,
    "",
    CANARY,
    b"\x00\xff",
    (1, 2.5, ("nested",)),
    {1: {2, 3}, "two": [None]},
    Decimal("1.10"),
    datetime(2024, 2, 29, tzinfo=UTC),
]


@event.listens_for(Engine, "connect")
def do_not_sync(connection: Any, _: Any) -> None:
    """Let SQLite leave it to the system when to write Dagster's databases to the disk: nothing here outlives a test."""
    connection.execute("pragma synchronous = off")


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an instance in which nothing was run, and which sends nothing anywhere: Dagster is slow to make one."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    DagsterInstance.from_config(str(home)).dispose()
    return home


@pytest.fixture
def instance(fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """An instance of Dagster's in a directory, as DAGSTER_HOME names it."""
    home = shutil.copytree(fresh_home, tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("RESULTS", str(tmp_path / "results"))
    with DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def handler(tmp_path: Path) -> LocalResultHandler:
    """A handler that keeps results where those of worker processes do."""
    return LocalResultHandler(tmp_path / "results")


def keeping(handler: ResultHandler[Any, Any]) -> dict[str, Any]:
    """Resources with an IO manager for a handler."""
    return {"io_manager": ResultHandlerIOManager(handler)}


def files_of(directory: Path) -> bytes:
    """Everything in the files of a directory."""
    return b"\n".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one type."""
    return type(one) is type(other) and repr(one) == repr(other)


# --- the example ----------------------------------------------------------------------------------------------------------------


def dagster_command(*arguments: str) -> None:
    """Run a command of Dagster's in a process of its own."""
    subprocess.run([sys.executable, "-m", "dagster", *arguments], check=True, capture_output=True, env=os.environ)


def test_the_example_runs_asset_by_asset_in_processes_of_their_own(instance: DagsterInstance, tmp_path: Path) -> None:
    """What one process has materialized another loads, and a third finds what came of it; Dagster's files hold references only."""
    for name in ("prices", "rises"):
        dagster_command("asset", "materialize", "-f", str(EXAMPLE), "--select", name)
    defs: Definitions = runpy.run_path(str(EXAMPLE))["defs"]

    assert defs.load_asset_value("rises", instance=instance) == {"bread": Decimal("0.10")}
    assert b"result_reference" in files_of(tmp_path / "home")
    assert b"3.10" not in files_of(tmp_path / "home")


# --- ops ------------------------------------------------------------------------------------------------------------------------


def test_an_op_gets_what_another_returned(instance: DagsterInstance, handler: LocalResultHandler, tmp_path: Path) -> None:
    """Values come equal and of the same type to the next op, None among them, and are nowhere in Dagster's files."""
    seen: dict[int, Any] = {}

    def pair(number: int, value: Any) -> None:
        @op(name=f"produce_{number}")
        def produce():
            return value

        @op(name=f"consume_{number}")
        def consume(x) -> None:
            seen[number] = x

        consume(produce())

    @job(resource_defs=keeping(handler))
    def passing() -> None:
        for number, value in enumerate(VALUES):
            pair(number, value)

    passing.execute_in_process(instance=instance)

    assert sorted(seen) == list(range(len(VALUES)))
    assert all(same(seen[number], value) for number, value in enumerate(VALUES))
    assert CANARY.encode() not in files_of(tmp_path / "home")
    assert CANARY.encode() in files_of(tmp_path / "results")


@op(out={"number": Out(), "text": Out()})
def two_outputs():
    """Return two outputs."""
    return 4, "four"


@op(out=DynamicOut())
def several():
    """Yield outputs of one name."""
    for key in ("a", "b"):
        yield DynamicOutput({key}, mapping_key=key)


@op(out={"element": Out(), "process": Out()})
def twice(element):
    """Take one of the outputs of one name."""
    return (element, element), os.getpid()


@op
def gathered(elements, processes, number, text):
    """Take outputs of several ops."""
    assert os.getpid() not in processes
    return elements, number, text, len(set(processes))


def fanned() -> JobDefinition:
    """Make a job whose steps run in processes of their own, each of which makes the IO manager anew."""

    @job(resource_defs=keeping(LocalResultHandler(Path(os.environ["RESULTS"]))))
    def fan() -> None:
        number, text = two_outputs()
        elements, processes = several().map(twice)
        gathered(elements.collect(), processes.collect(), number, text)

    return fan


def test_outputs_travel_between_the_processes_of_steps(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several outputs of an op, and dynamic ones, are each found again in other processes."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with execute_job(reconstructable(fanned), instance, raise_on_error=True) as result:
        elements, *rest = result.output_for_node("gathered")

        assert sorted(elements, key=repr) == [({key}, {key}) for key in "ab"]
        assert rest == [4, "four", 2]


def test_an_output_is_found_among_many(
    instance: DagsterInstance, handler: LocalResultHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The references of a run are read page by page, until the one that is asked for."""
    monkeypatch.setattr(adapter, "_PAGE", 2)

    @op
    def collected(elements) -> list[Any]:
        return elements

    @op(out=DynamicOut())
    def many():
        yield from (DynamicOutput(number, str(number)) for number in range(7))

    @job(resource_defs=keeping(handler))
    def counting() -> None:
        collected(many().collect())

    result = counting.execute_in_process(instance=instance)

    assert result.output_for_node("collected") == list(range(7))


def flaky() -> JobDefinition:
    """Make a job whose second op fails until a file is there."""

    @op
    def started():
        return os.urandom(8)

    @op
    def finished(token: bytes) -> bytes:
        if not Path(os.environ["RESULTS"], "now").exists():
            raise RuntimeError("not yet")
        return token

    @job(resource_defs=keeping(LocalResultHandler(Path(os.environ["RESULTS"]))), executor_def=in_process_executor)
    def failing_at_first() -> None:
        finished(started())

    return failing_at_first


def test_a_run_that_is_executed_again_takes_what_had_been_kept(
    instance: DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From failure, only what failed is run again; what it takes is that of the run before, and not of a later one."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    again = reconstructable(flaky)
    failed = execute_job(again, instance)
    other = execute_job(again, instance)
    (tmp_path / "results" / "now").touch()
    options = ReexecutionOptions.from_failure(failed.run_id, instance)
    with execute_job(again, instance, reexecution_options=options, raise_on_error=True) as result:
        taken = result.output_for_node("finished")
    with execute_job(again, instance, raise_on_error=True, op_selection=["started"]) as result:
        fresh = result.output_for_node("started")

    assert not (failed.success or other.success)
    assert taken in [
        LocalResultHandler(tmp_path / "results").read(reference) for reference in references(instance, failed.run_id)
    ]
    assert fresh != taken


def references(instance: DagsterInstance, run_id: str) -> list[JSON]:
    """The references that Dagster holds of the outputs of a run."""
    entries = instance.all_logs(run_id, of_type=DagsterEventType.HANDLED_OUTPUT)
    handled: list[Any] = [entry.get_dagster_event().event_specific_data for entry in entries]
    return [json.loads(one.metadata["result_reference"].value) for one in handled]


# --- assets ---------------------------------------------------------------------------------------------------------------------


def test_the_latest_materialization_counts(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """An asset is loaded in a later run, and by hand; when it is materialized again, the new value is loaded."""
    values = iter(["first", "second"])

    @asset
    def changing():
        return next(values)

    @asset
    def seen(changing):
        return changing, type(changing)

    defs = Definitions(assets=[changing, seen], resources=keeping(handler))
    for expected in ("first", "second"):
        materialize([changing], resources=keeping(handler), instance=instance)
        materialize([changing, seen], selection=[seen], resources=keeping(handler), instance=instance)

        assert defs.load_asset_value("changing", instance=instance) == expected
        assert defs.load_asset_value("seen", instance=instance) == (expected, str)


def test_none_is_the_value_of_an_asset(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """None is written, and read; an asset whose return type is None has no value in Dagster, and nothing is written."""

    @asset
    def nothing():
        return None

    @asset
    def effect() -> None:
        return None

    materialize([nothing, effect], resources=keeping(handler), instance=instance)

    assert Definitions(assets=[nothing], resources=keeping(handler)).load_asset_value("nothing", instance=instance) is None
    assert len(list(Path(handler.directory).iterdir())) == 1


def test_a_materialize_result_has_a_value(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """The user's metadata and the reference stand beside each other."""

    @asset
    def counted():
        return MaterializeResult(value=[1, 2], metadata={"count": 2})

    materialize([counted], resources=keeping(handler), instance=instance)
    materialization = instance.get_latest_materialization_event(counted.key).asset_materialization

    assert set(materialization.metadata) == {"count", "result_reference"}
    assert Definitions(assets=[counted], resources=keeping(handler)).load_asset_value("counted", instance=instance) == [1, 2]


DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")
FIRST, SECOND, THIRD = DAYS.get_partition_keys()


@asset(partitions_def=DAYS)
def daily(context: AssetExecutionContext) -> list[str]:
    """Return the day."""
    return [context.partition_key]


@asset
def whole(daily) -> Any:
    """Take every day."""
    return daily


@asset(partitions_def=DAYS, ins={"daily": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))})
def lagging(context: AssetExecutionContext, daily) -> Any:
    """Take the day before."""
    return (daily,)


def test_partitions_are_kept_apart(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """A partition takes that of its day; who takes several gets a dictionary; before the first there is none."""
    resources = keeping(handler)
    for day in (SECOND, FIRST, THIRD):
        materialize([daily], resources=resources, instance=instance, partition_key=day)
    materialize([daily, whole], selection=[whole], resources=resources, instance=instance)
    for day in (FIRST, SECOND):
        materialize([daily, lagging], selection=[lagging], resources=resources, instance=instance, partition_key=day)
    defs = Definitions(assets=[daily, whole, lagging], resources=resources)

    assert defs.load_asset_value("daily", instance=instance, partition_key=FIRST) == [FIRST]
    assert defs.load_asset_value("whole", instance=instance) == {day: [day] for day in (FIRST, SECOND, THIRD)}
    assert defs.load_asset_value("lagging", instance=instance, partition_key=SECOND) == ([FIRST],)
    assert defs.load_asset_value("lagging", instance=instance, partition_key=FIRST) == (None,)


def test_a_partition_that_was_not_materialized_is_an_error(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """That another partition was materialized is of no use to it."""
    materialize([daily], resources=keeping(handler), instance=instance, partition_key=FIRST)
    defs = Definitions(assets=[daily], resources=keeping(handler))

    with pytest.raises(UnknownReference, match=f"the asset daily, partition {SECOND}, was never materialized"):
        defs.load_asset_value("daily", instance=instance, partition_key=SECOND)


def test_one_value_for_several_partitions_is_refused(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """A run over a range of partitions says which policy would do instead."""

    @asset(partitions_def=DAYS)
    def ranged():
        return "all of them"

    tags = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": SECOND}

    with pytest.raises(WriteError, match="ranged was made for 2 partitions in one run"):
        materialize([ranged], resources=keeping(handler), instance=instance, tags=tags)


# --- what goes wrong ------------------------------------------------------------------------------------------------------------


def damaged(path: Path) -> None:
    """Alter the last byte of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(("spoil", "error"), [(Path.unlink, UnknownReference), (damaged, CorruptResult)])
def test_a_value_that_is_lost_or_damaged_fails_the_run(
    instance: DagsterInstance, handler: LocalResultHandler, spoil: Any, error: type[Exception]
) -> None:
    """Nothing is computed again in its place, and no None is passed on; the handler's error is the cause."""
    called: list[str] = []

    @asset
    def kept():
        called.append("kept")
        return "value"

    @asset
    def taking(kept) -> None:
        called.append("taking")

    materialize([kept], resources=keeping(handler), instance=instance)
    spoil(next(Path(handler.directory).iterdir()))
    with pytest.raises(error):
        materialize([kept, taking], selection=[taking], resources=keeping(handler), instance=instance)

    assert called == ["kept"]


@attrs.frozen
class Unwritable:
    """A handler that cannot write."""

    def write(self, value: Any, /) -> str:
        """Fail."""
        raise WriteError("no room left")

    def read(self, reference: str, /) -> Any:
        """Give back what cannot be there."""
        raise UnknownReference(reference)


def test_a_write_that_fails_fails_the_run(instance: DagsterInstance) -> None:
    """The asset is not materialized, and the handler's error is the cause."""

    @asset
    def unkept():
        return "value"

    with pytest.raises(WriteError, match="no room left"):
        materialize([unkept], resources=keeping(Unwritable()), instance=instance)

    assert instance.get_latest_materialization_event(unkept.key) is None


def test_what_another_io_manager_kept_is_an_error(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """An asset whose latest materialization holds no reference is not loaded from an earlier one."""

    @asset
    def reported():
        return "kept"

    materialize([reported], resources=keeping(handler), instance=instance)
    instance.report_runless_asset_event(AssetMaterialization("reported"))
    defs = Definitions(assets=[reported], resources=keeping(handler))

    with pytest.raises(UnknownReference, match="the latest materialization of the asset reported holds no reference"):
        defs.load_asset_value("reported", instance=instance)


def test_an_output_that_another_io_manager_kept_is_an_error(instance: DagsterInstance, handler: LocalResultHandler) -> None:
    """So is an op's output, and an input that is no output."""

    @op(out=Out(io_manager_key="other"))
    def elsewhere():
        return "kept elsewhere"

    @op(ins={"x": In(input_manager_key="io_manager")})
    def taking(x) -> None:
        raise AssertionError

    @job(resource_defs={**keeping(handler), "other": mem_io_manager})
    def mixed() -> None:
        taking(elsewhere())

    @job(resource_defs=keeping(handler))
    def alone() -> None:
        taking()

    for broken, text in ((mixed, "holds no reference to the output result of elsewhere"), (alone, "comes from no output")):
        with pytest.raises(UnknownReference, match=text):
            broken.execute_in_process(instance=instance)


@attrs.frozen
class Telling:
    """A handler whose references are of one kind of JSON."""

    reference: JSON

    def write(self, value: Any, /) -> JSON:
        """Forget the value."""
        return self.reference

    def read(self, reference: JSON, /) -> Any:
        """Tell the reference."""
        return reference


@pytest.mark.parametrize(
    "reference",
    [None, 0, 1.5, "é\n", ["nested", {"": None}], {"__class__": "AssetKey", "path": ["x"]}, {"raw_value": 1}],
    ids=repr,
)
def test_every_reference_comes_back_as_it_was(instance: DagsterInstance, reference: JSON) -> None:
    """Any JSON is a reference, also what Dagster's own stored forms give a meaning."""

    @asset
    def told():
        return "value"

    materialize([told], resources=keeping(Telling(reference)), instance=instance)
    defs = Definitions(assets=[told], resources=keeping(Telling("another")))

    assert same(defs.load_asset_value("told", instance=instance), reference)


def test_what_is_no_handler_is_refused() -> None:
    """The mistake is told where it is made."""
    with pytest.raises(InvalidConfiguration, match="str is no result handler"):
        ResultHandlerIOManager("results")  # type: ignore[arg-type]
