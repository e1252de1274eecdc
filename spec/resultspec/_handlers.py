"""What a result handler is: a place to write values to, and to read them back from."""

from typing import Protocol, runtime_checkable

from typing_extensions import TypeVar

from ._json import JSON

T = TypeVar("T")
R = TypeVar("R", bound=JSON, default=JSON)


@runtime_checkable
class ResultHandler(Protocol[T, R]):
    """**Protocol:** an object that keeps values somewhere and refers to them by small JSON references.

    ``T`` is the type of the values, ``R`` the type of the references. The Protocol is structural: a class that has
    both methods is a result handler and need not import anything. Both parameters are invariant, since each method
    takes what the other returns. The rules of the families *handler*, *shared*, *durable*, *private* and *static*
    say how the two methods behave.
    """

    def write(self, value: T, /) -> R:
        """Keep a value and return the reference from which it can be read back.

        Args:
            value: What to keep. It is not altered, and altering it later does not alter what is kept.

        Returns:
            A small, self-contained, strictly JSON reference (rules ``handler.json-reference``,
            ``handler.bounded-reference``).

        Raises:
            WriteError: The value is refused or could not be kept; nothing written before is harmed. A handler
                should raise it, or a built-in ``LookupError``, ``OSError``, ``ValueError`` or ``TypeError``
                (rule ``handler.standard-errors``).
        """
        ...

    def read(self, reference: R, /) -> T:
        """Return the value that a reference stands for.

        Args:
            reference: What an equally configured handler's ``write`` returned, perhaps in another process, and
                perhaps after a journey through JSON text.

        Returns:
            A fresh value, equal to the one that was written and of the same type (rules ``handler.round-trip``,
            ``handler.type-fidelity``, ``handler.fresh-read``).

        Raises:
            ReadError: The reference is unknown or malformed, or the value is damaged. A read never returns a
                substitute such as None (rule ``handler.unknown-reference``).
        """
        ...


@runtime_checkable
class AsyncResultHandler(Protocol[T, R]):
    """**Protocol:** the awaitable twin of :class:`ResultHandler`; the same rules hold for what is awaited."""

    async def write(self, value: T, /) -> R:
        """Keep a value and return its reference, as :meth:`ResultHandler.write` does."""
        ...

    async def read(self, reference: R, /) -> T:
        """Return the value that a reference stands for, as :meth:`ResultHandler.read` does."""
        ...
