"""LocalResultHandler beside the floors and its peers: ratios of one run, in which all take turns.

Prints a table and whether each target is met, and writes the figures, and a plot of them, for the documentation. Nothing is
asserted: another machine, or a busy one, gives other figures.
"""

import argparse
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import contenders
import numpy as np
from contenders import Array, Contender
from rich.console import Console
from rich.table import Table

SIZES = {"1 KB": 1 << 10, "1 MB": 1 << 20, "100 MB": 100 << 20}
ROUNDS = {"1 KB": 400, "1 MB": 60, "100 MB": 7}
GIGABYTE = 1 << 30


def main() -> None:
    """Measure, print, and write what the documentation shows."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        figures = {size: _measured(Path(directory), size, arguments) for size in SIZES}
    memory = {kind: _peak(kind, arguments.directory) for kind in ("bytes", "array")}
    _show(figures, memory)
    if arguments.data is not None:
        about = {"date": datetime.now(UTC).date().isoformat(), "python": platform.python_version(), "numpy": np.__version__}
        targets = [
            {"what": what, "ratio": ratio, "most": most, "met": ratio <= most} for what, ratio, most in _targets(figures, memory)
        ]
        data = {**about, "machine": platform.machine(), "seconds": figures, "targets": targets}
        arguments.data.write_text(json.dumps(data, indent=1) + "\n")
        _plot(figures, arguments.data.with_suffix(".svg"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="where to write; by default the system's temporary directory")
    parser.add_argument("--prefect", type=Path, help="the Python of an environment in which Prefect 3 is installed")
    parser.add_argument("--data", type=Path, help="the JSON file to write; the plot is put beside it")
    parser.add_argument("--peak", choices=["nothing", "bytes", "array"], help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.peak is not None:
        _write_a_gigabyte(found.peak, found.directory)
        sys.exit()
    return found


def _measured(directory: Path, size: str, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Median seconds of writing and of reading, by contender."""
    array = np.random.default_rng(0).integers(0, 256, SIZES[size], np.uint8)
    scratch = directory / size
    scratch.mkdir()
    makers: list[Any] = [
        partial(contenders.floor, scratch, sync=False),
        partial(contenders.floor, scratch, sync=True),
        partial(contenders.ours, scratch, sync=False),
        partial(contenders.ours, scratch, sync=True),
        *(partial(make, scratch) for make in (contenders.plain_pickle, contenders.numpy_files, contenders.joblib_files)),
        *(partial(make, scratch) for make in (contenders.diskcache_entries, contenders.cachelib_files)),
    ]
    if arguments.prefect is not None:
        makers.append(partial(contenders.prefect_results, scratch, arguments.prefect))
    entrants = contenders.installed(makers)
    timings: dict[str, dict[str, list[float]]] = {one.name: {"write": [], "read": []} for one in entrants}
    copies: list[float] = []
    for number in range(ROUNDS[size] + 1):  # the first round is a warm-up
        for one in entrants:
            write, read = _timed(one, array)
            if number:
                timings[one.name]["write"].append(write)
                timings[one.name]["read"].append(read)
        started = time.perf_counter()
        contenders.memcpy(array)
        copies.append(time.perf_counter() - started)
        if SIZES[size] > 1 << 24:
            _emptied(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    medians = {name: {what: statistics.median(all_) for what, all_ in found.items()} for name, found in timings.items()}
    return {**medians, "memcpy": {"write": 0.0, "read": statistics.median(copies)}}


def _timed(one: Contender, array: Array) -> tuple[float, float]:
    started = time.perf_counter()
    reference = one.write(array)
    written = time.perf_counter()
    back = one.read(reference)
    ended = time.perf_counter()
    if isinstance(back, float):  # a process of its own has timed itself
        return reference, back
    assert back is not None and len(back) == len(array), one.name
    return written - started, ended - written


def _emptied(directory: Path) -> None:
    """Remove what large rounds have left, so that the disk does not fill."""
    for path in directory.rglob("*"):
        if path.is_file() and path.stat().st_size > 1 << 24:
            path.unlink()


def _peak(kind: str, directory: Path | None) -> float:
    """Peak memory of writing 1 GiB, as a multiple of the value, less that of a process that writes nothing."""

    def measured(what: str) -> int:
        command = [sys.executable, __file__, "--peak", what]
        command += ["--directory", str(directory)] if directory else []
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return (measured(kind) - measured("nothing")) * 1024 / GIGABYTE


def _write_a_gigabyte(kind: str, directory: Path | None) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        handler = contenders.ours(Path(scratch), sync=False)
        handler.write(np.zeros(8, np.uint8))
        if kind != "nothing":
            value: Any = b"\1" * GIGABYTE if kind == "bytes" else np.ones(GIGABYTE, np.uint8)
            handler.write(value)
        # Not ru_maxrss, which begins with that of the process which started this one.
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        print(peak)


def _show(figures: dict[str, dict[str, dict[str, float]]], memory: dict[str, float]) -> None:
    console = Console(highlight=False, width=max(100, Console().width))
    for size, found in figures.items():
        table = Table("", "write", "read", "write + read", "x floor", "x floor, both fsyncs", title=f"\n{size}", box=None)
        for name, one in found.items():
            cells = [_time(one["write"]), _time(one["read"]), _time(_sum(one))]
            ratios = [f"{_sum(one) / _sum(found[floor]):.2f}" for floor in ("floor", "floor, both fsyncs")]
            table.add_row(name, *cells, *ratios)
        console.print(table)
    console.print(f"\npeak memory of writing 1 GiB, as a multiple of the value: {memory}")
    console.print("\ntargets")
    for what, ratio, most in _targets(figures, memory):
        console.print(f"  {'met    ' if ratio <= most else 'NOT MET'}  {what}: {ratio:.2f}, at the most {most}")


def _targets(figures: dict[str, dict[str, dict[str, float]]], memory: dict[str, float]) -> list[tuple[str, float, float]]:
    def ratio(size: str, one: str, other: str, what: str = "") -> float:
        found = figures[size]
        return found[one][what] / found[other][what] if what else _sum(found[one]) / _sum(found[other])

    synced, floor = "LocalResultHandler, synced", "floor, both fsyncs"
    targets = [(f"synced, over the floor with both fsyncs, {size}", ratio(size, synced, floor), 1.15) for size in SIZES]
    targets.append(("unsynced, over the floor, 1 KB", ratio("1 KB", "LocalResultHandler", "floor"), 1.7))
    read = ratio("100 MB", "LocalResultHandler", "memcpy", "read")
    targets.append(("reading 100 MB, over a memcpy into new memory, checksum included", read, 1.2))
    if "Prefect 3" in figures["1 MB"]:
        targets += [(f"synced, over Prefect 3, {size}", ratio(size, synced, "Prefect 3"), 0.05) for size in ("1 MB", "100 MB")]
    return [*targets, *((f"peak memory of writing 1 GiB of {kind}", peak, 1.1) for kind, peak in memory.items())]


def _sum(one: dict[str, float]) -> float:
    return one["write"] + one["read"]


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def _plot(figures: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "resultspec"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(figures), figsize=(12, 4), sharey=True, layout="constrained")
    for panel, (size, found) in zip(panels, figures.items(), strict=True):
        names = [name for name in reversed(found) if name != "memcpy"]
        floor = _sum(found["floor"])
        ratios = [_sum(found[name]) / floor for name in names]
        colours = ["#2b6cb0" if name.startswith("Local") else "#a0aec0" for name in names]
        panel.barh(names, ratios, color=colours)
        panel.set(title=size, xscale="log", xlabel="write + read, x floor without fsync")
        for place, ratio in enumerate(ratios):
            panel.text(ratio, place, f" {ratio:.1f}", va="center", fontsize=8)
        panel.margins(x=0.25)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
