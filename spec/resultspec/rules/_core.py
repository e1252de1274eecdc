"""What every result handler keeps: the family *handler*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="handler.json-reference",
        cls="core",
        level=Level.MUST,
        statement=(
            "A handler's write must return strict JSON, made at every depth of None, bool, int, finite float, str "
            "without lone surrogates, list, and dict with str keys alone, each of exactly that type and without "
            "cycles."
        ),
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            assert strict_json(r)
            assert same(json.loads(json.dumps(r, allow_nan=False)), r)
        """),
        intent=(
            "The intent of this rule is that an engine can keep a reference in any JSON column, message or document "
            "and find it there unchanged. Python's own encoder lets NaN, tuples, int keys and subclasses through; the "
            "next encoder refuses them or turns them into something else, far from the handler that is at fault."
        ),
        hints=(
            (
                "Check whether the reference is or contains a `Path`, a tuple, bytes, a `datetime`, or a subclass of a "
                "JSON type such as `StrEnum` or `IntEnum`."
            ),
            (
                "Check that every number in the reference is finite: `json.dumps` writes NaN and Infinity unless it is "
                "given `allow_nan=False`."
            ),
            "Check that every key of a dict in the reference is a str.",
            ("Check whether a file name with undecodable bytes puts lone surrogates into the reference, as `os.fsdecode` does."),
        ),
    ),
    Rule(
        id="handler.round-trip",
        cls="core",
        level=Level.MUST,
        statement=(
            "Reading the reference of a written value must return a value equal to the one written, for every value in "
            "the handler's domain."
        ),
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that a downstream task receives what the upstream task returned. A handler "
            "that rounds, strips, truncates or translates feeds wrong data into a run, and nothing reports it."
        ),
        hints=(
            (
                'Check whether text files are opened without `newline=""` or with the platform\'s encoding: line '
                "endings and characters change."
            ),
            ("Check whether the value goes through a lossy format on its way, such as CSV, `str()` or a fixed number of digits."),
            "Check whether read strips white space or stops early, as `str.strip`, `readline` and a single `recv` do.",
            (
                "Check that equality of the values is by content; where it is by identity, give the subject an `equal` "
                "of your own."
            ),
        ),
    ),
    Rule(
        id="handler.type-fidelity",
        cls="core",
        level=Level.MUST,
        statement="A value that was read must have the type of the value that was written, at every depth.",
        law=code("""
            assume(v in domain(h))
            w = h.read(h.write(v))
            assert same_types(w, v)
        """),
        intent=(
            "The intent of this rule is that a task behaves alike whether its input comes from memory or from storage. "
            "JSON turns tuples into lists and int keys into strings, and databases turn bool into int; the run goes "
            "wrong only when a retry takes the other path. A value that differs by type alone is reported here and not "
            "by handler.round-trip."
        ),
        requires=("handler.round-trip",),
        hints=(
            (
                "Check whether JSON or MessagePack lies on the way: tuples become lists, int keys become strings, "
                "bytes become text."
            ),
            (
                "Check whether a column of a database or of a data frame imposes a type of its own: bool becomes int, "
                "int becomes float."
            ),
            ("Check whether a subclass, such as `OrderedDict`, `IntEnum` or a named tuple, is rebuilt as its base class."),
            "Check whether -0.0 is read back as 0.0.",
        ),
    ),
    Rule(
        id="handler.reference-transport",
        cls="core",
        level=Level.MUST,
        statement=("A reference that went through JSON text must read the same value as the reference that write returned."),
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            s = json.loads(json.dumps(r))
            assert equal(h.read(s), v)
        """),
        intent=(
            "The intent of this rule is that an engine can keep a reference in its database and send it to a worker. A "
            "handler that recognises its references by identity, by a class of its own or by attributes that JSON "
            "drops works in one session and fails after the first restart."
        ),
        requires=("handler.json-reference", "handler.round-trip"),
        hints=(
            (
                "Check whether read looks the reference up by identity, or expects an attribute or class that JSON "
                "text cannot carry."
            ),
            (
                "Check whether read compares the reference as encoded text: key order, escapes and spacing change when "
                "JSON is written again."
            ),
            "Check that numbers in the reference whose every digit counts are carried as strings.",
        ),
    ),
    Rule(
        id="handler.none",
        cls="core",
        level=Level.MUST,
        statement="A written None must read back as None, unless write refuses it with an error.",
        law=code("""
            assume(accepts(h, None))
            r = h.write(None)
            assert h.read(r) is None
        """),
        intent=(
            "The intent of this rule is that None, which every task without a return statement returns, is a result "
            'like any other. A handler that takes None for "nothing stored" cannot tell a task that returned nothing '
            "from one that never ran."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check whether read uses `dict.get`, or a cache whose answer for a missing key is None.",
            "Check whether write or read tests `value is None` to learn whether there is something to store.",
            "Check whether None is stored as empty text, or as the text `None`, and read back as a string.",
        ),
    ),
    Rule(
        id="handler.falsy-values",
        cls="core",
        level=Level.MUST,
        statement="An empty or otherwise falsy value in the handler's domain must be kept and read back like any other value.",
        law=code("""
            for v in ("", b"", 0, 0.0, False, [], {}, set()):
                if v in domain(h):
                    assert equal(h.read(h.write(v)), v)
        """),
        intent=(
            "The intent of this rule is that an empty list, a zero and an empty text are data. A truth test where a "
            "test for None was meant replaces them with a default, or takes an empty file for a missing one."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check whether write or read says `if not value` or `value or default` where `value is None` is meant.",
            "Check whether a stored object of zero bytes is taken for a missing one.",
            ("Check that the format can carry nothing at all: an empty CSV file or an empty part of a message has no type."),
        ),
    ),
    Rule(
        id="handler.repeatable-read",
        cls="core",
        level=Level.MUST,
        statement=(
            "Reading must neither consume nor change what is stored, so that every later read of the reference returns "
            "an equal value."
        ),
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            for _ in range(3):
                assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that every downstream task, every retry and every person who looks later can "
            "read the same result. A handler that deletes what it has read, or keeps a stream open, serves the first "
            "reader alone."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check whether read pops, deletes or expires the stored value.",
            "Check whether a file or stream stays open between reads and is at its end the second time.",
            "Check whether read returns an iterator or a generator, which is empty after one pass.",
        ),
    ),
    Rule(
        id="handler.independent-writes",
        cls="core",
        level=Level.MUST,
        statement=(
            "A write must not disturb any earlier reference, however many other values are written and however alike they are."
        ),
        law=code("""
            pairs = [(h.write(v), deepcopy(v)) for v in vs]
            for r, v in pairs:
                assert equal(h.read(r), v)
        """),
        intent=(
            "The intent of this rule is that a run that has written thousands of results still has the first. Names "
            "made of the clock, of the length or of folded text collide, and stores with a limit or an expiry forget; "
            "either way one task reads another's data, or none."
        ),
        requires=("handler.repeatable-read",),
        hints=(
            (
                "Check whether the key is made of `hash()`, `id()`, the length or the time: two writes can fall into "
                "one tick of the clock."
            ),
            "Check whether keys that differ only in case or in Unicode normal form name the same file or row.",
            "Check whether equal values of different types, such as 1, 1.0 and True, share a key of a dict.",
            "Check whether a size limit, a time to live, an LRU cache or a rotation drops earlier values.",
        ),
    ),
    Rule(
        id="handler.input-untouched",
        cls="core",
        level=Level.MUST,
        statement="Neither the value given to write nor the reference given to read must be altered by the call.",
        law=code("""
            assume(v in domain(h))
            before = deepcopy(v)
            r = h.write(v)
            assert same(v, before)
            kept = deepcopy(r)
            h.read(r)
            assert same(r, kept)
        """),
        intent=(
            "The intent of this rule is that the task that still holds the value, and the engine that still holds the "
            "reference, keep what they had. A handler that sorts, pops or encodes in place changes its caller's data "
            "without a trace."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check whether write sorts, pops or replaces parts of the value in place before it encodes them.",
            "Check whether read pops keys from a reference that is a dict; copy it first.",
            "Check whether write exhausts the value, such as a file that it reads to the end and does not rewind.",
        ),
    ),
    Rule(
        id="handler.snapshot",
        cls="core",
        level=Level.MUST,
        statement="Altering a value after it was written must not alter what is read.",
        law=code("""
            assume(v in domain(h))
            before = deepcopy(v)
            r = h.write(v)
            mutate(v)
            assert equal(h.read(r), before)
        """),
        intent=(
            "The intent of this rule is that write keeps the value as it is at that moment. A handler that keeps the "
            "object itself, or encodes it later, stores whatever its owner makes of it afterwards."
        ),
        requires=("handler.input-untouched",),
        hints=(
            "Check whether write keeps the object itself, in a dict or a cache, where its encoded form belongs.",
            "Check whether encoding is left to a background thread or to a later flush.",
            "Check whether a `memoryview` or an array view that write keeps shares its memory with the caller.",
        ),
    ),
    Rule(
        id="handler.fresh-read",
        cls="core",
        level=Level.MUST,
        statement="Altering a value that was read must not alter what a later read returns.",
        law=code("""
            assume(v in domain(h))
            before = deepcopy(v)
            r = h.write(v)
            mutate(h.read(r))
            assert equal(h.read(r), before)
        """),
        intent=(
            "The intent of this rule is that two tasks that read the same result cannot disturb each other. A handler "
            "that hands out one cached object lets the first reader change the input of the second, and only when both "
            "run in one process."
        ),
        requires=("handler.repeatable-read",),
        hints=(
            "Check whether read returns a cached mutable object, for instance by `functools.lru_cache`.",
            "Check whether an array is memory-mapped in a mode that writes changes back, such as `r+`.",
            "Check whether an inline handler returns the reference itself or a part of it.",
        ),
    ),
    Rule(
        id="handler.unknown-reference",
        cls="core",
        level=Level.MUST,
        statement="Reading a well-formed reference under which nothing is stored must raise an error.",
        law=code("""
            assume(external(h) and v in domain(h))
            r = unknown(h.write(v))
            with raises(Exception):
                h.read(r)
        """),
        intent=(
            "The intent of this rule is that a lost result stops the task that needs it. A read that answers with "
            "None, an empty value or somebody else's data lets the run go on with a wrong input. For an inline handler "
            "every well-formed reference is a value, so the rule does not apply."
        ),
        requires=("handler.round-trip",),
        hints=(
            (
                "Check whether read uses `dict.get` with a default, or catches the error of a missing key, file or "
                "object and goes on."
            ),
            "Check whether read creates what is missing, as `defaultdict` and the file modes `a+` and `w+` do.",
            "Check whether only a part of the reference finds the value: a prefix, a shortened digest or a pattern.",
            "Check whether a cache in front of the storage still answers for a value that was removed.",
        ),
    ),
    Rule(
        id="handler.malformed-reference",
        cls="core",
        level=Level.MUST,
        statement="Reading a reference of the wrong type or shape must promptly raise an error.",
        law=code("""
            assume(v in domain(h))
            for r in malformed(h.write(v)):
                with raises(Exception):
                    h.read(r)
        """),
        intent=(
            "The intent of this rule is that a reference that was cut, mixed up or meant for another handler is "
            "noticed where it enters. A read that hangs, exits or answers with a value hides the mistake or takes the "
            "worker down with it. Any Exception is right here; handler.standard-errors says which is best."
        ),
        requires=("handler.unknown-reference",),
        hints=(
            (
                "Check that read tests the type of the reference first: `open(0)` reads standard input, and True is "
                "file descriptor 1."
            ),
            "Check whether an f-string or `str()` turns a reference of any type into a key.",
            "Check whether an empty reference names the storage itself, such as its directory.",
            "Check whether a failed lookup is tried again without limit, or ends in `sys.exit`.",
        ),
    ),
    Rule(
        id="handler.loud-refusal",
        cls="core",
        level=Level.MUST,
        statement=(
            "A value outside the handler's domain must either be refused by write with an error or read back as it was written."
        ),
        law=code("""
            assume(x not in domain(h))
            if accepts(h, x):
                assert same(h.read(h.write(x)), x)
        """),
        intent=(
            "The intent of this rule is that a value that cannot be kept fails the task that made it, at once. A "
            "reference that cannot be honoured fails another task, perhaps weeks later, when the value is gone."
        ),
        requires=("handler.round-trip",),
        hints=(
            ('Check whether the encoder has a fallback, such as `json.dumps(default=str)`, `repr()` or `errors="ignore"`.'),
            (
                "Check whether the value pickles but does not unpickle, such as an exception whose constructor takes "
                "more than a message."
            ),
            "Check whether `isinstance` lets an instance of a subclass in, which is then stored as its base class.",
            "Check whether part of the value is dropped without notice: attributes, metadata, an index, a time zone.",
        ),
    ),
    Rule(
        id="handler.failed-write",
        cls="core",
        level=Level.MUST,
        statement="A write that raised must leave every earlier reference readable and every later write working.",
        law=code("""
            r = h.write(v)
            with raises(Exception):
                h.write(refused)
            assert equal(h.read(r), v)
            assert equal(h.read(h.write(w)), w)
        """),
        intent=(
            "The intent of this rule is that one value that cannot be kept costs one task and not the run. A lock "
            "still held, a transaction still open or a shared file already truncated makes everything after the error "
            "fail too."
        ),
        requires=("handler.independent-writes",),
        hints=(
            "Check that locks, transactions and temporary files are released in a `with` block or in `finally`.",
            ("Check whether a shared file, such as an index, is opened for writing before the value is encoded; encode first."),
            "Check whether a connection needs a rollback after an error before it can be used again.",
        ),
    ),
    Rule(
        id="handler.bounded-reference",
        cls="core",
        level=Level.MUST,
        statement="The reference of a handler with external storage must not grow with the value.",
        law=code("""
            assume(external(h) and v in domain(h))
            small = json.dumps(h.write(v))
            large = json.dumps(h.write(bigger(v)))
            assert len(large) <= len(small) + SLACK
        """),
        intent=(
            "The intent of this rule is that references fit into the engine's database, messages and logs, whatever "
            "the size of the data. An inline handler, whose reference holds the value on purpose, is not concerned."
        ),
        requires=("handler.json-reference", "handler.round-trip"),
        hints=(
            ("Check whether the reference holds the value, a preview of it or a name made of it; use a digest or a random name."),
            "Check whether the reference lists chunks or partitions; keep the list in the storage, under one name.",
            "Check whether values below some size are kept in the reference itself.",
        ),
    ),
    Rule(
        id="handler.standard-errors",
        cls="core",
        level=Level.SHOULD,
        statement=(
            "An error that write or read raises should be a ResultHandlerError, LookupError, OSError, ValueError or "
            "TypeError with its cause chained."
        ),
        law=code("""
            r = h.write(v)
            errors = [outcome(lambda: h.write(refused)), *(outcome(lambda: h.read(s)) for s in malformed(r))]
            for error in errors:
                assert isinstance(error, (ResultHandlerError, LookupError, OSError, ValueError, TypeError))
                assert chained(error)
        """),
        intent=(
            "The intent of this rule is that an engine can tell a refused value, a missing result and a storage that "
            "is down from a mistake in the program, without knowing the handler. An AssertionError, an AttributeError "
            "or a bare Exception says nothing that it could act on; RecursionError and MemoryError are accepted as well."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check whether an `assert` or a missing type test lets an AssertionError or AttributeError out.",
            (
                "Check whether the errors of a client library pass through as they are; raise one of the standard "
                "errors from them."
            ),
            "Check that errors are raised with `from error`, and none with `from None`.",
        ),
    ),
    Rule(
        id="handler.passive-construction",
        cls="core",
        level=Level.SHOULD,
        statement="Constructing a handler should open no file for writing and no connection.",
        law=code("""
            with observed() as effects:
                make()
            assert effects.files_opened_for_writing == []
            assert effects.connections_opened == []
        """),
        intent=(
            "The intent of this rule is that a flow can be imported, inspected and shipped where its storage cannot be "
            "reached. Handlers are constructed when modules are imported, on machines that never write a result; its "
            "own empty directory is all that a handler creates there."
        ),
        hints=(
            ("Check whether the constructor opens a client, a session or a database; open it at the first write or read."),
            "Check whether the constructor writes a probe, a marker or a log file.",
            "Check whether the constructor fetches credentials or checks that a bucket exists.",
        ),
    ),
)
