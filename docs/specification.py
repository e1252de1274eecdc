"""Writes the pages of the specification before Sphinx reads them: one for each rule, the indexes, and the data as JSON.

All text comes from :mod:`resultspec.rules`, the docstrings of the checks and saboteurs, and the data that runs have written
into ``docs/data``. What is written lies in ``docs/rules`` and ``docs/_published``, and belongs to no commit.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from resultspec import SPEC_VERSION
from resultspec.rules import CLASSES, RULES, VOCABULARY, Level, Rule
from resultspec_conformance.checking import checks_of
from resultspec_conformance.reports.signs import MEANINGS, SIGNS
from sphinx.application import Sphinx

HERE = Path(__file__).parent
PAGES = HERE / "rules"
PUBLISHED = HERE / "_published"

LEVELS = {
    Level.MUST: "It is binding: a subject that breaks it does not conform.",
    Level.SHOULD: "It is binding unless there is a good reason; breaking it is a warning, and a failure with ``--strict``.",
    Level.MAY: "It is open: keeping it is a merit, and not keeping it no fault.",
}
CLASS_TEXTS = {
    "core": "What every handler keeps, seen through one instance in one process.",
    "shared": "What a handler keeps across instances, threads and processes.",
    "durable": "What a handler keeps through exits, crashes, full disks and damage.",
    "private": "What a handler keeps to itself, and what it withstands.",
    "static": "What a type checker knows of a handler's class.",
    "result": "What an implementation of ``Result`` keeps.",
    "noresult": "What the absence of a result keeps.",
    "hierarchy": "Which handler applies.",
    "engine": "What a workflow engine does with results.",
}
FAMILY_TEXTS = {"handler": "What a handler promises to whoever calls it."} | CLASS_TEXTS


def write_pages(app: Sphinx) -> None:
    """Write every page that is made of the rules."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()
    for rule in RULES.values():
        _write(PAGES / f"{rule.id}.rst", _page(rule))
    _write(PAGES / "index.rst", _index())
    _write(PAGES / "by-class.rst", _by("class", lambda rule: rule.cls, CLASS_TEXTS))
    _write(PAGES / "by-level.rst", _by("level", lambda rule: str(rule.level), {str(k): v for k, v in LEVELS.items()}))
    _write(PAGES / "traceability.rst", _traceability())
    _write(PAGES / "glossary.rst", _glossary())
    _publish()


def _publish() -> None:
    """Lay out what programs read: the rules, and the schema of reports."""
    PUBLISHED.mkdir(exist_ok=True)
    stored = [dataclasses.asdict(rule) | {"family": rule.family, "class": rule.cls} for rule in RULES.values()]
    for rule in stored:
        del rule["cls"]
    table = {"schema": "resultspec-rules/1", "spec_version": SPEC_VERSION, "rules": stored}
    (PUBLISHED / "rules.json").write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    schema = files("resultspec_conformance").joinpath("report.schema.json").read_text(encoding="utf-8")
    (PUBLISHED / "resultspec-report-1.schema.json").write_text(schema, encoding="utf-8")


def _page(rule: Rule) -> Iterator[str]:
    yield from (f".. _{rule.id}:", "", rule.id, "=" * len(rule.id), "", rule_text(rule.statement), "")
    yield f":level: :ref:`{rule.level} <level-{rule.level}>`"
    yield f":class: :ref:`{rule.cls} <class-{rule.cls}>`"
    yield f":family: {rule.family}"
    yield f":since: {rule.since}"
    yield f":needs: {_links(rule.requires) or 'no other rule'}"
    needed_by = [other.id for other in RULES.values() if rule.id in other.requires]
    yield from (f":needed by: {_links(needed_by) or 'no other rule'}", "")
    yield from ("The law", "-------", "", ".. code-block:: python", "")
    yield from (f"   {line}" for line in rule.law.splitlines())
    yield from ("", "Its names are explained in the :doc:`glossary <glossary>`.", "")
    yield from ("Why", "---", "", rule_text(rule.intent), "")
    yield from ("What is checked", "---------------", "")
    yield from _checked(rule)
    yield from ("", "What a violation looks like", "---------------------------", "")
    yield from _violation(rule)
    yield from ("", "If it fails, check first", "------------------------", "")
    yield from (f"- {rule_text(hint)}" for hint in rule.hints)
    yield from ("", "Who keeps it", "------------", "")
    yield from _keepers(rule)


def _checked(rule: Rule) -> Iterator[str]:
    checks = checks_of(rule.id)
    if not checks:
        yield "Nothing: the rule cannot be checked, and is reported as untested."
    for check in checks:
        yield f"*{check.name.capitalize()}.* {rule_text(check.summary)}"
        yield ""


