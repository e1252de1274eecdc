"""Whole processes of the suite beside a bare interpreter and the kits of others: ratios of one run, in which all take turns.

Prints a table, and writes the figures for the documentation. Nothing is asserted: another machine, or a busy one, gives other
figures. Run it in an environment that holds what users install: every plugin of Hypothesis adds to the start, and where
there is mypy, the static rules wait for it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROUNDS = 5
BARE = "a bare interpreter"
COMPARISON = Path(__file__).parents[1] / "comparison"
CHECK = ["-m", "resultspec_conformance", "check"]
KIT = ["-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, "-o", "asyncio_mode=auto"]
SUITE = {
    BARE: ["-c", "pass"],
    "import resultspec": ["-c", "import resultspec"],
    "import resultspec_conformance": ["-c", "import resultspec_conformance"],
    "resultspec check, an inline handler": [*CHECK, "resultspec_reference:JSONResultHandler"],
    "resultspec check, a local handler that syncs": [*CHECK, "resultspec_reference:LocalResultHandler(directory='{scratch}/r')"],
}
PEERS = {
    "zarr.testing, StoreTests": [*KIT, "-k", "TestStore", str(COMPARISON / "kit_zarr.py")],
    "langchain-tests, blocking and async": [*KIT, str(COMPARISON / "kit_langchain.py")],
}


def main() -> None:
    """Run every command several times, in turn; print and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, help="the Python of an environment in which the kits of others are installed")
    parser.add_argument("--data", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    commands = {name: [sys.executable, *rest] for name, rest in SUITE.items()}
    if arguments.peers is not None:
        commands |= {name: [str(arguments.peers.absolute()), *rest] for name, rest in PEERS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            seconds[name].append(_timed(command))
    medians = {name: statistics.median(measured) for name, measured in seconds.items()}
    for name, measured in seconds.items():
        ratio = medians[name] / medians[BARE]
        print(f"{name:42} {medians[name]:7.3f} s   {ratio:6.1f} x   ({min(measured):.3f} to {max(measured):.3f})")
    if arguments.data is not None:
        about = {"date": datetime.now(UTC).date().isoformat(), "python": platform.python_version()}
        table = {**about, "machine": platform.machine(), "suite_version": version("resultspec"), "seconds": medians}
        arguments.data.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _timed(command: Sequence[str]) -> float:
    environment = os.environ | {"COMPARED_STORE": "Store", "PYTHONPATH": str(COMPARISON)}
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=scratch, env=environment)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
