"""Tables of data: written so that a change of one row is a change of one line, with texts that are of no run and machine."""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table as JSON, each row of its lists on a line of its own.

    Args:
        path: Where it goes.
        table: The table; its lists are rows.
    """
    parts = (f"{json.dumps(name)}: {_lines(value)}" for name, value in table.items())
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def without_places(text: str) -> str:
    """A text of a report without the directories and addresses of the run and the machine that it comes from."""
    run = rf"{re.escape(tempfile.gettempdir())}/[^/\s'\",;)]+(/run-[^/\s'\",;)]+)?"
    text = re.sub(run, "/tmp/scratch", text)  # noqa: S108 - only shown
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return text.replace(str(_ROOT), "/project").replace(sys.prefix, "/python")


def _lines(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n]"
