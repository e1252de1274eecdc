"""The check of twins: a blocking handler and its awaitable twin are equally configured, and read each other's references."""

from ..checking import NotApplicable, Refused, Violation, check
from ..trials.trial import Trial, fresh

_VALUES = 12


@check("shared.instance")
def the_twin_reads_it_and_is_read(trial: Trial) -> str:
    """The awaitable or blocking twin reads what the handler wrote, and the handler what the twin wrote."""
    if trial.subject.twin is None:
        raise NotApplicable("the subject names no twin=")
    handler, twin = trial.handler(), trial.twin()
    values = trial.accepted(_VALUES)
    refused: list[Refused] = []
    for value in values:
        trial.expect_same(
            twin.read(trial.transported(handler.write(fresh(value)))), value, "the handler's twin read something else"
        )
        try:
            reference = trial.transported(twin.write(fresh(value)))
        except Refused as refusal:
            refused.append(refusal)
        else:
            trial.expect_same(handler.read(reference), value, "what the twin wrote read differently here")
    if len(refused) == len(values):
        raise Violation("the twin refused every value that the handler accepts", expected="a reference", actual=str(refused[0]))
    return f"{len(values)} values to the twin, {len(values) - len(refused)} back"
