"""Results, and absences of one, that are broken as such things are: each is a plain implementation with one mistake in it.

``DEFECTIVE`` names, by the name of the mistake, the subject and the one rule that it breaks.
"""

import base64
import copy
import enum
import json
from typing import Any, NamedTuple

from resultspec.errors import MissingHandler
from resultspec_conformance import ResultSubject

from .correct import Absent, Inline, Shelf, SlotsResult, same, stored_beside

DEFECTIVE: dict[str, tuple[ResultSubject, str]] = {}


class Plain:
    """A correct result, in methods that a mistake can replace one by one."""

    def __init__(self, value: Any, handled: bool, result_handler: Any) -> None:
        self.refuse(value, handled, result_handler)
        vars(self).update(value=self.taken(value), handled=handled, result_handler=result_handler)

    def refuse(self, value: Any, handled: bool, handler: Any) -> None:
        if value is Absent.NO_RESULT:
            raise ValueError("NoResult is no value")
        if handled and handler is None:
            raise ValueError("a handled result needs its handler")

    def taken(self, value: Any) -> Any:
        return value

    def write(self) -> Any:
        if self.handled:
            return self
        if self.result_handler is None:
            raise MissingHandler("there is no handler to write by")
        return self.written()

    def written(self) -> Any:
        return type(self)(self.result_handler.write(self.value), True, self.result_handler)

    def read(self) -> Any:
        return self.was_read() if self.handled else self

    def was_read(self) -> Any:
        return type(self)(self.result_handler.read(self.value), False, self.result_handler)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} is read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} is read-only")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return same(self.value, other.value) and (self.handled, self.result_handler) == (other.handled, other.result_handler)

    def __hash__(self) -> int:
        return hash((self.value, self.handled, self.result_handler))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.value if self.handled else type(self.value).__name__}>"

    def __reduce__(self) -> Any:
        return type(self), (self.value, self.handled, self.result_handler)


def breaks(rule: str, handler: Any = Shelf) -> Any:
    """Note which rule a class of results breaks."""

    def note(cls: Any) -> Any:
        name = cls.__name__.strip("_")
        DEFECTIVE[name] = (stored_beside(cls, Absent.NO_RESULT, handler, name), rule)
        return cls

    return note


@breaks("result.attributes")
class _IgnoresAssignment(Plain):
    """Says nothing when it is assigned to."""

    def __setattr__(self, name: str, value: Any) -> None:
        pass


@breaks("result.attributes")
class _ThawsWhenWritten(Plain):
    """Is read-only where it was made, and not where it was written."""

    def written(self) -> Any:
        return _Thawed(self.result_handler.write(self.value), True, self.result_handler)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ThawsWhenWritten) and Plain.__eq__(_frozen(self), _frozen(other))

    __hash__ = Plain.__hash__


class _Thawed(_ThawsWhenWritten):
    __setattr__ = object.__setattr__

    def was_read(self) -> Any:
        return _ThawsWhenWritten(self.result_handler.read(self.value), False, self.result_handler)


def _frozen(result: Any) -> Any:
    return Plain(result.value, result.handled, result.result_handler)


@breaks("result.attributes")
class _Deletable(Plain):
    """Cannot be assigned to, and can be deleted from."""

    __delattr__ = object.__delattr__


@breaks("result.attributes")
class _HandledIsANumber(Plain):
    """Says 1 and 0 for True and False, so that ``handled is True`` does not hold."""

    def __init__(self, value: Any, handled: bool, result_handler: Any) -> None:
        super().__init__(value, int(handled), result_handler)


@breaks("result.write")
class _SkipsEmptyValues(Plain):
    """Writes nothing where there seems to be nothing to write."""

    def written(self) -> Any:
        return super().written() if self.value or self.value is None else self


@breaks("result.write")
class _ReferenceAsText(Plain):
    """Takes every reference for text."""

    def written(self) -> Any:
        return type(self)(str(self.result_handler.write(self.value)), True, self.result_handler)


@breaks("result.write")
class _SwallowsFailedWrites(Plain):
    """Stays raw where its handler fails."""

    def written(self) -> Any:
        try:
            return super().written()
        except OSError:
            return self


@breaks("result.write")
class _FalsyHandlerIsNone(Plain):
    """Takes a handler that is falsy for none, when it writes."""

    def write(self) -> Any:
        if not self.handled and not self.result_handler:
            raise MissingHandler("there is no handler to write by")
        return super().write()


@breaks("result.write")
class _WritesTwice(Plain):
    """Asks the handler twice, to be sure."""

    def written(self) -> Any:
        self.result_handler.write(self.value)
        return super().written()


