"""Handlers of arrays, frames and tables."""

import base64
import io
import pickle
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from attrs import field, frozen
from numpy.typing import NDArray
from resultspec import JSON

from ._common import absolute, check_plain, hex_name, load, publish


@dataclass(frozen=True)
class ArrayText:
    """Numeric arrays inline: dtype, shape and bytes."""

    def write(self, value: np.ndarray, /) -> Mapping[str, JSON]:
        _check_array(value)
        return {
            "dtype": value.dtype.str,
            "shape": [*value.shape],
            "data": base64.b64encode(value.tobytes()).decode(),
        }

    def read(self, reference: Mapping[str, JSON], /) -> np.ndarray:
        if type(reference) is not dict or reference.keys() != {"dtype", "shape", "data"}:
            raise ValueError("not a reference of this handler")
        dtype, shape, data = reference["dtype"], reference["shape"], reference["data"]
        if type(dtype) is not str or type(shape) is not list or type(data) is not str:
            raise TypeError("not a reference of this handler")
        lengths = [length for length in shape if type(length) is int and length >= 0]
        if len(lengths) != len(shape) or np.dtype(dtype).kind not in "biufc":
            raise ValueError("not a reference of this handler")
        return np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(lengths).copy()


def _check_array(value: object) -> None:
    if type(value) is not np.ndarray:
        raise TypeError("only arrays are kept here, and no subclasses")
    if value.dtype.kind not in "biufc" or value.dtype.metadata is not None:
        raise TypeError("only numeric arrays are kept here")


@frozen
class NpyFiles:
    """A .npy file per array of floats; other arrays are kept as well."""

    directory: Path = field(converter=absolute)

    def write(self, value: NDArray[np.float64], /) -> str:
        _check_array(value)
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        name = uuid.uuid4().hex
        publish(self.directory / f"{name}.npy", buffer.getvalue())
        return f"{name}.npy"

    def read(self, reference: str, /) -> NDArray[np.float64]:
        if type(reference) is not str or not reference.endswith(".npy"):
            raise ValueError("not a reference of this handler")
        with open(self.directory / f"{hex_name(reference[:-4])}.npy", "rb") as file:
            value: NDArray[np.float64] = np.lib.format.read_array(file, allow_pickle=False)
        return value


# pandas changes the filter of warnings while it compares, which threads share.
_COMPARING = threading.Lock()


@frozen
class Frames:
    """Pickled data frames; objects in them must be plain values, and attributes beside them are refused."""

    directory: Path = field(converter=absolute)

    def write(self, value: pd.DataFrame, /) -> str:
        if type(value) is not pd.DataFrame or value.attrs:
            raise TypeError("only data frames without attributes are kept here")
        for index in (value.index, value.columns):
            check_plain([*index.names])
            if index.dtype == object:
                check_plain(index.tolist())
        for position in range(value.shape[1]):
            if value.iloc[:, position].dtype == object:
                check_plain(value.iloc[:, position].tolist())
        data = pickle.dumps(value)
        try:
            with _COMPARING:
                pd.testing.assert_frame_equal(load(data), value, check_exact=True)
        except AssertionError as error:
            raise ValueError("the frame cannot be pickled and read back") from error
        name = uuid.uuid4().hex
        publish(self.directory / name, data)
        return name

    def read(self, reference: str, /) -> pd.DataFrame:
        return load((self.directory / hex_name(reference)).read_bytes())


_FLAT = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null, pa.types.is_temporal)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


@frozen
class Tables:
    """Arrow tables of flat columns as IPC streams."""

    directory: Path = field(converter=absolute)

    def write(self, value: pa.Table, /) -> str:
        if type(value) is not pa.Table:
            raise TypeError("only tables are kept here")
        if not all(any(is_kind(kind) for is_kind in _FLAT + _TEXTS) for kind in value.schema.types):
            raise TypeError("only flat columns are kept here")
        value.validate(full=True)
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, value.schema) as stream:
            stream.write_table(value)
        if pa.ipc.open_stream(sink.getvalue()).read_all().num_rows != value.num_rows:
            raise ValueError("a table without columns has no rows here")
        name = uuid.uuid4().hex
        publish(self.directory / f"{name}.arrows", sink.getvalue())
        return name

    def read(self, reference: str, /) -> pa.Table:
        data = (self.directory / f"{hex_name(reference)}.arrows").read_bytes()
        with pa.ipc.open_stream(data) as stream:
            return stream.read_all()
