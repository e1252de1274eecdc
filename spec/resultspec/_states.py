"""What an engine shows of a task's progress."""

from typing import Any, Protocol, runtime_checkable

from ._results import NoResultType, Result


@runtime_checkable
class State(Protocol):
    """**Protocol:** the state of a task run, which holds its result (``engine.state-result``)."""

    @property
    def result(self) -> Any:
        """The value of the underlying result, or NoResult before computation."""
        ...

    @property
    def _result(self) -> Result[Any, Any] | NoResultType:
        """The underlying result, or NoResult before computation."""
        ...
