"""The directives ``speed`` and ``suite-speed``: how we compare with our peers, from the data that ``make bench`` wrote."""

from collections.abc import Iterator
from typing import Any

from evidence_page import FromData
from sphinx.application import Sphinx


class Speed(FromData):
    """A table for each size, the targets, and the peak memory."""

    file = "local.json"
    made_by = "make bench"

    def lines(self, data: Any) -> Iterator[str]:
        """The tables."""
        yield f"Run on {data['date']} with Python {data['python']} and NumPy {data['numpy']} on {data['machine']}."
        for size, found in data["seconds"].items():
            yield from (
                "",
                f".. rubric:: An array of {size}",
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "   :class: figures",
                "",
            )
            yield from (
                "   * -",
                "     - write",
                "     - read",
                "     - both, x the floor",
                "     - both, x the floor with fsyncs",
            )
            for name, one in found.items():
                if name == "memcpy":
                    continue
                both = one["write"] + one["read"]
                ratios = [both / sum(found[floor].values()) for floor in ("floor", "floor, both fsyncs")]
                yield f"   * - {name}"
                yield from (f"     - {_time(one[what])}" for what in ("write", "read"))
                yield from (f"     - {ratio:.2f}" for ratio in ratios)
        yield from ("", ".. rubric:: Targets", "", ".. list-table::", "   :header-rows: 1", "   :class: figures", "")
        yield from ("   * - target", "     - at the most", "     - measured", "     -")
        for target in data["targets"]:
            yield f"   * - {target['what']}"
            yield from (
                f"     - {target['most']}",
                f"     - {target['ratio']:.2f}",
                f"     - {'met' if target['met'] else 'not met'}",
            )


class SuiteSpeed(FromData):
    """A table of whole processes."""

    file = "suite.json"
    made_by = "make bench"

    def lines(self, data: Any) -> Iterator[str]:
        """The table."""
        seconds = data["seconds"]
        bare = next(iter(seconds.values()))
        yield f"Run on {data['date']} with suite {data['suite_version']} on Python {data['python']} on {data['machine']}."
        yield from ("", ".. list-table::", "   :header-rows: 1", "   :class: figures", "")
        yield from ("   * - process", "     - time", "     - x a bare interpreter")
        for name, one in seconds.items():
            yield from (f"   * - {name}", f"     - {_time(one)}", f"     - {one / bare:.1f}")


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("speed", Speed)
    app.add_directive("suite-speed", SuiteSpeed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
