"""Runs the same defective stores through zarr.testing, langchain-tests and this suite: ``docs/data/comparison.json``.

It is no test, since other people's kits are no part of the project: run it by hand in an environment that has the extra
``comparison``. The three kits ask for different things, and were made for different things. A defect that an API cannot
express, or that is legitimate behaviour there, is outside a kit's scope and no miss; the reason is written beside it. Every kit
has to pass the correct store first.
"""

import datetime
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import tables
from defects import DEFECTS, CorrectWithValues, Store
from kit_resultspec import subject
from resultspec.rules import RULES
from resultspec_conformance import check

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "data" / "comparison.json"
PYTEST = ["-q", "--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, "-o", "asyncio_mode=auto"]
PYTEST += ["-o", "asyncio_default_fixture_loop_scope=function"]


@attrs.frozen
class Run:
    """What a kit made of a store.

    Attributes:
        checks: How many checks were made.
        noticed: The checks that did not pass.
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
    given = subject(store)
    report = check(given, rules=[rule.id for rule in RULES.values() if rule.cls in given.claims])
    judged = [found for found in report.rules if found.status in ("passed", "failed", "warned")]
    return Run(len(judged), [found.id for found in judged if found.status != "passed"])


KITS: Mapping[str, Kit] = {
    "zarr": Kit("StoreTests and ZarrStoreStateMachine of zarr.testing", "zarr", _by_pytest("kit_zarr.py")),
    "langchain": Kit("BaseStoreSyncTests and BaseStoreAsyncTests", "langchain-tests", _by_pytest("kit_langchain.py")),
    "resultspec": Kit("the classes core and shared for result handlers", "resultspec", _by_this_suite),
}


def main() -> None:
    """Write the table."""
    checks = {name: _control(name, kit) for name, kit in KITS.items()}
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
        "defects": [_row(defect) for defect in DEFECTS],
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
    main()
