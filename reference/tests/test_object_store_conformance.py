"""The handlers over object stores are judged by the suite, on their emulators."""

from collections.abc import Callable
from typing import Any

import pytest
from emulators import KINDS, SECRET, factory
from hypothesis import strategies as st
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject

# What a value is like is a matter of the form that all handlers share, and LocalResultHandler is judged on every kind of
# value. Here each costs requests, so a few kinds do.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.tuples(st.integers(), st.sets(st.text())),
    st.dictionaries(st.text(), st.lists(st.floats())),
    st.binary(min_size=5000, max_size=6000),
)
KEY = SECRET.encode()
CLAIMS = ("core", "shared", "durable", "private")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_they_conform(stores: Callable[[str], Any], kind: str) -> None:
    """They keep every rule of the classes that they claim, signed, and leave no SHOULD out."""
    store = stores(kind)
    subject = HandlerSubject(
        factory(store, key=KEY, timeout=20, retry_for=5),
        values=VALUES,
        claims=CLAIMS,
        tamper=store.door,
        credentials=(SECRET,),
        name=kind,
    )
    report = run(subject, Settings(examples=20))
    alarms = {
        found.id: f"{found.status}: {found.message or found.reason}; expected {found.expected}, got {found.actual}"
        for found in report.rules
        if found.cls in CLAIMS and found.status in ("failed", "error", "warned", "blocked")
    }

    assert alarms == {}
    assert report.verdict == "conforms"
    assert {
        found.id: found.reason for found in report.rules if found.cls in ("core", "shared") and found.status == "untested"
    } == {}
