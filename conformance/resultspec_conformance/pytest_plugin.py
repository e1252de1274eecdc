"""The pytest plugin: sees to it that no rule is overridden, hidden or left out in silence.

It imports only pytest, so that it costs nothing where the suite is not used. What the suite finds reaches it as properties of
the items: ``conformance`` names the rule, ``conformance-status`` says how it was judged.
"""

import inspect
from collections.abc import Generator, Sequence
from typing import Any

import pytest

notes: list[str] = []
"""What runs of the suite have to say beside their rules, a sentence each, for the summary."""

_current: list[pytest.Item] = []


def judged(status: str) -> None:
    """Note how the rule of the item that runs now was judged."""
    if _current:
        _current[-1].user_properties.append(("conformance-status", status))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that conformance tests carry, and the ledger of a session."""
    config.addinivalue_line("markers", "conformance(rule): a rule of the result handler specification")
    config.pluginmanager.register(_Ledger(config), "resultspec-ledger")


class _Ledger:
    """Which rules a session has, and what became of each."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._of_group: dict[str, tuple[str, ...]] = {}
        self._left_out: dict[tuple[str, str], str] = {}
        self._run: set[tuple[str, str]] = set()
        self._collected: set[tuple[str, str]] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, obj: object) -> Generator[None, Any, Any]:
        """Refuse a class whose checks were replaced after it was made."""
        made = yield
        if inspect.isclass(obj) and getattr(obj, "conformance_rules", None):
            test = getattr(obj, "test_rule", None)
            if getattr(test, "conformance_rules", None) != obj.conformance_rules:  # type: ignore[attr-defined] # just looked at
                raise pytest.Collector.CollectError(f"{obj.__name__}.test_rule was replaced; its rules would not be judged")
        return made

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note an item that judges a rule."""
        mark = item.get_closest_marker("conformance")
        rules = getattr(getattr(item, "function", None), "conformance_rules", None)
        if mark is not None and rules is not None:
            group = _group(item.nodeid)
            self._of_group[group] = rules
            self._collected.add((group, mark.args[0]))
            item.user_properties.append(("conformance", mark.args[0]))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note why items are not run."""
        options = self._config.option
        by = [f"-k {options.keyword!r}"] if getattr(options, "keyword", "") else []
        by += [f"-m {options.markexpr!r}"] if getattr(options, "markexpr", "") else []
        by += ["--deselect"] if getattr(options, "deselect", None) else []
        for item in items:
            if rule := dict(item.user_properties).get("conformance"):
                why = f"deselected by {' '.join(by)}" if by else "deselected by a plugin or a conftest.py"
                self._left_out[_group(item.nodeid), str(rule)] = why

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what was taken away without a word."""
        there = {(_group(item.nodeid), dict(item.user_properties).get("conformance")) for item in session.items}
        for gone in self._collected - there:
            self._left_out.setdefault(gone, "removed by a plugin or a conftest.py")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Know which item runs."""
        _current.append(item)
        try:
            return (yield)
        finally:
            _current.pop()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """End the run that items share after the last of them, or of those that follow one another."""
        end, needed = (getattr(getattr(one, "function", None), "conformance_end", None) for one in (item, nextitem))
        if end is not None and end != needed:
            end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Make red what a mark or a hook would hide."""
        report = yield
        if (problem := _hides(report)) is not None:
            text = f"{problem}\n\n{report.longreprtext}"
            report.outcome, report.longrepr = "failed", text
            vars(report).pop("wasxfail", None)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a rule."""
        properties = dict(report.user_properties)
        if (rule := str(properties.get("conformance", ""))) == "":
            return
        key = (_group(report.nodeid), rule)
        if report.failed or "conformance-status" in properties:
            self._run.add(key)
        elif report.skipped:
            self._left_out[key] = f"skipped: {_why_skipped(report)}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say which rules did not run, and why."""
        lines = [*(line for group in self._groups() for line in self._lines(group)), *notes]
        notes.clear()
        if lines:
            terminalreporter.section("resultspec")
            for line in lines:
                terminalreporter.line(line)

    def _groups(self) -> list[str]:
        return list(dict.fromkeys([*self._of_group, *(group for group, _ in self._left_out)]))

    def _lines(self, group: str) -> list[str]:
        known = self._of_group.get(group) or tuple(rule for of, rule in self._left_out if of == group)
        reasons: dict[str, list[str]] = {}
        for rule in known:
            if (group, rule) not in self._run:
                unsaid = "not reached" if (group, rule) in self._collected else "not selected"
                reasons.setdefault(self._left_out.get((group, rule), unsaid), []).append(rule)
        missing = sum(map(len, reasons.values()))
        told = "; ".join(f"{', '.join(rules)} ({reason})" for reason, rules in reasons.items())
        return [f"{missing} of {len(known)} rules of {_label(group)} did not run: {told}"] if missing else []


def _hides(report: pytest.TestReport) -> str | None:
    """Say how a report hides what was found for a rule, or return None."""
    properties = dict(report.user_properties)
    if "conformance" not in properties or report.when == "teardown" or report.failed:
        return None
    status = properties.get("conformance-status")
    if status is None:
        if hasattr(report, "wasxfail"):
            return "a mark xfail keeps the rule from being judged; a known failure is a waiver: Settings(waive={rule: reason})"
        return "the test passed without judging the rule" if report.when == "call" and report.passed else None
    if status == "failed" and report.when == "call":
        return "the rule is broken, and something hides it; a known failure is a waiver: Settings(waive={rule: reason})"
    return None


def _why_skipped(report: pytest.TestReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return str(told).removeprefix("Skipped: ").strip() or "no reason was given"


def _group(nodeid: str) -> str:
    return nodeid.partition("[")[0]


def _label(group: str) -> str:
    return group.removesuffix("::test_rule").rpartition("::")[2]
