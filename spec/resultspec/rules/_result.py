"""What wraps a task's output: the family *result*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="result.attributes",
        cls="result",
        level=Level.MUST,
        statement="A result must offer its value, handled and result_handler as read-only attributes.",
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            assert (x.value, x.handled, x.result_handler) == (v, False, h)
            for name in ("value", "handled", "result_handler"):
                with raises(Exception):
                    setattr(x, name, None)
        """),
        intent=(
            "The intent of this rule is that whoever holds a result knows what it is and that it stays so. A result "
            "whose value or flag can be set from outside is soon a reference marked as raw, or raw data marked as a "
            "reference, and is stored as such."
        ),
        hints=(
            "Check that the class is frozen, or that each attribute is a property without a setter.",
            (
                "Check that the constructor keeps exactly the value and the handler it was given, without a copy or a "
                "default in their place."
            ),
            "Check that handled is a bool and not merely truthy.",
        ),
    ),
    Rule(
        id="result.write",
        cls="result",
        level=Level.MUST,
        statement=(
            "Writing a raw result must return a new handled result that holds the reference from its handler, and the "
            "same handler."
        ),
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            y = x.write()
            assert y.handled is True
            assert y.result_handler == h
            assert equal(h.read(y.value), v)
        """),
        intent=(
            "The intent of this rule is that an engine turns any output into something that can be stored with one "
            "call, and that what it stores can be read by the handler that wrote it."
        ),
        requires=("result.attributes",),
        hints=(
            "Check that the new result holds what the handler's write returned, and not the raw value.",
            "Check that handled and result_handler are passed on to the new result.",
            "Check that the handler is called once, with the raw value.",
        ),
    ),
    Rule(
        id="result.read",
        cls="result",
        level=Level.MUST,
        statement=(
            "Reading a handled result must return a new raw result that holds the value from its handler, and the same handler."
        ),
        law=code("""
            y = Result(h.write(v), handled=True, result_handler=h)
            x = y.read()
            assert x.handled is False
            assert x.result_handler == h
            assert equal(x.value, v)
        """),
        intent=(
            "The intent of this rule is that an engine gets the value of any stored result with one call, and can "
            "write it again. A raw result that has lost its handler cannot be cached by the next task."
        ),
        requires=("result.attributes",),
        hints=(
            "Check that the new result holds what the handler's read returned, and not the reference.",
            "Check that handled is False in the new result, and that result_handler is passed on.",
            "Check that the handler is given the reference as it is.",
        ),
    ),
    Rule(
        id="result.write-idempotent",
        cls="result",
        level=Level.MUST,
        statement="Writing a handled result must return that result itself without calling its handler.",
        law=code("""
            y = Result(r, handled=True, result_handler=untouchable)
            assert y.write() is y
        """),
        intent=(
            "The intent of this rule is that an engine can write every result before it stores it, without asking "
            "first. A second write would store the reference as if it were the value, and one read would no longer "
            "bring the value back."
        ),
        requires=("result.write",),
        hints=(
            "Check that write tests handled before it calls the handler.",
            "Check whether write returns an equal copy; it returns the object itself.",
        ),
    ),
    Rule(
        id="result.read-idempotent",
        cls="result",
        level=Level.MUST,
        statement="Reading a raw result must return that result itself without calling its handler.",
        law=code("""
            x = Result(v, handled=False, result_handler=untouchable)
            assert x.read() is x
        """),
        intent=(
            "The intent of this rule is that an engine can read every result before it uses it, without asking first. "
            "Handing the raw value to the handler as if it were a reference fails at best, and at worst reads a file "
            "that the value happens to name."
        ),
        requires=("result.read",),
        hints=(
            "Check that read tests handled before it calls the handler.",
            "Check that a raw result without a handler can be read too.",
            "Check whether read returns an equal copy; it returns the object itself.",
        ),
    ),
    Rule(
        id="result.round-trip",
        cls="result",
        level=Level.MUST,
        statement="Writing a raw result and reading what was written must give a result equal to the first.",
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            assert x.write().read() == x
        """),
        intent=(
            "The intent of this rule is that a task cannot tell whether its input was stored in between. It takes both "
            "directions together: each can look right alone while the handler, the flag or the type of the value is "
            "lost between them."
        ),
        requires=("result.write", "result.read"),
        hints=(
            "Check that read restores handled to False and keeps the handler.",
            "Check that the handler itself keeps handler.round-trip and handler.type-fidelity.",
            ("Check whether equality of results compares something that differs on every read, such as a time or an identity."),
        ),
    ),
    Rule(
        id="result.original-untouched",
        cls="result",
        level=Level.MUST,
        statement="Neither write nor read must alter the result on which it is called.",
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            y = x.write()
            assert (x.value, x.handled, x.result_handler) == (v, False, h)
            r = y.value
            y.read()
            assert (y.value, y.handled, y.result_handler) == (r, True, h)
        """),
        intent=(
            "The intent of this rule is that a result can be shared by states, threads and downstream tasks. A result "
            "that turns itself into its reference pulls the raw value away from everybody else who holds it."
        ),
        requires=("result.write", "result.read"),
        hints=(
            "Check whether write or read assigns to the attributes of self and returns self.",
            "Check whether `object.__setattr__` or a shared `__dict__` goes around a frozen class.",
            "Check whether the reference or value is cached inside the original in a way that its attributes show.",
        ),
    ),
    Rule(
        id="result.missing-handler",
        cls="result",
        level=Level.MUST,
        statement="Writing a raw result that has no handler must raise MissingHandler.",
        law=code("""
            x = Result(v, handled=False, result_handler=None)
            with raises(MissingHandler):
                x.write()
        """),
        intent=(
            "The intent of this rule is that a result that cannot be stored says so in words that its user "
            "understands. An assert is silent under `python -O`, and an AttributeError of None names neither the "
            "result nor the remedy."
        ),
        requires=("result.attributes",),
        hints=(
            "Check whether write relies on an `assert`, or calls a method of None.",
            "Check that the test is for None and not for truth: a falsy handler is a handler.",
            "Check whether write falls back to some default handler, or returns the raw result.",
        ),
    ),
    Rule(
        id="result.handled-needs-handler",
        cls="result",
        level=Level.MUST,
        statement="Constructing a handled result without a handler must raise an error.",
        law=code("""
            with raises(Exception):
                Result(r, handled=True, result_handler=None)
        """),
        intent=(
            "The intent of this rule is that a reference is never separated from what can read it. Without a handler "
            "the mistake shows only at the read, in another process, where nobody knows any more which handler it was."
        ),
        requires=("result.attributes",),
        hints=(
            (
                "Check that the constructor tests handled together with result_handler, also when the object is "
                "unpickled or evolved."
            ),
            "Check that the test is for None and not for truth.",
        ),
    ),
    Rule(
        id="result.none",
        cls="result",
        level=Level.MUST,
        statement="A result must take None as a value like any other, and refuse NoResult.",
        law=code("""
            x = Result(None, handled=False, result_handler=h)
            assert x.value is None
            assert x is not NoResult and x != NoResult
            with raises(Exception):
                Result(NoResult, handled=False, result_handler=h)
        """),
        intent=(
            "The intent of this rule is that a task that returned None is distinguished from one that has not run. An "
            "engine that confuses the two runs finished tasks again, or passes an absent value on as if it had been "
            "computed."
        ),
        requires=("result.attributes",),
        hints=(
            'Check whether the constructor takes None for "no value given"; a sentinel of its own tells them apart.',
            "Check whether a factory returns NoResult when the value is None or falsy.",
            "Check that the constructor refuses NoResult as a value.",
        ),
    ),
    Rule(
        id="result.equality",
        cls="result",
        level=Level.MUST,
        statement=(
            "Two results must be equal exactly when their values, the types of the values, handled and the handlers "
            "are equal, and never equal to an object of another kind."
        ),
        law=code("""
            x = Result(1, handled=False, result_handler=a)
            assert x == Result(1, handled=False, result_handler=a)
            assert x != Result(2, handled=False, result_handler=a)
            assert x != Result(True, handled=False, result_handler=a)
            assert x != Result(1, handled=True, result_handler=a)
            assert x != Result(1, handled=False, result_handler=b)
            assert x != 1 and x != NoResult
        """),
        intent=(
            "The intent of this rule is that caches and tests can compare results. In Python 1 == True == 1.0, and a "
            "generated equality can overlook the handler or the flag, so that a reference passes for the text it is "
            "made of."
        ),
        requires=("result.attributes",),
        hints=(
            "Check that equality compares the type of the value, and not the value alone.",
            "Check that handled and result_handler take part in the comparison.",
            "Check that `__eq__` returns NotImplemented for an object of another kind.",
            "Check that `__hash__` agrees: equal results hash alike.",
        ),
    ),
    Rule(
        id="result.pickle",
        cls="result",
        level=Level.MUST,
        statement="A result must survive pickling with every protocol as an equal result.",
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                assert pickle.loads(pickle.dumps(x, protocol)) == x
        """),
        intent=(
            "The intent of this rule is that results travel between the processes of one run. A frozen class with "
            "slots, or one that refuses attributes, often pickles with the newest protocol only, or comes back without "
            "its handler."
        ),
        requires=("result.equality",),
        hints=(
            (
                "Check that `__getstate__` and `__setstate__`, or `__reduce__`, carry all three attributes and get "
                "around a frozen `__setattr__`."
            ),
            "Check that the handler itself can be pickled and is equal afterwards.",
            "Check that the class can be imported by its name.",
        ),
    ),
    Rule(
        id="result.stored-form",
        cls="result",
        level=Level.MUST,
        statement=("A result must have a stored form only when it is handled, a form that holds its reference and no raw data."),
        law=code("""
            assume(external(h))
            x = Result(v, handled=False, result_handler=h)
            with raises(Exception):
                stored_form(x)
            form = stored_form(x.write())
            assert strict_json(form)
            assert not reveals(json.dumps(form), v)
        """),
        intent=(
            "The intent of this rule is that raw data cannot enter the engine's database by mistake: there is no form "
            "in which it could. Where the stored form of a raw result exists, the one path that forgets to write first "
            "leaks the data of its users."
        ),
        requires=("result.write",),
        hints=(
            "Check whether the converter unstructures a raw result; it raises, and names the result's type alone.",
            "Check whether the stored form carries a repr, a preview or a cached raw value beside the reference.",
            "Check that the stored form is strict JSON, and that the handler in it is described without its secrets.",
        ),
    ),
    Rule(
        id="result.quiet-repr",
        cls="result",
        level=Level.SHOULD,
        statement="The repr of a raw result should not print the value.",
        law=code("""
            x = Result(v, handled=False, result_handler=h)
            assert not reveals(repr(x), v)
        """),
        intent=(
            "The intent of this rule is that a result can appear in a log or a traceback without its data. Engines log "
            "states, states print their results, and a generated repr prints everything."
        ),
        requires=("result.attributes",),
        hints=(
            ("Check that the value is left out of a generated repr, for instance with `repr=False`; its type can be shown."),
            "Check whether `__str__` or `__format__` is inherited by the repr or calls it.",
        ),
    ),
)
