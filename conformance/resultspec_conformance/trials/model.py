"""A model of what every handler is: writes and reads in any order, by any instance, give back what was written.

A state machine draws sequences of steps and holds the handler against the model, which is a list of what was written. It
looks for what no single check can see: a cache that is stale after the second instance has written, an index that is lost
when a store is opened again after a write that failed. A step that already goes wrong by itself is left out, since another
check reports it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import attrs
import cloudpickle
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from ..checking import Refused, Violation
from ..values.altering import alter
from ..values.drawing import garbage_left
from ..values.references import forged
from ..values.strictjson import json_problem
from ..values.traps import half_writable
from .outcomes import one_line
from .trial import Handle, Trial, fewest, fresh

if TYPE_CHECKING:
    from .bench import Bench

Kind = Literal["write", "read", "reopen", "pickle", "alter written", "alter read", "failed write", "unknown read"]

OWNERS: dict[Kind, str] = {
    "pickle": "shared.pickle",
    "reopen": "shared.instance",
    "failed write": "handler.failed-write",
    "alter written": "handler.snapshot",
    "alter read": "handler.fresh-read",
    "unknown read": "handler.repeatable-read",
}
"""The rule to which a step belongs, the rules of *shared* first: those of *core* speak of one instance alone."""

_EXAMPLES = 20
_STEPS = 24
_VALUES = 6
_RECENT = 3
_INDEX = st.integers(0, 11)
_TIMES = st.integers(1, 8)
_SHRINKING = 10_000


@attrs.frozen
class Step:
    """One step of a sequence.

    What a step makes is known by the step's number, so that other steps can be left out without changing what it means; a
    step that is about something which was never made is passed over.

    Attributes:
        kind: What is done.
        who: The number of the handler that does it; 0 is the first.
        what: The number of the reference or of the value that was read to which it is done; for a write, the place of the
            value in the plan.
        number: Its own number: that of the handler, the reference or the value that comes of it.
    """

    kind: Kind
    who: int = 0
    what: int = 0
    number: int = 0


@attrs.frozen
class Plan:
    """What the sequences of a run are made of.

    Attributes:
        values: Values that the handler gives back.
        refusable: Values that the handler refuses.
        kinds: The steps that do not go wrong by themselves.
    """

    values: Sequence[Any]
    refusable: Sequence[Any]
    kinds: frozenset[Kind] = frozenset(get_args(Kind))


@attrs.frozen
class Finding:
    """What the state machine found.

    Attributes:
        plan: What the sequences were made of.
        steps: How many steps were taken.
        rule: The rule that is broken, or None.
        shortest: The steps that break it, none of which can be left out.
    """

    plan: Plan
    steps: int
    rule: str | None = None
    shortest: tuple[Step, ...] = ()


class World:
    """Handlers on one store, and the model of what the store holds.

    Args:
        trial: Makes the handlers.
        plan: What the steps are done with.
    """

    def __init__(self, trial: Trial, plan: Plan) -> None:
        self._trial = trial
        self._plan = plan
        self._handlers: dict[int, Handle] = {0: trial.handler()}
        self._written: dict[int, tuple[Any, Any, Any]] = {}  # as it was, as the writer holds it, its reference
        self._read: dict[int, Any] = {}
        self._failures = 0
        self.taken: list[Step] = []
        self.refused = False
        """Whether the last step was a write that was refused."""
        self.found_unknown = False
        """Whether a reference that was never written was read."""

    def choose(self, kind: Kind, who: int, what: int) -> Step | None:
        """The step that two numbers stand for, counted round what there is; None when there is nothing to do it to."""
        candidates: Sequence[int] = {
            "write": range(len(self._plan.values)),
            "failed write": range(len(self._plan.refusable)),
            "alter read": [*self._read],
            "reopen": [0],
            "pickle": [0],
        }.get(kind, [*self._written])
        if not candidates:
            return None
        handlers = [*self._handlers][-_RECENT:]
        return Step(kind, handlers[who % len(handlers)], candidates[what % len(candidates)], len(self.taken) + 1)

    def take(self, step: Step) -> None:
        """Take a step.

        Raises:
            Violation: The handler does not do what the model says.
        """
        self.taken.append(step)
        self.refused = False
        if (handler := self._handlers.get(step.who)) is not None:
            _DO[step.kind](self, handler, step)

    def sweep(self) -> None:
        """Let the handlers that were opened last read every reference."""
        for who in range(_RECENT):
            for what in range(len(self._written)):
                if (step := self.choose("read", who, what)) is not None:
                    self.take(step)

    def _write(self, handler: Handle, step: Step) -> None:
        value = fresh(self._plan.values[step.what])
        before = fresh(value)
        harm = "a write was refused after one that raised" if self._failures else None
        try:
            self._written[step.number] = (before, value, handler.write(value, accepted=harm))
        except (Refused, Violation) as end:
            self.refused = isinstance(end.__cause__, Exception)  # not where write tried to end the interpreter
            if isinstance(end, Violation):
                raise

    def _read_back(self, handler: Handle, step: Step) -> None:
        if step.what in self._written:
            before, _, reference = self._written[step.what]
            read = handler.read(reference)
            self._trial.expect_same(read, before, "read returned something else than was written")
            self._read[step.number] = read

    def _reopen(self, handler: Handle, step: Step) -> None:
        self._handlers[step.number] = self._trial.handler(f"handler_{step.number}")

    def _pickle(self, handler: Handle, step: Step) -> None:
        name = f"handler_{step.number}"
        line = f"{name} = cloudpickle.loads(cloudpickle.dumps({handler.name}))"
        try:
            copied = cloudpickle.loads(cloudpickle.dumps(handler.handler))
        except Exception as error:
            raise Violation("the handler does not pickle", expected="a copy of it", actual=one_line(error)) from error
        self._handlers[step.number] = self._trial.adopt(copied, name, line)

    def _alter_written(self, handler: Handle, step: Step) -> None:
        if step.what in self._written:
            self._trial.alter(self._written[step.what][1])

    def _alter_read(self, handler: Handle, step: Step) -> None:
        if step.what in self._read:
            self._trial.alter(self._read[step.what])

    def _fail(self, handler: Handle, step: Step) -> None:
        with suppress(Refused):
            handler.write(fresh(self._plan.refusable[step.what]))
            return
        self._failures += 1

    def _read_unknown(self, handler: Handle, step: Step) -> None:
        if step.what in self._written:
            reference = self._written[step.what][2]
            for unknown in islice(forged(reference), 1) if json_problem(reference) is None else ():
                self.found_unknown |= handler.attempt_read(unknown).error is None
                if self._trial.script is not None:
                    self._trial.script.do(
                        "try:", f"    {handler.name}.read({unknown!r})", "except Exception as error:", "    print(repr(error))"
                    )


_DO: dict[Kind, Callable[[World, Handle, Step], None]] = {
    "write": World._write,
    "read": World._read_back,
    "reopen": World._reopen,
    "pickle": World._pickle,
    "alter written": World._alter_written,
    "alter read": World._alter_read,
    "failed write": World._fail,
    "unknown read": World._read_unknown,
}


def replay(trial: Trial, plan: Plan, steps: Sequence[Step]) -> None:
    """Take steps in a trial.

    Raises:
        Violation: The handler does not do what the model says; the text tells the steps.
    """
    world = World(trial, plan)
    try:
        for step in steps:
            world.take(step)
    except Violation as violation:
        told = ", ".join(step.kind for step in world.taken)
        raise Violation(
            f"{violation.message}; none of the steps before it can be left out: {told}",
            expected=violation.expected,
            actual=violation.actual,
        ) from violation


def explore(bench: "Bench") -> Finding:
    """Draw sequences of steps, and find the rule that one breaks.

    Args:
        bench: What all trials of the run share; its seed decides what is drawn.

    Returns:
        What was found. When even a single write or read goes wrong, no step is taken: other checks report that.
    """
    plan = _sound(bench, Plan(_values(bench), _refusable(bench)))
    if not {"write", "read"} <= plan.kinds:
        return Finding(plan, 0)
    taken, failing = _drawn(bench, plan)
    if not _fails(bench, plan, failing):
        return Finding(plan, taken)
    shortest = _shortest(failing, lambda steps: _fails(bench, plan, steps))
    return Finding(plan, taken, _owner(shortest), tuple(shortest))


def _shortest(failing: Sequence[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """The steps that are needed for a sequence to fail, each as plain as can be."""
    needed = fewest(failing, fails, most=_SHRINKING)
    for number in [step.number for step in needed if step.kind in ("reopen", "pickle")]:
        merged = [attrs.evolve(step, who=0) if step.who == number else step for step in needed if step.number != number]
        if fails(merged):
            needed = merged
    for index in range(len(needed)):
        for plainer in _plainer(needed[index], needed[:index]):
            candidate = [*needed[:index], plainer, *needed[index + 1 :]]
            if fails(candidate):
                needed = candidate
                break
    return fewest(needed, fails, most=_SHRINKING)


def _plainer(step: Step, before: Sequence[Step]) -> Iterator[Step]:
    """Other ways to take a step, the plainest first: by an earlier handler, with an earlier reference, without pickling."""
    handlers = [0, *(one.number for one in before if one.kind in ("reopen", "pickle"))]
    things = [0, *(one.number for one in before if one.kind in ("write", "read"))]
    kinds: tuple[Kind, ...] = ("reopen", "pickle") if step.kind == "pickle" else (step.kind,)
    for kind, who, what in product(kinds, handlers, things):
        if (plainer := attrs.evolve(step, kind=kind, who=who, what=what)) == step:
            return
        if what == 0 or step.kind not in ("write", "failed write"):
            yield plainer


def _owner(steps: Sequence[Step]) -> str:
    """The rule that steps break, none of which can be left out."""
    kinds = [step.kind for step in steps]
    special = next((rule_id for kind, rule_id in OWNERS.items() if kind in kinds), None)
    if special in (None, "handler.repeatable-read") and kinds.count("write") > 1:
        return "handler.independent-writes"
    return special or "handler.repeatable-read"


def _values(bench: "Bench") -> list[Any]:
    """Values that the handler gives back, half of them alterable where there are such."""

    def given_back(value: Any) -> bool:
        def run(trial: Trial) -> None:
            handler = trial.handler()
            trial.expect_same(handler.read(handler.write(fresh(value))), value, "alone")

        return bench.outcome(run) is None

    candidates = [value for value in bench.pool if value is not None and alter(fresh(value))]
    alterable = list(islice(filter(given_back, candidates), _VALUES // 2))
    return [*alterable, *(value for value in bench.accepted(_VALUES) if not alter(fresh(value)))][:_VALUES]


def _refusable(bench: "Bench") -> list[Any]:
    """Values that the handler refuses: some that fail midway, and some that are outside its domain."""

    def refused(value: Any) -> bool:
        def write(trial: Trial) -> None:
            trial.handler().write(fresh(value))

        return isinstance(bench.outcome(write), Refused)

    candidates = chain(half_writable()[:2], islice(bench.domain.outside(), 2))
    return [value for value in candidates if refused(value)]


def _sound(bench: "Bench", plan: Plan) -> Plan:
    """The plan without the steps that go wrong by themselves, with any of the values."""

    def goes_wrong(steps: Sequence[Step]) -> bool:
        return any(
            _fails(bench, plan, [attrs.evolve(step, what=what) if step.kind == "write" else step for step in steps])
            for what in range(len(plan.values))
        )

    def finds_unknown(trial: Trial) -> bool:
        world = World(trial, plan)
        for index in range(len(plan.values)):
            world.take(Step("write", 0, index, index))
            world.take(Step("unknown read", 0, index))
        return world.found_unknown

    if not plan.values:
        return attrs.evolve(plan, kinds=frozenset())
    if not plan.refusable:
        plan = attrs.evolve(plan, kinds=plan.kinds - {"failed write"})
    wrong: set[Kind] = {kind for kind in plan.kinds if any(map(goes_wrong, _ALONE.get(kind, ())))}
    if bench.outcome(finds_unknown) is not False:
        wrong.add("unknown read")
    return attrs.evolve(plan, kinds=plan.kinds - wrong)


_W, _R = (Step("write", 0, 0, 1),), (Step("read", 0, 1),)
_SECOND_W, _SECOND_R = (Step("write", 0, 0, 2),), (Step("read", 0, 2),)

_ALONE: dict[Kind, Sequence[Sequence[Step]]] = {
    "write": [(*_W, *_R)],
    "read": [(*_W, *_R * 6)],
    "reopen": [(*_W, Step("reopen", 0, 0, 9), Step("read", 9, 1)), (Step("reopen", 0, 0, 9), *_W, Step("read", 9, 1))],
    "pickle": [
        (*_W, Step("pickle", 0, 0, 9), Step("read", 9, 1)),
        (Step("pickle", 0, 0, 9), *_W, Step("read", 9, 1)),
        (Step("pickle", 0, 0, 9), Step("write", 9, 0, 1), *_R),
    ],
    "alter written": [(*_W, Step("alter written", 0, 1), *_R)],
    "alter read": [(*_W, Step("read", 0, 1, 2), Step("alter read", 0, 2), *_R)],
    "failed write": [(*_W, Step("failed write"), *_R, *_SECOND_W, *_SECOND_R, *_R)],
}
"""For each step, short sequences that show whether it goes wrong by itself, as single checks see it."""


def _fails(bench: "Bench", plan: Plan, steps: Sequence[Step]) -> bool:
    """Whether the handler does not do what the model says; a write that is refused anyway does not count."""
    violation, world = _ended(bench, plan, steps)
    if violation and world.refused:
        _, without = _ended(bench, plan, [step for step in world.taken if step.kind != "failed write"])
        return not without.refused
    return violation


def _ended(bench: "Bench", plan: Plan, steps: Sequence[Step]) -> tuple[bool, World]:
    """Whether steps end in a violation, and the world that they leave behind."""
    worlds: list[World] = []

    def run(trial: Trial) -> None:
        worlds.append(World(trial, plan))
        for step in steps:
            worlds[0].take(step)

    outcome = bench.outcome(run)
    return isinstance(outcome, Violation), worlds[0]


class _Sequences(RuleBasedStateMachine):
    """Takes the steps that Hypothesis chooses."""

    bench: ClassVar["Bench"]
    plan: ClassVar[Plan]
    failing: ClassVar[list[Step]]
    taken: ClassVar[list[int]]

    def __init__(self) -> None:
        super().__init__()
        self._resources = ExitStack()
        self._world = World(self._resources.enter_context(self.bench.trial()), self.plan)

    def _take(self, kind: Kind, who: int = 0, what: int = 0) -> Step | None:
        step = self._world.choose(kind, who, what)
        if step is not None:
            self._guarded(lambda: self._world.take(step))
        return step

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Violation:
            self.failing[:] = self._world.taken
            raise

    @rule(who=_INDEX, what=_INDEX, times=_TIMES)
    def write(self, who: int, what: int, times: int) -> None:
        """Write one of the values, perhaps twice."""
        for _ in range(1 + times % 2):
            self._take("write", who, what)

    @rule(who=_INDEX, what=_INDEX)
    def read(self, who: int, what: int) -> None:
        """Read one of the references."""
        self._take("read", who, what)

    @rule(who=_INDEX, what=_INDEX, times=_TIMES)
    def write_and_read(self, who: int, what: int, times: int) -> None:
        """Take turns writing a value and reading it."""
        for turn in range(times):
            self._take("write", who, what + turn)
            self._take("read", who, -1)

    @precondition(lambda self: "alter read" in self.plan.kinds)
    @rule(who=_INDEX, what=_INDEX, times=_TIMES)
    def read_and_alter(self, who: int, what: int, times: int) -> None:
        """Take turns reading a reference and altering what was read."""
        for _ in range(times):
            self._take("read", who, what)
            self._take("alter read", 0, -1)

    @precondition(lambda self: "reopen" in self.plan.kinds)
    @rule(who=_INDEX)
    def reopen(self, who: int) -> None:
        """Make another handler on the same store."""
        self._take("reopen", who)

    @precondition(lambda self: "pickle" in self.plan.kinds)
    @rule(who=_INDEX)
    def pickle(self, who: int) -> None:
        """Pickle one of the handlers, and keep the copy beside it."""
        self._take("pickle", who)

    @precondition(lambda self: "alter written" in self.plan.kinds)
    @rule(times=_TIMES)
    def alter_written(self, times: int) -> None:
        """Alter the values that were written last."""
        for back in range(1, times + 1):
            self._take("alter written", 0, -back)

    @precondition(lambda self: "alter read" in self.plan.kinds)
    @rule(what=_INDEX)
    def alter_read(self, what: int) -> None:
        """Alter a value that was read."""
        self._take("alter read", 0, what)

    @precondition(lambda self: "failed write" in self.plan.kinds)
    @rule(who=_INDEX, what=_INDEX, times=_TIMES)
    def failed_write(self, who: int, what: int, times: int) -> None:
        """Write values that are refused, one to three of them."""
        for turn in range(1 + times % 3):
            self._take("failed write", who, what + turn)

    @precondition(lambda self: "unknown read" in self.plan.kinds)
    @rule(who=_INDEX, what=_INDEX)
    def unknown_read(self, who: int, what: int) -> None:
        """Read a reference that was never written."""
        self._take("unknown read", who, what)

    def teardown(self) -> None:
        """Read everything once more, and remove the store."""
        try:
            if not self.failing:
                self._guarded(self._world.sweep)
        finally:
            self.taken.append(len(self._world.taken))
            self._resources.close()


def _drawn(bench: "Bench", plan: Plan) -> tuple[int, list[Step]]:
    """Draw sequences until one fails: how many steps were taken, and those of the one that failed."""
    failing: list[Step] = []
    taken: list[int] = []
    state = {"bench": bench, "plan": plan, "failing": failing, "taken": taken}
    machine = seed(bench.settings.seed)(type("Sequences", (_Sequences,), state))
    how = settings(
        max_examples=_EXAMPLES,
        stateful_step_count=_STEPS,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # the steps themselves are shortened, by what they mean
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with suppress(Exception), garbage_left():  # the violation; what failed is in the state
        run_state_machine_as_test(machine, settings=how)
    return sum(taken), failing
