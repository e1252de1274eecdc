"""What a handler keeps when another instance, thread or process uses the same storage: the family *shared*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="shared.instance",
        cls="shared",
        level=Level.MUST,
        statement="A second handler with the same configuration must read the references of the first.",
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            assert equal(twin(h).read(r), v)
        """),
        intent=(
            "The intent of this rule is that an engine can make the handler anew wherever it needs one. What lives in "
            "the instance alone, such as a dict of values, a counter or a directory made at random, is lost to every "
            "other instance."
        ),
        requires=("handler.reference-transport",),
        hints=(
            "Check whether values, an index or a counter live in attributes of the instance.",
            "Check whether write commits its transaction and flushes its buffer: until then the value is this instance's alone.",
            ("Check whether the constructor makes up a directory, a prefix or a key that the configuration does not name."),
            "Check whether read relies on something that only write prepares, such as a connection or a cache.",
        ),
    ),
    Rule(
        id="shared.pickle",
        cls="shared",
        level=Level.MUST,
        statement="A handler that was pickled, also by cloudpickle, must write and read as the original does.",
        law=code("""
            assume(v in domain(h))
            for dumps in (pickle.dumps, cloudpickle.dumps):
                g = pickle.loads(dumps(h))
                assert equal(g.read(h.write(v)), v)
                assert equal(h.read(g.write(v)), v)
        """),
        intent=(
            "The intent of this rule is that tasks can carry their handlers to the workers that run them. A lock, a "
            "client or an open file among the attributes makes every distributed run fail before it begins."
        ),
        requires=("shared.instance",),
        hints=(
            (
                "Check whether the handler holds a lock, a client, an open file or a lambda; drop it in `__getstate__` "
                "and make it anew when needed."
            ),
            "Check that `__getstate__`, `__reduce__` or `__slots__` lose no option of the configuration.",
            "Check whether the class is defined within a function, where pickle cannot find it by name.",
        ),
    ),
    Rule(
        id="shared.process",
        cls="shared",
        level=Level.MUST,
        statement=(
            "A handler with the same configuration must read the reference in a fresh interpreter that runs in another "
            "working directory."
        ),
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            assert equal(in_fresh_process(lambda: twin(h).read(r), cwd=elsewhere), v)
        """),
        intent=(
            "The intent of this rule is that a reference means the same everywhere. A relative path, a salted hash or "
            "a table in memory is right only in the process that wrote it, while retries and downstream tasks run in "
            "others."
        ),
        requires=("shared.instance",),
        hints=(
            (
                "Check whether the reference or the configuration holds a relative path; make it absolute when the "
                "handler is constructed."
            ),
            ("Check whether the key is made of `hash()` of text, which differs from one process to the next, or of `id()`."),
            "Check whether values or names live in a module-level dict or in memory of the process.",
            "Check whether the stored value can be decoded only where the writing module is `__main__`.",
        ),
    ),
    Rule(
        id="shared.threads",
        cls="shared",
        level=Level.MUST,
        statement=(
            "Threads that share one handler must be able to write and read at the same time without error, loss or mixture."
        ),
        law=code("""
            pairs = concurrently(lambda v: (h.write(v), v), vs)
            results = concurrently(lambda pair: (h.read(pair[0]), pair[1]), pairs)
            for w, v in results:
                assert equal(w, v)
        """),
        intent=(
            "The intent of this rule is that an engine can run tasks in a pool of threads, as most do, with one "
            "handler for them all. A shared temporary name, cursor or counter mixes two values only when two tasks end "
            "at the same moment."
        ),
        requires=("handler.independent-writes",),
        hints=(
            "Check whether temporary files have the same name in every thread; `tempfile.mkstemp` gives each its own.",
            "Check whether one connection, cursor or session that is not thread-safe serves all threads.",
            "Check whether a counter, an index or a cache is read and changed without a lock.",
            "Check whether the handler changes state of the whole process, such as the working directory or the umask.",
        ),
    ),
    Rule(
        id="shared.processes",
        cls="shared",
        level=Level.MUST,
        statement=(
            "Processes that share one storage must be able to write to it at the same time without disturbing one "
            "another's references."
        ),
        law=code("""
            pairs = in_processes(lambda v: (twin(h).write(v), v), vs)
            for r, v in pairs:
                assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that several workers can use one storage. Locks of one process do not hold in "
            "another, and names that are unique in each process collide between them, so that one worker silently "
            "replaces another's result."
        ),
        requires=("shared.process", "handler.independent-writes"),
        hints=(
            (
                "Check whether names come from a counter that starts anew in each process, or from `random`, whose "
                "state a forked child inherits."
            ),
            (
                "Check whether two processes rewrite one shared file, such as an index; give every value its own file, "
                "or lock across processes."
            ),
            (
                "Check whether a test for existence and the creation are two steps; create with `O_EXCL`, `os.link` or "
                "a conditional put."
            ),
            "Check whether a connection that was opened before a fork is used on both sides of it.",
        ),
    ),
    Rule(
        id="shared.equality",
        cls="shared",
        level=Level.SHOULD,
        statement=(
            "Two handlers should be equal, and hash alike where they are hashable, exactly when they are equally configured."
        ),
        law=code("""
            assert h == twin(h)
            assert h != other(h)
            if hashable(h):
                assert hash(h) == hash(twin(h))
        """),
        intent=(
            "The intent of this rule is that engines and tests can ask whether two results are kept by the same "
            "handler, also after a journey through pickle. Identity says no too often, and an equality that overlooks "
            "an option says yes too often. A handler that cannot be hashed breaks nothing."
        ),
        hints=(
            "Check that the class defines `__eq__` over its configuration, as a frozen dataclass does.",
            "Check that `__eq__` compares every option, and no client, lock or cache.",
            "Check that `__hash__` uses what `__eq__` uses, and nothing that changes.",
            "Check whether two spellings of one option, such as a str and a `Path`, stay different after construction.",
        ),
    ),
    Rule(
        id="shared.describable",
        cls="shared",
        level=Level.MAY,
        statement=(
            "A handler may offer its configuration as JSON without secrets, from which an equally configured handler is rebuilt."
        ),
        law=code("""
            d = describe(h)
            assert strict_json(d)
            assert not any(reveals(json.dumps(d), secret) for secret in credentials(h))
            assert equal(rebuild(d).read(h.write(v)), v)
        """),
        intent=(
            "The intent of this rule is that a stored result can name the handler that reads it, in a form that a "
            "person can inspect and another process can use. Pickled handlers do neither, and take their credentials "
            "into the database."
        ),
        requires=("shared.instance",),
        hints=(
            "Check that every option that decides where and how values are kept is part of the description.",
            ("Check whether a password, a token or a signed address is part of an option; name where it is found instead."),
            "Check that paths and other objects are given as strict JSON and turned back when the handler is rebuilt.",
        ),
    ),
    Rule(
        id="shared.golden",
        cls="shared",
        level=Level.MAY,
        statement="A handler may read the references that an earlier version of it has recorded.",
        law=code("""
            for r, v in recorded(h):
                assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that an upgrade of the handler does not lose the results that are already "
            "kept. New names, a new format or a moved class turn them into unknown references overnight, although "
            "every test of the new version passes."
        ),
        requires=("shared.instance",),
        hints=(
            ("Check whether the layout of names or the stored format changed without a version that read can tell apart."),
            "Check whether a pickled class was moved or renamed.",
            ("Check whether a new default, such as a compression or a key, is applied to values that were stored without it."),
        ),
    ),
)
