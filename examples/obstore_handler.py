"""Keeps results in a store of obstore: here a directory, elsewhere any store that obstore makes."""

import sys
from pathlib import Path
from typing import Any

from obstore.store import LocalStore
from resultspec_reference.adapters.obstore import ObstoreResultHandler


def make(directory: Path) -> ObstoreResultHandler[Any]:
    """Return a handler: in a bucket it were ``ObstoreResultHandler(S3Store("bucket", region="eu-west-1"), "results")``."""
    store = LocalStore(directory.resolve(), mkdir=True)
    return ObstoreResultHandler(store, "results", key=b"0123456789abcdef, from a safe place")


if __name__ == "__main__":
    handler = make(Path(sys.argv[1]))
    reference = handler.write({"answer": (42, None)})
    print(reference)
    print(handler.read(reference))
