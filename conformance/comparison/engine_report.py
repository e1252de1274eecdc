"""Judges an engine, and writes the report that the documentation shows.

Arguments: the module and the name of its subject, as ``driver:subject``, importable from the working directory, and the file.
The scripts that show each failure are left out: they name places of the machine that they were made on.
"""

import importlib
import json
import sys
from pathlib import Path

from resultspec_conformance import check


def main(target: str, file: Path) -> None:
    """Judge the subject, and write its report."""
    module, _, name = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    report = check(getattr(importlib.import_module(module), name)).to_json()
    for rule in report["rules"]:
        rule["reproducer"] = None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{report['subject']['target']} {report['verdict']}: {report['counts']}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
