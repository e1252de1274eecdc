"""Errors raised by code that holds private data, made fit for a log."""


class WithheldError(Exception):
    """Stands in for an error whose text may quote a value or a credential (``private.quiet-errors``).

    It names the type of that error and keeps its traceback, so that the place is still found.
    """


def quiet(error: Exception) -> Exception:
    """Return what may be chained as a cause in place of an error that foreign code raised.

    Raise with it outside the ``except`` block: inside, Python would chain the error itself as the context.
    """
    if type(error) is ModuleNotFoundError:
        # The interpreter wrote this text; it names a module, and is what one needs to know.
        return error
    return WithheldError(f"{type(error).__name__}, its text withheld").with_traceback(error.__traceback__)
