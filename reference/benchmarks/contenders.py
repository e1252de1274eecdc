"""Ways to keep a value in a file and to read it back, all called alike so that they can be timed side by side."""

import mmap
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import numpy as np
from resultspec_reference import LocalResultHandler

Array = np.ndarray[Any, Any]


@attrs.frozen
class Contender:
    """A way to keep arrays.

    Attributes:
        name: What the table calls it.
        write: Keeps an array, and returns what it is read back by.
        read: Reads it back.
    """

    name: str
    write: Callable[[Array], Any]
    read: Callable[[Any], Any]


def floor(directory: Path, *, sync: bool) -> Contender:
    """The least that any handler does: the bytes into a temporary file, renamed, and read into memory of its own."""

    def write(array: Array) -> Path:
        path = directory / uuid4().hex
        draft = path.with_suffix(".new")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            view = memoryview(array).cast("B")
            while view:
                view = view[os.write(fd, view) :]
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        draft.rename(path)
        if sync:
            directory_fd = os.open(directory, os.O_RDONLY)
            os.fsync(directory_fd)
            os.close(directory_fd)
        return path

    def read(path: Path) -> Array:
        with path.open("rb", buffering=0) as file:
            memory = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
            file.readinto(memory)
        return memory

    return Contender("floor, both fsyncs" if sync else "floor", write, read)


def ours(directory: Path, *, sync: bool) -> Contender:
    """The handler of this project."""
    handler: LocalResultHandler[Any] = LocalResultHandler(directory / f"ours-{sync}", sync=sync)
    return Contender("LocalResultHandler" + (", synced" if sync else ""), handler.write, handler.read)


def plain_pickle(directory: Path) -> Contender:
    """What a handler that is written in two lines does."""

    def write(array: Array) -> Path:
        path = directory / uuid4().hex
        path.write_bytes(pickle.dumps(array))
        return path

    return Contender("pickle.dumps, write_bytes", write, lambda path: pickle.loads(path.read_bytes()))


def numpy_files(directory: Path) -> Contender:
    """``numpy.save``, which knows arrays alone and renames nothing."""

    def write(array: Array) -> Path:
        path = directory / f"{uuid4().hex}.npy"
        np.save(path, array)
        return path

    return Contender("numpy.save", write, np.load)


def joblib_files(directory: Path) -> Contender:
    """``joblib.dump``."""
    import joblib

    def write(array: Array) -> Path:
        path = directory / uuid4().hex
        joblib.dump(array, path)
        return path

    return Contender("joblib.dump", write, joblib.load)


def diskcache_entries(directory: Path) -> Contender:
    """An entry of a ``diskcache.Cache``."""
    import diskcache

    cache = diskcache.Cache(str(directory / "diskcache"), size_limit=1 << 40)

    def write(array: Array) -> str:
        key = uuid4().hex
        cache[key] = array
        return key

    return Contender("diskcache", write, lambda key: cache[key])


def cachelib_files(directory: Path) -> Contender:
    """A file of a ``cachelib.FileSystemCache``."""
    from cachelib import FileSystemCache

    cache = FileSystemCache(str(directory / "cachelib"), threshold=0)

    def write(array: Array) -> str:
        key = uuid4().hex
        cache.set(key, array)
        return key

    return Contender("cachelib", write, cache.get)


def prefect_results(directory: Path, python: Path) -> Contender:
    """The result storage of Prefect 3, in a process of an environment of its own, which times what it does itself."""
    process = subprocess.Popen(
        [python, Path(__file__).with_name("prefect_results.py"), directory / "prefect"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None

    def ask(request: str) -> float:
        print(request, file=process.stdin, flush=True)
        answer = process.stdout.readline()  # type: ignore[union-attr] # it is a pipe
        if not answer:
            raise ChildProcessError("the process of Prefect ended; is Prefect 3 installed there?")
        return float(answer)

    return Contender("Prefect 3", lambda array: ask(f"write {array.nbytes}"), lambda _: ask("read"))


def memcpy(array: Array) -> Array:
    """A copy into memory that is new, which no reader can beat: in huge pages, as the handler reads into."""
    memory = mmap.mmap(-1, array.nbytes)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    target = np.frombuffer(memory, np.uint8)
    np.copyto(target, array)
    return target


def installed(makers: list[Callable[[], Contender]]) -> list[Contender]:
    """Those of the contenders whose library is installed; the others are named on standard error."""
    found = []
    for make in makers:
        try:
            found.append(make())
        except ModuleNotFoundError as error:
            print(f"left out, since {error.name} is not installed", file=sys.stderr)
    return found
