"""What a handler keeps through exits, crashes and faults: the family *durable*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="durable.exit",
        cls="durable",
        level=Level.MUST,
        statement="A value must be readable after the process that wrote it has exited.",
        law=code("""
            assume(v in domain(h))
            r = in_fresh_process(lambda: twin(h).write(v))
            assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that results outlive the worker that made them, as workers come and go. A "
            "queue that is flushed later, or a directory that is removed at exit, loses exactly the results of the "
            "runs that ended well."
        ),
        requires=("shared.process",),
        hints=(
            "Check whether values wait in a queue or a daemon thread when write returns.",
            "Check whether the storage is a `TemporaryDirectory`, or is removed by `atexit`, `close` or `__del__`.",
            "Check whether values live in memory or in a server that the writing process started.",
        ),
    ),
    Rule(
        id="durable.kill",
        cls="durable",
        level=Level.MUST,
        statement="Every reference that write returned must survive SIGKILL of the writer at any moment.",
        law=code("""
            returned = kill_while_writing(h, vs).returned
            for r, v in returned:
                assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that an engine that has recorded a reference can rely on it. Workers are "
            "killed by memory limits, preemption and impatient people, without a chance to flush or to clean up, also "
            "in the midst of a later write."
        ),
        requires=("durable.exit",),
        hints=(
            "Check whether data is still in a buffer of the process when write returns; close or flush the file first.",
            "Check whether an index or another shared file is rewritten in place; write a new one and rename it.",
            "Check that a transaction is committed before write returns.",
        ),
    ),
    Rule(
        id="durable.all-or-nothing",
        cls="durable",
        level=Level.MUST,
        statement="A read must return the whole value or raise, also when the writer was killed or has not finished.",
        law=code("""
            assume(v in domain(h))
            for r in kill_while_writing(h, [v]).returned_or_foreseeable:
                w = outcome(lambda: h.read(r))
                assert isinstance(w, Exception) or equal(w, v)
        """),
        intent=(
            "The intent of this rule is that half a data set is never taken for a whole one. A name that can be "
            "foreseen, such as a fixed one or a digest of the content, is found by readers before the data under it is "
            "complete, and a table cut between two rows still parses. Damage done later by others is the matter of "
            "durable.corruption."
        ),
        requires=("handler.round-trip",),
        hints=(
            ("Check whether write opens the final name; write to a temporary name in the same directory and `os.replace` it."),
            ("Check whether the temporary file is on another file system, where `shutil.move` copies instead of renaming."),
            (
                "Check whether the format can be cut unnoticed, as CSV, JSON lines and plain text can; store the "
                "length or a checksum."
            ),
            "Check whether a value of several parts can be found before its last part is written.",
        ),
    ),
    Rule(
        id="durable.full-disk",
        cls="durable",
        level=Level.MUST,
        statement="A write that runs out of space must raise an error and leave every earlier reference readable.",
        law=code("""
            r = h.write(v)
            with full_disk(h), raises(Exception):
                h.write(bigger(v))
            assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that a full disk fails the task that met it and no other. Space runs out in "
            "the middle of a file, or only when it is closed, so that an error dropped there acknowledges a value that "
            "was never stored."
        ),
        requires=("handler.failed-write",),
        hints=(
            "Check whether an error of `close`, `flush` or `fsync` is dropped: space can run out there and not before.",
            "Check whether the count that `os.write` or a raw file returns is ignored; it can be short.",
            "Check whether an `except OSError` logs and goes on.",
            "Check whether a shared file is truncated before its new content is safely written.",
        ),
    ),
    Rule(
        id="durable.synced",
        cls="durable",
        level=Level.SHOULD,
        statement="A write should bring the data and its name to the disk before it returns the reference.",
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            cut_power()
            assert equal(twin(h).read(r), v)
        """),
        intent=(
            "The intent of this rule is that a recorded reference survives a power failure, after which an engine "
            "resumes the run from what it has recorded. Without syncing, the system can write the data half a minute "
            "later; without syncing the directory, the file has no name after the restart."
        ),
        requires=("durable.exit",),
        hints=(
            "Check that the file is flushed and given to `os.fsync` before it is renamed to its final name.",
            ("Check that the directory is given to `os.fsync` after the rename, and the parents of a directory that is new."),
            "Check whether a database runs with syncing turned off, such as `PRAGMA synchronous=OFF`.",
        ),
    ),
    Rule(
        id="durable.corruption",
        cls="durable",
        level=Level.SHOULD,
        statement="A read should raise an error when the stored value was altered or cut.",
        law=code("""
            assume(external(h) and v in domain(h))
            r = h.write(v)
            damage(h, r)
            with raises(Exception):
                h.read(r)
        """),
        intent=(
            "The intent of this rule is that damaged data is never passed to a task: neither a changed number nor an "
            "empty or shortened value nor None. Disks, interrupted copies and careless scripts damage files; a "
            "checksum is enough here, since no adversary is assumed."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check that a checksum of the stored bytes is kept with them and compared before they are decoded.",
            "Check that the checksum covers headers and metadata too, and that the length is part of what is compared.",
            "Check whether the decoder ignores what follows the end of its data, as `pickle.load` does.",
            "Check whether a failure to decode is caught and answered with a default.",
        ),
    ),
    Rule(
        id="durable.no-residue",
        cls="durable",
        level=Level.SHOULD,
        statement="A failed write should leave nothing behind in the storage.",
        law=code("""
            assume(external(h))
            h.write(v)
            before = storage(h)
            with raises(Exception):
                h.write(refused)
            assert storage(h) == before
        """),
        intent=(
            "The intent of this rule is that failures do not fill the storage with temporary files and half-written "
            "objects that nobody refers to and nobody dares to delete. A database's own journal, log and index files "
            "are no residue."
        ),
        requires=("handler.failed-write",),
        hints=(
            "Check that the temporary file is removed in `finally`, or in `except BaseException`.",
            (
                "Check whether the file, row or object is created before the value is encoded; encode first, or under "
                "a temporary name."
            ),
            "Check that an upload in parts is aborted when it fails.",
            "Check whether a directory made for the value stays behind empty.",
        ),
    ),
)
