"""The absence of a result: the family *noresult*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="noresult.value",
        cls="noresult",
        level=Level.MUST,
        statement="The value of NoResult must be NoResult itself.",
        law=code("""
            x = NoResult
            assert x.value is NoResult
        """),
        intent=(
            "The intent of this rule is that code that asks any result for its value need not ask first whether there "
            "is one, and still cannot take the absence for None."
        ),
        hints=(
            "Check that value is a property of the class and returns the object itself.",
            "Check whether an Enum answers with the value of its member, a string or a number; override value.",
        ),
    ),
    Rule(
        id="noresult.read",
        cls="noresult",
        level=Level.MUST,
        statement="Reading NoResult must return NoResult itself.",
        law=code("""
            x = NoResult
            assert x.read() is NoResult
        """),
        intent=(
            "The intent of this rule is that an engine reads whatever a state holds by one path. Without it every read "
            "is guarded by a test, and the one that is forgotten fails on tasks that have not run."
        ),
        hints=(
            "Check that read exists, takes no argument and returns the object itself.",
            "Check whether read raises because there is no handler.",
        ),
    ),
    Rule(
        id="noresult.write",
        cls="noresult",
        level=Level.MUST,
        statement="Writing NoResult must return NoResult itself.",
        law=code("""
            x = NoResult
            assert x.write() is NoResult
        """),
        intent=(
            "The intent of this rule is that an engine writes whatever a state holds by one path before it stores it, "
            "also for tasks that have not run."
        ),
        hints=(
            "Check that write exists, takes no argument and returns the object itself.",
            "Check whether write raises because there is no handler.",
        ),
    ),
    Rule(
        id="noresult.identity",
        cls="noresult",
        level=Level.MUST,
        statement=(
            "NoResult must be one object in a process, the very object that copying, unpickling and loading from its "
            "stored form give."
        ),
        law=code("""
            assert copy(NoResult) is NoResult
            assert deepcopy(NoResult) is NoResult
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                for dumps in (pickle.dumps, cloudpickle.dumps):
                    assert pickle.loads(dumps(NoResult, protocol)) is NoResult
            assert load(stored_form(NoResult)) is NoResult
        """),
        intent=(
            "The intent of this rule is that `is NoResult` is a safe test everywhere. A state that comes back from a "
            "worker with a second NoResult in it looks like a task that has finished with a peculiar value."
        ),
        hints=(
            "Check that `__reduce__` returns the name of the object, so that unpickling finds it.",
            "Check that `__copy__` and `__deepcopy__` return the object itself, as those of an Enum member do.",
            "Check whether cloudpickle takes the class along by value, because its module cannot be imported.",
            "Check that loading the stored form returns the object and does not construct one.",
        ),
    ),
    Rule(
        id="noresult.closed",
        cls="noresult",
        level=Level.MUST,
        statement="NoResult must have neither a second instance nor a subclass.",
        law=code("""
            made = outcome(type(NoResult))
            assert made is NoResult or isinstance(made, Exception)
            with raises(Exception):
                type("Subclass", (type(NoResult),), {})
        """),
        intent=(
            "The intent of this rule is that nobody can make another absence that passes for this one in `isinstance` "
            "and fails in `is`. Type checkers, too, narrow the sentinel only when its class is closed."
        ),
        hints=(
            "Check that `__new__` refuses, or returns the one object.",
            "Check that `__init_subclass__` refuses; an Enum with a member refuses by itself.",
        ),
    ),
    Rule(
        id="noresult.distinct",
        cls="noresult",
        level=Level.MUST,
        statement=(
            "NoResult must be falsy, hashable, printed as `NoResult` and equal to nothing but itself, neither to None "
            "nor to a result of None."
        ),
        law=code("""
            assert NoResult != None
            assert NoResult != Result(None, handled=False, result_handler=h)
            assert NoResult == NoResult
            assert hash(NoResult) == hash(NoResult)
            assert bool(NoResult) is False
            assert repr(NoResult) == "NoResult"
        """),
        intent=(
            "The intent of this rule is that a task that has yet to run is never taken for one that ran and returned "
            "nothing. The two differ in every comparison, in a log and as a key of a dict."
        ),
        hints=(
            "Check whether `__eq__` compares types or names, or is inherited from the class of results.",
            "Check that `__bool__` returns False, and that `__repr__` prints the bare name.",
            "Check that a class with `__eq__` also defines `__hash__`.",
        ),
    ),
    Rule(
        id="noresult.stored-form",
        cls="noresult",
        level=Level.MUST,
        statement="NoResult must have a stored form of its own that differs from the stored form of every result.",
        law=code("""
            form = stored_form(NoResult)
            assert strict_json(form)
            assert form != stored_form(Result(v, handled=False, result_handler=h).write())
            assert form != stored_form(Result(None, handled=False, result_handler=h).write())
        """),
        intent=(
            "The intent of this rule is that the state of a task that has not run can be stored and loaded. If its "
            "stored form is null or that of a None result, the distinction is lost where it matters most, at the "
            "restart of an engine."
        ),
        requires=("noresult.identity",),
        hints=(
            "Check whether NoResult is stored as null, as an empty object or by leaving its key out.",
            "Check that the form carries a tag of its own that no result's form can carry.",
        ),
    ),
)
