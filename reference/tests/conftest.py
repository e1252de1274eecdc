"""What the tests of the reference share."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from emulators import running_or_left_out
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("reference", deadline=None)
settings.load_profile("reference")

_LOGS = pytest.StashKey[dict[str, Any]]()


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Any]:
    """Return a function that returns an object store, started when it is first asked for and ended with the session."""
    started: dict[str, Any] = {}
    logs = pytestconfig.stash.setdefault(_LOGS, {})
    with ExitStack() as resources:

        def store(kind: str) -> Any:
            if kind not in started:
                directory = tmp_path_factory.mktemp(kind)
                started[kind] = resources.enter_context(running_or_left_out(kind, directory))
                logs[kind] = directory / "emulator.log"
            return started[kind]

        yield store


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the emulators' logs with a test that failed on one."""
    report = yield
    if report.failed and "stores" in getattr(item, "fixturenames", ()):
        for kind, log in item.config.stash.get(_LOGS, {}).items():
            report.sections.append((f"log of the emulator of {kind}", log.read_text(errors="replace")[-2000:]))
    return report
