"""Whole-process times of the suite, side by side in one run, as seconds and as multiples of a bare interpreter."""

import statistics
import subprocess
import sys
import time

ROUNDS = 5
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import resultspec": ["-c", "import resultspec"],
    "import resultspec_conformance": ["-c", "import resultspec_conformance"],
    "check an inline handler": ["-m", "resultspec_conformance", "check", "resultspec_reference:JSONResultHandler"],
    "check a local handler": [
        "-m",
        "resultspec_conformance",
        "check",
        "resultspec_reference:LocalResultHandler(directory='{scratch}/results')",
    ],
}


def main() -> None:
    """Run every command several times, in turn, and print the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - started)
    bare = statistics.median(seconds["python -c pass"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{name:32} {median:7.3f} s   {median / bare:6.1f} x   ({min(measured):.3f} to {max(measured):.3f})")


if __name__ == "__main__":
    main()
