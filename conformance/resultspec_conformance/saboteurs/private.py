"""Saboteurs of the class *private*: each wraps any handler, and breaks exactly one rule."""

import ast
import base64
import importlib
import logging
import os
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..subjects import HandlerSubject
from .handlers import Wrapper, wrapping

_HUGE = 1 << 20


class EncodedPreview(Wrapper):
    """Puts the beginning of the value into the reference, compressed and in base64."""

    rule = "private.opaque-reference"

    def write(self, value: Any, /) -> Any:
        preview = zlib.compress(repr(value)[:32].encode("utf-8", "backslashreplace"))
        return {"reference": super().write(value), "preview": base64.urlsafe_b64encode(preview).decode()}

    def read(self, reference: Any, /) -> Any:
        if not isinstance(reference, dict) or set(reference) != {"reference", "preview"}:
            raise ValueError("a reference has two fields")
        return super().read(reference["reference"])


class LogsWhatItRefuses(Wrapper):
    """Tells its log, at the level of debugging, which value it could not write."""

    rule = "private.quiet-errors"

    def write(self, value: Any, /) -> Any:
        try:
            return super().write(value)
        except Exception:
            logging.getLogger(__name__).debug("could not write %r", value)
            raise


class ShowsTheLastValue(Wrapper):
    """Shows in its repr what it has written last."""

    rule = "private.quiet-repr"

    def write(self, value: Any, /) -> Any:
        self.last = ascii(value)[:64]
        return super().write(value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.scratch}, last={getattr(self, 'last', None)})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "last"}


class OpensAnyPath(Wrapper):
    """Opens the file that an absolute path names before it asks whose it is."""

    rule = "private.confined-read"

    def read(self, reference: Any, /) -> Any:
        if isinstance(reference, str) and reference.startswith("/") and "\0" not in reference and Path(reference).is_file():
            Path(reference).read_bytes()
        return super().read(reference)


class ImportsByName(Wrapper):
    """Imports the module of its codec, whose name is in the reference."""

    rule = "private.safe-read"

    def write(self, value: Any, /) -> Any:
        return {"codec": "json", "reference": super().write(value)}

    def read(self, reference: Any, /) -> Any:
        if not isinstance(reference, dict) or set(reference) != {"codec", "reference"} or not isinstance(reference["codec"], str):
            raise ValueError("a reference has two fields")
        try:
            importlib.import_module(reference["codec"])
        except ImportError as error:
            raise LookupError("no such codec") from error
        return super().read(reference["reference"])


class UnsignedCopy(Wrapper):
    """Keeps a readable copy of texts beside the stored value, and reads that without looking at the signature."""

    rule = "private.tamper-evident"

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        if type(value) is not str:
            return {"copy": None, "reference": reference}
        name = secrets.token_hex(8)
        with os.fdopen(os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(ascii(value))
        return {"copy": name, "reference": reference}

    def read(self, reference: Any, /) -> Any:
        if not isinstance(reference, dict) or set(reference) != {"copy", "reference"}:
            raise ValueError("a reference has two fields")
        value = super().read(reference["reference"])
        name = reference["copy"]
        if name is None:
            return value
        if not isinstance(name, str) or not name.isalnum():
            raise ValueError("the name of a copy is made of letters and digits")
        try:
            return ast.literal_eval(self._path(name).read_text())
        except (SyntaxError, ValueError):  # or no text at all
            pass
        raise ValueError("the copy is damaged")

    def _path(self, name: str) -> Path:
        return self.scratch / f"{name}.copy"


class MakesRoomFirst(Wrapper):
    """Makes room for a thousand times the reference before it looks at it."""

    rule = "private.bounded-read"

    def read(self, reference: Any, /) -> Any:
        if isinstance(reference, str) and len(reference) > _HUGE:
            reference = (reference * 1_000)[: len(reference)]
        return super().read(reference)


class OpenToAll(Wrapper):
    """Gives everybody the right to read its files."""

    rule = "private.file-mode"

    def write(self, value: Any, /) -> Any:
        reference = super().write(value)
        for path in self.scratch.rglob("*"):
            if path.is_file():
                path.chmod(0o644)
        return reference


_WRAPPERS: tuple[type[Wrapper], ...] = (
    EncodedPreview, LogsWhatItRefuses, ShowsTheLastValue, OpensAnyPath, ImportsByName, UnsignedCopy, MakesRoomFirst, OpenToAll,
)  # fmt: skip


PRIVATE_SABOTEURS: dict[str, Callable[[HandlerSubject], HandlerSubject]] = {
    wrapper.rule: wrapping(wrapper) for wrapper in _WRAPPERS
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""
