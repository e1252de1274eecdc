"""The report as one page: it needs no network, follows the reader's light or dark, and is of use without scripts.

Jinja fills the template and escapes every value, since values come from handlers that may be hostile. Besides, the page has a
content security policy that refuses every script and style but its own two, by their digests, and every request.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from typing import Any

import attrs
import jinja2
from markupsafe import Markup
from resultspec.rules import RULES, rule

from ..report import ClassReport, Report, RuleReport, Status
from .signs import MEANINGS, SIGNS, VERDICTS
from .text import visible

_Found = Sequence[RuleReport]


def render(reports: Sequence[Report], commands: Sequence[str] = ()) -> str:
    """Give reports as an HTML page.

    Args:
        reports: What was found, a report for each subject; of several, the page begins with a matrix.
        commands: The command that repeats each of the runs; left out, the page names the seed alone.

    Returns:
        The page.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
    )
    environment.filters |= {"breakable": _breakable, "ticked": _ticked}
    style, script = _own("report.css"), _own("report.js")
    shown = {found.status for report in reports for found in report.rules}
    repeated = [*commands, *[None] * (len(reports) - len(commands))]
    return environment.get_template("report.html.jinja").render(
        subjects=[_Subject(number, *one) for number, one in enumerate(zip(reports, repeated, strict=True), 1)],
        matrix=_matrix(reports),
        rule_of=rule,
        signs=SIGNS,
        meanings={status: meaning for status, meaning in MEANINGS.items() if status in shown},
        verdicts=VERDICTS,
        style=style,
        style_digest=_digest(style),
        script=script,
        script_digest=_digest(script),
    )


@attrs.frozen
class _Subject:
    """A report, and what the page says of it besides.

    Attributes:
        number: Its place among the reports, from 1.
        report: What was found.
        command: What repeats the run.
    """

    number: int
    report: Report
    command: str | None

    @property
    def name(self) -> str:
        """The last part of the target, for the heading of a column."""
        target = self.report.subject.target
        return target.partition(":")[2].partition("(")[0] or target

    @property
    def nothing_because(self) -> str | None:
        """Why nothing at all could be judged, if so."""
        ends = {(found.status, found.reason) for found in self.report.rules}
        status, reason = ends.pop()
        return reason if status == "error" and not ends else None

    @property
    def classes(self) -> list[tuple[str, ClassReport, _Found]]:
        """Each class with what was found for it as a whole, and rule by rule."""
        return [
            (name, judged, [one for one in self.report.rules if one.cls == name]) for name, judged in self.report.classes.items()
        ]

    @property
    def counts(self) -> list[tuple[Status, int]]:
        """How many rules that decide ended in each status."""
        return self.tally([found for found in self.report.rules if found.cls in self.report.subject.claims])

    @staticmethod
    def tally(found: _Found) -> list[tuple[Status, int]]:
        """How many of some rules ended in each status, the gravest first."""
        counts = Counter(one.status for one in found)
        return [(status, counts[status]) for status in SIGNS if counts[status]]


def _matrix(reports: Sequence[Report]) -> dict[str, list[tuple[str, list[RuleReport | None]]]]:
    """The rows of the matrix, by class: a rule, and what was found for it in each report.

    A class that no subject claims has no rows.
    """
    found = [{one.id: one for one in report.rules} for report in reports]
    claimed = {name for report in reports for name in report.subject.claims}
    rows: dict[str, list[tuple[str, list[RuleReport | None]]]] = {}
    for one in RULES.values():
        if one.cls in claimed and any(one.id in by_id for by_id in found):
            rows.setdefault(one.cls, []).append((one.id, [by_id.get(one.id) for by_id in found]))
    return rows


def _own(name: str) -> Markup:
    """A text of the page that is ours, so that it is not escaped."""
    return Markup(resources.files(__package__ or "").joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704


def _ticked(text: str) -> Markup:
    """Set what stands between backticks as code."""
    parts = re.split(r"`([^`]+)`", visible(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts))


def _breakable(text: str) -> Markup:
    """Let the name of a target break where its parts do."""
    return Markup("<wbr>").join(re.split(r"(?<=[/:(.])", visible(text)))


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _visible(value: Any) -> Any:
    """Write out, in whatever the template prints, the characters that a page cannot hold; markup stays as it is."""
    return visible(value) if type(value) is str else value
