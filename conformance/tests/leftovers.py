"""Run as a script: checks a handler, and prints what this process held before, right after and some time after, as JSON.

An interpreter of its own holds nothing that comes and goes for other reasons.
"""

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from handlers_of_tests import Flags, Shortened
from resultspec_conformance import check


class Raises(Flags):
    """Fails at every read."""

    def read(self, reference: str, /) -> bool:
        """Fail."""
        raise LookupError(reference)


released = threading.Event()


class Hangs(Flags):
    """Never answers, until it is let go."""

    def read(self, reference: str, /) -> bool:
        """Wait."""
        released.wait()
        return Flags().read(reference)


class Crashes(Flags):
    """Ends every process that the suite starts."""

    def read(self, reference: str, /) -> bool:
        """Exit."""
        if "PYTHONSAFEPATH" in os.environ:  # as the suite's processes have it
            os._exit(3)
        return super().read(reference)


HANDLERS: dict[str, type] = {made.__name__: made for made in (Flags, Shortened, Raises, Hangs, Crashes)}


def held() -> dict[str, list[str]]:
    """The files in the temporary directory, the threads, the child processes and the descriptors of this process."""
    me = Path("/proc/self")
    return {
        "files": sorted(path.name for path in Path(tempfile.gettempdir()).iterdir()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "children": sorted(child for task in (me / "task").iterdir() for child in (task / "children").read_text().split()),
        "descriptors": sorted(f"{one.name} {one.readlink()}" for one in (me / "fd").iterdir() if one.exists()),
    }


def main(name: str, rules: list[str], limit: float) -> dict[str, Any]:
    """Check a handler, and return what was held, and the report."""
    check(Flags, rules=["shared.process"], examples=5)  # what is made once a process is made now
    before = held()
    report = check(HANDLERS[name], rules=rules, examples=10, limit=limit)
    after = held()
    released.set()
    deadline = time.monotonic() + 30  # for what is ending, to end
    while (later := held()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"before": before, "after": after, "later": later, "report": report.to_json()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[3:], float(sys.argv[2]))))
