"""The one data type that an engine stores: JSON."""

from collections.abc import Mapping

from typing_extensions import TypeAliasType

# `Sequence` would admit bytes, and `dict` would refuse a `dict[str, str]`: hence list and Mapping.
JSON = TypeAliasType(
    "JSON",
    "None | bool | int | float | str | list[JSON] | Mapping[str, JSON]",
)
"""A value that JSON (RFC 8259) can carry, and that a reference consists of."""
