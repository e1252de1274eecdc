"""What can go wrong with an object store, beyond what the specification names."""

from resultspec.errors import ReadError, WriteError


class StoreError(ReadError, WriteError):
    """The store, or its client library, failed in a way that none of the errors below names.

    It and its kinds are raised by reading and by writing alike, so they are errors of both.
    """


class MissingBucket(StoreError):
    """There is no such bucket or container: it was misspelt, or nobody has made it."""


class RefusedAccess(StoreError, PermissionError):
    """The store refused the credential, or what it may do; or there is no credential at all."""


class UnreachableStore(StoreError, ConnectionError):
    """The store gave no answer, or none but that it is in trouble, for as long as the request was tried again."""


class MissingExtra(StoreError, ImportError):
    """The client library is not installed; the error names the extra that brings it."""
