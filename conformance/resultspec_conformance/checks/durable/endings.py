"""What is there after a process that wrote has come to its end: by itself, by SIGKILL, or with the machine."""

from collections.abc import Sequence
from typing import Any

from ...checking import Untested, Violation, check
from ...processes import writers
from ...processes.killing import series
from ...processes.writing import ALL_ARE_READ, Writer, problem, write_down
from ...trials.bulk import bulky, stored
from ...trials.trial import NOTHING_STORED, Trial
from ...values.source import shown
from .space import ending

_EXIT_VALUES = 12


@check("durable.exit", company="seeks")
def an_exited_process_leaves_its_values(trial: Trial) -> str:
    """A process writes, and exits as any interpreter does: exit functions run, daemon threads are lost; then this one reads."""
    values = [*trial.accepted(_EXIT_VALUES), *bulky(trial)]
    writer = Writer(trial, "store", values)
    ended = writer.ask(writers.write_and_exit)
    told = writer.acknowledged()
    if len(told) < len(values):
        raise Violation(
            "a process that writes died", expected=f"{len(values)} references", actual=f"{len(told)}, and {ending(ended)}"
        )
    reader = writer.reader()
    for one in told:
        if one.error is not None:
            raise Violation(
                "another process could not write what this one can",
                expected=f"a reference for {shown(values[one.index])}",
                actual=one.error,
            )
        outcome = reader.attempt_read(one.reference)
        if problem(trial, outcome, values[one.index]) is not None:
            _exit_script(trial, values[one.index])
            raise Violation(
                "a value is not there any more after the process that wrote it has exited",
                expected=shown(values[one.index]),
                actual=outcome.error or shown(outcome.value),
            )
    return f"{len(values)} values of a process that has exited"


def _exit_script(trial: Trial, value: Any) -> None:
    if trial.script is not None:
        trial.script.do('(scratch / "store").mkdir()', f"value = {trial.script.of(value)}")
        trial.script.do(f"reference = {trial.script.in_fresh_process('write', 'store', 'value')}")
        trial.script.do(f"handler = {trial.script.handler('store')}", "read_back = handler.read(reference)")
        trial.script.fails_unless("repr(read_back) == repr(value)", "value", "read_back")


@check("durable.kill", company="seeks")
def what_was_acknowledged_survives_kills(trial: Trial) -> str:
    """Writers are killed by SIGKILL before each system call that alters the storage, within long writes, and after each return."""
    found = series(trial)
    if found.lost is not None:
        raise found.lost
    return found.told()


@check("durable.all-or-nothing", company="seeks")
def nothing_is_read_in_part(trial: Trial) -> str:
    """After each kill, and while a process writes, every reference is read that was returned or can be foreseen."""
    found = series(trial)
    if found.partial is not None:
        raise found.partial
    return found.told()


@check("durable.synced", company="seeks")
def what_was_not_synced_is_not_missed(trial: Trial) -> str:
    """The store is put back to what had been synced when write returned, as a power cut would leave it, and is read.

    Syncing is seen in the system calls of a process that writes: fsync, fdatasync, msync, sync, syncfs, and files opened
    with O_SYNC or O_DSYNC. (sync_file_range does not count: it leaves the size of a new file to chance.) A removal counts
    as done, and directories that were there before need no sync.
    """
    values = [*stored(trial, 1, "nothing to sync"), *bulky(trial)[:1]]
    writer = Writer(trial, "store", values)
    lost, unseen, why_not = writer.ask(writers.write_and_lose_power)
    if why_not is not None:
        raise Untested(f"it cannot be seen here what is synced: {why_not}")
    if not any(trial.scratch.glob("store.lost/*")):
        raise Untested(f"{NOTHING_STORED}, so that it cannot be seen what is synced")
    reader = writer.reader()
    for one in writer.acknowledged():
        if one.error is not None:
            continue
        outcome = reader.attempt_read(one.reference)
        if problem(trial, outcome, values[one.index]) is not None:
            if not _survives_a_kill(trial, values):
                raise Untested("a kill alone loses what was written, power cut or not; see durable.kill")
            if unseen:
                raise Untested(
                    f"it cannot be seen what is synced of {', '.join(unseen[:3])}: something else wrote it, such as a process "
                    "that the handler starts, and only the process that calls write can be followed"
                )
            write_down(trial, values, ["writers.write_and_lose_power(make, order)", *ALL_ARE_READ])
            raise Violation(
                f"write returned before the disk had it all; a power cut would lose {', '.join(lost[:6])}",
                expected=shown(values[one.index]),
                actual=outcome.error or shown(outcome.value),
            )
    return f"{len(values)} values survive a power cut" + (f", which loses {', '.join(lost[:6])}" if lost else "")


def _survives_a_kill(trial: Trial, values: Sequence[Any]) -> bool:
    """Whether the values are there when their writer was killed right after the last write returned."""
    moments, _ = Writer(trial, "undisturbed", values).ask(writers.moments)
    writer = Writer(trial, "killed", values)
    writer.ask(writers.write_and_die, len(moments) - 1)
    reader = writer.reader()
    told = [one for one in writer.acknowledged() if one.error is None]
    return all(problem(trial, reader.attempt_read(one.reference), values[one.index]) is None for one in told)
