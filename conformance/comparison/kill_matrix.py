"""Runs every saboteur through the suite, and writes which rules noticed: ``docs/data/kill-matrix.json``.

The table is data for the documentation. What the tests ask of it (each saboteur is caught, by its own rule and no unrelated
one) they ask by themselves, and each saboteur is judged here as it is there: by the rules of its family, those of core and
shared together. Here the exit code says the same, so that a table with a hole is not published unseen.
"""

import datetime
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import tables
from correct_subjects import correct_subject
from resultspec import SPEC_VERSION, rules
from resultspec_conformance.report import Report, RuleReport, suite_version
from resultspec_conformance.runner import run
from resultspec_conformance.saboteurs import Saboteur, all_saboteurs
from resultspec_conformance.settings import Settings

SETTINGS = Settings(examples=40, limit=30)
ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "data" / "kill-matrix.json"


def main(classes: Sequence[str]) -> int:
    """Write the table; 0 when each saboteur was caught by its own rule alone and no correct subject was blamed.

    Args:
        classes: Classes to run again, leaving the rows of the others as they are; none: all.
    """
    known = json.loads(TABLE.read_text(encoding="utf-8")) if classes else {"controls": [], "saboteurs": []}
    controls = {control["asked"]: control for control in known["controls"]}
    rows = {(row["rule"], row["does"]): row for row in known["saboteurs"]}
    done: set[str] = set()
    for saboteur in all_saboteurs():
        cls = rules.rule(saboteur.rule).cls
        if classes and cls not in classes:
            continue
        asked = "handler.* shared.*" if cls in ("core", "shared") else f"{saboteur.rule.partition('.')[0]}.*"
        settings = attrs.evolve(SETTINGS, rules=tuple(asked.split()))
        with tempfile.TemporaryDirectory() as scratch:
            subject = correct_subject(saboteur.rule, Path(scratch))
            if asked not in done:
                done.add(asked)
                report = run(subject, settings)
                controls[asked] = {"asked": asked, "subject": subject.target, "counts": report.counts, **_ends(report)}
                _tell(f"{subject.target} (correct), {asked}", controls[asked])
            rows[saboteur.rule, saboteur.does] = row_of(saboteur, run(saboteur.sabotage(subject), settings))
            _tell(f"{saboteur.rule}: {saboteur.does}", rows[saboteur.rule, saboteur.does])
    table = {
        "schema": "resultspec-kill-matrix/1",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "spec_version": SPEC_VERSION,
        "suite_version": suite_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "settings": {"seed": SETTINGS.seed, "examples": SETTINGS.examples},
        "controls": list(controls.values()),
        "saboteurs": [row for rule in rules.RULES for row in rows.values() if row["rule"] == rule],
    }
    tables.write(TABLE, table)
    blamed = [control["subject"] for control in controls.values() if control["failed"] or control["warned"]]
    missed = [rule for (rule, _), row in rows.items() if [*row["failed"], *row["warned"]] != [rule]]
    print(f"{len(rows)} saboteurs, {len(rows) - len(missed)} caught by their own rule alone; not so: {missed}; blamed: {blamed}")
    return 1 if missed or blamed or not rows else 0


def row_of(saboteur: Saboteur, report: Report) -> dict[str, Any]:
    """The data of a saboteur: what it does, the rules that noticed, and what was printed of its own rule."""
    return {"rule": saboteur.rule, "does": saboteur.does, **_ends(report), "violation": _violation(report.rule(saboteur.rule))}


def _violation(found: RuleReport) -> dict[str, str] | None:
    """What the suite says of a rule that is broken, the same on every machine; None where the rule was not found broken."""
    if found.status not in ("failed", "warned"):
        return None
    told = {"message": found.message, "expected": found.expected, "actual": found.actual}
    return {name: tables.without_places(text or "") for name, text in told.items()}


def _ends(report: Report) -> dict[str, list[str]]:
    """The rules that did not hold, and those that could not be judged for it, by status."""
    told = ("failed", "warned", "error", "blocked")
    return {status: [found.id for found in report.rules if found.status == status] for status in told}


def _tell(name: str, ends: dict[str, Any]) -> None:
    counts = ", ".join(f"{len(found)} {status}" for status, found in ends.items() if isinstance(found, list) and found)
    print(f"{name}\n    {counts or 'nothing noticed'}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
