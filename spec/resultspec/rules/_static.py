"""What a type checker knows about a handler before anything runs: the family *static*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="static.protocol",
        cls="static",
        level=Level.MUST,
        statement=(
            "A handler's class must be assignable to `ResultHandler[T, R]`, or to its asynchronous twin "
            "`AsyncResultHandler[T, R]`."
        ),
        law=code("""
            def accept(h: Handler) -> ResultHandler[T, R]:
                return h
        """),
        intent=(
            "The intent of this rule is that a missing method, a second argument without a default or a forgotten await is "
            "found by the type checker and not by the first run. The Protocols are structural: a handler imports "
            "nothing to satisfy them."
        ),
        hints=(
            "Check that write and read take exactly one argument without a default each, and are annotated.",
            "Check that both methods are plain, or both are `async def`.",
            "Check that read returns a value on every path, and that its type includes no None by accident.",
        ),
    ),
    Rule(
        id="static.json-bound",
        cls="static",
        level=Level.MUST,
        statement="The type of a handler's references must be JSON or a subtype of it.",
        law=code("""
            def reference(h: Handler, v: T) -> JSON:
                return h.write(v)
        """),
        intent=(
            "The intent of this rule is that a reference that no JSON can carry is found before anything runs. A "
            "`Path`, bytes or a tuple fits a careless annotation well and fails in the engine's database."
        ),
        requires=("static.protocol",),
        hints=(
            "Check whether write returns a `Path`, bytes, a tuple, a set, a `datetime` or a class of your own.",
            "Check whether a dict has keys other than str, or values of type object.",
            "Check whether a list is annotated as `list[str]`, which is invariant, or as a `Sequence`: only `list[JSON]` fits.",
            "Check whether write returns a TypedDict, which is not a `Mapping[str, JSON]`; a `dict[str, str]` is one.",
        ),
    ),
    Rule(
        id="static.symmetry",
        cls="static",
        level=Level.MUST,
        statement="A handler's read must take the type that write returns, and return the type that write takes.",
        law=code("""
            def there_and_back(h: Handler, v: T) -> T:
                return h.read(h.write(v))
            def back_and_there(h: Handler, r: R) -> R:
                return h.write(h.read(r))
        """),
        intent=(
            "The intent of this rule is that the two methods are annotated as the inverses that they are. Where read "
            "takes less than write returns, or returns more than write takes, every use needs a cast, and the cast "
            "hides real mistakes."
        ),
        requires=("static.protocol",),
        hints=(
            "Check whether read is annotated to return `T | None`, or a base class of what write takes.",
            "Check whether read takes a narrower reference than write returns, such as str where write returns JSON.",
            "Check that a generic handler uses the same type variable in both methods.",
        ),
    ),
    Rule(
        id="static.typed",
        cls="static",
        level=Level.SHOULD,
        statement="The annotations of a handler's write and read should be complete and free of Any.",
        law=code("""
            for method in (Handler.write, Handler.read):
                for annotation in annotations(method):
                    assert not mentions(annotation, Any)
        """),
        intent=(
            "The intent of this rule is that a type checker has something to check. Any agrees with everything, so "
            "that a handler of tables accepts a socket without a word; a handler that takes every value says object."
        ),
        requires=("static.protocol",),
        hints=(
            "Check whether a parameter or a return type has no annotation.",
            "Check whether a bare `list` or `dict`, or an untyped library, brings Any in; name the element types.",
            "Check whether `object` or a type variable says what Any was meant to say.",
        ),
    ),
)
