"""Text that came from a handler, made safe to put into a file of any format."""

import re

# What XML 1.0 cannot carry even as a reference, what UTF-8 cannot encode, and what reverses the direction of the text around it.
_UNFIT = re.compile(
    r"[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def visible(text: str) -> str:
    """Write out, as Python escapes, the characters that a file cannot hold or a reader cannot see.

    Args:
        text: Any text, as a handler's error or value has it.

    Returns:
        The text without control characters, lone surrogates, noncharacters and marks of direction.
    """
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def counted(number: int, noun: str) -> str:
    """A number of things, as in ``1 rule`` and ``1,200 rules``.

    Args:
        number: How many there are.
        noun: What one of them is called; more take an s.

    Returns:
        The number, in groups of three digits, and the noun.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
