"""Checks of the class *private*: what a handler keeps confidential, and what it withstands."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from ..attacks.hostile import exhausting, naming
from ..attacks.intruding import (
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
from ..attacks.planting import Neighbour, plant, root_of, special_targets
from ..attacks.tampering import replacements
from ..checking import NotApplicable, Refused, Untested, Violation, check
from ..processes.interpreters import Operation, WorkerDied, WorkerFailed
from ..secrets.canaries import canaries, canary_text
from ..secrets.credentials import credentials_of
from ..secrets.listening import overheard
from ..secrets.modes import Modes, modes_of_files
from ..secrets.provoking import Provocation, Provoked, provoked, unsuitable
from ..secrets.recognising import secret_of
from ..secrets.revealing import Revealed, Secret, revealed
from ..storage import Files
from ..trials.bulk import bulky
from ..trials.trial import Handle, Trial, fresh
from ..values.source import shown, source_of

_MOST_CANARIES = 12
_MOST_ATTACKED = 3
_ENOUGH = 60
_MOST_DEATHS = 3


def _canaries(trial: Trial, number: int = 0) -> list[tuple[Any, Secret]]:
    """Fresh values of the domain that carry a canary.

    Raises:
        Untested: The domain has none.
    """
    found = []
    for value, secret in canaries(trial.bench.domain, trial.accepted(_ENOUGH), number):
        found.append((fresh(value), secret))
        if len(found) >= _MOST_CANARIES:
            break
    if not found:
        raise Untested("the domain has no value that would be recognised elsewhere; give values= that have long texts or numbers")
    return found


@check("private.opaque-reference")
def references_reveal_nothing(trial: Trial) -> str:
    """Values that carry a canary are written, and their references searched for it, plain and encoded."""
    written = 0
    for value, secret in _canaries(trial):
        outcome = trial.bench.outcome(lambda one, value=value, secret=secret: _reveals_nothing(one, fresh(value), secret))
        if isinstance(outcome, Violation):
            _reveals_nothing(trial, value, secret)
            raise outcome
        written += not isinstance(outcome, Refused)
    if not written:
        raise Untested("the handler refused every value that would be recognised; give values= that have long texts or numbers")
    return f"{written} references"


def _reveals_nothing(trial: Trial, value: Any, secret: Secret) -> None:
    reference = trial.handler().write(value)
    found = _shown_by(reference, secret)
    if found is None or _by_chance(trial, secret):
        return
    if trial.script is not None:
        trial.script.do("from resultspec_conformance.secrets.recognising import secret_of", *_REVEALED)
    trial.fail(
        f"the reference reveals {found}",
        expected="a reference that says nothing of the value, such as a random name",
        actual=f"{shown(reference)} for {shown(value)}",
        unless="revealed(json.dumps(reference, ensure_ascii=False), [secret_of(value)]) is None",
    )


def _shown_by(reference: Any, secret: Secret) -> Revealed | None:
    return revealed(json.dumps(reference, ensure_ascii=False), [secret]) or revealed(json.dumps(reference), [secret])


def _by_chance(trial: Trial, secret: Secret) -> bool:
    """Whether a reference to another value shows the same, as it does where values are made of common words."""
    for other in trial.accepted(_ENOUGH):
        if revealed(repr(other), [secret]) is None:
            script, trial.script = trial.script, None
            try:
                return _shown_by(trial.handler("another").write(other), secret) is not None
            finally:
                trial.script = script
    return False


@check("private.opaque-reference")
def references_show_no_beginning(trial: Trial) -> str:
    """Values with different beginnings and ends are written; a few characters in every reference are no chance any more."""
    handler = trial.handler()
    shown_by: dict[bytes, tuple[Any, bytes]] = {}
    for number in range(_PREVIEWS):
        for value, secret in _canaries(trial, number):
            with suppress(Refused):
                reference = handler.write(value)
                shown_by.setdefault(secret.pieces[0].lower(), (value, json.dumps(reference).lower().encode()))
                break
    if len(shown_by) < _PREVIEWS:
        raise Untested("the domain has too few values that would be recognised elsewhere")
    for part, where in ((slice(_FEW), "beginning"), (slice(-_FEW, None), "end")):
        if all(piece[part] in text for piece, (_, text) in shown_by.items()):
            value, text = next(iter(shown_by.values()))
            raise Violation(
                f"the reference reveals the {where} of the value",
                expected="a reference that says nothing of the value, such as a random name",
                actual=f"{shown(text.decode())} for {shown(value)}",
            )
    return f"and {len(shown_by)} beginnings and ends"


_PREVIEWS = 6
_FEW = 4

_DECLARED = 'credentials = os.environ.get("CREDENTIALS", "").split()  # what the subject declares is not written down'
_REVEALED = ("from resultspec_conformance.secrets.revealing import revealed",)


@check("private.quiet-errors")
def errors_and_logs_keep_quiet(trial: Trial) -> str:
    """Errors of every kind are provoked in another process, with canaries in the values, and everything that comes out is searched."""
    values = [value for value, _ in _canaries(trial) if len(repr(value)) < 2_000]
    store = trial.store()
    provocation = Provocation(values, canary_text(), trial.subject.credentials, store, trial.subject.tamper)
    undamaged = ""
    _is_made_quietly(trial)
    try:
        found: Provoked = _there(trial, provoked, store, provocation)
    except Untested as end:  # who maps files into memory dies of one that was cut: the other errors can be provoked still
        provocation = attrs.evolve(provocation, directory=trial.store("undamaged"), damaging=False)
        found = _there(trial, provoked, provocation.directory, provocation)
        undamaged = f"; stored values were not damaged, since then {end}"
    if (leak := found.leak) is not None:
        if trial.script is not None:
            trial.handler()
            trial.script.do(
                "import os",
                "from resultspec_conformance.secrets.provoking import Provocation, provoked",
                f"values = [{', '.join(map(trial.script.of, values))}]",
                _DECLARED,
                f"tamper = {_tamper(trial)}",
                f'provocation = Provocation(values, {canary_text()!r}, credentials, scratch / "store", tamper, {provocation.damaging})',
                "leak = provoked(handler, provocation).leak",
            )
        trial.fail(
            f"{leak.action} lets out {leak.secret}, in {leak.channel}",
            expected="errors, log records and warnings that carry neither the value nor a credential",
            actual=f"{leak.channel}: {leak.excerpt!r}" if leak.of_value else f"{leak.channel}, which is not repeated here",
            unless="leak is None",
        )
    if not found.errors:
        raise Untested("no error could be provoked")
    told = ", ".join(f"{count} by {kind}" for kind, count in found.errors.items())
    return f"{sum(found.errors.values())} errors ({told}); {found.credentials} credentials{undamaged}"


def _is_made_quietly(trial: Trial) -> None:
    """Listen to a handler that is made, which has no value yet to tell, and credentials."""
    script, trial.script = trial.script, None
    try:
        heard = overheard(lambda: trial.handler("made"))
    finally:
        trial.script = script
    if heard.error is not None:
        return
    credentials = credentials_of(heard.value.handler, trial.subject.credentials)
    for said in heard.said:
        if (leak := revealed(said.text, credentials)) is not None:
            if trial.script is not None:
                trial.script.do(
                    "import os",
                    "from resultspec_conformance.secrets.credentials import credentials_of",
                    "from resultspec_conformance.secrets.listening import overheard",
                    *_REVEALED,
                    _DECLARED,
                    f"heard = overheard(lambda: {trial.maker.expression('scratch')})",
                    "secrets = credentials_of(heard.value, credentials)",
                )
            trial.fail(
                f"making a handler lets out {leak}, in {said.channel}",
                expected="errors, log records and warnings that carry neither the value nor a credential",
                actual=f"{said.channel}, which is not repeated here",
                unless="not [said for said in heard.said if revealed(said.text, secrets)]",
            )


def _tamper(trial: Trial) -> str:
    return "None" if trial.subject.tamper is None else trial.script.of(trial.subject.tamper) if trial.script else ""


@check("private.quiet-repr")
def the_handler_itself_keeps_quiet(trial: Trial) -> str:
    """The handler's repr, str and format are searched for values that it wrote and read, and for its credentials."""
    handler = trial.handler()
    credentials = credentials_of(handler.handler, trial.subject.credentials)
    _is_quiet(trial, handler, credentials)
    pristine = _all_told(handler)

    def shows_no(secret: Secret) -> None:
        """Search what the handler says now, where that is something else than before it knew the value."""
        if _all_told(handler) != pristine and revealed(pristine, [secret]) is None:  # else it is a value of common words
            _is_quiet(trial, handler, [secret, *credentials])

    values = 0
    try:
        found = _canaries(trial)
    except Untested:
        found = [(value, secret_of(value)) for value in trial.accepted(1)]
    for value, secret in found:
        try:
            reference = handler.write(fresh(value))
        except Refused:
            continue
        shows_no(secret)
        handler.attempt_read(reference)
        shows_no(secret)
        values += bool(secret.pieces)
    for value in unsuitable(canary_text()):
        with suppress(Refused):
            handler.write(value)
            continue
        shows_no(secret_of(value))
    if not values and not credentials:
        raise Untested("there is neither a value that would be recognised nor a credential; name the subject's credentials=")
    return f"{values} values and {len(credentials)} credentials"


