"""Saboteurs: what breaks one rule of a correct subject, to prove that the suite notices."""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import attrs


@attrs.frozen
class Saboteur:
    """A saboteur of one rule.

    Attributes:
        rule: The rule that it breaks.
        sabotage: Makes of a correct subject one that breaks the rule and no other.
    """

    rule: str
    sabotage: Callable[[Any], Any]

    @property
    def does(self) -> str:
        """What it does, in a sentence."""
        return (self.sabotage.__doc__ or "").strip().partition("\n")[0]


def all_saboteurs() -> tuple[Saboteur, ...]:
    """Every saboteur there is: those of the tables named ``*_SABOTEURS`` in the modules of this package, in order."""
    return tuple(
        Saboteur(rule, sabotage)
        for found in pkgutil.iter_modules(__path__)
        for name, table in sorted(vars(import_module(f"{__name__}.{found.name}")).items())
        if name.endswith("_SABOTEURS")
        for rule, sabotage in table.items()
    )
