"""What a type checker knows of handlers over other libraries' stores; checked, never run."""

from typing import assert_type

from obstore.store import HTTPStore, MemoryStore, S3Store
from resultspec import ResultHandler
from resultspec_reference.adapters.fsspec import FsspecResultHandler
from resultspec_reference.adapters.obstore import ObstoreResultHandler

in_bucket: ResultHandler[list[int], str] = ObstoreResultHandler[list[int]](S3Store("bucket"), "results")
in_memory: ResultHandler[object, str] = ObstoreResultHandler(MemoryStore())
on_disk: ResultHandler[list[int], str] = FsspecResultHandler[list[int]]("/results", storage_options={"auto_mkdir": False})

assert_type(ObstoreResultHandler[list[int]](MemoryStore()).read("memory:///a"), list[int])
assert_type(FsspecResultHandler[list[int]]("memory://").read("memory:///a"), list[int])
FsspecResultHandler[list[int]]("/results").write("a")  # type: ignore[arg-type]
ObstoreResultHandler("s3://bucket")  # type: ignore[arg-type]
ObstoreResultHandler(HTTPStore("https://example.com"))
