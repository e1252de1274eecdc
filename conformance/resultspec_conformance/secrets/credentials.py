"""Finds the credentials that a handler is configured with, by the names of its attributes and by what they hold."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from .revealing import Secret

_SHORTEST = 6
_LONGEST_KEY_FILE = 8_192

_SECRET_WORDS = frozenset({
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "token", "credential", "credentials", "apikey",
    "secretkey", "sas", "pat",
})  # fmt: skip
_SECRET_KEYS = frozenset({
    "access", "account", "api", "auth", "cipher", "crypto", "encryption", "fernet", "hmac", "mac", "master", "private", "service",
    "shared", "sign", "signing", "symmetric",
})  # fmt: skip
# What comes after a secret word and says that the text is not the secret itself: token_url, password_file, secret_name.
_ABOUT = frozenset({
    "algorithm", "arn", "class", "column", "count", "dir", "directory", "endpoint", "env", "environ", "expires", "expiry",
    "field", "file", "filename", "format", "func", "function", "header", "host", "id", "ids", "kind", "label", "length", "location",
    "name", "names", "path", "pattern", "policy", "prefix", "provider", "ref", "scheme", "scope", "separator", "size", "suffix",
    "template", "ttl", "type", "uri", "url", "user", "username", "var", "variable", "version",
})  # fmt: skip
_NESTED = frozenset(
    {
        *("config", "configuration", "settings", "options", "auth", "credentials", "credential", "client_config", "conf"),
        *("client", "connection", "session", "backend"),
    }
)
_SECRET_PARAMETERS = re.compile(
    r"(?i)^(?:.*signature|sig|.*token|.*secret.*|.*password|passwd|pwd|api_?key|access_?key|accountkey|sharedaccesskey|key)$"
)
_ASSIGNMENT = re.compile(
    r"(?i)(?:^|[;,\s?&])(?:password|passwd|pwd|accountkey|sharedaccesskey|sharedaccesssignature|secret|token|apikey)=([^;,\s&]+)"
)


def credentials_of(handler: Any, declared: Iterable[str] = ()) -> list[Secret]:
    """The credentials of a handler.

    They are looked for in its attributes, in those of its configuration objects and of the handler that it wraps: what
    is named as a credential, the password of an address, the signature of a signed one, what a key file holds.

    Args:
        handler: The handler.
        declared: The credentials that the subject names.

    Returns:
        One secret for each, named by where it was found.

    Source: ``private.quiet-errors``, ``private.quiet-repr``.
    """
    found: dict[bytes, str] = {text.encode(): "a credential of the subject" for text in declared if len(text) >= _SHORTEST}
    for where, text in _found(handler):
        if len(text) >= _SHORTEST:
            found.setdefault(text, f"the credential in {where!r}")
    return [Secret(what, (text,), share=0.5) for text, what in found.items()]


def signatures_in(reference: Any) -> list[Secret]:
    """What a signed address in a reference carries and nobody else may see: its signature or token."""
    return [
        Secret("the signature of a signed address", (text,), share=0.5) for text in _signed(reference) if len(text) >= _SHORTEST
    ]


def _signed(part: Any) -> Iterator[bytes]:
    if isinstance(part, str):
        yield from (text for text in _in_address(part))
    elif isinstance(part, list):
        for item in part:
            yield from _signed(item)
    elif isinstance(part, dict):
        for item in part.values():
            yield from _signed(item)


def _found(holder: Any, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    for name, value in attributes_of(holder):
        value = _unwrapped(value)
        if isinstance(value, str):
            yield from ((name, text) for text in _in_address(value))
        if _is_secret(name, value):
            if isinstance(value, Path):
                yield from ((name, text) for text in _in_file(value))
            elif isinstance(value, str | bytes | bytearray):
                yield name, value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
        if depth < 2 and _is_configuration(name, value):
            yield from _found(value, depth + 1)


def attributes_of(holder: Any) -> list[tuple[str, Any]]:
    """The attributes of an object, those in slots among them, or the entries of a mapping."""
    if isinstance(holder, Mapping):
        return [(str(name), value) for name, value in holder.items()]
    attributes = dict(getattr(holder, "__dict__", {}))
    for cls in type(holder).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
            attributes.setdefault(name, getattr(holder, mangled, None))
    return list(attributes.items())


def _unwrapped(value: Any) -> Any:
    """The text in an object that hides it from reprs, as pydantic's SecretStr does."""
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if callable(reveal) and not isinstance(value, type) else value


def _is_configuration(name: str, value: Any) -> bool:
    """Whether an attribute is part of the handler's configuration, in which its credentials can be."""
    if value is None or isinstance(value, type | str | bytes | int | float | Path | list | set):
        return False
    return (
        isinstance(value, Mapping | SimpleNamespace)
        or (is_dataclass(value) or attrs.has(type(value)) or hasattr(type(value), "model_fields"))
        or name.strip("_").lower() in _NESTED
        or name == "__wrapped__"
    )


def _is_secret(name: str, value: Any) -> bool:
    """Whether the name of an attribute says that it is a credential."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    if not words:
        return False
    if isinstance(value, Path):  # a file that holds it
        words = [word for word in words if word not in ("file", "path", "location")]
        return any(word in _SECRET_WORDS for word in words) or words[-1:] == ["key"]
    if words[-1] in _ABOUT:
        return False
    if any(word in _SECRET_WORDS for word in words):
        return True
    if words[-1] not in ("key", "keys"):
        return False
    if len(words) > 1:
        return words[-2] in _SECRET_KEYS
    # A plain `key` of text can as well be the prefix of object names.
    return isinstance(value, bytes | bytearray) or (isinstance(value, str) and _looks_random(value))


def _looks_random(text: str) -> bool:
    return len(text) >= 16 and re.fullmatch(r"[A-Za-z0-9+=_-]+", text) is not None and len(set(text)) >= 10


def _in_address(text: str) -> Iterator[bytes]:
    """The password, and the secret parameters, of an address or a connection string."""
    if "://" in text:
        try:
            parts = urlsplit(text)
            password = parts.password
        except ValueError:  # brackets that enclose no address
            return
        if password:
            yield from {password.encode(), unquote(password).encode()}
        yield from (value.encode() for name, value in parse_qsl(parts.query) if _SECRET_PARAMETERS.match(name))
    elif "=" in text:
        yield from (found.encode() for found in _ASSIGNMENT.findall(text))


def _in_file(path: Path) -> Iterator[bytes]:
    try:
        if path.is_file() and path.stat().st_size <= _LONGEST_KEY_FILE:
            yield path.read_bytes().strip()
    except OSError:
        return
