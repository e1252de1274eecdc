"""What references, errors, logs, reprs and files give away."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import attrs

from ...checking import Refused, Untested, Violation, check
from ...secrets.canaries import canary_text
from ...secrets.credentials import credentials_of
from ...secrets.listening import overheard
from ...secrets.modes import Modes, modes_of_files
from ...secrets.provoking import Provocation, Provoked, provoked, unsuitable
from ...secrets.recognising import secret_of
from ...secrets.revealing import Revealed, Secret, revealed
from ...trials.bulk import bulky
from ...trials.trial import Handle, Trial, fresh
from ...values.source import shown
from .common import ENOUGH, canary_values, run_elsewhere, tamper_expression
from .hostility import must_keep_elsewhere


@check("private.opaque-reference")
def references_reveal_nothing(trial: Trial) -> str:
    """Values that carry a canary are written, and their references searched for it, plain and encoded."""
    written = 0
    for value, secret in canary_values(trial):
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
    for other in trial.accepted(ENOUGH):
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
        for value, secret in canary_values(trial, number):
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
    values = [value for value, _ in canary_values(trial) if len(repr(value)) < 2_000]
    store = trial.store()
    provocation = Provocation(values, canary_text(), trial.subject.credentials, store, trial.subject.tamper)
    undamaged = ""
    _is_made_quietly(trial)
    try:
        found: Provoked = run_elsewhere(trial, provoked, store, provocation)
    except Untested as end:  # who maps files into memory dies of one that was cut: the other errors can be provoked still
        provocation = attrs.evolve(provocation, directory=trial.store("undamaged"), damaging=False)
        found = run_elsewhere(trial, provoked, provocation.directory, provocation)
        undamaged = f"; stored values were not damaged, since then {end}"
    if (leak := found.leak) is not None:
        if trial.script is not None:
            trial.handler()
            trial.script.do(
                "import os",
                "from resultspec_conformance.secrets.provoking import Provocation, provoked",
                f"values = [{', '.join(map(trial.script.of, values))}]",
                _DECLARED,
                f"tamper = {tamper_expression(trial)}",
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
        found = canary_values(trial)
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


@check("private.file-mode")
def files_are_their_owners_alone(trial: Trial) -> str:
    """Values are written in another process under umask 022, and the mode of every file below the scratch directory is looked at."""
    must_keep_elsewhere(trial)
    values = [*trial.accepted(6), *bulky(trial)[:1]]
    store = trial.store()
    found: Modes = run_elsewhere(trial, modes_of_files, store, (store, [fresh(value) for value in values]))
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
