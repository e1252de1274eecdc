"""Runs the same defective stores through zarr.testing, langchain-tests and this suite: ``docs/data/comparison.json``.

It is no test, since other people's kits are no part of the project: run it by hand in an environment that has the extra
``comparison``. The three kits ask for different things, and were made for different things. A defect that an API cannot
express, or that is legitimate behaviour there, is outside a kit's scope and no miss; the reason is written beside it. Every kit
has to pass the correct store first.
"""

import datetime
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import tables
from defects import DEFECTS, CorrectWithValues, Store
from kit_resultspec import subject
from resultspec_conformance import check

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "data" / "comparison.json"
BROKEN = ("failed", "warned")
PYTEST = ["-q", "-x", "--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, "-o", "asyncio_mode=auto"]
PYTEST += ["-o", "asyncio_default_fixture_loop_scope=function"]


@attrs.frozen
class Run:
    """What a kit made of a store.

    Attributes:
        checks: How many checks were made.
        noticed: The checks that did not pass; of pytest, the first.
    """

    checks: int
    noticed: list[str]


@attrs.frozen
class Kit:
    """One of the kits that are compared.

    Attributes:
        what: What was run of it.
        distribution: Where it comes from.
        run: Runs it on a store.
    """

    what: str
    distribution: str
    run: Callable[[type[Store]], Run]


def _by_pytest(module: str) -> Callable[[type[Store]], Run]:
    def run(store: type[Store]) -> Run:
        with tempfile.TemporaryDirectory() as scratch:
            told = Path(scratch) / "junit.xml"
            command = [sys.executable, "-m", "pytest", *PYTEST, "--rootdir", scratch, "--junitxml", str(told), str(HERE / module)]
            environment = os.environ | {"COMPARED_STORE": store.__name__, "PYTHONPATH": str(HERE)}
            subprocess.run(command, env=environment, capture_output=True, cwd=scratch, check=False)
            cases = list(ET.parse(told).getroot().iter("testcase"))  # noqa: S314 - pytest wrote it just now
        noticed = [case.attrib["name"] for case in cases if case.find("failure") is not None or case.find("error") is not None]
        return Run(sum(case.find("skipped") is None for case in cases), noticed)

    return run


def _by_this_suite(store: type[Store]) -> Run:
    report = check(subject(store))
    judged = [found for found in report.rules if found.status in (*BROKEN, "passed") and found.id not in _left_out(store.values)]
    return Run(len(judged), [found.id for found in judged if found.status in BROKEN])


@functools.cache
def _left_out(values: bool) -> frozenset[str]:
    """What the correct store, which claims core and shared, leaves out of what the other classes ask for."""
    report = check(subject(CorrectWithValues if values else Store))
    return frozenset(found.id for found in report.rules if found.status in BROKEN and found.cls not in report.subject.claims)


KITS: Mapping[str, Kit] = {
    "zarr": Kit("StoreTests and ZarrStoreStateMachine of zarr.testing", "zarr", _by_pytest("kit_zarr.py")),
    "langchain": Kit("BaseStoreSyncTests and BaseStoreAsyncTests", "langchain-tests", _by_pytest("kit_langchain.py")),
    "resultspec": Kit("all rules for result handlers", "resultspec", _by_this_suite),
}


def main(names: Sequence[str]) -> None:
    """Compare all defects, or those that are named, and write the table.

    Args:
        names: Names of defects, to run these again and leave the others as they are; none: all.
    """
    rows = {row["defect"]: row for row in json.loads(TABLE.read_text(encoding="utf-8"))["defects"]} if names else {}
    checks = {name: _control(name, kit) for name, kit in KITS.items()}
    for defect in DEFECTS:
        if not names or defect.__name__ in names:
            rows[defect.__name__] = _row(defect)
    table = {
        "schema": "resultspec-comparison/1",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "kits": {
            name: {
                "what": kit.what,
                "distribution": kit.distribution,
                "version": version(kit.distribution),
                "checks": checks[name],
            }
            for name, kit in KITS.items()
        },
        "defects": [rows[defect.__name__] for defect in DEFECTS if defect.__name__ in rows],
    }
    tables.write(TABLE, table)


def _control(name: str, kit: Kit) -> int:
    """See that a kit passes the correct stores; how many checks it makes of them."""
    runs = [kit.run(Store)] if name == "zarr" else [kit.run(Store), kit.run(CorrectWithValues)]
    if any(run.noticed or not run.checks for run in runs):
        sys.exit(f"{name} does not pass the correct store, so that it could not be compared: {runs}")
    return max(run.checks for run in runs)


def _row(defect: type[Store]) -> dict[str, Any]:
    row: dict[str, Any] = {"defect": defect.__name__, "does": (defect.__doc__ or "").partition("\n")[0]}
    for name, kit in KITS.items():
        if name in defect.outside:
            row[name] = {"verdict": "outside", "why": defect.outside[name]}
        else:
            noticed = kit.run(defect).noticed
            row[name] = {"verdict": "caught" if noticed else "missed", "by": noticed}
    print(f"{row['does']:95}", *(f"{name}: {row[name]['verdict']:8}" for name in KITS), flush=True)
    return row


if __name__ == "__main__":
    main(sys.argv[1:])
