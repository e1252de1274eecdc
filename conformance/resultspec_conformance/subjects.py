"""What is checked: the subjects that an author describes."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs
from resultspec import JSON

from .engines import EngineDriver, is_driver
from .storage import StorageDoor

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

HANDLER_CLASSES = ("core", "shared", "durable", "private", "static")
"""The conformance classes that a handler may claim."""


def _claims(names: Iterable[str]) -> frozenset[str]:
    claims = frozenset([names] if isinstance(names, str) else names)
    if unknown := claims - set(HANDLER_CLASSES):
        raise ValueError(f"no such class: {', '.join(sorted(unknown))}; a handler may claim {', '.join(HANDLER_CLASSES)}")
    return claims


@attrs.frozen
class HandlerSubject:
    """A result handler to be checked.

    An asynchronous handler is checked as a blocking one is: whatever its methods return that is awaitable is awaited, on one
    asyncio event loop. A handler that runs on trio alone cannot be checked.

    Attributes:
        make: The handler's class, or a factory. It takes nothing, or one scratch directory (a ``Path``, or a ``str`` where
            it is annotated so) under which the handler may keep values. Calls with the same directory make equally
            configured handlers.
        values: A Hypothesis strategy that draws values of the handler's domain. Left out, the domain is what ``write``
            is annotated with; ``Any`` or nothing means plain Python values.
        equal: Decides whether a value that was read equals the one that was written, ``equal(written, read)``; it
            overrides the suite's own notion of equality and type.
        claims: The conformance classes that decide the verdict: some of ``core``, ``shared``, ``durable``, ``private``,
            ``static``. What is named here is claimed; ``static`` is claimed without being named when the handlers' class is
            annotated and mypy can be asked about it. Under pytest, whose tests are named before a handler was made, its rules
            are tests where it is named.
        storage: ``inline`` when the reference holds the value, ``external`` when the value lies elsewhere; left out, the
            suite finds out.
        tamper: Opens the storage of a handler, ``tamper(handler)``, for the checks that alter what is stored. Left out, the
            suite finds the files that the handler writes under its scratch directory.
        credentials: Texts that the factory configures the handler with and that nobody may see: passwords, keys, tokens.
        twin: A factory, called as ``make`` is, of the handler's awaitable or blocking twin; each is to read the other's
            references (rule ``shared.instance``).
        describe: Gives a handler's configuration as JSON, without secrets (rule ``shared.describable``).
        rebuild: Makes a handler from that JSON.
        golden: A directory of references recorded by an earlier version (rule ``shared.golden``).
        name: What to call the subject in reports; left out, the name of ``make``.

    Raises:
        ValueError: ``claims`` names no such class.
    """

    make: Callable[..., Any]
    values: "SearchStrategy[Any] | None" = None
    equal: Callable[[Any, Any], bool] | None = None
    claims: frozenset[str] = attrs.field(default=frozenset({"core", "shared"}), converter=_claims)
    storage: Literal["inline", "external"] | None = None
    tamper: Callable[[Any], StorageDoor] | None = None
    credentials: tuple[str, ...] = ()
    twin: Callable[..., Any] | None = None
    describe: Callable[[Any], JSON] | None = None
    rebuild: Callable[[Any], Any] | None = None
    golden: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    name: str | None = None

    @property
    def target(self) -> str:
        """What the report calls the subject."""
        return self.name or _name_of(self.make)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes whose rules are run."""
        return HANDLER_CLASSES


