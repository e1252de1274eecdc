"""The XCom backend in Airflow itself: real DAG runs on a real metadata database, each run in a process of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "airflow_readings.py"
BACKEND = "resultspec_reference.adapters.airflow.ResultHandlerXCom"
TIMEOUT = 300


class Airflow:
    """An installation of Airflow in a directory of its own, with the DAGs of the example and of these tests."""

    def __init__(self, home: Path) -> None:
        dags = home / "dags"
        dags.mkdir()
        for file in (EXAMPLE, HERE / "airflow_dags.py"):
            shutil.copy(file, dags)
        self.database = home / "airflow.db"
        self.traces = home / "traces"
        self.results = home / "data" / "resultspec" / "results"
        foreign = ("AIRFLOW_", "RESULTSPEC_")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "PYTHONPATH": str(HERE),
            "RESULTS": str(home / "fragile"),
            "TRACES": str(self.traces),
            # Nobody is told of what is run here.
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_COLOR": "1",
        }

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the interpreter."""
        command = [sys.executable, *arguments]
        variables = {**self._environment, **environment}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def test(self, dag: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a DAG as ``airflow dags test`` does."""
        shutil.rmtree(self.traces, ignore_errors=True)
        self.traces.mkdir()
        return self.python("-m", "airflow", "dags", "test", dag, **environment)

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """Return what a table of the metadata database holds."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(f"select * from {table}").fetchall()

    def tables_with(self, text: str) -> set[str]:
        """Return the names of the tables that hold a text."""
        with sqlite3.connect(self.database) as connection:
            names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name for name in names if any(text in repr(row) for row in self.rows(name))}

    def states(self, dag: str) -> Mapping[tuple[str, int], str]:
        """Return the states of a DAG's tasks."""
        with sqlite3.connect(self.database) as connection:
            query = "select task_id, map_index, state from task_instance where dag_id = ?"
            return {(task, index): state for task, index, state in connection.execute(query, [dag])}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Airflow with a new metadata database."""
    installed = Airflow(tmp_path_factory.mktemp("airflow"))
    done = installed.python("-m", "airflow", "db", "migrate")
    assert done.returncode == 0, done.stderr
    return installed


def test_the_example_hands_on_values_of_which_the_database_holds_references_only(airflow: Airflow) -> None:
    """The total comes back as a Decimal. No table has the readings; of the argument one has the text, as Airflow does it."""
    done = airflow.test(
        "readings",
        AIRFLOW__CORE__XCOM_BACKEND=BACKEND,
        AIRFLOW__RESULTSPEC__RESULT_HANDLER="resultspec_reference:LocalResultHandler",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reading, total = Decimal(2).sqrt(), Decimal(2).sqrt() + Decimal(3).sqrt()
    references = [str(path) for path in airflow.results.iterdir()]
    xcoms = repr(airflow.rows("xcom"))

    assert f"The total is {total!r}" in done.stdout
    assert len(references) == 2
    assert [reference for reference in references if reference not in xcoms] == []
    assert airflow.tables_with(str(reading)) == set()
    assert airflow.tables_with(str(total)) == {"rendered_task_instance_fields"}


def test_another_process_reads_what_the_tasks_have_stored(
    airflow: Airflow, inside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs what the metadata database holds, and a handler that is configured alike."""
    from resultspec_reference.adapters.airflow import ResultHandlerXCom

    monkeypatch.setenv("XDG_DATA_HOME", str(airflow.results.parents[1]))
    monkeypatch.setenv("AIRFLOW__RESULTSPEC__RESULT_HANDLER", "resultspec_reference:LocalResultHandler")
    with sqlite3.connect(airflow.database) as connection:
        ((stored,),) = connection.execute("select value from xcom where dag_id = 'readings' and task_id = 'measure'")

    found = ResultHandlerXCom.deserialize_value(SimpleNamespace(value=json.loads(stored)))

    assert found == {("north", 1): Decimal(2).sqrt(), ("south", 1): Decimal(3).sqrt()}


