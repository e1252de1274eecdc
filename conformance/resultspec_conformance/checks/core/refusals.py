"""Checks of the class *core*: what cannot be honoured is refused, and harms nothing."""

import json
import time
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Literal, NoReturn

from ...checking import NotApplicable, Refused, Untested, Violation, check, check_each
from ...processes.interpreters import WorkerDied, WorkerFailed
from ...processes.worker import read_one
from ...trials.outcomes import STANDARD_ERRORS, Outcome, not_standard, one_line
from ...trials.trial import Handle, Trial, fresh
from ...values.comparison import name_of, plain_difference, type_difference
from ...values.references import cut, forged, incomplete, names, patterns, wrong_types
from ...values.source import shown
from ...values.strictjson import json_problem
from ...values.traps import half_writable
from .examples import ENOUGH, is_ordinary

_MANY_FAILURES = 32
_MOST_FORGED = 100


@check_each("handler.unknown-reference", where=is_ordinary, most=12)
def references_never_written_raise(trial: Trial, value: Any) -> None:
    """Well-formed references to nothing are read: forged ones, one of another store, one whose storage was removed."""
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value, so a well-formed one is simply another value")
    handler = trial.handler()
    written = fresh(value)
    neighbours = [other for other in trial.accepted(6) if trial.differs(written, other) is not None][:2]
    known = [_json(handler.write(fresh(other))) for other in neighbours[:1]]
    reference = _json(handler.write(value))
    known += [_json(handler.write(fresh(other))) for other in neighbours[1:]]
    decided = 0
    for unknown in islice(forged(reference), _MOST_FORGED):
        if not any(names(unknown) - names(reference) <= names(other) for other in known):
            decided += _raises_or_is(trial, handler, unknown, written, "a reference that was never written was read")
    if trial.maker.takes_scratch:
        elsewhere = trial.elsewhere()
        decided += _raises_or_is(trial, elsewhere, reference, written, "an empty store read another store's reference")
        _remove_everything(trial)
        decided += _raises_or_is(
            trial, trial.handler("reopened"), reference, written, "a reference whose stored value is gone was read"
        )
    if not decided:
        raise Untested("no well-formed reference to nothing could be made from a good one")


def _json(reference: Any) -> Any:
    """The reference itself, where others can be made from it."""
    if problem := json_problem(reference):
        raise Untested(f"no other reference can be made from one that is not strict JSON: {problem}")
    return reference


def _raises_or_is(trial: Trial, handler: Handle, reference: Any, written: Any, message: str) -> bool:
    """Whether reading raised; a value other than the one that was written is a violation, that one decides nothing."""
    outcome = handler.attempt_read(reference)
    if outcome.error is not None:
        return True
    if trial.differs(written, outcome.value) is not None:
        handler.returned_instead_of_raising(reference, outcome.value, message)
    return False


def _remove_everything(trial: Trial) -> None:
    for path in trial.store().rglob("*"):
        if path.is_file() or path.is_symlink():
            path.unlink()
    if trial.script is not None:
        trial.script.do('for path in (scratch / "store").rglob("*"):', "    if path.is_file():", "        path.unlink()")


@check("handler.malformed-reference")
def malformed_references_raise(trial: Trial) -> str:
    """JSON of the wrong type or shape is read in a process of its own, so that none can harm the suite."""
    value, probed = _probed(trial)
    for probe, shape, outcome in probed:
        if outcome.error is not None and not outcome.fatal:
            continue
        if outcome.error is None and trial.bench.inline and _is_honest(trial, probe, outcome.value, shape):
            continue
        if outcome.error is None and shape == "incomplete" and trial.differs(value, outcome.value) is None:
            continue  # a part that says nothing of the value may be missing
        if trial.script is not None:
            handler = trial.handler()
            handler.write(value)
            trial.script.fails_unless_raises(f"handler.read({trial.script.of(probe)})")
        raise Violation(
            f"reading the malformed reference {shown(probe)} did not raise",
            expected="an exception",
            actual=outcome.error or f"read returned {shown(outcome.value)}",
        )
    return f"{len(probed)} malformed references"


Shape = Literal["cut", "wrong type", "pattern", "incomplete"]
Probed = tuple[Any, Shape, Outcome]


