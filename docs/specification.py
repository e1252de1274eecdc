"""Writes the pages of the specification before Sphinx reads them: one for each rule, the indexes, and the data as JSON.

All text comes from :mod:`resultspec.rules`, the docstrings of the checks and saboteurs, and the data that runs have written
into ``docs/data``. What is written lies in ``docs/rules`` and ``docs/_published``, and belongs to no commit.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from resultspec import SPEC_VERSION
from resultspec.rules import CLASSES, RULES, VOCABULARY, Level, Rule
from resultspec_conformance.checking import checks_of, why_unchecked
from resultspec_conformance.explaining import Section, named, sections
from resultspec_conformance.reports.signs import MEANINGS, SIGNS, VERDICTS
from resultspec_conformance.saboteurs import all_saboteurs
from sphinx.application import Sphinx
from sphinx.config import Config

HERE = Path(__file__).parent
PAGES = HERE / "rules"
PUBLISHED = HERE / "_published"
ENGINE_REPORTS = HERE / "data" / "engines"

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
_OF_ENGINES = ("hierarchy", "engine")
_ORDER = (" of the first", " of the second", " of the third", " of the fourth")
FAMILY_TEXTS = {"handler": "What a handler promises to whoever calls it."} | CLASS_TEXTS


def write_pages(app: Sphinx, config: Config) -> None:
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
    demand, *others = sections(rule)
    yield from (f".. _{rule.id}:", "", rule.id, "=" * len(rule.id), "", *map(as_rst, demand.parts), "")
    yield f":level: :ref:`{rule.level} <level-{rule.level}>`"
    yield f":class: :ref:`{rule.cls} <class-{rule.cls}>`"
    yield f":family: {rule.family}"
    yield f":since: {rule.since}"
    yield f":rests on: {_links(rule.requires) or 'no other rule'}"
    needed_by = [other.id for other in RULES.values() if rule.id in other.requires]
    yield f":carries: {_links(needed_by) or 'no other rule'}"
    for section in others:
        yield from ("", *_heading(section.heading), *_parts(section))
        if section.heading == "What a violation looks like":
            yield from _violation(rule)
    yield from ("", *_heading("Who keeps it"), *_keepers(rule))


def _heading(text: str) -> Iterator[str]:
    yield from (text, "-" * len(text), "")


def _parts(section: Section) -> Iterator[str]:
    if section.form == "code":
        yield from (".. code-block:: python", "", *(f"   {line}" for line in section.parts), "")
        return
    for part in section.parts:
        yield f"{'- ' if section.form == 'items' else ''}{as_rst(part)}"
        yield ""


def _violation(rule: Rule) -> Iterator[str]:
    rows = [row for row in _saboteurs() if row["rule"] == rule.id]
    told_of = [(row["violation"], which) for row, which in zip(rows, _ORDER, strict=False) if row.get("violation")]
    if rows and not told_of:
        yield "What the suite prints then is not recorded yet: ``make kill-matrix`` does."
    for found, which in told_of:
        yield from (f"The suite prints{which if len(rows) > 1 else ''}:", "", ".. code-block:: text", "   :class: violation", "")
        told = f"{found['message']}\nExpected: {found['expected']}\nActual:   {found['actual']}"
        yield from (*(f"   {line}" for line in told.splitlines()), "")


def _keepers(rule: Rule) -> Iterator[str]:
    by_status: dict[str, list[str]] = {}
    for name, statuses in _judged(rule):
        if rule.id in statuses:
            by_status.setdefault(statuses[rule.id], []).append(name)
    if not by_status:
        yield "The ``Result`` and the ``NoResult`` of :doc:`the reference </api/reference>`; no others were judged."
        return
    for status in (status for status in SIGNS if status in by_status):
        yield f":{SIGNS[status]} {status}: {'; '.join(by_status[status])}"
    if rule.cls in _OF_ENGINES:
        yield from ("", "By the reports on :doc:`engines </engines>`, which say why.")
    else:
        yield from ("", f"By the :doc:`matrix </matrix>` of {_matrix()['date']}, which says why.")


def _judged(rule: Rule) -> Iterator[tuple[str, dict[str, str]]]:
    """Whose reports are published, with the statuses of the rules."""
    if rule.cls not in _OF_ENGINES:
        yield from ((one["name"], one["statuses"]) for one in _matrix()["subjects"])
        return
    for report in engine_reports():
        yield report["subject"]["target"], {found["id"]: found["status"] for found in report["rules"]}


def _index() -> Iterator[str]:
    yield from ("The rules", "=========", "")
    yield f"Specification {SPEC_VERSION} has {len(RULES)} rules. Each has a page of its own, whose address never changes:"
    yield "``rules/`` and the id of the rule."
    yield "Indexes :doc:`by class <by-class>` and :doc:`by level <by-level>`; the :doc:`traceability table <traceability>`;"
    yield "the :doc:`glossary <glossary>`; for programs, `rules.json <../rules.json>`__"
    yield "and the `schema of reports <../resultspec-report-1.schema.json>`__."
    families = dict.fromkeys(rule.family for rule in RULES.values())
    for family in families:
        members = [rule for rule in RULES.values() if rule.family == family]
        yield from ("", *_heading(family), FAMILY_TEXTS[family], "", *_table(members))
    yield from ("", ".. toctree::", "   :hidden:", "", "   by-class", "   by-level", "   traceability", "   glossary")
    yield from (f"   {rule}" for rule in RULES)


def _by(what: str, key: Callable[[Rule], str], texts: dict[str, str]) -> Iterator[str]:
    title = f"The rules by {what}"
    yield from (title, "=" * len(title))
    for name in dict.fromkeys(CLASSES if what == "class" else map(str, Level)):
        members = [rule for rule in RULES.values() if key(rule) == name]
        yield from ("", f".. _{what}-{name}:", "", *_heading(name), texts[name], "", *_table(members))


def _table(members: list[Rule]) -> Iterator[str]:
    yield from (".. list-table::", "   :widths: 30 10 60", "   :class: rules", "")
    for rule in members:
        yield f"   * - :ref:`{rule.id} <{rule.id}>`"
        yield f"     - {rule.level}"
        yield f"     - {as_rst(rule.statement)}"


def _traceability() -> Iterator[str]:
    yield from ("Traceability", "============", "")
    yield "Every rule, the checks that put it to the test, and the saboteur by which the checks themselves are tested."
    yield from ("", ".. list-table::", "   :header-rows: 1", "   :widths: 28 42 30", "   :class: rules", "")
    yield from ("   * - rule", "     - checks", "     - saboteur")
    for rule in RULES.values():
        yield f"   * - :ref:`{rule.id} <{rule.id}>`"
        yield "     - " + ("; ".join(check.name for check in checks_of(rule.id)) or why_unchecked(rule.id) or "")
        yield "     - " + as_rst(" ".join(one.does for one in all_saboteurs() if one.rule == rule.id) or "none")


def _glossary() -> Iterator[str]:
    yield from ("Glossary", "========", "", *_heading("How binding a rule is"))
    yield from (f":{level}: {text}" for level, text in LEVELS.items())
    yield from ("", *_heading("How a rule ends"))
    yield from (f":{sign} {status}: {MEANINGS[status]}" for status, sign in SIGNS.items())
    yield from ("", *_heading("How a subject ends"))
    yield from (f":{verdict}: {meaning}" for verdict, meaning in VERDICTS.items())
    yield from ("", *_heading("Names in laws"), "Laws are short Python in the manner of pre- and postconditions.", "")
    yield from (f"- {as_rst(named(name))}" for name in VOCABULARY)


def _links(ids: Iterable[str]) -> str:
    return ", ".join(f":ref:`{rule} <{rule}>`" for rule in ids)


def as_rst(text: str) -> str:
    """A sentence, whose code stands in single or double backquotes, as reStructuredText."""
    plain_or_code = re.split(r"(`{1,2})(.+?)\1", " ".join(text.split()))
    plain, code = plain_or_code[0::3], plain_or_code[2::3]
    escaped = [re.sub(r"([\\*|`]|(?<=\w)_\b)", r"\\\1", part) for part in plain]
    # A backslash and a space end a literal before a letter, and vanish.
    literals = [f"``{one}``" + ("\\ " if after[:1].isalnum() else "") for one, after in zip(code, plain[1:], strict=True)]
    return escaped[0] + "".join(one + after for one, after in zip(literals, escaped[1:], strict=True))


@cache
def _saboteurs() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((HERE / "data" / "kill-matrix.json").read_text(encoding="utf-8"))["saboteurs"]
    return rows


@cache
def engine_reports() -> list[Any]:
    """The reports on engines that ``make engines`` wrote, that of the reference's own engine first."""
    found = sorted(ENGINE_REPORTS.glob("*.json"), key=lambda file: (file.stem != "reference", file.stem))
    return [json.loads(file.read_text(encoding="utf-8")) for file in found]


@cache
def _matrix() -> Any:
    return json.loads((HERE / "data" / "matrix.json").read_text(encoding="utf-8"))


def _write(path: Path, lines: Iterator[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def link_rules(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Let the id of a rule in a docstring lead to its page."""
    lines[:] = [re.sub(r"``([a-z]+\.[a-z-]+)``", _linked, line) for line in lines]


def _linked(found: re.Match[str]) -> str:
    return _links([found[1]]) if found[1] in RULES else found[0]


def drop_arguments_of_protocols(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None] | None:
    """Show no arguments for what is never called: a Protocol is read, and not made."""
    return ("", returned) if what == "class" and getattr(obj, "_is_protocol", False) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages when a build begins, before the paths of the configuration are looked at."""
    app.connect("config-inited", write_pages, priority=100)
    app.connect("autodoc-process-docstring", link_rules)
    app.connect("autodoc-process-signature", drop_arguments_of_protocols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
