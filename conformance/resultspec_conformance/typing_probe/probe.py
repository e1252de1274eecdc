"""What mypy is shown: the author's module, with functions at its end that use the class as an engine would."""

import io
import os
import re
import tokenize
import zlib
from pathlib import Path

from .classes import Target, is_installed

_HEADER = """
from collections.abc import Awaitable as _rs_Awaitable, Callable as _rs_Callable, Coroutine as _rs_Coroutine
from typing import Never as _rs_Never, Protocol as _rs_Protocol, TypeVar as _rs_TypeVar
import resultspec as _rs
_rs_T = _rs_TypeVar("_rs_T")
_rs_R = _rs_TypeVar("_rs_R")
_rs_J = _rs_TypeVar("_rs_J", bound=_rs.JSON)
class _rs_Writes(_rs_Protocol):
    def write(self, value: _rs_Never, /) -> object: ...
class _rs_Reads(_rs_Protocol):
    def read(self, reference: _rs_Never, /) -> object: ...
def _rs_taken(method: _rs_Callable[[_rs_T], _rs_R]) -> _rs_T: raise NotImplementedError
def _rs_given(method: _rs_Callable[[_rs_T], _rs_R]) -> _rs_R: raise NotImplementedError
def _rs_blocking(handler: _rs.ResultHandler[_rs_T, _rs_J]) -> None: ...
def _rs_awaitable(handler: _rs.AsyncResultHandler[_rs_T, _rs_J]) -> None: ...
"""

# Each is a function of its own: what follows a call that never returns is not looked at.
_PROBES = {
    "has write": ("_x: _rs_Writes = handler",),
    "has read": ("_x: _rs_Reads = handler",),
    "write": ("reveal_type(handler.write)",),
    "read": ("reveal_type(handler.read)",),
    "write takes": ("_x = _rs_taken(handler.write)", "reveal_type(_x)"),
    "write gives": ("_x = _rs_given(handler.write)", "reveal_type(_x)"),
    "read takes": ("_x = _rs_taken(handler.read)", "reveal_type(_x)"),
    "read gives": ("_x = _rs_given(handler.read)", "reveal_type(_x)"),
    "write is awaitable": ("_x = _rs_given(handler.write)", "_y: _rs_Awaitable[object] = _x"),
    "read is awaitable": ("_x = _rs_given(handler.read)", "_y: _rs_Awaitable[object] = _x"),
    "write is coroutine": ("_x = _rs_given(handler.write)", "_y: _rs_Coroutine[object, _rs_Never, object] = _x"),
    "read is coroutine": ("_x = _rs_given(handler.read)", "_y: _rs_Coroutine[object, _rs_Never, object] = _x"),
    "reference is JSON": ("_x = _rs_given(handler.write)", "_y: _rs.JSON = _x"),
    "read takes it": ("_x = _rs_given(handler.write)", "handler.read(_x)"),
    "write takes it": ("_x = _rs_given(handler.read)", "handler.write(_x)"),
    "accepted": ("_rs_blocking(handler)",),
}
_AWAITED_PROBES = {
    "write gives awaited": ("_x = await _rs_given(handler.write)", "reveal_type(_x)"),
    "read gives awaited": ("_x = await _rs_given(handler.read)", "reveal_type(_x)"),
    "reference is JSON awaited": ("_x = await _rs_given(handler.write)", "_y: _rs.JSON = _x"),
    "read takes it awaited": ("_x = await _rs_given(handler.write)", "await handler.read(_x)"),
    "write takes it awaited": ("_x = await _rs_given(handler.read)", "await handler.write(_x)"),
    "accepted awaited": ("_rs_awaitable(handler)",),
}


class Probe:
    """The functions that use a class; it learns its lines when it is appended to the source."""

    def __init__(self, target: Target, number: int) -> None:
        self.target = target
        self.file = target.file
        self.lines: dict[str, int] = {}
        self._number = number

    def functions(self, first_line: int) -> list[str]:
        """The functions as lines, the first of which is ``first_line`` of the file."""
        written: list[str] = []
        for prefix, probes in (("", _PROBES), ("async ", _AWAITED_PROBES)):
            for key, statements in probes.items():
                name = f"_rs_{self._number}_{key.replace(' ', '_')}"
                written.append(f"{prefix}def {name}{self.target.parameters}(handler: '{self.target.annotation}') -> None:")
                written += [f"    {statement}" for statement in statements]
                self.lines[key] = first_line + len(written) - 1
        return written


def shown_to_mypy(target: Target, spare: Path) -> list[Path]:
    """The files that mypy is to look into for a class; the probe goes into the first.

    An installed package is left as it is: as for its users, its class is imported, by a file of ours.
    """
    if not is_installed(target.file):
        methods = [method.file for method in target.methods.values() if not is_installed(method.file)]
        return [target.file, *methods]
    names = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", target.annotation)) - set(re.findall(r"\w+", target.parameters))
    spare.write_text(f"from {target.cls.__module__} import {', '.join(sorted(names))}\n", encoding="utf-8")
    return [spare]


class Source:
    """A file of the author's as mypy is shown it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        data = file.read_bytes()
        self._encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        self._lines = _without_silencers(data.decode(self._encoding)).splitlines()
        self._probed = False

    def append(self, probe: Probe) -> None:
        """Add the functions of a probe at the end."""
        if not self._probed:
            self._lines += _HEADER.splitlines()
            self._probed = True
        self._lines += probe.functions(len(self._lines) + 1)
        probe.file = self.file

    def save(self, path: Path) -> None:
        """Write the shadow.

        Of a file that has the size and the second of the one before, mypy's cache believes that it is the same: the time tells
        what the file says.
        """
        content = ("\n".join(self._lines) + "\n").encode(self._encoding)
        path.write_bytes(content)
        second = zlib.crc32(content)
        os.utime(path, (second, second))


_SILENCER = re.compile(r"#\s*(type:\s*ignore|mypy:)")


def _without_silencers(text: str) -> str:
    """The source without the comments that tell mypy to look away; no line moves."""
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and _SILENCER.match(token.string):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return "".join(lines)