def _probed(trial: Trial) -> tuple[Any, list[Probed]]:
    """A value, and what came of reading malformed forms of its reference; not again once that is known.

    Reading ends with the first probe that the other process does not survive.

    Raises:
        Untested: The handler cannot be used in another process, or gives references that are not JSON.
    """
    if "probed" not in trial.bench.findings:
        values = sorted(trial.accepted(ENOUGH), key=lambda v: len(repr(v)), reverse=True)
        value = next((v for v in values if is_ordinary(v)), values[0])
        trial.bench.findings["probed"] = value, list(_probe_all(trial, value, values))
    found: tuple[Any, list[Probed]] = trial.bench.findings["probed"]
    return found


def _probe_all(trial: Trial, value: Any, values: list[Any]) -> Iterator[Probed]:
    worker = trial.bench.worker()
    store = trial.store("probed")
    try:
        [(reference, error)] = worker.write(store, [value])
        others = worker.write(trial.store("kinds"), values[:20]) if trial.bench.inline else []
    except (WorkerDied, WorkerFailed) as failure:
        raise Untested(f"the handler cannot be used in another process: {failure}") from failure
    if reference is None:
        raise Untested(f"the handler refused the value in another process: {error}")
    good = json.loads(reference)
    kinds = {type(good)} | {type(json.loads(other)) for other, _ in others if other is not None}
    probes: list[tuple[Any, Shape]] = [(probe, "cut") for probe in cut(good)]
    probes += [(probe, "wrong type") for probe in wrong_types(good, kinds)]
    # Of several parts, one may say nothing of the value.
    probes += [(probe, "pattern" if isinstance(good, str) else "incomplete") for probe in islice(patterns(good), _MOST_FORGED)]
    probes += [(probe, "incomplete") for probe in islice(incomplete(good), _MOST_FORGED)]
    for probe, shape in probes:
        trial.bench.beat = time.monotonic()
        try:
            outcome: Outcome = worker.call(read_one, store, json.dumps(probe))
        except WorkerDied as death:
            trial.bench.retire(worker)
            yield probe, shape, Outcome(error=f"the process that read it {death}", fatal=True)
            return
        except WorkerFailed as failure:
            raise Untested(f"the handler cannot be made in another process: {failure}") from failure
        yield probe, shape, outcome
        if outcome.fatal:
            return


def _is_honest(trial: Trial, probe: Any, read: Any, shape: Shape) -> bool:
    """Whether a probe that an inline handler read was no malformed reference after all: one that it would itself return."""
    outcome = trial.bench.outcome(lambda other: _rewrites(other, probe, read))
    return outcome is None or (shape == "cut" and probe != "" and read is not None and not isinstance(outcome, Refused))


def _rewrites(trial: Trial, probe: Any, read: Any) -> None:
    reference = trial.handler().write(read)
    if json.dumps(reference, sort_keys=True) != json.dumps(probe, sort_keys=True):
        raise Violation("not the same", expected="", actual="")


@check("handler.loud-refusal")
def values_outside_the_domain_are_refused_or_kept(trial: Trial) -> str:
    """Values just outside the domain, and values that only look storable, are written: refused, or given back."""
    outside = _outside(trial)
    for value, outcome in outside:
        if isinstance(outcome, Violation):
            _refused_or_kept(trial, value)
            raise outcome
    refused = sum(isinstance(outcome, Refused) for _, outcome in outside)
    if refused == len(outside):
        return f"all {refused} values outside the domain were refused"
    return f"{refused} of {len(outside)} values outside the domain were refused, the others kept"


def _outside(trial: Trial) -> list[tuple[Any, Any]]:
    """Values outside the domain with what came of writing and reading each on a handler of its own: None where it was kept."""
    if "outside" not in trial.bench.findings:
        trial.bench.findings["outside"] = [
            (value, trial.bench.outcome(lambda one, value=value: _refused_or_kept(one, value)))
            for value in islice(trial.bench.domain.outside(), 600)
        ]
    found: list[tuple[Any, Any]] = trial.bench.findings["outside"]
    return found


