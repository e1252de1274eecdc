"""The handlers over stores of obstore and filesystems of fsspec are judged by the suite."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from adapted import EMULATED
from emulators import SECRET, factory
from hypothesis import strategies as st
from obstore.store import MemoryStore
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference.adapters.fsspec import FsspecResultHandler
from resultspec_reference.adapters.obstore import ObstoreResultHandler

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = SECRET.encode()
KEPT = ("passed", "not-applicable")
ALL = ("core", "shared", "durable", "private")
# Every kind of value is tried where it costs no requests.
FEW = st.one_of(st.none(), st.integers(), st.text(), st.tuples(st.floats(), st.sets(st.text())), st.binary(min_size=5000))
IN_MEMORY = MemoryStore()


def obstore_memory(scratch: Path) -> Any:
    """A handler over the memory of this process, by obstore."""
    return ObstoreResultHandler[Any](IN_MEMORY, sha256(bytes(scratch)).hexdigest(), key=KEY)


def fsspec_memory(scratch: Path) -> Any:
    """A handler over the memory of this process, by fsspec."""
    return FsspecResultHandler[Any](f"memory://{scratch}", key=KEY)


@pytest.mark.parametrize("name", ["fsspec_handler", "obstore_handler"])
def test_directories_conform(name: str, tmp_path: Path) -> None:
    """The examples keep every rule that must be kept; neither library syncs files, nor makes them for their owner alone."""
    command = ["-m", "resultspec_conformance", "check", f"{name}.py:make", *(f"--claim={claim}" for claim in ALL)]
    done = subprocess.run(
        [sys.executable, *command, "--json", tmp_path / "report"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = json.loads((tmp_path / "report").read_text(encoding="utf-8"))
    left = {rule["id"]: rule["status"] for rule in report["rules"] if rule["status"] not in KEPT}

    assert report["verdict"] == "conforms", done.stdout
    assert left == {"durable.synced": "warned", "private.file-mode": "warned"}


@pytest.mark.parametrize("make", [obstore_memory, fsspec_memory])
def test_memory_conforms(make: Any) -> None:
    """It keeps the class core, and cannot be shared with another process."""
    report = run(HandlerSubject(make, claims=("core",), credentials=(SECRET,)), Settings(examples=20))
    left = {found.id: found.message or found.reason for found in report.rules if found.cls == "core" and found.status not in KEPT}

    assert left == {}
    assert report.verdict == "conforms"
    assert report.classes["shared"].verdict == "violates"


@pytest.mark.parametrize("kind", EMULATED)
def test_object_stores_conform(stores: Callable[[str], Any], kind: str) -> None:
    """They keep every rule of every class; only what is about files and full disks cannot be tried."""
    emulator, adapt = EMULATED[kind]
    store = adapt(stores(emulator))
    subject = HandlerSubject(
        factory(store, key=KEY, retry_for=5), values=FEW, claims=ALL, tamper=store.door, credentials=(SECRET,), name=kind
    )
    report = run(subject, Settings(examples=10))
    left = {found.id: found.message or found.status for found in report.rules if found.cls in ALL and found.status not in KEPT}

    assert left == dict.fromkeys(("durable.full-disk", "durable.synced", "private.file-mode"), "untested")
    assert report.verdict == "conforms"
