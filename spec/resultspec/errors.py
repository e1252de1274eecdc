"""The errors that the specification names.

A third-party handler need not raise them: the built-ins ``LookupError``, ``OSError``, ``ValueError`` and ``TypeError``
serve as well (rule ``handler.standard-errors``).
"""

__all__ = [
    "CorruptResult",
    "InvalidConfiguration",
    "InvalidReference",
    "MissingHandler",
    "ReadError",
    "ResultHandlerError",
    "UnknownReference",
    "UnsupportedValue",
    "WriteError",
]


class ResultHandlerError(Exception):
    """The root of every error that a result handler, or the choice of one, raises on purpose."""


class WriteError(ResultHandlerError):
    """A value could not be written; no reference exists and nothing written before is harmed."""


class ReadError(ResultHandlerError):
    """A reference could not be read."""


class UnknownReference(ReadError, LookupError):
    """The reference is well formed, but nothing is stored under it (``handler.unknown-reference``)."""


class InvalidReference(ReadError, ValueError):
    """The reference is not one that this handler could have returned (``handler.malformed-reference``)."""


class CorruptResult(ReadError):
    """What is stored under the reference was altered or cut (``durable.corruption``)."""


class UnsupportedValue(WriteError, TypeError):
    """The value is outside the handler's domain (``handler.loud-refusal``)."""


class MissingHandler(ResultHandlerError, ValueError):
    """A result has no handler where one is needed (``result.missing-handler``, ``result.handled-needs-handler``)."""


class InvalidConfiguration(ResultHandlerError):
    """The configuration names no usable handler (``hierarchy.invalid-config``)."""
