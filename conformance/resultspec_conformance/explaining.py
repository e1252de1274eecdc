"""What there is to say of a rule, section by section: the same on a terminal and in the documentation."""

import ast
from typing import Literal

import attrs
from resultspec.rules import VOCABULARY, Rule

from .checking import checks_of, why_unchecked
from .saboteurs import all_saboteurs


@attrs.frozen
class Section:
    """A part of what is said of a rule.

    Attributes:
        heading: What it is about.
        parts: Its paragraphs, items or lines of code; code within a sentence stands in single backquotes.
        form: What the parts are.
    """

    heading: str
    parts: tuple[str, ...]
    form: Literal["paragraphs", "items", "code"]


def sections(rule: Rule) -> tuple[Section, ...]:
    """Say everything that is known of a rule, its statement first."""
    return (
        Section("What it demands", (rule.statement,), "paragraphs"),
        Section("The law", tuple(rule.law.splitlines()), "code"),
        Section("Names in the law", _names(rule.law), "items"),
        Section("Why", (rule.intent,), "paragraphs"),
        Section("What is checked", _checked(rule), "items"),
        Section("What a violation looks like", _sabotage(rule), "paragraphs"),
        Section("If it fails, check first", rule.hints, "items"),
    )


def _names(law: str) -> tuple[str, ...]:
    """What the names in a law stand for, in the order in which they appear there."""
    found = [node for node in ast.walk(ast.parse(law)) if isinstance(node, ast.Name) and node.id in VOCABULARY]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(map(named, dict.fromkeys(node.id for node in found)))


def named(name: str) -> str:
    """A name of the vocabulary with what it stands for, in a sentence."""
    text = VOCABULARY[name]
    return text if text.startswith("`") else f"`{name}`: {text[:1].lower()}{text[1:]}"


def _checked(rule: Rule) -> tuple[str, ...]:
    if (why := why_unchecked(rule.id)) is not None:
        return (f"Nothing, and the rule is reported as untested: {why}.",)
    return tuple(f"{check.name.capitalize()}. {check.summary}" for check in checks_of(rule.id))


def _sabotage(rule: Rule) -> tuple[str, ...]:
    done = [one.does for one in all_saboteurs() if one.rule == rule.id]
    first = ("A saboteur, by which the suite is itself tested,", *("Another" for _ in done[1:]))
    told = (f"{who} {does[:1].lower()}{does[1:]}" for who, does in zip(first, done, strict=True))
    return tuple(told) or ("The suite has no saboteur that breaks it.",)
