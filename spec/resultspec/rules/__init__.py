"""The specification as data: every rule, what it demands, why, and what to look at when it fails.

The ids are never reused, and the set of rules is frozen for each version of the specification: a later version adds
rules and changes none.
"""

import difflib
from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from .. import SPEC_VERSION
from . import _core, _durable, _engine, _hierarchy, _noresult, _private, _result, _shared, _static
from ._model import Level, Rule
from ._vocabulary import VOCABULARY

__all__ = ["CLASSES", "RULES", "VOCABULARY", "Level", "Rule", "rule"]

_MODULES = (_core, _shared, _durable, _private, _static, _result, _noresult, _hierarchy, _engine)

RULES: Mapping[str, Rule] = MappingProxyType({r.id: r for r in chain.from_iterable(m.RULES for m in _MODULES)})
"""Every rule by its id, in the order of the specification."""

CLASSES: tuple[str, ...] = tuple(dict.fromkeys(r.cls for r in RULES.values()))
"""The names of the conformance classes, in the order of the specification."""


def rule(id: str) -> Rule:
    """Return the rule with this id.

    Raises:
        LookupError: There is no such rule; the message names those with the nearest ids.
    """
    if (found := RULES.get(id)) is not None:
        return found
    nearest = difflib.get_close_matches(id, RULES, n=3)
    advice = f"the nearest: {', '.join(nearest)}." if nearest else "resultspec.rules.RULES lists them all."
    raise LookupError(f"Specification {SPEC_VERSION} has no rule {id!r}; {advice}")