@breaks("result.read")
class _SkipsEmptyReferences(Plain):
    """Takes a falsy reference for the absence of one."""

    def was_read(self) -> Any:
        return super().was_read() if self.value else type(self)(None, False, self.result_handler)


@breaks("result.read")
class _MissingIsNone(Plain):
    """Reads None where its handler finds nothing."""

    def was_read(self) -> Any:
        try:
            return super().was_read()
        except KeyError:
            return type(self)(None, False, self.result_handler)


@breaks("result.read")
class _ReadsItself(Plain):
    """Returns the value where a result is asked for, when its handler is falsy."""

    def was_read(self) -> Any:
        return super().was_read() if self.result_handler else self.result_handler.read(self.value)


@breaks("result.write-idempotent")
class _CopiesTheHandled(Plain):
    """Returns a copy of a handled result."""

    def write(self) -> Any:
        return copy.copy(self) if self.handled else super().write()


@breaks("result.read-idempotent")
class _CopiesWhatHasNoHandler(Plain):
    """Returns a copy of a raw result that has no handler."""

    def read(self) -> Any:
        return copy.copy(self) if self.result_handler is None else super().read()


@breaks("result.round-trip")
class _ListsForTuples(Plain):
    """Brings tuples back as lists, as JSON would."""

    def was_read(self) -> Any:
        value = self.result_handler.read(self.value)
        return type(self)(list(value) if isinstance(value, tuple) else value, False, self.result_handler)


@breaks("result.original-untouched")
class _EmptiesItsValue(Plain):
    """Empties the value when it was written, to have the memory."""

    def written(self) -> Any:
        written = super().written()
        if isinstance(self.value, list):
            self.value.clear()
        return written


@breaks("result.original-untouched")
class _HandledTooEarly(Plain):
    """Is handled before its handler has written it, and stays so if that fails."""

    def written(self) -> Any:
        vars(self)["handled"] = True
        written = super().written()
        vars(self)["handled"] = False
        return written


@breaks("result.missing-handler")
class _NoneNeedsNoHandler(Plain):
    """Writes None without a handler."""

    def write(self) -> Any:
        return self if self.value is None and self.result_handler is None else super().write()


@breaks("result.missing-handler")
class _AttributeOfNone(Plain):
    """Lets the interpreter say that there is no handler."""

    def write(self) -> Any:
        return self if self.handled else self.written()


@breaks("result.handled-needs-handler")
class _OnlyWithAReference(Plain):
    """Asks for a handler where there is a reference, and takes a falsy one for none."""

    def refuse(self, value: Any, handled: bool, handler: Any) -> None:
        super().refuse(value, handled and bool(value), handler)


@breaks("result.handled-needs-handler")
class _FalsyHandlerIsRefused(Plain):
    """Refuses a handler that is falsy."""

    def refuse(self, value: Any, handled: bool, handler: Any) -> None:
        super().refuse(value, handled, handler or None)


@breaks("result.none")
class _NoneIsWrittenAsItself(Plain):
    """Stays raw where its value is None."""

    def written(self) -> Any:
        return self if self.value is None else super().written()


@breaks("result.none")
class _RefusesNoResultWithoutHandler(Plain):
    """Refuses NoResult where it would be raw, and not where it would be handled."""

    def refuse(self, value: Any, handled: bool, handler: Any) -> None:
        super().refuse(None if handled else value, handled, handler)


@breaks("result.equality")
class _HandlersByIdentity(Plain):
    """Tells equal handlers apart."""

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) is True and self.result_handler is other.result_handler

    __hash__ = Plain.__hash__


class _Row(NamedTuple):
    value: Any
    handled: bool
    result_handler: Any


@breaks("result.equality")
class _EqualsTuples(_Row):
    """Is a tuple, and so equals the tuples of what it has."""

    def __new__(cls, value: Any, handled: bool, result_handler: Any) -> Any:
        Plain.refuse(None, value, handled, result_handler)
        return super().__new__(cls, value, handled, result_handler)

    written, read, was_read, write = Plain.written, Plain.read, Plain.was_read, Plain.write
    __repr__, __reduce__ = Plain.__repr__, Plain.__reduce__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and tuple.__eq__(self, other) and type(self.value) is type(other[0])

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


@breaks("result.equality")
class _EqualsWhatLooksLikeIt(Plain):
    """Compares attributes, whoever has them."""

    def __eq__(self, other: object) -> bool:
        theirs = [getattr(other, name, Ellipsis) for name in ("value", "handled", "result_handler")]
        return [self.value, self.handled, self.result_handler] == theirs and type(self.value) is type(theirs[0])

    __hash__ = Plain.__hash__


