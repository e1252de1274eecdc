"""What the tests on Prefect share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The database of a server of Prefect that runs as long as the tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with prefect_test_harness(server_startup_timeout=120):
            patch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
            yield Path(PREFECT_SERVER_DATABASE_CONNECTION_URL.value().partition("///")[2])


@pytest.fixture
def place(tmp_path: Path, database: Path) -> Iterator[Path]:
    """A directory in which Prefect keeps its results by default, under ``records``."""
    settings = {
        PREFECT_LOCAL_STORAGE_PATH: tmp_path / "records",
        # A thread that sleeps for a second at the end of each run.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(settings):
        yield tmp_path


def pytest_configure(config: pytest.Config) -> None:
    """Let Prefect leave connections to its server to the garbage collector, which warns wherever it comes across them."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    config.addinivalue_line("filterwarnings", "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