def test_values_go_from_task_to_task(airflow: Airflow) -> None:
    """XComs of Airflow's own backend, None, empty values, one that looks like an XCom, and values of mapped tasks; no text."""
    done = airflow.test(
        "values", AIRFLOW__CORE__XCOM_BACKEND="airflow_handlers.FragileXCom", AIRFLOW__CORE__MAX_TEMPLATED_FIELD_LENGTH="0"
    )
    noted = [json.loads(str(row[4])) for row in airflow.rows("rendered_task_instance_fields") if row[0] == "values"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(airflow.states("values").values()) == {"success"}
    assert sorted(path.name for path in airflow.traces.iterdir()) == ["gather", "gather_even"]
    assert {field for fields in noted for field in fields.values()} == {""}


def test_an_error_of_the_handler_fails_the_task_and_keeps_its_cause(airflow: Airflow) -> None:
    """A refused and a lost value fail the task, and no body runs; IndexError does not end a walk over mapped tasks."""
    done = airflow.test("failing", AIRFLOW__CORE__XCOM_BACKEND="airflow_handlers.FragileXCom")
    states = airflow.states("failing")

    assert done.returncode == 1
    assert [task for task, state in states.items() if state != "success"] == [("refuse", -1), ("take_lost", -1), ("walk", -1)]
    assert list(airflow.traces.iterdir()) == []
    told = ["OSError: the disk is on fire", "WriteError: nothing was written", "UnknownReference: ", "IndexError: no such row"]
    assert [text for text in told if text not in done.stdout] == []


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Airflow imported into this process, beside a home in which it may leave things."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("inside")))
        patch.setenv("AIRFLOW__RESULTSPEC__RESULT_HANDLER", "resultspec_reference:JSONResultHandler")
        import resultspec_reference.adapters.airflow  # noqa: F401

        patch.syspath_prepend(HERE)

        yield


def test_no_plain_xcom_can_look_like_a_reference(inside: None) -> None:
    """Airflow's own backend refuses to write the form of a reference, and refuses to read it as a value."""
    from airflow.sdk import BaseXCom
    from resultspec_reference.adapters.airflow import ResultHandlerXCom

    reference = ResultHandlerXCom.serialize_value([1])

    assert ResultHandlerXCom.deserialize_value(SimpleNamespace(value=reference)) == [1]
    with pytest.raises(AttributeError, match="reserved key"):
        BaseXCom.serialize_value(reference)
    with pytest.raises(ImportError, match="allow list"):
        BaseXCom.deserialize_value(SimpleNamespace(value=reference))


@pytest.mark.parametrize("altered", [{"__version__": 2}, {"__data__": 3}, {"__data__": "{"}, {"more": 1}])
def test_an_altered_form_is_no_reference(inside: None, altered: dict[str, object]) -> None:
    """It raises before the handler is asked."""
    from resultspec.errors import InvalidReference
    from resultspec_reference.adapters.airflow import ResultHandlerXCom

    reference = ResultHandlerXCom.serialize_value([1])

    with pytest.raises(InvalidReference, match="ResultHandlerXCom did not write it"):
        ResultHandlerXCom.deserialize_value(SimpleNamespace(value={**reference, **altered}))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "No result handler is configured: set AIRFLOW__RESULTSPEC__RESULT_HANDLER to module:attribute"),
        ("airflow_handlers", "'airflow_handlers', is no name: write module:attribute"),
        ("no_such_module:handler", "'no_such_module:handler', makes no handler"),
        ("airflow_handlers:lost", "'airflow_handlers:lost', makes no handler"),
        ("airflow_handlers:broken", "'airflow_handlers:broken', makes no handler"),
        ("airflow_handlers:number", "'airflow_handlers:number', makes no handler"),
        ("builtins:dict", "'builtins:dict', is no result handler"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_said(
    inside: None, name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says it, before any value is written."""
    from resultspec.errors import InvalidConfiguration
    from resultspec_reference.adapters.airflow import ResultHandlerXCom

    monkeypatch.setenv("AIRFLOW__RESULTSPEC__RESULT_HANDLER", name)

    with pytest.raises(InvalidConfiguration) as raised:
        ResultHandlerXCom.serialize_value(1)

    assert told in str(raised.value)
    assert str(raised.value).count("\n") == 0
