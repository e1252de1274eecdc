"""The handler that a product's configuration names."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

from resultspec import ResultHandler
from resultspec.errors import InvalidConfiguration


def named_handler(name: str, what: str, options: Mapping[str, Any] | None = None) -> ResultHandler[Any, Any]:
    """Return the handler that a name stands for.

    Args:
        name: ``"module:attribute"``: a handler, or a class or function that makes one.
        what: What is named so, for the error.
        options: Keyword arguments of the class or function.

    Raises:
        InvalidConfiguration: It names no handler, or nothing that makes one with these options.
    """
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise InvalidConfiguration(f"{what} is no name: write module:attribute")
    try:
        found: Any = resolve_name(name)
        is_made = hasattr(found, "write") and not isinstance(found, type)
        made: Any = found if is_made and not options else found(**options or {})
    except Exception as error:
        raise InvalidConfiguration(
            f"{what} makes no handler: mend the name, the options where it has any, or what the cause says"
        ) from error
    return usable_handler(made, what)


def usable_handler(handler: Any, what: str) -> ResultHandler[Any, Any]:
    """Return what was given for a handler.

    Raises:
        InvalidConfiguration: It is none.
    """
    usable: ResultHandler[Any, Any] = handler
    if isinstance(handler, type) or not isinstance(handler, ResultHandler):
        raise InvalidConfiguration(f"{what} is no result handler: give an object that has write and read")
    return usable