def _all_told(handler: Handle) -> str:
    return " ".join(filter(None, (_told(tell, handler) for tell in _TELLINGS.values())))


def _is_quiet(trial: Trial, handler: Handle, secrets: Sequence[Secret]) -> None:
    for name, tell in _TELLINGS.items():
        text = _told(tell, handler)
        if text is None or (found := revealed(text, secrets)) is None:
            continue
        of_value = found.secret.what == "the value"
        if trial.script is not None:
            secret = "secret_of(value)" if of_value else "*credentials_of(handler, credentials)"
            trial.script.do(
                "import os",
                _DECLARED,
                "from resultspec_conformance.secrets.recognising import secret_of",
                "from resultspec_conformance.secrets.credentials import credentials_of",
                *_REVEALED,
            )
        else:
            secret = ""
        trial.fail(
            f"{name} of the handler carries {found}",
            expected="a text that shows neither values nor credentials",
            actual=shown(text) if of_value else f"{name}, which is not repeated here, shows it",
            unless=f"revealed({'repr' if name == 'the repr' else 'str'}(handler), [{secret}]) is None",
        )


def _told(tell: Callable[[Any], str], handler: Handle) -> str | None:
    try:
        return tell(handler.handler)
    except Exception:  # noqa: BLE001 - what raises prints nothing
        return None