@breaks("result.equality")
class _CannotBeCompared(Plain):
    """Asks anything for its value."""

    def __eq__(self, other: Any) -> bool:
        mine = self.value, self.handled, self.result_handler
        return mine == (other.value, other.handled, other.result_handler) and type(self.value) is type(other.value)

    __hash__ = Plain.__hash__


@breaks("result.equality")
class _HashOfTheObject(Plain):
    """Has the hash of an object that equals only itself."""

    __hash__ = object.__hash__


@breaks("result.pickle")
class _PicklesAsJSON(Plain):
    """Goes through JSON when it is pickled, where its value is raw."""

    def __reduce__(self) -> Any:
        value = self.value if isinstance(self.value, bytes) else json.loads(json.dumps(self.value, default=repr))
        return type(self), (value, self.handled, self.result_handler)


@breaks("result.pickle")
class _ForgetsItsHandlerInPickles(Plain):
    """Leaves the handler out of the pickle of a raw result."""

    def __reduce__(self) -> Any:
        return type(self), (self.value, self.handled, self.result_handler if self.handled else None)


@breaks("result.quiet-repr")
class _ShowsTheBeginning(Plain):
    """Shows the first characters of its value."""

    def __repr__(self) -> str:
        return f"<result {str(self.value)[:12]}...>"


@breaks("result.quiet-repr")
class _ShowsListsInFull(Plain):
    """Hides texts, and shows what they are in."""

    def __repr__(self) -> str:
        return f"<result {type(self.value).__name__ if isinstance(self.value, str) else self.value}>"


def _stored(name: str, rule: str, handler: Any, make: Any = Plain, **spoilt: Any) -> None:
    """Note a correct subject, one of whose functions is made wrong: each is given the function of that name first."""
    subject = stored_beside(make, Absent.NO_RESULT, handler, name)
    wrong = {one: (lambda thing, one=one, f=f: f(getattr(subject, one), thing)) for one, f in spoilt.items()}
    DEFECTIVE[name] = (
        ResultSubject(
            make, Absent.NO_RESULT, **{"dump": subject.dump, "load": subject.load, "handler": handler, "name": name} | wrong
        ),
        rule,
    )


class _Remembers(Plain):
    """Is correct, and remembers what was written."""

    def written(self) -> Any:
        written = super().written()
        vars(written)["raw"] = self.value
        return written


_stored(
    "StoresAPreview",
    "result.stored-form",
    Shelf,
    _Remembers,
    dump=lambda dump, result: dump(result) | {"preview": base64.b64encode(str(getattr(result, "raw", "")).encode()).decode()},
)
_stored(
    "StoresRawNone",
    "result.stored-form",
    Shelf,
    dump=lambda dump, result: {"kind": "none"} if getattr(result, "value", 0) is None and not result.handled else dump(result),
)
_stored(
    "StoresRawWithoutHandler",
    "result.stored-form",
    Shelf,
    dump=lambda dump, result: {"raw": result.value} if getattr(result, "result_handler", 0) is None else dump(result),
)
_stored(
    "StoresTuples",
    "result.stored-form",
    Inline,
    dump=lambda dump, result: tuple(dump(result).items()) if result is not Absent.NO_RESULT else dump(result),
    load=lambda load, stored: load(dict(stored)),
)
_stored(
    "LoadsTheLast",
    "result.stored-form",
    Shelf,
    dump=lambda dump, result: _last.__setitem__(result is Absent.NO_RESULT, dump(result)) or dump(result),
    load=lambda load, stored: load(_last[stored["kind"] == "nothing"]),
)
_last: dict[bool, Any] = {}


# --- what stands for the absence of a result


def breaks_absence(rule: str) -> Any:
    """Note which rule a class of absences breaks; the result refuses its instance, or the class where it is one of classes."""

    def note(cls: Any) -> Any:
        if isinstance(cls, enum.EnumMeta):
            absence = next(iter(cls))
        else:
            absence = cls.make() if hasattr(cls, "make") else cls
        DEFECTIVE[cls.__name__.strip("_")] = (ResultSubject(_without(absence), absence, name=cls.__name__), rule)
        return cls

    return note


def _without(absence: Any) -> Any:
    def result(value: Any, handled: bool, handler: Any) -> Any:
        if value is absence:
            raise ValueError("NoResult is no value")
        return Plain(value, handled, handler)

    return result