def _refused_or_kept(trial: Trial, value: Any) -> None:
    handler = trial.handler()
    written = fresh(value)
    reference = handler.write(value, may_refuse=True)
    try:
        read = handler.read(reference)
    except Violation as violation:
        raise Violation(
            f"write accepted {shown(written)}, which the handler cannot give back",
            expected="an exception from write, or the value from read",
            actual=f"write returned a reference, and read raised {violation.actual}",
        ) from violation
    if trial.subject.equal is None and (told := _difference(trial, written, read)):
        script = trial.script
        if script is not None:
            script.do(
                f'print("expected: an exception from write, or", {shown(written)!r})',
                f'print("actual:  ", repr({script.of(read)}))',
                'raise SystemExit("the rule is broken")',
            )
        raise Violation(
            f"write accepted a value outside the handler's domain and did not keep it: {told}",
            expected=f"an exception from write, or {shown(written)} from read",
            actual=f"{name_of(type(read))}: {shown(read)}",
        )


def _difference(trial: Trial, written: Any, read: Any) -> str | None:
    """How a value from outside the domain came back changed; a change of type alone is type-fidelity's where it judges that."""
    told = plain_difference(written, read)
    return told if told or trial.bench.domain.is_plain else type_difference(written, read)


@check("handler.failed-write")
def a_write_that_raises_harms_nothing(trial: Trial) -> str:
    """Between good writes come writes that raise; earlier references are read and later writes work."""
    handler = trial.handler()
    good = trial.accepted(6)
    kept: list[tuple[Any, Any]] = []

    def keep(value: Any) -> None:
        harm = "after a write that raised, a later write was refused" if failed else None
        kept.append((fresh(value), handler.write(value, accepted=harm)))

    def all_are_read() -> None:
        for written, reference in kept:
            trial.expect_same(handler.read(reference), written, "after a write that raised, an earlier reference changed")

    failed = 0
    keep(fresh(good[0]))
    refusable = list(islice(_refusable(trial), 12))
    for bad in chain(half_writable(), refusable):
        try:
            handler.write(bad)
        except Refused:
            failed += 1
            keep(fresh(good[failed % len(good)]))
            all_are_read()
    if not failed:
        raise Untested("the handler accepted everything, so no write could be made to fail")
    for bad in refusable[:1] * _MANY_FAILURES:  # as many as use up what each of them holds on to, such as a connection of a pool
        try:
            handler.write(bad)
        except Refused:
            failed += 1
            keep(fresh(good[0]))
    all_are_read()
    return f"{failed} writes failed"


def _refusable(trial: Trial) -> Iterator[object]:
    """Values that the handler refused when they were alone."""
    return (value for value, outcome in _outside(trial) if isinstance(outcome, Refused))


@check("handler.standard-errors")
def errors_are_standard(trial: Trial) -> str:
    """Errors are provoked by refused values and by unknown and malformed references, and judged by type and cause."""
    refused = [(value, outcome.__cause__) for value, outcome in _outside(trial) if isinstance(outcome, Refused)]
    for value in half_writable():
        outcome = trial.bench.outcome(lambda one, value=value: one.handler().write(value))
        refused += [(value, outcome.__cause__)] if isinstance(outcome, Refused) else []
    for value, error in refused:
        if isinstance(error, Exception) and (lack := not_standard(error)):
            _is_not_standard(trial, trial.handler(), "write", value, lack, one_line(error))
    handler = trial.handler("reader")
    [value] = trial.accepted(1)
    handler.write(value)
    raised = [(probe, outcome) for probe, _, outcome in _probed_if_possible(trial) if outcome.error and not outcome.fatal]
    raised += [
        (probe, outcome) for probe in forged(_json(handler.write(value))) if (outcome := handler.attempt_read(probe)).error
    ]
    for probe, outcome in raised:
        if outcome.verdict is not None:
            _is_not_standard(trial, handler, "read", probe, outcome.verdict, str(outcome.error))
    if not refused and not raised:
        raise Untested("no error could be provoked")
    return f"{len(refused) + len(raised)} errors"


def _probed_if_possible(trial: Trial) -> list[Probed]:
    try:
        return _probed(trial)[1]
    except Untested:
        return []


def _is_not_standard(trial: Trial, handler: Handle, method: str, argument: Any, lack: str, error: str) -> NoReturn:
    if trial.script is not None:
        trial.script.do(f"{handler.name}.{method}({trial.script.of(argument)})")
    raise Violation(
        f"{method}({shown(argument)}) raised an error that callers cannot be expected to know: {lack}",
        expected=f"one of {', '.join(cls.__name__ for cls in STANDARD_ERRORS)}, with its cause",
        actual=error,
    )
