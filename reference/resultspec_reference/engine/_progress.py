"""What is seen of a run while it goes on."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from ._states import State


@contextmanager
def shown(flow: str, tasks: int, wanted: bool | None) -> Generator[Callable[[str, State[Any]], None]]:
    """Show the progress of a run on standard error; gives a function to be told of every new state.

    Args:
        flow: The name of the flow.
        tasks: How many tasks it has.
        wanted: Whether to show it; None: when standard error is a terminal.
    """
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield lambda name, state: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as live:
        bar = live.add_task(flow, total=tasks)
        seen: set[str] = set()

        def tell(name: str, state: State[Any]) -> None:
            seen.add(name)
            live.update(bar, description=f"{flow}: {name} {state.kind}", total=max(tasks, len(seen)))
            if state.finished:
                live.advance(bar)

        yield tell
