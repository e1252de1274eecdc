"""Handlers of results within Prefect 3, and Prefect 3 under the suite."""

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE, CachePolicy
from prefect.exceptions import SerializationError
from prefect.logging.handlers import APILogWorker
from prefect.results import ResultStore
from prefect.serializers import Serializer
from prefect.task_runners import ProcessPoolTaskRunner
from resultspec.errors import InvalidConfiguration, InvalidReference, UnknownReference, WriteError
from resultspec_conformance import EngineSubject, check
from resultspec_reference import JSONResultHandler
from resultspec_reference.adapters.prefect import HandlerSerializer, HandlerStorage

ROOT = Path(__file__).parents[3]
LOCAL = "resultspec_reference:LocalResultHandler"
SPY = "resultspec_conformance.spies:FileSpy"
MADE = JSONResultHandler()
VALUES: list[Any] = [None, 0, False, "", -0.0, math.inf, (1, (2, [3])), {1: "a", "1": b"b"}, {"x"}, "Kestrel4417Meadow"]


def _by_serializer(place: Path) -> dict[str, Any]:
    return {"result_serializer": HandlerSerializer(handler=LOCAL, options={"directory": str(place / "values")})}


def _by_storage(place: Path) -> dict[str, Any]:
    storage = HandlerStorage(handler=LOCAL, options={"directory": str(place / "values")}, references=str(place / "references"))
    storage.save("storage-of-tests", overwrite=True)
    return {"result_storage": storage}


def _contents(directories: Iterable[Path]) -> bytes:
    return b"\n".join(path.read_bytes() for directory in directories for path in directory.rglob("*") if path.is_file())


def _in_database(database: Path, text: str) -> bool:
    """Whether a text is in any column of any table."""
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return any(text in repr(row) for name in names for row in connection.execute(f'select * from "{name}"'))


