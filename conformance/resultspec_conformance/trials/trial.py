"""One trial of a handler: its stores, the handlers made on them, and what they are asked to do."""

import copy
import json
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ..checking import NotApplicable, Refused, Untested, Violation
from ..storage import Files, StorageDoor
from ..values import comparison
from ..values.source import shown
from .calling import call
from .making import Maker
from .outcomes import Outcome, attempt, one_line
from .script import Script

if TYPE_CHECKING:
    from .bench import Bench


NOTHING_STORED = "no file was under the scratch directory when write had returned: the storage is elsewhere, or is written later"

_UNALTERABLE = frozenset({bool, int, float, str, bytes, type(None)})


def fresh(value: Any) -> Any:
    """An independent copy of a value, or the value itself where it cannot be copied."""
    if type(value) is list and _UNALTERABLE.issuperset(map(type, value)):  # long lists take deepcopy long
        return value[:]
    if type(value) is dict and _UNALTERABLE.issuperset(map(type, chain(value, value.values()))):
        return value.copy()
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - locks, generators and the like
        return value


class Handle:
    """A handler of the subject within a trial.

    What the handler raises at write is a refusal, unless the value is known to be accepted; what it raises when it reads one
    of its own references is a violation.
    """

    def __init__(self, trial: "Trial", handler: Any, store: str, name: str) -> None:
        self._trial = trial
        self._store = store
        self.name = name
        self.handler = handler
        """The handler itself."""

    @property
    def directory(self) -> Path:
        """The scratch directory that the handler was made on."""
        return self._trial.store(self._store)

    def write(self, value: Any, *, accepted: str | None = None, may_refuse: bool = False) -> Any:
        """Write a value and return its reference.

        Args:
            value: The value.
            accepted: Where a handler has accepted the value before: what is wrong when this one refuses it.
            may_refuse: Whether the rule is kept, too, by a handler that refuses it: so ends the script then.

        Raises:
            Refused: The handler raised an exception.
            Violation: It raised something that is no Exception, or refused what was accepted before.
        """
        script = self._trial.script
        if script is not None:
            known = script.of(value)
            if not known.isidentifier():
                source, known = known, script.name(value, "value")
                script.do(f"{known} = {source}")
        self._trial.bench.beat = time.monotonic()
        outcome_error: Exception | None = None
        try:
            reference = call(self.handler.write, value)
        except Exception as error:  # noqa: BLE001 - told below
            outcome_error = error
        except BaseException as error:  # noqa: BLE001 - a handler that exits is a finding
            self._exits("write", error)
        if script is not None:
            line = f"{self.name}.write({known})"
            if outcome_error is None and may_refuse:
                script.do("try:", f"    {script.name(reference, 'reference')} = {line}", "except Exception as error:")
                script.do('    print("refused, as the rule asks:", repr(error))', "    raise SystemExit")
            elif outcome_error is None:
                script.do(f"{script.name(reference, 'reference')} = {line}")
            elif accepted is not None:
                script.do(line)
            else:
                script.do("try:", f"    {line}", "except Exception as error:", '    print("refused:", repr(error))')
        if outcome_error is not None and accepted is not None:
            raise Violation(
                accepted, expected=f"a reference for {shown(value)}", actual=one_line(outcome_error)
            ) from outcome_error
        if outcome_error is not None:
            raise Refused(one_line(outcome_error)) from outcome_error
        return reference

    def read(self, reference: Any) -> Any:
        """Read a reference that a handler of this trial returned.

        Raises:
            Violation: The handler raised anything.
        """
        script = self._trial.script
        if script is not None:
            line = f"{self.name}.read({script.of(reference)})"
        self._trial.bench.beat = time.monotonic()
        try:
            value = call(self.handler.read, fresh(reference))
        except Exception as error:
            if script is not None:
                script.do(line)
            raise Violation(
                f"reading the reference of a value that was written raised {type(error).__qualname__}",
                expected="the value that was written",
                actual=one_line(error),
            ) from error
        except BaseException as error:  # noqa: BLE001 - a handler that exits is a finding
            self._exits("read", error)
        if script is not None:
            script.do(f"{script.name(value, 'read_back')} = {line}")
        return value

    def attempt_read(self, reference: Any) -> Outcome:
        """Read a reference of which anything may come."""
        self._trial.bench.beat = time.monotonic()
        outcome = attempt(self.handler.read, fresh(reference))
        if outcome.fatal:
            if self._trial.script is not None:
                self._trial.script.do(f"{self.name}.read({self._trial.script.of(reference)})")
            raise Violation("read tried to end the interpreter", expected="a value or an exception", actual=str(outcome.error))
        return outcome

    def returned_instead_of_raising(self, reference: Any, value: Any, message: str) -> NoReturn:
        """Report a read that returned where it must raise."""
        if self._trial.script is not None:
            self._trial.script.fails_unless_raises(f"{self.name}.read({self._trial.script.of(reference)})")
        raise Violation(message, expected=f"an exception from read({shown(reference)})", actual=f"read returned {shown(value)}")

    def _exits(self, method: str, error: BaseException) -> NoReturn:
        raise Violation(
            f"{method} tried to end the interpreter", expected="a value or an exception", actual=one_line(error)
        ) from error


