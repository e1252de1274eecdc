"""Checks of the family *hierarchy*: which handler applies.

They ask a driver, which a :class:`~resultspec_conformance.subjects.HierarchySubject` has; that of an engine answers by what its
runs did (:mod:`resultspec_conformance.trials.runhierarchy`).
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from resultspec.errors import InvalidConfiguration

from ..checking import Untested, Violation, check
from ..spies import FalsySpy, Spy
from ..subjects import HierarchyDriver, HierarchySubject
from ..trials.outcomes import one_line
from ..values.source import shown


class _Subject(Protocol):
    """Whatever makes a driver: a subject, or the trial of an engine."""

    def driver(self) -> HierarchyDriver: ...


_TASK, _FLOW, _CONFIG = Spy("task's"), Spy("flow's"), Spy("configuration's")


def _given(what: str, work: Callable[..., Any]) -> Any:
    try:
        return work()
    except (Untested, Violation):
        raise
    except Exception as error:
        raise Violation(f"{what} raised {one_line(error)}", expected=f"{what} to work", actual=one_line(error)) from error


def _expect(what: str, expected: Any, resolve: Callable[..., Any]) -> None:
    actual = _given(what, resolve)
    if actual is not expected:
        raise Violation(f"{what} is {shown(actual)}", expected=shown(expected), actual=shown(actual))


def _driver(subject: _Subject, configured: Any = _CONFIG) -> HierarchyDriver:
    driver: HierarchyDriver = _given("making the driver", subject.driver)
    _given("configuring a handler", lambda: driver.configure(configured))
    return driver


def _of_one(driver: HierarchyDriver, task_handler: Any, flow_handler: Any, **options: Any) -> Any:
    task = driver.task("one", task_handler, **options)
    return driver.handler_of(task, driver.flow("flow", flow_handler, {task: []}))


def _in_a_row(driver: HierarchyDriver, flow_handler: Any, *task_handlers: Any) -> tuple[Any, list[Any]]:
    """A flow and its tasks, each of which takes the output of the one before it."""
    tasks = [driver.task(f"task-{number}", handler) for number, handler in enumerate(task_handlers)]
    inputs: list[list[Any]] = [[], *([task] for task in tasks[:-1])]
    return driver.flow("row", flow_handler, dict(zip(tasks, inputs, strict=True))), tasks


@check("hierarchy.config-default")
def the_configuration_is_the_default(subject: _Subject) -> None:
    """Neither task nor flow names a handler."""
    _expect("the handler where only the configuration names one", _CONFIG, lambda: _of_one(_driver(subject), None, None))


@check("hierarchy.config-default")
def the_configuration_is_the_default_downstream(subject: _Subject) -> None:
    """A task that names no handler takes the output of one that does, in a flow that names none."""
    driver = _driver(subject)
    flow, (_, last) = _in_a_row(driver, None, _TASK, None)
    what = "the handler of a task that names none, as its flow does, and takes the output of one that does,"
    _expect(what, _CONFIG, lambda: driver.handler_of(last, flow))


@check("hierarchy.flow-over-config")
def the_flow_goes_before_the_configuration(subject: _Subject) -> None:
    """Flow and configuration name handlers."""
    _expect("the handler where flow and configuration name one", _FLOW, lambda: _of_one(_driver(subject), None, _FLOW))


@check("hierarchy.flow-over-config")
def the_flow_goes_before_the_configuration_for_each_task(subject: _Subject) -> None:
    """Of three tasks in a row the second names a handler, the flow names one, and another is configured after it was made."""
    driver = _driver(subject)
    flow, (first, _, last) = _in_a_row(driver, _FLOW, None, _TASK, None)
    for task, what in ((first, "the first"), (last, "the last")):
        _expect(
            f"the handler of {what} of three tasks in a flow that names one", _FLOW, lambda t=task: driver.handler_of(t, flow)
        )
    driver.configure(Spy("later"))
    _expect("the flow's handler after another was configured", _FLOW, lambda: driver.handler_of(last, flow))


@check("hierarchy.task-over-flow")
def the_task_goes_before_the_flow(subject: _Subject) -> None:
    """Task, flow and configuration name handlers."""
    _expect("the handler where all three name one", _TASK, lambda: _of_one(_driver(subject), _TASK, _FLOW))


@check("hierarchy.task-over-flow")
def each_task_goes_before_the_flow(subject: _Subject) -> None:
    """Three tasks in a row and their flow name handlers."""
    driver = _driver(subject)
    handlers = Spy("first task's"), Spy("second task's"), Spy("third task's")
    flow, tasks = _in_a_row(driver, _FLOW, *handlers)
    for task, handler, what in zip(tasks, handlers, ("first", "second", "third"), strict=True):
        _expect(f"the handler of the {what} of three tasks that name one", handler, lambda t=task: driver.handler_of(t, flow))


@check("hierarchy.task-over-config")
def the_task_goes_before_the_configuration(subject: _Subject) -> None:
    """Task and configuration name handlers."""
    _expect("the handler where task and configuration name one", _TASK, lambda: _of_one(_driver(subject), _TASK, None))


@check("hierarchy.task-over-config")
def the_task_goes_before_a_later_configuration(subject: _Subject) -> None:
    """A task names a handler, and another is configured after it was made."""
    driver = _driver(subject)
    flow, (task,) = _in_a_row(driver, None, _TASK)
    driver.configure(Spy("later"))
    _expect("the task's handler after another was configured", _TASK, lambda: driver.handler_of(task, flow))


@check("hierarchy.parameter-json")
def parameters_use_json(subject: _Subject) -> None:
    """A parameter is resolved with and without handlers at every other level, and its handler tried with JSON."""
    for flow_handler, configured in ((None, _CONFIG), (_FLOW, _CONFIG)):
        driver = _driver(subject, configured)
        parameter = driver.parameter("p")
        task = driver.task("one", _TASK)
        flow = driver.flow("flow", flow_handler, {task: [parameter]})
        for consumer in (None, task):
            handler = _given(
                "resolving a parameter", lambda c=consumer, d=driver, p=parameter, f=flow: d.handler_of(p, f, cached_by=c)
            )
            value = {"a": [1, None, "é"]}
            reference = _given("writing a parameter", partial(handler.write, value))
            shown_as = reference if reference == value else _loaded(reference)
            if shown_as != value:
                raise Violation(
                    f"a parameter is handled by {shown(handler)}",
                    expected="a JSON handler",
                    actual=f"the reference {shown(reference)}",
                )


def _loaded(reference: Any) -> Any:
    try:
        return json.loads(reference)
    except (TypeError, ValueError):
        return None


@check("hierarchy.output-owner")
def a_cached_input_belongs_to_its_producer(subject: _Subject) -> None:
    """A downstream task with a handler of its own caches an input: whose handler is it?"""
    driver = _driver(subject)
    theirs = Spy("downstream's")
    producer, consumer = driver.task("producer", _TASK), driver.task("consumer", theirs)
    flow = driver.flow("flow", _FLOW, {producer: [], consumer: [producer]})
    _expect("the handler of a cached input", _TASK, lambda: driver.handler_of(producer, flow, cached_by=consumer))
    unset, last = driver.task("unset", None), driver.task("last", theirs)
    flow = driver.flow("flow", _FLOW, {unset: [], last: [unset]})
    alone = _given("resolving a task", lambda: driver.handler_of(unset, flow))
    _expect("the handler of a cached input whose task names none", alone, lambda: driver.handler_of(unset, flow, cached_by=last))
    flow = driver.flow("bare", None, {unset: [], last: [unset]})
    what = "the handler of a cached input whose task and flow name none"
    if (found := _given(what, lambda: driver.handler_of(unset, flow, cached_by=last))) is theirs:
        raise Violation(f"{what} is {shown(theirs)}", expected=shown(_CONFIG), actual=shown(found))


@check("hierarchy.output-owner")
def a_cached_input_belongs_to_the_nearest(subject: _Subject) -> None:
    """Three tasks in a row name handlers, and the last caches its input."""
    driver = _driver(subject)
    flow, (_, producer, consumer) = _in_a_row(driver, _FLOW, Spy("the first's"), _TASK, Spy("the last's"))
    what = "the handler of a cached input whose producer takes an input itself"
    _expect(what, _TASK, lambda: driver.handler_of(producer, flow, cached_by=consumer))


@check("hierarchy.unset-is-none")
def a_falsy_handler_counts(subject: _Subject) -> None:
    """Handlers that are falsy are set at each level."""
    falsy = FalsySpy("falsy")
    _expect("the handler where the task's is falsy", falsy, lambda: _of_one(_driver(subject), falsy, _FLOW))
    _expect("the handler where the flow's is falsy", falsy, lambda: _of_one(_driver(subject), None, falsy))
    _expect("the handler where the configuration's is falsy", falsy, lambda: _of_one(_driver(subject, falsy), None, None))
    driver = _driver(subject)
    flow, (producer, consumer) = _in_a_row(driver, _FLOW, falsy, None)
    what = "the handler of a cached input whose task's is falsy"
    _expect(what, falsy, lambda: driver.handler_of(producer, flow, cached_by=consumer))


@check("hierarchy.per-flow")
def one_task_in_two_flows(subject: _Subject) -> None:
    """A task is put into two flows with different handlers, and resolved in one, the other, and the one again."""
    driver = _driver(subject)
    task = driver.task("shared", None)
    other = Spy("other flow's")
    first, second = driver.flow("first", _FLOW, {task: []}), driver.flow("second", other, {task: []})
    for flow, expected in ((first, _FLOW), (second, other), (first, _FLOW)):
        _expect("the handler of a task that is in two flows", expected, lambda flow=flow: driver.handler_of(task, flow))
    bare = driver.flow("third", None, {task: []})
    what = "the handler of a task in a flow that names none"
    if (found := _given(what, lambda: driver.handler_of(task, bare))) in (_FLOW, other):
        raise Violation(f"{what} is that of another flow", expected=shown(_CONFIG), actual=shown(found))


@check("hierarchy.late-config")
def the_configuration_is_consulted_late(subject: _Subject) -> None:
    """The configuration changes after task and flow were made, and again after the first resolution."""
    driver = _driver(subject, Spy("earlier"))
    flow, (task, consumer) = _in_a_row(driver, None, None, None)
    for configured in (_CONFIG, Spy("later")):
        driver.configure(configured)
        _expect("the handler after the configuration changed", configured, lambda: driver.handler_of(task, flow))
        what = "the handler of a cached input after the configuration changed"
        _expect(what, configured, lambda: driver.handler_of(task, flow, cached_by=consumer))


@check("hierarchy.invalid-config")
def an_unusable_configuration_raises(subject: _Subject) -> None:
    """Things that are no handlers are configured, and the handler asked for."""
    for unusable in (object(), "local", 0, _OnlyWrites(), _OnlyReads(), _NotCallable()):
        try:
            driver: HierarchyDriver = subject.driver()
            driver.configure(unusable)
            got = _of_one(driver, None, None)
        except Untested:
            raise
        except InvalidConfiguration:
            continue
        except Exception as error:
            # An engine tells in its own way why a run failed; that it did is what can be seen.
            if not isinstance(subject, HierarchySubject):
                continue
            raise Violation(
                f"with {_named(unusable)} configured, the wrong error was raised",
                expected="InvalidConfiguration",
                actual=one_line(error),
            ) from error
        raise Violation(
            f"with {_named(unusable)} configured, a handler was found", expected="InvalidConfiguration", actual=shown(got)
        )


class _OnlyWrites:
    def write(self, value: Any, /) -> str:
        return "0"

    def __repr__(self) -> str:
        return "<something that cannot read>"


class _OnlyReads:
    def read(self, reference: Any, /) -> Any:
        return 0

    def __repr__(self) -> str:
        return "<something that cannot write>"


class _NotCallable:
    write = read = None

    def __repr__(self) -> str:
        return "<something whose write and read cannot be called>"


def _named(unusable: Any) -> str:
    return "a bare object" if type(unusable) is object else shown(unusable)


@check("hierarchy.decorator")
def the_decorator_is_the_constructor(subject: _Subject) -> None:
    """Decorated and constructed tasks, with a handler, a falsy one and none, are resolved in flows with and without one."""
    falsy = FalsySpy("falsy")
    for handler, flow_handler in ((_TASK, _FLOW), (_TASK, None), (falsy, _FLOW), (None, _FLOW)):
        constructed = _given("resolving a task", lambda f=flow_handler, h=handler: _of_one(_driver(subject), h, f))
        _expect(
            f"the handler of a task decorated with {'none' if handler is None else shown(handler)}",
            constructed,
            lambda f=flow_handler, h=handler: _of_one(_driver(subject), h, f, decorated=True),
        )
