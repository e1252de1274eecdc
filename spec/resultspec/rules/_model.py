"""What a rule consists of."""

from dataclasses import dataclass
from enum import StrEnum
from textwrap import dedent


class Level(StrEnum):
    """How binding a rule is, in the sense of RFC 2119."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the specification, as data.

    Code within a sentence stands in backquotes, as in Markdown.

    Attributes:
        id: The name under which everybody speaks of the rule; never reused.
        cls: The conformance class that the rule belongs to, such as ``core``.
        level: How binding it is.
        statement: The rule in one normative sentence with one binding verb.
        law: The rule as short, executable-looking Python: precondition, action, postcondition. Its names are
            explained in ``resultspec.rules.VOCABULARY``.
        intent: Why the rule exists: "The intent of this rule is ...".
        requires: Ids of the rules that must hold before this one can be judged.
        hints: What to look at first when it fails.
        since: The version of the specification that introduced it.
    """

    id: str
    cls: str
    level: Level
    statement: str
    law: str
    intent: str
    hints: tuple[str, ...]
    requires: tuple[str, ...] = ()
    since: str = "1.0"

    @property
    def family(self) -> str:
        """The part of the id before the dot, such as ``handler``."""
        return self.id.partition(".")[0]


def code(text: str) -> str:
    """Return an indented block of code flush left, without the blank lines around it."""
    return dedent(text).strip()
