"""Which handler applies."""

from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import resultspec
from resultspec.errors import InvalidConfiguration
from resultspec_reference import JSONResultHandler, Parameter, resolve


@attrs.frozen
class Named(JSONResultHandler):
    """A handler with a name, falsy on purpose."""

    name: str = ""

    def __bool__(self) -> bool:
        return False


TASK, FLOW, CONFIGURATION = Named("task"), Named("flow"), Named("configuration")


def carrying(handler: object) -> Any:
    """Return something that carries a handler."""
    return SimpleNamespace(result_handler=handler)


class Untouched:
    """Fails when it is asked for its handler."""

    @property
    def result_handler(self) -> Any:
        """Fail."""
        raise AssertionError("asked too early")


@pytest.mark.parametrize(
    ("task", "flow", "configuration", "expected"),
    [
        (None, None, CONFIGURATION, CONFIGURATION),
        (None, FLOW, CONFIGURATION, FLOW),
        (TASK, FLOW, CONFIGURATION, TASK),
        (TASK, None, CONFIGURATION, TASK),
        (TASK, None, None, TASK),
        (None, FLOW, None, FLOW),
    ],
)
def test_the_first_that_is_set_wins(task: Any, flow: Any, configuration: Any, expected: Any) -> None:
    """The task's handler goes before the flow's, and that before the configuration's; only None is unset."""
    resolved = resolve(task=carrying(task), flow=carrying(flow), configuration=carrying(configuration))

    assert resolved is expected


def test_outside_any_flow() -> None:
    """Without a flow the configuration follows the task."""
    assert resolve(task=carrying(None), flow=None, configuration=carrying(CONFIGURATION)) is CONFIGURATION


def test_lower_levels_are_not_asked() -> None:
    """A level is asked only when those before it set nothing."""
    assert resolve(task=carrying(TASK), flow=Untouched(), configuration=Untouched()) is TASK
    assert resolve(task=carrying(None), flow=carrying(FLOW), configuration=Untouched()) is FLOW


def test_a_parameter_uses_json() -> None:
    """A parameter resolves to the JSON handler, whatever else is set."""
    parameter = Parameter("x")

    assert isinstance(parameter, resultspec.Parameter)
    assert resolve(task=parameter, flow=carrying(FLOW), configuration=carrying(CONFIGURATION)) == JSONResultHandler()
    with pytest.raises(AttributeError):
        parameter.result_handler = FLOW  # type: ignore[misc]


@pytest.mark.parametrize("level", ["task", "flow", "configuration"])
@pytest.mark.parametrize(
    ("unusable", "problem"),
    [
        ("local", "no write and read"),
        (0, "no write and read"),
        (SimpleNamespace(write=len), "no read"),
        (SimpleNamespace(write="a", read=len), "no write"),
        (JSONResultHandler, "the class JSONResultHandler"),
    ],
)
def test_what_is_no_handler(level: str, unusable: object, problem: str) -> None:
    """Something that is not a handler is refused where it is set, never passed over."""
    carriers = {"task": carrying(None), "flow": carrying(None), "configuration": carrying(CONFIGURATION)}
    carriers[level] = carrying(unusable)

    with pytest.raises(InvalidConfiguration, match=f"{level} .*{problem}"):
        resolve(**carriers)


@pytest.mark.parametrize("configuration", [carrying(None), object(), None])
def test_no_handler_at_all(configuration: Any) -> None:
    """A configuration that carries no handler is unusable."""
    with pytest.raises(InvalidConfiguration, match="result_handler"):
        resolve(task=carrying(None), flow=None, configuration=configuration)
