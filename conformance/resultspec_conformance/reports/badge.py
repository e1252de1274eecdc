"""The verdict as a badge: an SVG for a README, which fetches nothing and says in words what it shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from ..report import Report, Verdict
from .text import visible

_COLOURS: Mapping[Verdict, str] = {"conforms": "#1a7f37", "violates": "#b3261e", "inconclusive": "#5f6368"}

# The advance widths of DejaVu Sans, and within a percent or two of Verdana, in 2048ths of the font size. They set the
# length of the text by `textLength`, so that it fits the badge in any other font too.
_WIDTHS = {
    character: width
    for width, characters in {
        569: "ijl", 604: "I", 651: " ,.·", 690: "/:", 721: "f", 739: "-", 803: "t", 842: "r", 1067: "s", 1075: "z", 1126: "c",
        1186: "k", 1212: "vxy", 1253: "o", 1255: "a", 1260: "e", 1298: "hnu", 1300: "bdgpq", 1303: "0123456789", 1675: "w",
        1995: "m",
    }.items()
    for character in characters
}  # fmt: skip
_WIDEST = max(_WIDTHS.values())
_SIZE = 11
_MARGIN = 7

_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-labelledby="title">
<title id="title">{title}</title>
<clipPath id="corners"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#corners)">
<rect width="{split}" height="20" fill="#3b4148"/>
<rect x="{split}" width="{right}" height="20" fill="{colour}"/>
</g>
<g fill="#fff" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="{size}" aria-hidden="true">
<text x="{margin}" y="14" textLength="{label_length}">{label}</text>
<text x="{start}" y="14" textLength="{said_length}">{said}</text>
</g>
</svg>
"""


def render(reports: Sequence[Report]) -> str:
    """Give the verdict of reports as an SVG badge.

    Args:
        reports: What was found, a report for each subject.

    Returns:
        An SVG document: on the left the specification, on the right the verdict, or of several subjects how many conform.
    """
    label = f"resultspec {reports[0].spec_version}"
    verdict, said = _said(reports)
    label_length, said_length = _length(label), _length(said)
    split = round(label_length + 2 * _MARGIN)
    right = round(said_length + 2 * _MARGIN)
    subjects = ", ".join(f"{report.subject.target} {report.verdict}" for report in reports)
    return _BADGE.format(
        width=split + right,
        split=split,
        right=right,
        colour=_COLOURS[verdict],
        size=_SIZE,
        margin=_MARGIN,
        start=split + _MARGIN,
        label=escape(label),
        label_length=f"{label_length:.1f}",
        said=escape(said),
        said_length=f"{said_length:.1f}",
        title=escape(visible(f"{label}: {said} ({subjects})")),
    )


def _said(reports: Sequence[Report]) -> tuple[Verdict, str]:
    verdicts = Counter(report.verdict for report in reports)
    worst: Verdict = next((one for one in ("violates", "inconclusive") if verdicts[one]), "conforms")
    if len(reports) > 1:
        return worst, f"{verdicts['conforms']} of {len(reports)} conform"
    status = "failed" if worst == "violates" else "passed"
    claimed = [found for found in reports[0].rules if found.cls in reports[0].subject.claims]
    return worst, f"{worst} · {sum(found.status == status for found in claimed)} {status}"


def _length(text: str) -> float:
    return sum(_WIDTHS.get(character, _WIDEST) for character in text) * _SIZE / 2048
