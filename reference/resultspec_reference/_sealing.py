"""The names under which values are kept, and the seals that bind a value to its name.

What the handlers that keep values outside their references have in common, wherever that is.
"""

import os
import re
from os import PathLike
from pathlib import Path

from resultspec.errors import InvalidReference, ReadError, WriteError

from ._format import Checksum, Seal, Signature

_NAME = re.compile(r"[0-9a-f]{32}\.result")
_SHORTEST_KEY = 16


def new_name() -> str:
    """Return a random name, which reveals nothing of the value (``private.opaque-reference``)."""
    return f"{os.urandom(16).hex()}.result"


def own_name(reference: object, root: str) -> str:
    """Return the name at the end of a reference, which must be one that a handler of the root could have returned.

    Args:
        reference: What is to be read.
        root: What comes before the name and its slash in every reference of the handler.

    Raises:
        InvalidReference: It is not (``handler.malformed-reference``, ``private.confined-read``).
    """
    if not isinstance(reference, str):
        raise InvalidReference(f"A reference is a str, not a value of type {type(reference).__qualname__}")
    name = reference.rpartition("/")[2]
    # Compared as a whole: no spelling of another place can pass for this one.
    if not _NAME.fullmatch(name) or reference != f"{root}/{name}":
        raise InvalidReference(f"This is not a reference that a handler of {root} returned")
    return name


def absolute(path: str | PathLike[str]) -> Path:
    """Return the absolute path.

    Raises:
        ValueError: It cannot be written as JSON.
    """
    # Lexical, since a reference stays good when the directory is moved and a link is put in its place.
    result = os.path.abspath(path)  # noqa: PTH100  # Path.absolute keeps "..".
    if "\0" in result or not _is_text(result):
        raise ValueError("The path cannot be written as JSON, so no reference could name it")
    return Path(result)


def _is_text(path: str) -> bool:
    # A file name that is not UTF-8 comes to Python with lone surrogates.
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def signing_key(key: bytes | Path | None) -> bytes | Path | None:
    """Return a handler's key, checked; the path of a key file is made absolute, and nothing is read.

    Raises:
        TypeError: The key is neither bytes nor a Path.
        ValueError: The key is too short.
    """
    if isinstance(key, Path):
        return absolute(key)
    return None if key is None else _checked(key)


def _checked(key: bytes) -> bytes:
    # The messages say nothing of the key.
    if type(key) is not bytes:
        raise TypeError(f"A key is bytes, or the Path of a file that holds it, not a {type(key).__qualname__}")
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"a key has at least {_SHORTEST_KEY} bytes: try secrets.token_bytes(32)")
    return key


def seal_for(name: str, key: bytes | Path | None, failure: type[ReadError | WriteError]) -> Seal:
    """Return a new seal for a name: a signature where there is a key, else a checksum.

    Args:
        name: The name.
        key: The key, or the file that holds it, which is read now.
        failure: What to raise when the file holds no key.
    """
    if key is None:
        return Checksum(name)
    if isinstance(key, bytes):
        return Signature(name, key)
    try:
        return Signature(name, _checked(key.read_bytes()))
    except (OSError, ValueError) as error:
        raise failure(f"{key} holds no key: {error}") from error
