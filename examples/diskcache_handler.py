"""A result handler over diskcache, plainly written: what most of us would write first."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import diskcache


class DiskCacheHandler:
    """Keeps values in a diskcache directory, under random names."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, value: Any, /) -> str:
        """Keep a value under a new name."""
        name = uuid4().hex
        with diskcache.Cache(str(self.directory)) as cache:
            cache.set(name, value)
        return name

    def read(self, reference: str, /) -> Any:
        """Return the value that is kept under a name."""
        with diskcache.Cache(str(self.directory)) as cache:
            return cache[reference]