class _Nothing:
    """A correct absence, in methods that a mistake can replace one by one; the mistakes are its only subclasses."""

    _one: Any = None

    def __init_subclass__(cls, mistake: bool = False) -> None:
        if not mistake:
            raise TypeError("there is one absence")

    @classmethod
    def make(cls) -> Any:
        cls._one = object.__new__(cls)
        return cls._one

    def __new__(cls) -> Any:
        return cls._one

    value = property(lambda self: self)

    def read(self) -> Any:
        return self

    def write(self) -> Any:
        return self

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NoResult"

    def __reduce__(self) -> Any:
        return type(self), ()


@breaks_absence("noresult.value")
class _ValueIsTheClass(_Nothing, mistake=True):
    value = property(type)


@breaks_absence("noresult.value")
class _HasNoValue(_Nothing, mistake=True):
    @property
    def value(self) -> Any:
        raise AttributeError("nothing has no value")


@breaks_absence("noresult.read")
class _RefusesToBeRead(_Nothing, mistake=True):
    def read(self) -> Any:
        raise MissingHandler("there is nothing to read")


@breaks_absence("noresult.write")
class _WritesAResult(_Nothing, mistake=True):
    def write(self) -> Any:
        return Plain(None, False, None)


@breaks_absence("noresult.identity")
class _PickledByState(_Nothing, mistake=True):
    """Pickles as a fresh object by the protocols that know no other way than the default."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (object.__new__, (type(self),)) if protocol < 2 else super().__reduce_ex__(protocol)


@breaks_absence("noresult.closed")
class _TwoMembers(enum.Enum):
    NO_RESULT = 1
    NOT_YET = 2

    value = property(lambda self: self)
    read = write = lambda self: self
    __bool__ = lambda self: False
    __repr__ = lambda self: "NoResult"


class _OpenKind(type):
    value = property(lambda cls: cls)
    read = write = lambda cls: cls
    __bool__ = lambda cls: False
    __repr__ = lambda cls: "NoResult"

    def __init_subclass__(cls) -> None:
        raise TypeError("this is the class of one class")


@breaks_absence("noresult.closed")
class _ClassWithInstances(metaclass=_OpenKind):
    """Stands for itself, and lets itself be called."""

    def __init_subclass__(cls) -> None:
        raise TypeError("this is the only one")


@breaks_absence("noresult.closed")
class _TakesANameOnce(_Nothing, mistake=True):
    """Gives itself out, except to whoever names it."""

    def __new__(cls, *name: str) -> Any:
        return object.__new__(cls) if name else cls._one


@breaks_absence("noresult.distinct")
class _EqualsItsLike(_Nothing, mistake=True):
    """Equals whatever prints as it does."""

    def __eq__(self, other: object) -> bool:
        return repr(other) == repr(self)

    def __hash__(self) -> int:
        return 0


@breaks_absence("noresult.distinct")
class _CannotBeHashed(_Nothing, mistake=True):
    def __eq__(self, other: object) -> bool:
        return other is self

    __hash__ = None


@breaks_absence("noresult.distinct")
class _HasNoTruth(_Nothing, mistake=True):
    def __bool__(self) -> bool:
        raise TypeError("the truth of nothing is not known")


@breaks_absence("noresult.distinct")
class _NeverEqual(_Nothing, mistake=True):
    """Is like NaN."""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


@breaks_absence("noresult.distinct")
class _PrintsItsModule(_Nothing, mistake=True):
    def __repr__(self) -> str:
        return "<NoResult>"


def _bare(name: str, rule: str, dump: Any, load: Any) -> None:
    DEFECTIVE[name] = (ResultSubject(Plain, Absent.NO_RESULT, dump=dump, load=load, handler=Inline, name=name), rule)


def _dump_bare(result: Any) -> Any:
    if result is Absent.NO_RESULT:
        return "NoResult"
    if not result.handled:
        raise ValueError("only what a handler keeps is stored")
    return result.value


_bare(
    "StoredAsABareReference",
    "noresult.stored-form",
    _dump_bare,
    lambda stored: Absent.NO_RESULT if stored == "NoResult" else Plain(stored, True, Inline()),
)
_bare(
    "LoadsNothingAsNone",
    "noresult.stored-form",
    lambda result: [] if result is Absent.NO_RESULT else [_dump_bare(result)],
    lambda stored: Plain(stored[0], True, Inline()) if stored else None,
)
_bare(
    "StoredAsATuple",
    "noresult.stored-form",
    lambda result: () if result is Absent.NO_RESULT else [_dump_bare(result)],
    lambda stored: Plain(stored[0], True, Inline()) if stored else Absent.NO_RESULT,
)
