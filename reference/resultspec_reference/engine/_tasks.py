"""Tasks, and the graph that calling them within a flow draws."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar, Token
from datetime import timedelta
from typing import Any, Concatenate, Generic, Protocol, cast, overload

import attrs
from resultspec import ResultHandler
from typing_extensions import ParamSpec, TypeVar

from .._hierarchy import Parameter

P = ParamSpec("P")
Q = ParamSpec("Q")
T = TypeVar("T")
A = TypeVar("A")
U = TypeVar("U")
U_co = TypeVar("U_co", covariant=True)


@attrs.frozen(eq=False)
class Hole:
    """Stands in an argument for the value of an input.

    Attributes:
        place: Where it is, such as ``x`` or ``x[0]``; the name of the input.
    """

    place: str


@attrs.frozen(eq=False)
class Output:
    """Stands, in the graph of a flow, for what a task will return there.

    Attributes:
        name: Its name, unique in the flow.
        task: The task.
        arguments: What the task is called with, by parameter; a hole for each input.
        inputs: Where each input comes from.
        over: The parameter over whose elements the task is mapped, or None.
    """

    name: str
    task: "Task[..., Any]"
    arguments: Mapping[str, Any]
    inputs: Mapping[str, "Output | Parameter"]
    over: str | None = None


class Graph(Protocol):
    """**Protocol:** a flow, as tasks and the runner see it.

    Attributes:
        name: What it is called.
        result_handler: What keeps the outputs of tasks that name no handler, or None.
        outputs: What stands for the output of each task, by name.
    """

    name: str
    result_handler: ResultHandler[Any, Any] | None
    outputs: dict[str, Output]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that the tasks take."""
        ...

    def add(self, task: "Task[..., Any]", arguments: Mapping[str, Any], over: str | None) -> Output:
        """Add a task with its arguments, and return what stands for its output."""
        ...


_open: ContextVar[Graph | None] = ContextVar("open flow", default=None)


def opened(graph: Graph) -> Token[Graph | None]:
    """Let tasks that are called from now on be added to a graph, until it is closed by what is returned."""
    return _open.set(graph)


def closed(token: Token[Graph | None]) -> None:
    """Close the graph that was opened last."""
    _open.reset(token)


def _at_least_nothing(task: object, attribute: Any, value: Any) -> None:
    if value is not None and value < type(value)():
        raise ValueError(f"{attribute.name} is {value}: it cannot be negative")


def _name_of(task: "Task[..., Any]") -> str:
    return getattr(task.function, "__name__", type(task.function).__name__)


class _Called(Protocol[Q, U_co]):
    """What is called with Q: as which, unlike as a Task of Q, every checker accepts a task whose parameters have names."""

    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> U_co: ...


