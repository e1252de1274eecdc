"""Keeps arrays by the result storage of Prefect 3, as it is told on standard input; answers with the seconds it took."""

import sys
import time
from uuid import uuid4

import numpy as np
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore

store = ResultStore(result_storage=LocalFileSystem(basepath=sys.argv[1]), cache_result_in_memory=False)
arrays: dict[int, "np.ndarray"] = {}
key = ""
for line in sys.stdin:
    request, _, size = line.strip().partition(" ")
    if request == "write":
        array = arrays.setdefault(int(size), np.random.default_rng(0).integers(0, 256, int(size), np.uint8))
        key = uuid4().hex
        started = time.perf_counter()
        store.write(array, key=key)
    else:
        started = time.perf_counter()
        store.read(key).result  # noqa: B018 - it is read lazily
    print(time.perf_counter() - started, flush=True)
