"""Code that imports nothing of ours fits all the same, or is told why not where the two meet."""

from collections.abc import Mapping

from library_without_imports import Counters, Fields, Pairs
from resultspec import ResultHandler

# %% A library that imports nothing of ours is used as it is
counters: ResultHandler[int, int] = Counters()
fields: ResultHandler[bytes] = Fields()  # type: ignore[assignment]
exact_fields: ResultHandler[bytes, Mapping[str, int | str]] = Fields()
pairs: ResultHandler[int] = Pairs()  # type: ignore[assignment]