class Trial:
    """One trial: a scratch directory of its own, and what a check may ask for.

    Args:
        bench: What all trials of a run share.
        scratch: Where a directory that is this trial's alone can be made.
        script: Records the steps, when the trial is to be reproduced.
        example: The value of the pool that the trial is about; None where it is about another, or none.
    """

    def __init__(self, bench: "Bench", scratch: Path, script: Script | None = None, example: Any = None) -> None:
        self.bench = bench
        self.script = script
        self.example = example
        self._scratch = scratch
        self._stores: set[str] = set()

    @property
    def scratch(self) -> Path:
        """The trial's directory, made when it is first asked for: many a handler needs none."""
        self._scratch.mkdir(exist_ok=True)
        return self._scratch

    @property
    def subject(self) -> Any:
        """The subject under trial."""
        return self.bench.subject

    @property
    def maker(self) -> Maker:
        """Makes the subject's handlers."""
        return self.bench.maker

    def store(self, name: str = "store") -> Path:
        """The directory of one of the trial's stores."""
        if name not in self._stores:
            (self.scratch / name).mkdir(exist_ok=True)
            self._stores.add(name)
        return self._scratch / name

    def handler(self, name: str = "handler", store: str = "store") -> Handle:
        """Make a handler; a second one on the same store is equally configured."""
        if self.script is not None:
            if store not in self._stores:
                self.script.do(f'(scratch / "{store}").mkdir()')
            self.script.do(f"{name} = {self.script.handler(store)}")
        elif self.maker.passes == "nothing":  # then it need not be there
            return Handle(self, self.maker(self._scratch / store), store, name)
        return Handle(self, self.maker(self.store(store)), store, name)

    def adopt(self, handler: Any, name: str, line: str) -> Handle:
        """Take in a handler that came by another way, such as a pickle; ``line`` makes it in the script."""
        if self.script is not None:
            self.script.do(line)
        return Handle(self, handler, "store", name)

    def twin(self) -> Handle:
        """Make the handler's awaitable or blocking twin on the same store."""
        maker = self.bench.twin_maker
        assert maker is not None  # the check has looked
        if self.script is not None:
            place = 'scratch / "store"'
            self.script.do(*maker.imports(), f"twin = Blocking({maker.expression(place)})")
        return Handle(self, maker(self.store()), "store", "twin")

    def elsewhere(self) -> Handle:
        """Make a handler of the same kind on another, empty store.

        Raises:
            NotApplicable: The factory takes no directory, so that every handler has the same store.
        """
        if not self.maker.takes_scratch:
            raise NotApplicable("the factory takes no scratch directory, so there is no second store to look in")
        return self.handler("elsewhere", "another store")

    def door(self, handle: Handle) -> StorageDoor:
        """The door to the storage of a handler that has written at least once.

        Raises:
            NotApplicable: The reference holds the value.
            Untested: The storage cannot be reached.
        """
        files = Files(handle.directory)
        if self.bench.inline and not files.names():
            raise NotApplicable("the reference holds the value, so there is no storage to open")
        if self.subject.tamper is not None:
            opened: StorageDoor = self.subject.tamper(handle.handler)
            return opened
        if not files.names():
            raise Untested(f"{NOTHING_STORED}; if it is elsewhere, give the subject a door to it: tamper=")
        return files

    def transported(self, reference: Any) -> Any:
        """A reference after a journey through JSON text."""
        arrived = json.loads(json.dumps(reference))
        if self.script is not None:
            name = self.script.of(reference)
            self.script.do(f"{name} = json.loads(json.dumps({name}))")
            self.script.rename(arrived, name)
        return arrived

    def differs(self, written: Any, read: Any) -> str | None:
        """Say how a value that was read differs in content from the one that was written, or return None."""
        return differs(self.subject.equal, written, read)

    def expect_same(self, read: Any, written: Any, message: str) -> None:
        """Raise a violation unless a value that was read has the content of the one that was written."""
        if (told := self.differs(written, read)) is None:
            return
        if self.script is not None:
            expected, actual = self.script.of(written), self.script.of(read)
            if expected.isidentifier() and expected.startswith("value"):
                expected = self._literal(written)
            self.script.do(f"expected = {expected}")
            plain = "pickle.loads" not in expected
            same = f"repr({actual}) == repr(expected)" if plain else f"pickle.dumps({actual}) == pickle.dumps(expected)"
            self.script.fails_unless(same, "repr(expected)", f"repr({actual})")
        raise Violation(f"{message}: {told}", expected=shown(written), actual=shown(read))

    def expect_same_types(self, read: Any, written: Any, message: str) -> None:
        """Raise a violation unless what has the same content has the same types, at every depth."""
        if (told := comparison.type_difference(written, read)) is None:
            return
        if self.script is not None:
            self.script.do(f"expected = {self._literal(written)}")
            self.script.fails_unless(
                f"shape({self.script.of(read)}) == shape(expected)", "shape(expected)", f"shape({self.script.of(read)})"
            )
        raise Violation(
            f"{message}: {told}",
            expected=f"{comparison.name_of(type(written))}: {shown(written)}",
            actual=f"{comparison.name_of(type(read))}: {shown(read)}",
        )

    def fail(self, message: str, *, expected: str, actual: str, unless: str) -> NoReturn:
        """Report a violation; ``unless`` is the condition, as an expression of the script, under which there is none."""
        if self.script is not None:
            self.script.fails_unless(unless, repr(expected), repr(actual))
        raise Violation(message, expected=expected, actual=actual)

    def accepted(self, count: int) -> list[Any]:
        """Fresh values that the handler is known to accept and to give back, small ones.

        Raises:
            Untested: There is none.
        """
        values = self.bench.accepted(count)
        if not values:
            raise Untested("the handler refused every value that was tried")
        return values

    def alter(self, value: Any) -> bool:
        """Alter a mutable value at every depth; False when nothing in it can be altered."""
        from ..values.altering import alter

        if not alter(value):
            return False
        if self.script is not None:
            self.script.do("from resultspec_conformance.values.altering import alter", f"alter({self.script.of(value)})")
        return True

    def _literal(self, value: Any) -> str:
        from ..values.source import source_of

        return source_of(value)


def differs(equal: Callable[[Any, Any], bool] | None, written: Any, read: Any) -> str | None:
    """Say how two values differ in content, by the subject's own equality where it has one, or return None."""
    if equal is not None:
        return None if equal(written, read) else f"by the subject's equal: expected {shown(written)}, got {shown(read)}"
    return comparison.content_difference(written, read)


_V = TypeVar("_V")


def fewest(values: Sequence[_V], fails: Callable[[Sequence[_V]], bool], most: int) -> list[_V]:
    """Leave out of a failing sequence whatever is not needed for it to fail (delta debugging, Zeller 1999).

    Args:
        values: The sequence, which fails.
        fails: Tries a part of it.
        most: How many elements may be tried in all before the search is given up for what was found.
    """
    needed, parts = list(values), 2
    while len(needed) >= 2 and most > 0:
        size = max(1, len(needed) // parts)
        for start in range(0, len(needed), size):
            rest = needed[:start] + needed[start + size :]
            most -= len(rest)
            if most < 0:
                break
            if rest and fails(rest):
                needed, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(needed))
    return needed
