"""What reading withstands: references and stored values that somebody made with ill intent."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ...attacks.hostile import exhausting, naming
from ...attacks.intruding import (
    MEMORY,
    PROCESSOR,
    Attack,
    Attacked,
    Errand,
    Seen,
    Strain,
    Strained,
    attacked,
    read_bounded,
    read_watched,
)
from ...attacks.planting import Neighbour, plant, root_of, special_targets
from ...attacks.tampering import replacements
from ...checking import NotApplicable, Refused, Untested, Violation, check
from ...processes.interpreters import WorkerDied, WorkerFailed
from ...storage import Files
from ...trials.trial import Handle, Trial, fresh
from ...values.source import shown, source_of
from .common import ENOUGH, canary_values_or_none, run_elsewhere, tamper_expression

_MOST_ATTACKED = 3
_MOST_DEATHS = 3


def must_keep_elsewhere(trial: Trial) -> None:
    """Leave out handlers whose references hold the values.

    Raises:
        NotApplicable: The handler is one of them.
    """
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value, so there is no storage to leave")


@check("private.confined-read")
def references_lead_nowhere_else(trial: Trial) -> str:
    """Valid values, pipes and devices are planted outside the storage; references that name them are read in another process."""
    must_keep_elsewhere(trial)
    mine, theirs = _two_values(trial)
    handler = trial.handler()
    own = handler.write(fresh(mine))
    neighbour = _neighbour(trial, theirs)
    outside = trial.store("outside")
    errand = plant(handler.handler, own, trial.store(), neighbour, outside)
    seen, skipped = _read_watched(trial, errand)
    for one in seen:
        read = neighbour is not None and one.outcome.error is None and trial.differs(theirs, one.outcome.value) is None
        if read and trial.differs(mine, theirs) is None:
            read = False  # the same value lies within the storage, too
        if not read and not one.opened:
            continue
        _confined_script(trial, mine, theirs, neighbour is not None)
        raise Violation(
            f"the reference {shown(_without_ups(errand.references[one.index]))} made the handler read outside its storage",
            expected="an exception, and nothing opened outside",
            actual=f"it opened {one.opened[0]}"
            if one.opened
            else f"read returned {shown(one.outcome.value)}, which lies outside",
        )
    valid = "a valid value" if neighbour is not None else "no valid value, for want of a second store, but files"
    return f"{len(errand.references) - skipped} hostile references, with {valid} planted outside"


def _two_values(trial: Trial) -> tuple[Any, Any]:
    """Two values that the handler gives back and that differ from each other, where the domain has two."""
    values = trial.accepted(ENOUGH)
    other = next((value for value in values[1:] if trial.differs(values[0], value) is not None), values[0])
    return values[0], other


def _neighbour(trial: Trial, value: Any) -> Neighbour | None:
    """A second store with a value in it, or None where the handler keeps no files or every handler has the same store."""
    if not trial.maker.takes_scratch:
        return None
    script, trial.script = trial.script, None
    try:
        elsewhere = trial.handler("elsewhere", "store-elsewhere")
        reference = elsewhere.write(fresh(value))
    finally:
        trial.script = script
    directory = trial.store("store-elsewhere")
    return Neighbour(directory, reference) if Files(directory).names() else None


def _read_watched(trial: Trial, errand: Errand) -> tuple[list[Seen], int]:
    """Read all references there; one that ends the process is left out, since other rules speak of that."""
    references = list(errand.references)
    skipped: list[int] = []
    for _ in range(_MOST_DEATHS):
        worker = trial.bench.worker()
        trial.bench.beat = time.monotonic()
        try:
            return worker.call(read_watched, trial.store(), attrs.evolve(errand, references=references)), len(skipped)
        except WorkerFailed as failure:
            raise Untested(f"the handler cannot be used in another process: {failure}") from failure
        except WorkerDied:
            trial.bench.retire(worker)
            text = Path(errand.progress).read_text().strip() if Path(errand.progress).exists() else ""
            if not text:
                break
            skipped.append(int(text))
            references[int(text)] = None
    raise Untested("the process that read hostile references died again and again")


def _without_ups(reference: Any) -> Any:
    return json.loads(json.dumps(reference).replace("../" * 24, "../../.../"))


def _confined_script(trial: Trial, mine: Any, theirs: Any, planted: bool) -> None:
    if trial.script is None:
        return
    script = trial.script
    script.do(
        "from resultspec_conformance.attacks.intruding import read_watched",
        "from resultspec_conformance.attacks.planting import Neighbour, plant",
    )
    neighbour = "None"
    if planted:
        script.do('(scratch / "store-elsewhere").mkdir()', f"elsewhere = {script.handler('store-elsewhere')}")
        script.do(f"theirs = elsewhere.write({source_of(theirs)})")
        neighbour = 'Neighbour(scratch / "store-elsewhere", theirs)'
    script.do(
        '(scratch / "outside").mkdir()',
        f'errand = plant(handler, reference, scratch / "store", {neighbour}, scratch / "outside")',
        "seen = read_watched(handler, errand)",
        f"foreign = [one for one in seen if one.opened or repr(one.outcome.value) == {repr(theirs)!r}]",
    )
    script.fails_unless(
        "not foreign", "'nothing read or opened outside'", "[(errand.references[one.index], one) for one in foreign]"
    )


@check("private.safe-read")
def payloads_are_not_run(trial: Trial) -> str:
    """Payloads that run code when they are loaded are put into references and stored values, and read in another process."""
    references = stored = 0
    reached = trial.bench.inline
    for number, value in enumerate(_of_different_kinds(trial)):
        if reached and number >= _MOST_ATTACKED:
            break
        found = _attacked(trial, value, number)
        references += found.references
        stored += found.stored or 0
        reached |= found.stored is not None
        if found.ran is None:
            continue
        if trial.script is not None:
            script, store = trial.script, f"attacked-{number}"
            trial.handler("handler", store)
            script.do(
                "from resultspec_conformance.attacks.intruding import Attack, attacked",
                "import cloudpickle",
                f"maker = cloudpickle.dumps(lambda directory: {trial.maker.expression('directory')})",
                '(scratch / "markers").mkdir()',
                f'attack = Attack(maker, {source_of(value)}, scratch / "{store}", scratch / "markers", {tamper_expression(trial)})',
                "ran = attacked(handler, attack).ran",
            )
        trial.fail(
            f"reading runs code: {found.ran}",
            expected="an exception, or a value; no code that the reference or the stored value brings along",
            actual=f"the payload was run when {shown(value)} had been written",
            unless="ran is None",
        )
    if not reached:
        raise Untested(_NO_DOOR)
    return f"{references} references and {stored} tampered stored values"


def _of_different_kinds(trial: Trial) -> Iterator[Any]:
    """Accepted values that may be stored in different ways: texts long enough to hide a payload in, containers, other types.

    Large ones come last, for handlers that keep only those outside the reference.
    """

    def is_accepted(value: Any) -> bool:
        return not isinstance(trial.bench.outcome(lambda one: one.handler().write(fresh(value)) and None), Refused)

    known: set[type] = set()
    canaries = [value for value, _ in canary_values_or_none(trial)]
    medium = [value for value in canaries if 200 < len(repr(value)) < 2_000]
    for value in (*medium, *canaries, *trial.accepted(ENOUGH)):
        if type(value) not in known and len(known) < _MOST_ATTACKED and is_accepted(value):
            known.add(type(value))
            yield value
    yield from [value for value in canaries if len(repr(value)) >= 2_000 and is_accepted(value)][:1]


def _attacked(trial: Trial, value: Any, number: int) -> Attacked:
    store, markers = trial.store(f"attacked-{number}"), trial.store(f"markers-{number}")
    attack = Attack(trial.bench.shipped, value, store, markers, trial.subject.tamper)
    found: Attacked = run_elsewhere(trial, attacked, store, attack)
    return found


@check("private.tamper-evident")
def replaced_values_are_not_served(trial: Trial) -> str:
    """Stored values are swapped, linked to each other and altered with checksums mended; no read may give another value."""
    must_keep_elsewhere(trial)
    if trial.subject.tamper is None and not trial.maker.takes_scratch:
        raise Untested(_NO_DOOR)
    for number, (mine, theirs) in enumerate(_pairs(trial)):
        store = f"tampered-{number}"
        tried = 0
        found = replacements(trial.maker, trial.store(store), fresh(mine), fresh(theirs), trial.subject.tamper)
        try:
            for replaced in found:
                trial.bench.beat = time.monotonic()
                tried += 1
                if replaced.outcome.error is None and trial.differs(mine, replaced.outcome.value) is not None:
                    _tampered_script(trial, store, mine, theirs)
                    raise Violation(
                        f"{replaced.how}, and read served it",
                        expected=f"an exception, or {shown(mine)}",
                        actual=f"read returned {shown(replaced.outcome.value)}",
                    )
        except (Violation, Untested):
            raise
        except Exception:  # noqa: BLE001, S112 - the handler refused one of the two values
            continue
        if tried:
            return f"{tried} replaced values"
    raise Untested(_NO_DOOR)


_NO_DOOR = "no stored value was found under the scratch directory that could be replaced; give the subject a door to its storage: tamper="


def _pairs(trial: Trial) -> Iterator[tuple[Any, Any]]:
    """Pairs of different values: of the same shape with different canaries, the medium ones first, or any two."""
    pairs = list(zip(canary_values_or_none(trial, 0), canary_values_or_none(trial, 1), strict=False))
    pairs.sort(key=lambda pair: not 200 < len(repr(pair[0][0])) < 2_000)
    yield from ((mine, theirs) for (mine, _), (theirs, _) in pairs if trial.differs(mine, theirs) is not None)
    mine, theirs = _two_values(trial)
    if trial.differs(mine, theirs) is not None:
        yield mine, theirs


def _tampered_script(trial: Trial, store: str, mine: Any, theirs: Any) -> None:
    if trial.script is None:
        return
    trial.script.do(
        "from resultspec_conformance.attacks.tampering import replacements",
        f'(scratch / "{store}").mkdir()',
        f"made_on = lambda directory: {trial.maker.expression('directory')}",
        f"mine, theirs = {source_of(mine)}, {source_of(theirs)}",
        f'found = list(replacements(made_on, scratch / "{store}", mine, theirs, {tamper_expression(trial)}))',
        "served = [one for one in found if one.outcome.error is None and repr(one.outcome.value) != repr(mine)]",
    )
    trial.script.fails_unless("not served", "'an exception, or ' + repr(mine)", "served[:1]")


@check("private.bounded-read")
def hostile_references_cost_little(trial: Trial) -> str:
    """References that are huge, deep or compressed bombs, and names of pipes and endless devices, are read under limits."""
    [value] = trial.accepted(1)
    handler = trial.handler()
    good = handler.write(fresh(value))
    strains = [Strain(kind, good) for kind in exhausting()]
    if not trial.bench.inline:
        strains.append(_special(trial, handler, good))
    read = 0
    for strain in strains:
        found = _strained(trial, strain)
        read += found.read
        if found.exceeded is None:
            continue
        kind = strain.kind or "the name of a pipe or an endless device"
        _bounded_script(trial, strain)
        raise Violation(
            f"reading {kind} exceeded the bounds: {found.exceeded}",
            expected=f"an exception within {PROCESSOR} seconds of processor time and {MEMORY >> 20} MB of memory",
            actual=found.exceeded,
        )
    return f"{read} hostile references"


def _special(trial: Trial, handler: Handle, good: Any) -> Strain:
    outside, store = trial.store("outside"), trial.store()
    targets = special_targets(good, Files(store).names(), outside)
    references = [*naming(good, targets), *targets]
    return Strain("", good, references, (str(outside.resolve()),), (str(root_of(handler.handler, store)),))


def _strained(trial: Trial, strain: Strain) -> Strained:
    worker = trial.bench.worker()
    trial.bench.beat = time.monotonic()
    try:
        found: Strained = worker.call(read_bounded, trial.store(), strain)
    except WorkerDied as death:
        trial.bench.retire(worker)
        killed = str(death) == f"died by signal {signal.SIGXCPU.value}"
        told = f"took more than {PROCESSOR} seconds of processor time" if killed else f"the process that read it {death}"
        return Strained(1, told)
    except WorkerFailed as failure:
        raise Untested(f"the handler cannot be used in another process: {failure}") from failure
    return found


def _bounded_script(trial: Trial, strain: Strain) -> None:
    if trial.script is None:
        return
    trial.script.do("from resultspec_conformance.attacks.intruding import Strain, read_bounded")
    special = ""
    if not strain.kind:
        trial.script.do(
            "from resultspec_conformance.attacks.hostile import naming",
            "from resultspec_conformance.attacks.planting import special_targets",
            "from resultspec_conformance.storage import Files",
            '(scratch / "outside").mkdir()',
            'paths = special_targets(reference, Files(scratch / "store").names(), scratch / "outside")',
        )
        special = ', [*naming(reference, paths), *paths], (str((scratch / "outside").resolve()),), (str(scratch / "store"),)'
    trial.script.do(
        "# A process that uses too much processor time is killed here.",
        f"exceeded = read_bounded(handler, Strain({strain.kind!r}, reference{special})).exceeded",
    )
    trial.script.fails_unless("exceeded is None", "'an exception within the bounds'", "exceeded")
