"""The report as JUnit XML, which continuous integration knows how to show.

The standard library writes it: the format is six elements, and what needs care, characters that XML cannot hold, no writer of
JUnit files takes care of.

A suite stands for a subject and a case for a rule. Only what decides is a failure there: a rule that is not claimed is
skipped, whatever came of it, and a warning is kept as the output of a case that passed.
"""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence

from ..report import Report, RuleReport
from ..terminal import failure_text
from .text import visible


def render(reports: Sequence[Report]) -> str:
    """Give reports as one JUnit XML document.

    Args:
        reports: What was found, a report for each subject.

    Returns:
        The document, with its declaration.
    """
    root = ET.Element("testsuites", name="resultspec")
    suites = [_suite(root, report) for report in reports]
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", _seconds(sum(report.seconds for report in reports)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(('<?xml version="1.0" encoding="utf-8"?>\n', "\n"))


def _suite(root: ET.Element, report: Report) -> ET.Element:
    suite = ET.SubElement(root, "testsuite", name=visible(report.subject.target))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", name=name, value=visible(value))
    for found in report.rules:
        _case(suite, found, claimed=found.decides or found.cls in report.subject.claims)
    ends = Counter(end.tag for case in suite for end in case)
    if report.verdict == "inconclusive" and not ends["failure"] + ends["error"]:
        _nothing_said(suite, report)
        ends["error"] += 1
    counts = {"tests": len(suite.findall("testcase")), "failures": ends["failure"], "errors": ends["error"]}
    for name, count in (counts | {"skipped": ends["skipped"]}).items():
        suite.set(name, str(count))
    suite.set("time", _seconds(report.seconds))
    return suite


def _properties(report: Report) -> dict[str, str]:
    return {
        "spec_version": report.spec_version,
        "suite_version": report.suite_version,
        "verdict": report.verdict,
        "handler": report.subject.handler,
        "values": report.subject.values,
        "claims": " ".join(report.subject.claims),
        "seed": str(report.seed),
        **{f"note_{number}": note for number, note in enumerate(report.notes, 1)},
    }


def _case(suite: ET.Element, found: RuleReport, *, claimed: bool) -> None:
    case = ET.SubElement(suite, "testcase", classname=found.cls, name=found.id, time=_seconds(found.seconds))
    said = found.message or found.reason or found.status
    if found.status in ("failed", "error") and claimed:
        end = ET.SubElement(
            case, "failure" if found.status == "failed" else "error", message=visible(said), type=f"{found.level} rule"
        )
        end.text = visible(failure_text(found).strip())
        return
    if found.status not in ("passed", "warned"):
        reason = f"{found.status}: {found.reason or said}"
        ET.SubElement(case, "skipped", message=visible(reason if claimed else f"{reason} (class {found.cls} is not claimed)"))
    if found.status in ("failed", "error", "warned", "waived"):
        ET.SubElement(case, "system-out").text = visible(failure_text(found).strip())


def _nothing_said(suite: ET.Element, report: Report) -> None:
    """Add a case in error, so that a suite of which nothing could be said is not shown as green."""
    reasons = [found.reason for found in report.rules if found.cls in report.subject.claims and found.status == "untested"]
    case = ET.SubElement(suite, "testcase", classname="verdict", name="inconclusive", time=_seconds(0))
    why = next((reason for reason in reasons if reason), "no rule of a claimed class was put to the test")
    ET.SubElement(case, "error", message=visible(f"nothing can be said: {why}"), type="verdict")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
