"""Which handler applies: the task's, the flow's, or the configuration's."""

from typing import Any, final

import attrs
from resultspec import CarriesHandler, ResultHandler
from resultspec.errors import InvalidConfiguration

from ._json import JSONResultHandler


@final
@attrs.frozen
class Parameter:
    """An input of a flow, named by whoever runs it.

    Nothing can give it another handler than the JSON handler: it is its own, and a task's own handler always wins
    (``hierarchy.parameter-json``).

    Args:
        name: The name under which a value is given.
    """

    name: str
    """The name under which a value is given."""

    @property
    def result_handler(self) -> JSONResultHandler:
        """The JSON handler."""
        return JSONResultHandler()


def resolve(*, task: CarriesHandler, flow: CarriesHandler | None, configuration: CarriesHandler) -> ResultHandler[Any, Any]:
    """Return the handler of what a task puts out: the first that is set of the task's, the flow's, the configuration's.

    None, and None alone, means that a level sets none (``hierarchy.unset-is-none``). A level is asked only when those
    before it set none, and only now (``hierarchy.late-config``). Satisfies :class:`resultspec.Resolve`.

    Args:
        task: The task, or the parameter, that produces the value: never the one that consumes it
            (``hierarchy.output-owner``).
        flow: The flow in which it runs, or None outside any flow.
        configuration: The user's configuration, such as :class:`Configuration`.

    Returns:
        The handler, as it was set.

    Raises:
        InvalidConfiguration: No level sets a handler, or the first that is set is not one
            (``hierarchy.invalid-config``).
    """
    levels = [("task", task), ("configuration", configuration)]
    if flow is not None:
        levels.insert(1, ("flow", flow))
    for level, carrier in levels:
        try:
            handler: object = carrier.result_handler
        except AttributeError as error:
            raise InvalidConfiguration(f"The {level} carries no result_handler: give it one, or None") from error
        if handler is not None:
            return usable(handler, f"The result_handler of the {level}")
    raise InvalidConfiguration("No result_handler is set by the task, the flow or the configuration: set one")


def usable(handler: Any, what: str) -> ResultHandler[Any, Any]:
    """Return a handler, once it is clear that it is one.

    Raises:
        InvalidConfiguration: It is a class and not an instance, or lacks a callable ``write`` or ``read``.
    """
    if isinstance(handler, type):
        raise InvalidConfiguration(f"{what} is the class {handler.__qualname__}: give an instance of it")
    lacking = [name for name in ("write", "read") if not callable(getattr(handler, name, None))]
    if lacking:
        methods = " and ".join(lacking)
        raise InvalidConfiguration(f"{what} has no {methods} that can be called: it is a {_type_name(handler)}")
    found: ResultHandler[Any, Any] = handler
    return found


def _type_name(value: object) -> str:
    return type(value).__qualname__
