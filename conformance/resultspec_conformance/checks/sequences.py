"""The checks of sequences: one exploration by a state machine, reported under the rule that it finds broken."""

from ..checking import Untested, check
from ..trials.model import OWNERS, replay
from ..trials.trial import Trial

_RULES = tuple(dict.fromkeys((*OWNERS.values(), "handler.independent-writes")))


def _bind(rule_id: str) -> None:
    @check(rule_id)
    def sequences_of_steps_agree_with_a_model(trial: Trial) -> str:
        """A state machine writes, reads, reopens, pickles, alters, fails to write and reads unknown references, in any order."""
        found = trial.bench.sequences
        if found is None:
            raise Untested("a step did not end, so that no sequence of them can be judged")
        if not found.plan.values:
            raise Untested("the handler gives back no value but None, which makes no sequence")
        if not found.steps:
            raise Untested("a single write or read goes wrong already, so that no sequence of them can be judged")
        if found.rule == rule_id:
            replay(trial, found.plan, found.shortest)
        return f"{found.steps:,} steps in sequences" if rule_id == "handler.independent-writes" else ""


for _rule in _RULES:
    _bind(_rule)
