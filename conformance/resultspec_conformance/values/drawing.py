"""Values from strategies: the same ones for the same seed, and the smallest one that fails."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy


class _Found(Exception):
    """The value fails; Hypothesis goes on to look for a smaller one."""


class _Enough(BaseException):
    """The search has taken long enough; a BaseException, so that Hypothesis lets it through."""


def _settings(examples: int, phases: list[Phase]) -> settings:
    return settings(max_examples=examples, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))


@contextmanager
def garbage_left() -> Iterator[None]:
    """Let garbage collection leave out what is there already.

    Hypothesis collects garbage, and looks through every object, when it draws in a thread for the first time; and each check
    has a thread of its own.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def draw(strategy: SearchStrategy[Any], with_seed: int, count: int) -> list[Any]:
    """Draw ``count`` values, fewer where the strategy has no more."""
    drawn: list[Any] = []

    @seed(with_seed)
    @_settings(count, [Phase.generate])
    @given(strategy)
    def collect(value: Any) -> None:
        drawn.append(value)

    with garbage_left():
        collect()
    return drawn


def smallest(
    strategy: SearchStrategy[Any], fails: Callable[[Any], bool], with_seed: int, count: int, most_tries: int = 400
) -> list[Any]:
    """Search for the smallest value that fails; a list of it, or an empty list when none of ``count`` values fails."""
    found: list[Any] = []
    tries = 0

    @seed(with_seed)
    @_settings(count, [Phase.generate, Phase.shrink])
    @given(strategy)
    def search(value: Any) -> None:
        nonlocal tries
        tries += 1
        if tries > most_tries + count:
            raise _Enough
        if fails(value):
            found[:] = [value]
            raise _Found

    with suppress(Exception, _Enough), garbage_left():
        search()
    return found


def shortest(value: Any, fails: Callable[[Any], bool]) -> Any:
    """Cut text, bytes or a list to the shortest beginning that still fails, by bisection."""
    if type(value) not in (str, bytes, list) or not fails(value):
        return value
    passing, failing = 0, len(value)
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if fails(value[:middle]):
            failing = middle
        else:
            passing = middle
    return value[:failing]
