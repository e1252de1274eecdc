"""A handler is recognised by its two methods alone; a wrong one is refused.

No class of this module imports or inherits anything of ours.
"""

from resultspec import ResultHandler


class Texts:
    """Keeps int by a str reference."""

    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int:
        return int(reference)


class WithOptions:
    """Takes more than the Protocol asks for, all of it optional."""

    def write(self, value: int, /, *, compress: bool = False) -> str:
        return f"{value}{compress}"

    def read(self, reference: str, retries: int = 3) -> int:
        return len(reference) + retries


class Generous:
    """Takes more types than it gives: any object to write, any object to read."""

    def write(self, value: object) -> str:
        return repr(value)

    def read(self, reference: object) -> int:
        return id(reference)


# %% Two methods of the right types make a handler, whatever else it offers
texts: ResultHandler[int, str] = Texts()
with_options: ResultHandler[int, str] = WithOptions()
generous: ResultHandler[int, str] = Generous()


# %% A class that lacks a method, or has it with other types, is no handler
class WithoutRead:
    def write(self, value: int) -> str:
        return str(value)


class WithoutWrite:
    def read(self, reference: str) -> int:
        return int(reference)


class WrongReference:
    """Write returns what read does not take."""

    def write(self, value: int) -> int:
        return value

    def read(self, reference: str) -> int:
        return int(reference)


class PerhapsNothing:
    """Read returns what write does not take: None for what is missing."""

    def write(self, value: int) -> str:
        return str(value)

    def read(self, reference: str) -> int | None:
        return int(reference) if reference else None


class WrongOrder:
    """The two methods are exchanged."""

    def write(self, reference: str) -> int:
        return int(reference)

    def read(self, value: int) -> str:
        return str(value)


class NeedsMore:
    """Write cannot be called with the value alone."""

    def write(self, value: int, name: str) -> str:
        return f"{name}={value}"

    def read(self, reference: str) -> int:
        return int(reference)


class NotAMethod:
    write: str = ""
    read: str = ""


without_read: ResultHandler[int, str] = WithoutRead()  # type: ignore[assignment]
without_write: ResultHandler[int, str] = WithoutWrite()  # type: ignore[assignment]
wrong_reference: ResultHandler[int, str] = WrongReference()  # type: ignore[assignment]
wrong_reference_too: ResultHandler[int, int] = WrongReference()  # type: ignore[assignment]
perhaps_nothing: ResultHandler[int, str] = PerhapsNothing()  # type: ignore[assignment]
wrong_order: ResultHandler[int, str] = WrongOrder()  # type: ignore[assignment]
needs_more: ResultHandler[int, str] = NeedsMore()  # type: ignore[assignment]
not_a_method: ResultHandler[int, str] = NotAMethod()  # type: ignore[assignment]
the_class_itself: ResultHandler[int, str] = Texts  # type: ignore[assignment]