@pytest.mark.parametrize("example", ["prefect_flow.py", "prefect_storage.py"])
def test_the_second_run_of_the_example_is_served_from_the_first(example: str, place: Path) -> None:
    """Another process, with equal handlers, computes nothing, and has equal values of the same types."""
    environment = os.environ | {"PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(place / "records")}
    command = [sys.executable, str(ROOT / "examples" / example)]
    first, second = (
        subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        for _ in range(2)
    )
    values = "[{'harbour': (1.5, -0.0, 2.25)}, {'meadow': (1.5, -0.0, 2.25)}]\n"

    assert first == f"measuring at harbour\nmeasuring at meadow\n{values}"
    assert second == values


@pytest.mark.parametrize("keeping", [_by_serializer, _by_storage])
def test_values_come_back_equal_and_of_the_same_type(keeping: Callable[[Path], dict[str, Any]], place: Path) -> None:
    """Every value is computed once in two runs of a flow, None and falsy ones among them, and is the same in both."""
    calls: list[int] = []

    @task(cache_policy=INPUTS + TASK_SOURCE, **keeping(place))
    def value(number: int) -> Any:
        calls.append(number)
        return VALUES[number]

    @flow
    def values() -> list[Any]:
        return [value(number) for number in range(len(VALUES))]

    first, second = values(), values()

    assert repr(second) == repr(first) == repr(VALUES)
    assert calls == list(range(len(VALUES)))


@pytest.mark.parametrize("keeping", [_by_serializer, _by_storage])
def test_prefect_holds_references_only(keeping: Callable[[Path], dict[str, Any]], place: Path, database: Path) -> None:
    """A value is nowhere in Prefect's database or its own files, while its reference is."""
    canary = "Bittern9025Gravel"

    @task(cache_policy=INPUTS + TASK_SOURCE, **keeping(place))
    def secret() -> str:
        return canary.swapcase().swapcase()

    @flow(name=f"flow of {keeping.__name__}")
    def secrets() -> None:
        assert secret() == canary

    secrets()
    APILogWorker.instance().drain()
    [kept] = [path for path in (place / "values").iterdir() if canary.encode() in path.read_bytes() or keeping is _by_storage]
    prefects = _contents([place / "records", place / "references"])

    assert kept.name.encode() in prefects
    assert canary.encode() not in prefects
    assert _in_database(database, secrets.name)
    assert not _in_database(database, canary)


def _with_a_lost_value(
    keeping: Callable[[Path], dict[str, Any]], place: Path, policy: CachePolicy
) -> tuple[Callable[[], str], list[str]]:
    """A flow that has run once, and whose value the handler has lost since; and a note of each call of its task."""
    calls: list[str] = []

    @task(cache_policy=policy, **keeping(place))
    def value() -> str:
        calls.append("value")
        return "text"

    @flow
    def one() -> str:
        return value()

    one()
    for path in (place / "values").iterdir():
        path.unlink()
    return one, calls


@pytest.mark.parametrize("keeping", [_by_serializer, _by_storage])
def test_a_lost_value_is_an_error_where_the_keys_lie_apart(keeping: Callable[[Path], dict[str, Any]], place: Path) -> None:
    """With key_storage, the task fails with the handler's error, and is not computed again."""
    policy = (INPUTS + TASK_SOURCE).configure(key_storage=place / "keys")
    one, calls = _with_a_lost_value(keeping, place, policy)

    with pytest.raises(UnknownReference):
        one()

    assert calls == ["value"]


@pytest.mark.parametrize("keeping", [_by_serializer, _by_storage])
def test_prefect_computes_a_lost_value_again_otherwise(keeping: Callable[[Path], dict[str, Any]], place: Path) -> None:
    """Without key_storage Prefect takes whatever it cannot read for what was never there: the documentation says so."""
    one, calls = _with_a_lost_value(keeping, place, INPUTS + TASK_SOURCE)

    assert one() == "text"
    assert calls == ["value", "value"]


def test_prefect_goes_on_without_a_result_that_could_not_be_written(place: Path) -> None:
    """The task succeeds, its result is not kept, and the next run computes it again: the documentation says so."""
    calls: list[str] = []
    options = {"name": "unwritable", "directory": str(place), "fails": "write"}

    @task(cache_policy=INPUTS + TASK_SOURCE, result_serializer=HandlerSerializer(handler=SPY, options=options))
    def value() -> str:
        calls.append("value")
        return "text"

    @flow
    def one() -> str:
        return value()

    assert (one(), one()) == ("text", "text")
    assert calls == ["value", "value"]
    assert not (place / "records").exists()


def test_handlers_travel_to_worker_processes(place: Path) -> None:
    """What a task in another process has written is read by the flow, and by the next run."""

    @task(cache_policy=INPUTS + TASK_SOURCE, **_by_serializer(place))
    def worker(number: int) -> tuple[int, int]:
        return number, os.getpid()

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def elsewhere() -> tuple[int, int]:
        return worker.submit(3).result()

    first = elsewhere()

    assert first[0] == 3
    assert first[1] != os.getpid()
    assert elsewhere() == first


def test_prefect_rebuilds_the_serializer_from_what_it_stores(place: Path) -> None:
    """A record that another process has written is read by the serializer that it names, whatever is configured there."""
    serializer = HandlerSerializer(handler=LOCAL, options={"directory": str(place / "values")})
    ResultStore(serializer=serializer).write((1, 2), key="key")

    assert ResultStore(serializer=Serializer(type="json")).read("key").result == (1, 2)


def test_an_error_of_the_handler_keeps_its_cause(place: Path) -> None:
    """Prefect's own error has the handler's as its cause."""
    serializer = HandlerSerializer(handler=SPY, options={"name": "spy", "directory": str(place), "fails": "write"})

    with pytest.raises(SerializationError) as caught:
        ResultStore(serializer=serializer).write("text", key="key")

    assert isinstance(caught.value.__cause__, WriteError)


def test_the_reference_under_a_key_is_replaced(place: Path) -> None:
    """What is read is what was written last, whatever the key looks like, and no file is left besides."""
    storage = HandlerStorage(handler=LOCAL, options={"directory": str(place / "values")}, references=str(place / "references"))
    for content in (b"earlier", b"later"):
        storage.write_path("../a/key", content)

    assert storage.read_path("../a/key") == b"later"
    assert [path.name for path in (place / "references").iterdir()] == ["..%2Fa%2Fkey"]


def test_unknown_keys_and_damaged_references_raise(place: Path) -> None:
    """Neither is None, or another's content."""
    storage = HandlerStorage(handler=LOCAL, options={"directory": str(place / "values")}, references=str(place / "references"))
    storage.write_path("key", b"content")
    (place / "references" / "key").write_bytes(b"\xff")

    with pytest.raises(UnknownReference):
        storage.read_path("another")
    with pytest.raises(InvalidReference):
        storage.read_path("key")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nowhere:Handler", {}),
        ("resultspec_reference", {}),
        ("builtins:dict", {}),
        (LOCAL, {"no": "such option"}),
        (f"{__name__}:MADE", {"an": "option"}),
    ],
)
def test_what_names_no_handler_is_refused(name: str, options: dict[str, Any]) -> None:
    """A name that cannot be imported, that names no handler, and options that it does not take, or that come too late."""
    with pytest.raises(InvalidConfiguration):
        HandlerSerializer(handler=name, options=options).dumps(1)


@pytest.fixture
def subject(database: Path, monkeypatch: pytest.MonkeyPatch) -> EngineSubject:
    """Prefect as the suite judges it, on the server of the tests."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import driver

    monkeypatch.setenv(driver.SERVER, json.dumps([os.environ["PREFECT_API_URL"], str(database)]))
    return driver.subject


def test_the_published_report_on_prefect_is_what_the_suite_says(subject: EngineSubject) -> None:
    """Prefect is judged anew: its version, its verdict and the status of every rule are those that the documentation shows."""
    published = json.loads((ROOT / "docs/data/engines/prefect.json").read_text(encoding="utf-8"))
    report = check(subject).to_json()

    assert _said(report) == _said(published)
    assert report["verdict"] == "violates"


def test_another_process_runs_a_failed_run_once_more(subject: EngineSubject) -> None:
    """What the report leaves blocked, and the documentation says: by itself, the rule engine.fresh-process is kept."""
    assert check(subject, rules=["engine.fresh-process"]).rule("engine.fresh-process").status == "passed"


def _said(report: Any) -> Any:
    return report["subject"]["target"], report["verdict"], {rule["id"]: rule["status"] for rule in report["rules"]}
