"""Who may keep results with the service: tenants, known by their tokens."""

import re
import secrets
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import attrs
from resultspec.errors import InvalidConfiguration

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def new_token() -> tuple[str, str]:
    """Make a token.

    Returns:
        The token, which its tenant keeps, and its SHA-256, which the service keeps.
    """
    token = secrets.token_urlsafe(32)
    return token, _digest(token)


@attrs.frozen
class Tenants:
    """The tenants of a service.

    Attributes:
        by_digest: The name of each tenant, by the SHA-256 of each of its tokens.
    """

    by_digest: Mapping[str, str] = attrs.field(repr=False)

    @classmethod
    def from_file(cls, path: Path) -> "Tenants":
        """Read tenants from a TOML file.

        It holds a table for each, with the SHA-256 of its tokens, of which it may have several while one is replaced::

            [tenants.acme]
            tokens = ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]

        Raises:
            InvalidConfiguration: The file cannot be read, or holds something else; the error names it and what to do.
        """
        try:
            with path.open("rb") as file:
                content = tomllib.load(file)
        except (OSError, ValueError) as error:
            raise InvalidConfiguration(f"{path} cannot be read as TOML: {type(error).__name__}: mend it") from error
        tenants: dict[str, Any] = content.get("tenants", {})
        if not tenants or set(content) != {"tenants"}:
            raise InvalidConfiguration(f"{path} names no tenants: write a table [tenants.NAME] for each, and nothing else")
        by_digest: dict[str, str] = {}
        for name, table in tenants.items():
            tokens = _tokens(table)
            if not _NAME.fullmatch(name):
                raise InvalidConfiguration(f"{path}: the name of a tenant has lower-case letters, digits and -, not {name!r}")
            if tokens is None:
                raise InvalidConfiguration(f"{path}: tenants.{name} holds one key: tokens, a list of SHA-256 in hexadecimal")
            for one in tokens:
                if by_digest.setdefault(one, name) != name:
                    raise InvalidConfiguration(f"{path}: {by_digest[one]} and {name} have a token in common: replace it")
        return cls(by_digest)

    def of(self, token: str) -> str | None:
        """The name of the tenant that has a token, or None."""
        # Looked up by its digest: how long it takes says nothing of tokens that are near.
        return self.by_digest.get(_digest(token))


def _tokens(table: object) -> list[str] | None:
    """The digests that a tenant's table holds; None where it holds anything else."""
    if not isinstance(table, dict) or set(cast("dict[str, object]", table)) != {"tokens"}:
        return None
    tokens = cast("dict[str, object]", table)["tokens"]
    if not isinstance(tokens, list):
        return None
    found = cast("list[object]", tokens)
    digests = [one for one in found if isinstance(one, str) and _DIGEST.fullmatch(one)]
    return digests if len(digests) == len(found) else None


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