@attrs.frozen
class Task(Generic[P, T]):
    """A function that a flow runs, with what the engine needs to know about it.

    Called within ``with Flow(...)`` it adds itself to the flow and returns an :class:`Output` that stands for the value
    to come; elsewhere it calls the function. Type checkers see the function's own signature in both cases, so that a
    flow is checked from end to end as plain calls would be.

    Args:
        function: The function; it gets raw values only (``engine.raw-to-tasks``).
        name: What the task is called; by default, as the function.
        result_handler: What keeps the output; None: the flow's, or the configuration's (``hierarchy.task-over-flow``).
        retries: How many times a failed task is run again.
        retry_delay: How long it waits before that.
        cache_for: How long an output serves later runs with equal inputs in place of being computed again; None: never.

    Raises:
        TypeError: ``function`` cannot be called, or says nothing of its parameters.
        ValueError: A number or a time is negative.
    """

    function: Callable[P, T]
    name: str = attrs.field(default=attrs.Factory(_name_of, takes_self=True), kw_only=True)
    result_handler: ResultHandler[Any, Any] | None = attrs.field(default=None, kw_only=True)
    retries: int = attrs.field(default=0, kw_only=True, validator=_at_least_nothing)
    retry_delay: timedelta = attrs.field(default=timedelta(), kw_only=True, validator=_at_least_nothing)
    cache_for: timedelta | None = attrs.field(default=None, kw_only=True, validator=_at_least_nothing)

    def __attrs_post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"A task is made of a function, not of a {type(self.function).__qualname__}")
        try:
            inspect.signature(self.function)
        except ValueError as error:
            raise TypeError(f"{self.name} says nothing of its parameters: wrap it in a function of your own") from error

    @property
    def __wrapped__(self) -> Callable[P, T]:
        """The function, for ``help`` and ``inspect.signature``."""
        return self.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Add the task to the flow that is open, or call the function where none is."""
        graph = _open.get()
        if graph is None:
            return self.function(*args, **kwargs)
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        return cast("T", graph.add(self, bound.arguments, None))

    def map(self: "_Called[Concatenate[A, Q], U]", items: Iterable[A], /, *args: Q.args, **kwargs: Q.kwargs) -> list[U]:
        """Run the task once for each element of what another task returns, or of a list.

        Args:
            items: What the first parameter takes the elements of.
            args: The other arguments, the same for each element.
            kwargs: The same by name.

        Returns:
            What stands for the list of outputs, in the order of the elements.

        Raises:
            RuntimeError: No flow is open.
        """
        task = cast("Task[..., Any]", self)
        graph = _open.get()
        if graph is None:
            raise RuntimeError(f"{task.name} can be mapped within a flow only: with Flow(...): {task.name}.map(...)")
        bound = inspect.signature(task.function).bind(cast("A", items), *args, **kwargs)
        return cast("list[U]", graph.add(task, bound.arguments, next(iter(bound.arguments))))


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, T], /) -> Task[P, T]: ...


@overload
def task(function: Callable[P, T], /) -> Task[P, T]: ...
@overload
def task(
    *,
    name: str | None = None,
    result_handler: ResultHandler[Any, Any] | None = None,
    retries: int = 0,
    retry_delay: timedelta = timedelta(),
    cache_for: timedelta | None = None,
) -> _Decorator: ...
def task(function: Callable[..., Any] | None = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Make a :class:`Task` of the function that is decorated, with or without options.

    ``@task(result_handler=h)`` makes what ``Task(function, result_handler=h)`` does (``hierarchy.decorator``).

    Args:
        function: The function, when there are no options.
        name: See :class:`Task`, as for the other options: ``result_handler``, ``retries``, ``retry_delay``,
            ``cache_for``.
        options: The other options.
    """

    def decorate(decorated: Callable[..., Any]) -> Task[..., Any]:
        return Task(decorated, **options) if name is None else Task(decorated, name=name, **options)

    return decorate if function is None else decorate(function)


def parameter(name: str, type: type[T], /) -> T:
    """Name an input of a flow, with the type that checkers shall see.

    Args:
        name: The name under which ``Flow.run`` is given the value.
        type: The type of the value, for checkers alone; the value is kept as JSON (``hierarchy.parameter-json``).

    Returns:
        A :class:`resultspec_reference.Parameter`, which stands for the value to come.
    """
    return cast("T", Parameter(name))


def holes_for(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Output | Parameter]]:
    """Put a hole in the place of every input, in the arguments themselves and in lists, tuples and dicts of them.

    Returns:
        The arguments with holes, and the input for each.
    """
    inputs: dict[str, Output | Parameter] = {}

    def without(value: Any, place: str) -> Any:
        if isinstance(value, Output | Parameter):
            inputs[place] = value
            return Hole(place)
        return _rebuilt(value, lambda item, key: without(item, f"{place}[{key!r}]"))

    return {name: without(value, name) for name, value in arguments.items()}, inputs


def filled(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the value of each input in the place of its hole."""

    def whole(value: Any, key: Any = None) -> Any:
        return values[value.place] if isinstance(value, Hole) else _rebuilt(value, whole)

    return {name: whole(value) for name, value in arguments.items()}


def _rebuilt(value: Any, part: Callable[[Any, Any], Any]) -> Any:
    """A list, tuple or dict of what a function makes of each part and its key; another value itself."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is dict:
        return {key: part(item, key) for key, item in value.items()}
    return kind([part(item, index) for index, item in enumerate(value)]) if kind in _SEQUENCES else value


_SEQUENCES: frozenset[type[Any]] = frozenset({list, tuple})
