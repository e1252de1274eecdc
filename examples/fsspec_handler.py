"""Keeps results on a filesystem of fsspec: here a local one, elsewhere whatever the URL says."""

import sys
from pathlib import Path
from typing import Any

from resultspec_reference.adapters.fsspec import FsspecResultHandler


def make(directory: Path) -> FsspecResultHandler[Any]:
    """Return a handler: in a bucket it were ``FsspecResultHandler("s3://bucket/results", storage_options={...})``."""
    return FsspecResultHandler(f"file://{directory.resolve()}/results", key=b"0123456789abcdef, from a safe place")


if __name__ == "__main__":
    handler = make(Path(sys.argv[1]))
    reference = handler.write({"answer": (42, None)})
    print(reference)
    print(handler.read(reference))