def _violation(rule: Rule) -> Iterator[str]:
    row = _saboteurs().get(rule.id)
    if row is None:
        yield "No saboteur has been run against this rule."
        return
    yield f"A saboteur breaks this rule and no other: {rule_text(row['does'][0].lower() + row['does'][1:])}"
    yield "The suite prints:"
    yield from ("", ".. code-block:: text", "")
    found = row["violation"]
    yield from (f"   {line}" for line in (found["message"], f"Expected: {found['expected']}", f"Actual:   {found['actual']}"))


def _keepers(rule: Rule) -> Iterator[str]:
    table = _matrix()
    subjects = [one for one in table["subjects"] if rule.id in one["statuses"]]
    if not subjects:
        yield "No subject of the :doc:`matrix </matrix>` is concerned by it."
        return
    by_status: dict[str, list[str]] = {}
    for one in subjects:
        by_status.setdefault(one["statuses"][rule.id], []).append(one["name"])
    for status, names in by_status.items():
        yield f":{status}: {', '.join(names)}"
    yield from ("", f"By the :doc:`matrix </matrix>` of {table['date']}; {_meanings(by_status)}")


def _meanings(statuses: Any) -> str:
    return "; ".join(f"*{status}*: {MEANINGS[status]}" for status in statuses) + "."


def _index() -> Iterator[str]:
    yield from ("The rules", "=========", "")
    yield f"Specification {SPEC_VERSION} has {len(RULES)} rules. Each has a page of its own, whose address never changes."
    yield "Indexes :doc:`by class <by-class>` and :doc:`by level <by-level>`; the :doc:`traceability table <traceability>`;"
    yield "the :doc:`glossary <glossary>`; for programs, `rules.json <../rules.json>`__."
    families = dict.fromkeys(rule.family for rule in RULES.values())
    for family in families:
        members = [rule for rule in RULES.values() if rule.family == family]
        yield from ("", family, "-" * len(family), "", FAMILY_TEXTS[family], "", *_table(members))
    yield from ("", ".. toctree::", "   :hidden:", "", "   by-class", "   by-level", "   traceability", "   glossary")
    yield from (f"   {rule}" for rule in RULES)


def _by(what: str, key: Any, texts: dict[str, str]) -> Iterator[str]:
    title = f"The rules by {what}"
    yield from (title, "=" * len(title))
    for name in dict.fromkeys(CLASSES if what == "class" else map(str, Level)):
        members = [rule for rule in RULES.values() if key(rule) == name]
        yield from ("", f".. _{what}-{name}:", "", name, "-" * len(name), "", texts[name], "", *_table(members))


def _table(members: list[Rule]) -> Iterator[str]:
    yield from (".. list-table::", "   :widths: 30 10 60", "   :class: rules", "")
    for rule in members:
        yield f"   * - :ref:`{rule.id} <{rule.id}>`"
        yield f"     - {rule.level}"
        yield f"     - {rule_text(rule.statement)}"


def _traceability() -> Iterator[str]:
    yield from ("Traceability", "============", "")
    yield "Every rule, the checks that put it to the test, and the saboteur by which the checks themselves are tested."
    yield from ("", ".. list-table::", "   :header-rows: 1", "   :widths: 28 42 30", "   :class: rules", "")
    yield from ("   * - rule", "     - checks", "     - saboteur")
    for rule in RULES.values():
        yield f"   * - :ref:`{rule.id} <{rule.id}>`"
        yield "     - " + ("; ".join(check.name for check in checks_of(rule.id)) or "none")
        yield "     - " + rule_text(_saboteurs().get(rule.id, {"does": "none"})["does"])


def _glossary() -> Iterator[str]:
    yield from ("Glossary", "========", "", ".. rubric:: How binding a rule is", "")
    yield from (f":{level}: {text}" for level, text in LEVELS.items())
    yield from ("", ".. rubric:: How a rule ends", "")
    yield from (f":{status}: {sign} {MEANINGS[status]}." for status, sign in SIGNS.items())
    yield from ("", ".. rubric:: Names in laws", "", "Laws are short Python in the manner of pre- and postconditions.", "")
    yield from (f":``{name}``: {rule_text(text)}" for name, text in VOCABULARY.items())


def _links(ids: Any) -> str:
    return ", ".join(f":ref:`{rule} <{rule}>`" for rule in ids)


def rule_text(text: str) -> str:
    """A sentence of the rules as reStructuredText: code stands in single backquotes there."""
    plain = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", " ".join(text.split()))
    return plain.replace("*", r"\*") if "``" not in plain else plain


@cache
def _saboteurs() -> dict[str, Any]:
    rows = json.loads((HERE / "data" / "kill-matrix.json").read_text(encoding="utf-8"))["saboteurs"]
    return {row["rule"]: row for row in rows}


@cache
def _matrix() -> Any:
    return json.loads((HERE / "data" / "matrix.json").read_text(encoding="utf-8"))


def _write(path: Path, lines: Iterator[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages when a build begins."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
