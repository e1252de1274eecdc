"""Saboteurs of results and of NoResult: each makes of correct ones some that break exactly one rule."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import attrs

from ..subjects import ResultSubject


class Proxy:
    """A result that passes everything through to a correct one; a saboteur overrides what it spoils.

    Args:
        inner: The correct result.
        subject: The correct subject that made it.
    """

    _inner: Any
    _subject: Any

    def __init__(self, inner: Any, subject: Any) -> None:
        self.__dict__.update(_inner=inner, _subject=subject)

    @property
    def value(self) -> Any:
        return self._inner.value

    @property
    def handled(self) -> bool:
        return bool(self._inner.handled)

    @property
    def result_handler(self) -> Any:
        return self._inner.result_handler

    def write(self) -> Any:
        return self._wrapped(self._inner.write())

    def read(self) -> Any:
        return self._wrapped(self._inner.read())

    def _wrapped(self, inner: Any) -> Any:
        return self if inner is self._inner else type(self)(inner, self._subject)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._inner == other._inner

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} is read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} is read-only")

    def __reduce__(self) -> Any:
        return type(self), (self._inner, _Forgotten())


class _Forgotten:
    """Stands for the subject in a pickled result, whose functions need not pickle."""


class _Writable(Proxy):
    """Lets its attributes be assigned to."""

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value


class _StaysRaw(Proxy):
    """Returns from write the raw value beside the handler, as if it were the reference."""

    def write(self) -> Any:
        written = self._inner.write()
        if written is self._inner:
            return self
        return type(self)(self._subject.result([written.value], True, self.result_handler), self._subject)

    def read(self) -> Any:
        if self.handled and isinstance(self.value, list):
            return type(self)(self._subject.result(self.value[0], True, self.result_handler).read(), self._subject)
        return super().read()


class _ForgetsItsHandler(Proxy):
    """Returns from read a result without the handler."""

    def read(self) -> Any:
        read = self._inner.read()
        if read is self._inner:
            return self
        return type(self)(self._subject.result(read.value, False, None), self._subject)


class _WritesAgain(Proxy):
    """Writes a handled result once more."""

    def write(self) -> Any:
        if self.handled:
            self.result_handler.write(self.value)
            return type(self)(self._inner, self._subject)
        return super().write()


class _ReadsAgain(Proxy):
    """Returns a copy when a raw result is read."""

    def read(self) -> Any:
        return type(self)(self._inner, self._subject) if not self.handled else super().read()


class _TrueForOne(Proxy):
    """Brings falsy values back as None."""

    def read(self) -> Any:
        read = super().read()
        if read is self or read.value or read.value is None:
            return read
        return type(self)(self._subject.result(None, False, self.result_handler), self._subject)


class _WritesItself(Proxy):
    """Becomes the handled result when it is written."""

    def write(self) -> Any:
        written = super().write()
        if written is not self:
            self.__dict__["_inner"] = written._inner
            return type(self)(written._inner, self._subject)
        return written


class _WritesWithoutHandler(Proxy):
    """Returns itself when it is written without a handler."""

    def write(self) -> Any:
        return self if self.result_handler is None else super().write()


class _ForgivesNoHandler(Proxy):
    """Takes a handled result without a handler for a raw one."""


class _NoneIsNothing(Proxy):
    """Gives a result of None the value of NoResult's absence."""

    @property
    def value(self) -> Any:
        return False if self._inner.value is None and not self.handled else self._inner.value


class _LooseEquality(Proxy):
    """Equals results of values that are equal and of another type."""

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and self.value == other.value
            and self.handled == other.handled
            and self.result_handler == other.result_handler
        )

    def __hash__(self) -> int:
        return hash((self.value if not isinstance(self.value, list | dict) else None, self.handled))


class _Unpicklable(Proxy):
    """Does not pickle."""

    def __reduce__(self) -> Any:
        raise TypeError("results are not pickled here")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("results are not pickled here")


class _Talkative(Proxy):
    """Shows its value."""

    def __repr__(self) -> str:
        return f"Result({self.value!r})"


def _proxied(proxy: type[Proxy]) -> Callable[[ResultSubject], ResultSubject]:
    def sabotage(subject: ResultSubject) -> ResultSubject:
        def result(value: Any, handled: bool, result_handler: Any) -> Any:
            if proxy is _ForgivesNoHandler and handled and result_handler is None:
                handled = False
            return proxy(subject.result(value, handled, result_handler), subject)

        return attrs.evolve(subject, result=result, dump=None, load=None, handler=None)

    sabotage.__doc__ = proxy.__doc__
    return sabotage


