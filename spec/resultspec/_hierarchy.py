"""Who may carry a handler, and how the one that applies is found."""

from typing import Any, Protocol, runtime_checkable

from ._handlers import ResultHandler


@runtime_checkable
class CarriesHandler(Protocol):
    """**Protocol:** a task, a flow or a configuration: whatever may name a result handler.

    None, and None alone, means that no handler is set at this level (``hierarchy.unset-is-none``).
    """

    @property
    def result_handler(self) -> ResultHandler[Any, Any] | None:
        """The handler set at this level, or None."""
        ...


@runtime_checkable
class Parameter(Protocol):
    """**Protocol:** an input of a flow, named by whoever runs it.

    A parameter always uses the JSON handler, whatever else is set (``hierarchy.parameter-json``).
    """

    @property
    def name(self) -> str:
        """The name under which a value is given."""
        ...

    @property
    def result_handler(self) -> ResultHandler[Any, str]:
        """The JSON handler."""
        ...


class Resolve(Protocol):
    """**Protocol:** a pure function that finds the handler of a task's output.

    The levels are consulted in the order task, flow, configuration; the first that is set wins. The output of a task
    is handled so wherever it is stored, also as an input that a downstream task caches (``hierarchy.output-owner``).
    """

    def __call__(
        self, *, task: CarriesHandler, flow: CarriesHandler | None, configuration: CarriesHandler
    ) -> ResultHandler[Any, Any]:
        """Return the handler of the output of ``task`` within ``flow``.

        Args:
            task: The task, or the parameter, that produces the value: never the one that consumes it.
            flow: The flow in which it runs, or None outside any flow.
            configuration: The user's configuration, consulted only now (``hierarchy.late-config``).

        Raises:
            InvalidConfiguration: No level names a handler, or the configuration is unusable.
        """
        ...
