"""Large values of a handler's domain, of which a part would show."""

from collections.abc import Callable, Iterator
from itertools import accumulate, islice, repeat
from typing import Any
from weakref import WeakKeyDictionary

from ..checking import NotApplicable
from ..values.annotations import admits
from ..values.source import source_of
from .bench import Bench
from .trial import Trial, fresh

_LARGE = 48_000
_LARGEST_EXAMPLE = 1_500_000
_KINDS = 3
_CANDIDATES = 24


def bulky(trial: Trial) -> list[Any]:
    """Fresh large values that the handler accepts and gives back, of several types where its domain has them.

    Where it has none, the list is empty.
    """
    if trial.bench not in _known:
        _known[trial.bench] = list(_found(trial))
    return [fresh(value) for value in _known[trial.bench]]


_known: WeakKeyDictionary[Bench, list[Any]] = WeakKeyDictionary()


def large_examples(bench: Bench) -> list[Any]:
    """Large values for checks that take value after value: one of each type that the domain has large values of.

    Beyond a size, many a handler takes another way: parts, files instead of rows, memory maps. Where the author drew the
    domain, accepted values are repeated.
    """
    found: dict[type, Any] = {}
    for value in sorted(bench.domain.large(), key=weight):
        if weight(value) <= _LARGEST_EXAMPLE:
            found[type(value)] = value
    for value in () if found else bench.accepted(_CANDIDATES):
        for repeated in _repeated(value):
            if type(repeated) not in found and bench.honours(repeated):
                found[type(repeated)] = repeated
    large = [value for value in found.values() if weight(value) >= _LARGE // 2]
    return [value for value in large if isinstance(value, str | bytes) or hasattr(value, "nbytes")] or large  # the quick ones


def stored(trial: Trial, count: int, so: str) -> list[Any]:
    """Fresh values that the handler keeps in its storage, ``count`` at the most: small ones where those are kept there.

    Many a handler carries small values within the reference, and keeps large ones in files.

    Args:
        trial: Makes the handlers.
        count: How many values.
        so: What follows for the rule from there being no storage, for the reason.

    Raises:
        NotApplicable: The reference holds every value.
        Untested: The handler accepts no value.
    """
    if not trial.bench.inline:
        return trial.accepted(count)
    if trial.bench not in _in_files:
        _in_files[trial.bench] = [value for value in bulky(trial) if _leaves_files(trial, value)]
    if not _in_files[trial.bench]:
        raise NotApplicable(f"the reference holds the value, so there is {so}")
    return [fresh(value) for value in _in_files[trial.bench][:count]]


_in_files: WeakKeyDictionary[Bench, list[Any]] = WeakKeyDictionary()


def _leaves_files(trial: Trial, value: Any) -> bool:
    def written(other: Trial) -> bool:
        other.handler().write(fresh(value))
        return any(path.is_file() for path in other.store().rglob("*"))

    return trial.bench.outcome(written) is True


def _found(trial: Trial) -> Iterator[Any]:
    kinds: set[type] = set()
    for value in islice(_candidates(trial), _CANDIDATES):
        if type(value) not in kinds and weight(value) >= _LARGE and trial.bench.honours(value):
            kinds.add(type(value))
            yield value
        if len(kinds) == _KINDS:
            return


def _candidates(trial: Trial) -> Iterator[Any]:
    """The suite's own, those of the domain, and accepted ones repeated."""
    domain = trial.bench.domain
    if not domain.declared:
        yield from (value for value in (make() for make in _OWN) if admits(domain.annotation, value))
        yield from (value for value in domain.large() if weight(value) >= _LARGE)
    for value in trial.bench.accepted(_CANDIDATES):
        yield from _repeated(value)


def lines() -> str:
    """Text of many lines, which still parses when its end is missing."""
    return "\n".join(map(str, numbers()))


def noise() -> bytes:
    """Bytes that no store makes smaller."""
    return b"".join(number.to_bytes(8, "big") for number in numbers(8_000))


def numbers(count: int = 4_000) -> list[int]:
    """Numbers without a pattern: powers of three, modulo a prime."""
    return list(accumulate(repeat(3, count), lambda power, three: power * three % (2**61 - 1)))


def table() -> dict[str, int]:
    """Numbers by name."""
    return {f"key {index}": number for index, number in enumerate(numbers())}


_OWN: tuple[Callable[[], Any], ...] = (lines, noise, numbers, table)


def source(value: Any) -> str:
    """A Python expression that makes an equal value, in a script that imports this module."""
    for make in _OWN:
        own = make()
        if type(value) is type(own) and value == own:
            return f"bulk.{make.__name__}()"
    return source_of(value)


def _repeated(value: Any) -> Iterator[Any]:
    size = weight(value)
    if size == 0 or size >= _LARGE:
        yield from ([value] if size else [])
        return
    times = _LARGE // size + 1
    library, name = type(value).__module__.partition(".")[0], type(value).__qualname__
    if isinstance(value, str | bytes | list | tuple) and value:
        yield value * times
    elif library == "numpy" and name == "ndarray" and value.ndim and value.size:
        import numpy as np

        yield np.concatenate([value] * times)
    elif library == "pandas" and len(value):
        import pandas as pd

        yield pd.concat([value] * times, ignore_index=True)
    elif library == "pyarrow" and name == "Table" and value.num_rows:
        import pyarrow as pa

        yield pa.concat_tables([value] * times)


def weight(value: Any) -> int:
    """Roughly how many bytes a value takes."""
    if isinstance(value, str | bytes):
        return len(value)
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    try:
        return int(value.memory_usage().sum()) if hasattr(value, "memory_usage") else len(repr(value))
    except Exception:  # noqa: BLE001 - the weight only selects values
        return 0