def _stores_raw_results(subject: ResultSubject) -> ResultSubject:
    """Gives raw results a stored form that holds their value."""
    assert subject.dump is not None  # a subject without stored forms cannot be sabotaged in them
    dump = subject.dump

    def dump_anything(result: Any) -> Any:
        return dump(result) if result is subject.no_result or result.handled else {"raw": result.value}

    return attrs.evolve(subject, dump=dump_anything)


class Nothing:
    """A correct NoResult in a class that a saboteur can spoil.

    There is one object for each class; every copy is that object.
    """

    _only: ClassVar[Any] = None

    def __new__(cls) -> Self:
        if cls.__dict__.get("_only") is not None:
            raise TypeError(f"there is one {cls.__name__} already")
        one = super().__new__(cls)
        cls._only = one
        return one

    def __init_subclass__(cls, *, saboteur: bool = False) -> None:
        if not saboteur:
            raise TypeError("NoResult has no subclasses")

    @property
    def value(self) -> Any:
        return self

    def read(self) -> Any:
        return self

    def write(self) -> Any:
        return self

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NoResult"

    def __reduce__(self) -> Any:
        return _only_of, (type(self),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


def _only_of(cls: type[Nothing]) -> Any:
    return cls._only


class _NoneValue(Nothing, saboteur=True):
    """Has the value None."""

    @property
    def value(self) -> Any:
        return None


class _NoneRead(Nothing, saboteur=True):
    """Reads as None."""

    def read(self) -> Any:
        return None


class _NoneWritten(Nothing, saboteur=True):
    """Writes as None."""

    def write(self) -> Any:
        return None


class _Copied(Nothing, saboteur=True):
    """Becomes another object when it is deep-copied."""

    def __deepcopy__(self, memo: object) -> Any:
        return object.__new__(type(self))


class _Open(Nothing, saboteur=True):
    """Lets itself be made again."""

    def __new__(cls) -> Self:
        one = object.__new__(cls)
        cls._only = cls._only or one
        return one


class _Truthy(Nothing, saboteur=True):
    """Is truthy, as objects are by default."""

    def __bool__(self) -> bool:
        return True


def _instead(cls: type[Nothing]) -> Callable[[ResultSubject], ResultSubject]:
    def sabotage(subject: ResultSubject) -> ResultSubject:
        nothing = cls._only if cls.__dict__.get("_only") is not None else cls()

        def result(value: Any, handled: bool, result_handler: Any) -> Any:
            if value is nothing:
                raise ValueError("the absence of a result is no value of one")
            return subject.result(value, handled, result_handler)

        return attrs.evolve(subject, result=result, no_result=nothing, dump=None, load=None, handler=None)

    sabotage.__doc__ = cls.__doc__
    return sabotage


def _stores_none(subject: ResultSubject) -> ResultSubject:
    """Stores NoResult as null, and loads null as None."""
    assert subject.dump is not None and subject.load is not None
    dump, load = subject.dump, subject.load
    return attrs.evolve(
        subject,
        dump=lambda result: None if result is subject.no_result else dump(result),
        load=lambda stored: None if stored is None else load(stored),
    )


RESULT_SABOTEURS: Mapping[str, Callable[[ResultSubject], ResultSubject]] = {
    "result.attributes": _proxied(_Writable),
    "result.write": _proxied(_StaysRaw),
    "result.read": _proxied(_ForgetsItsHandler),
    "result.write-idempotent": _proxied(_WritesAgain),
    "result.read-idempotent": _proxied(_ReadsAgain),
    "result.round-trip": _proxied(_TrueForOne),
    "result.original-untouched": _proxied(_WritesItself),
    "result.missing-handler": _proxied(_WritesWithoutHandler),
    "result.handled-needs-handler": _proxied(_ForgivesNoHandler),
    "result.none": _proxied(_NoneIsNothing),
    "result.equality": _proxied(_LooseEquality),
    "result.pickle": _proxied(_Unpicklable),
    "result.stored-form": _stores_raw_results,
    "result.quiet-repr": _proxied(_Talkative),
    "noresult.value": _instead(_NoneValue),
    "noresult.read": _instead(_NoneRead),
    "noresult.write": _instead(_NoneWritten),
    "noresult.identity": _instead(_Copied),
    "noresult.closed": _instead(_Open),
    "noresult.distinct": _instead(_Truthy),
    "noresult.stored-form": _stores_none,
}
"""By rule, a function that makes of a correct subject one that breaks the rule and no other."""
