"""Saboteurs: what breaks one rule of a correct subject, to prove that the suite notices.

Each module of this package has tables named ``..._SABOTEURS``: by rule, a function that makes of a correct subject one that
breaks the rule and, as far as that can be, no other.
"""

import pkgutil
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from resultspec.rules import RULES

Saboteur = Callable[[Any], Any]


def saboteurs_of(classes: Iterable[str]) -> dict[str, Saboteur]:
    """The saboteurs of the rules of some classes, in the order of the specification."""
    tables = (
        table
        for module in pkgutil.iter_modules(__path__)
        for name, table in vars(import_module(f"{__name__}.{module.name}")).items()
        if name.endswith("_SABOTEURS")
    )
    found = {rule: saboteur for table in tables for rule, saboteur in table.items()}
    wanted = set(classes)
    return {rule.id: found[rule.id] for rule in RULES.values() if rule.cls in wanted and rule.id in found}
