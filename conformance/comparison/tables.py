"""Writes tables of data so that a change of one row is a change of one line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table as JSON, each row of its lists on a line of its own.

    Args:
        path: Where it goes.
        table: The table; its lists are rows.
    """
    parts = (f"{json.dumps(name)}: {_lines(value)}" for name, value in table.items())
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _lines(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n]"