_TELLINGS: dict[str, Callable[[Any], str]] = {"the repr": repr, "the str": str, "the format": format}


def _external(trial: Trial) -> None:
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value, so there is no storage to leave")


@check("private.confined-read")
def references_lead_nowhere_else(trial: Trial) -> str:
    """Valid values, pipes and devices are planted outside the storage; references that name them are read in another process."""
    _external(trial)
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
    values = trial.accepted(_ENOUGH)
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
                f'attack = Attack(maker, {source_of(value)}, scratch / "{store}", scratch / "markers", {_tamper(trial)})',
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
    canaries = [value for value, _ in _canaries_or_none(trial)]
    medium = [value for value in canaries if 200 < len(repr(value)) < 2_000]
    for value in (*medium, *canaries, *trial.accepted(_ENOUGH)):
        if type(value) not in known and len(known) < _MOST_ATTACKED and is_accepted(value):
            known.add(type(value))
            yield value
    yield from [value for value in canaries if len(repr(value)) >= 2_000 and is_accepted(value)][:1]


def _canaries_or_none(trial: Trial, number: int = 0) -> list[tuple[Any, Secret]]:
    try:
        return _canaries(trial, number)
    except Untested:
        return []


def _attacked(trial: Trial, value: Any, number: int) -> Attacked:
    store, markers = trial.store(f"attacked-{number}"), trial.store(f"markers-{number}")
    attack = Attack(trial.bench.shipped, value, store, markers, trial.subject.tamper)
    found: Attacked = _there(trial, attacked, store, attack)
    return found


def _there(trial: Trial, operation: Operation, store: Path, errand: object) -> Any:
    """Run a function in the other process; that the process dies is no finding of these rules."""
    worker = trial.bench.worker()
    trial.bench.beat = time.monotonic()
    try:
        return worker.call(operation, store, errand)
    except WorkerDied as death:
        trial.bench.retire(worker)
        raise Untested(f"the other process {death}") from death
    except WorkerFailed as failure:
        raise Untested(f"the handler cannot be used in another process: {failure}") from failure


@check("private.tamper-evident")
def replaced_values_are_not_served(trial: Trial) -> str:
    """Stored values are swapped, linked to each other and altered with checksums mended; no read may give another value."""
    _external(trial)
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
    pairs = list(zip(_canaries_or_none(trial, 0), _canaries_or_none(trial, 1), strict=False))
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
        f'found = list(replacements(made_on, scratch / "{store}", mine, theirs, {_tamper(trial)}))',
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


@check("private.file-mode")
def files_are_their_owners_alone(trial: Trial) -> str:
    """Values are written in another process under umask 022, and the mode of every file below the scratch directory is looked at."""
    _external(trial)
    values = [*trial.accepted(6), *bulky(trial)[:1]]
    store = trial.store()
    found: Modes = _there(trial, modes_of_files, store, (store, [fresh(value) for value in values]))
    if found.open_to_others:
        name, mode = found.open_to_others[0]
        if trial.script is not None:
            trial.script.do("import os", "os.umask(0o022)")
            trial.handler().write(values[0])
            trial.script.do("modes = {str(path): oct(path.stat().st_mode) for path in scratch.rglob('*') if path.is_file()}")
        trial.fail(
            "others can read a file of the handler",
            expected="files that their owner alone can read, such as 0o600",
            actual=f"{name} has mode {mode:#o}",
            unless="not [path for path in scratch.rglob('*') if path.is_file() and path.stat().st_mode & 0o044]",
        )
    if not found.files:
        raise Untested("no file was found below the scratch directory")
    return f"{found.files} files"
