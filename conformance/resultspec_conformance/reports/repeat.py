"""The command that repeats a run."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ..settings import Settings

_OPTIONS = {
    "examples": "--examples",
    "strict": "--strict",
    "limit": "--limit",
    "rules": "--rule",
    "waive": "--waive",
    "budget": "--budget",
}
"""The options of the settings that change what is found, beside the seed."""


def command(target: str, claims: Iterable[str], settings: Settings) -> str:
    """Give the command that judges a target again, by what the first run was asked for.

    Args:
        target: The target, as it was typed.
        claims: The classes that were asked for; none: those of the subject.
        settings: What the run was asked for.

    Returns:
        A line for a shell. It names the seed, and every other setting that is not the default.
    """
    words = ["resultspec", "check", target]
    for name in claims:
        words += ["--claim", name]
    words += ["--seed", str(settings.seed)]
    for name, option in _OPTIONS.items():
        if (value := getattr(settings, name)) != getattr(Settings(), name):
            words += _words(option, value)
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """A word as a shell reads it; what has single quotes and nothing else to hide stands in double quotes.

    Args:
        word: Any text, such as a target with arguments.

    Returns:
        The word, quoted where that is needed.
    """
    return f'"{word}"' if "'" in word and not set('"$`\\!') & set(word) else shlex.quote(word)


def _words(option: str, value: Any) -> list[str]:
    if value is True:
        return [option]
    if isinstance(value, Mapping):
        return [word for rule, reason in value.items() for word in (option, f"{rule}={reason}")]
    if isinstance(value, tuple):
        return [word for one in value for word in (option, str(one))]
    return [option, f"{value:g}" if isinstance(value, float) else str(value)]