@attrs.frozen
class ResultSubject:
    """An implementation of ``Result`` and ``NoResult`` to be checked (families *result* and *noresult*).

    Attributes:
        result: Makes a result: ``result(value, handled, result_handler)``.
        no_result: The object that stands for the absence of a computation.
        dump: Gives the stored form (JSON) of a handled result or of NoResult, and raises for a raw result.
        load: Makes the result, or NoResult, from its stored form.
        handler: Makes the handler whose results are stored; it must be one that ``dump`` knows, and the handler of what ``load``
            makes must read what it has written. Wherever no stored form is asked for, handlers of the suite serve, some of which
            are falsy, or raise.
        name: What to call the subject in reports.
    """

    result: Callable[[Any, bool, Any], Any]
    no_result: Any
    dump: Callable[[Any], JSON] | None = None
    load: Callable[[JSON], Any] | None = None
    handler: Callable[[], Any] | None = None
    name: str | None = None

    @property
    def target(self) -> str:
        """What the report calls the subject."""
        return self.name or _name_of(self.result)

    @property
    def claims(self) -> frozenset[str]:
        """Both families decide."""
        return frozenset(self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes whose rules are run."""
        return ("result", "noresult")


class HierarchyDriver(Protocol):
    """**Protocol:** how the suite builds an engine's tasks and flows, and asks which handler applies.

    Handlers are passed and returned as they are; None means that none is set.
    """

    def task(self, name: str, result_handler: Any, *, decorated: bool = False) -> Any:
        """Make a task, with the engine's decorator when ``decorated``."""
        ...

    def parameter(self, name: str) -> Any:
        """Make a parameter."""
        ...

    def flow(self, name: str, result_handler: Any, tasks: Mapping[Any, Iterable[Any]]) -> Any:
        """Make a flow from its tasks, each with the tasks and parameters whose output it takes."""
        ...

    def configure(self, result_handler: Any) -> None:
        """Set the handler that the user's configuration names, also after tasks and flows were made.

        It may be something that is no handler: then this, or finding the handler, raises
        :class:`~resultspec.errors.InvalidConfiguration`.
        """
        ...

    def handler_of(self, producer: Any, flow: Any, *, cached_by: Any = None) -> Any:
        """The handler that writes a producer's output in a flow, also as the cached input of another task."""
        ...


@attrs.frozen
class HierarchySubject:
    """A way to find the handler that applies, to be checked (family *hierarchy*).

    Attributes:
        driver: Makes a fresh :class:`HierarchyDriver`, with nothing configured.
        name: What to call the subject in reports.
    """

    driver: Callable[[], HierarchyDriver]
    name: str | None = None

    @property
    def target(self) -> str:
        """What the report calls the subject."""
        return self.name or _name_of(self.driver)

    @property
    def claims(self) -> frozenset[str]:
        """The family decides."""
        return frozenset(self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes whose rules are run."""
        return ("hierarchy",)


@attrs.frozen
class EngineSubject:
    """A workflow engine to be checked (families *engine* and *hierarchy*).

    Both families are judged by the same driver: which handler applies is seen from who wrote what when the engine ran.

    Attributes:
        driver: The class of an :class:`~resultspec_conformance.engines.EngineDriver`, or a factory of one. It takes nothing, or
            one scratch directory (a ``Path``, or a ``str`` where it is annotated so) in which the engine keeps its database.
            Drivers made with the same directory, also in other processes, share the database.
        name: What to call the subject in reports.
    """

    driver: Callable[..., EngineDriver]
    name: str | None = None

    @property
    def target(self) -> str:
        """What the report calls the subject."""
        return self.name or _name_of(self.driver)

    @property
    def claims(self) -> frozenset[str]:
        """Both families decide."""
        return frozenset(self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes whose rules are run."""
        return ("hierarchy", "engine")


Subject = HandlerSubject | ResultSubject | HierarchySubject | EngineSubject


def _name_of(make: Any) -> str:
    if (source := getattr(make, "source", None)) is not None:
        return str(source)
    module, name = getattr(make, "__module__", None), getattr(make, "__qualname__", None)
    return f"{module}:{name}" if module and name else repr(make)


def as_subject(subject: Subject | Callable[..., Any]) -> Subject:
    """The subject that is meant.

    Args:
        subject: A subject, a handler's class or factory, or the class of an engine's driver.
    """
    if isinstance(subject, Subject):
        return subject
    return EngineSubject(subject) if is_driver(subject) else HandlerSubject(subject)
