"""Checks our handlers and plainly written ones over stores of others, and writes the matrix: ``docs/data/matrix.json``."""

import datetime
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tables
from resultspec import SPEC_VERSION
from resultspec_conformance.report import Report, suite_version
from resultspec_conformance.runner import run
from resultspec_conformance.settings import Settings
from resultspec_conformance.subjects import HandlerSubject
from resultspec_reference import JSONResultHandler, LocalResultHandler

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "data" / "matrix.json"
ALL = ("core", "shared", "durable", "private")
KEY = b"a key of the matrix, for nothing else"

sys.path.insert(0, str(ROOT / "examples"))


def local(scratch: Path) -> LocalResultHandler[Any]:
    """Our local handler."""
    return LocalResultHandler(scratch / "results")


def local_signed(scratch: Path) -> LocalResultHandler[Any]:
    """Our local handler, with a key."""
    return LocalResultHandler(scratch / "results", key=KEY)


def fsspec_signed(scratch: Path) -> Any:
    """Our handler over fsspec's local file system, with a key."""
    from resultspec_reference.adapters.fsspec import FsspecResultHandler

    return FsspecResultHandler[Any](str(scratch / "results"), key=KEY)


def obstore_signed(scratch: Path) -> Any:
    """Our handler over a directory of obstore, with a key."""
    from obstore.store import LocalStore
    from resultspec_reference.adapters.obstore import ObstoreResultHandler

    return ObstoreResultHandler[Any](LocalStore(scratch, mkdir=True), "results", key=KEY)


def subjects() -> Iterator[tuple[str, str, HandlerSubject]]:
    """The subjects: what each is called, what it stands on, and itself."""
    import third_party
    from diskcache_handler import DiskCacheHandler

    yield "JSONResultHandler", "ours", HandlerSubject(JSONResultHandler, claims=("core", "shared", "durable"))
    yield "LocalResultHandler", "ours", HandlerSubject(local, claims=("core", "shared", "durable"))
    yield "LocalResultHandler, signed", "ours", HandlerSubject(local_signed, claims=ALL)
    yield "FsspecResultHandler on files, signed", _on("fsspec"), HandlerSubject(fsspec_signed, claims=ALL)
    yield "ObstoreResultHandler on files, signed", _on("obstore"), HandlerSubject(obstore_signed, claims=ALL)
    plain = {
        "diskcache": DiskCacheHandler,
        "cachelib": third_party.CachelibHandler,
        "joblib": third_party.JoblibHandler,
        "fsspec local": third_party.FsspecLocalHandler,
        "fsspec memory": third_party.FsspecMemoryHandler,
        "obstore local": third_party.ObstoreHandler,
        "shelve": third_party.ShelveHandler,
        "sqlite3": third_party.SqliteHandler,
    }
    for name, make in plain.items():
        yield name, _on(name.partition(" ")[0]), HandlerSubject(make, claims=ALL)


def _on(package: str) -> str:
    return f"Python {platform.python_version()}" if package in sys.stdlib_module_names else f"{package} {version(package)}"


def main() -> None:
    """Check every subject, and write the matrix."""
    rows = []
    for name, on, subject in subjects():
        report = run(subject, Settings(limit=60))
        rows.append(_row(name, on, report))
        print(f"{name}: {report.verdict}, {report.counts}", flush=True)
    table = {
        "schema": "resultspec-matrix/1",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "spec_version": SPEC_VERSION,
        "suite_version": suite_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "subjects": rows,
    }
    tables.write(TABLE, table)


def _row(name: str, on: str, report: Report) -> dict[str, Any]:
    told = {
        found.id: tables.without_places(found.message or found.reason or "")
        for found in report.rules
        if found.status not in ("passed", "blocked")
    }
    return {
        "name": name,
        "on": on,
        "claims": list(report.subject.claims),
        "classes": {name: found.verdict for name, found in report.classes.items()},
        "statuses": {found.id: found.status for found in report.rules},
        "told": told,
    }


if __name__ == "__main__":
    main()
