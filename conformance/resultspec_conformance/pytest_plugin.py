"""The pytest plugin: imports only pytest, so that it costs nothing where the suite is not used."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that conformance tests carry."""
    config.addinivalue_line("markers", "conformance(rule): a rule of the result handler specification")
