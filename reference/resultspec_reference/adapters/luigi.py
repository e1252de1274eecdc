"""Any conforming handler within Luigi: a target whose content is a value that the handler keeps."""

import json
from typing import Any, Generic, TypeVar

import luigi
import luigi.target
from resultspec import ResultHandler
from resultspec.errors import InvalidReference, UnknownReference

T = TypeVar("T")


class ResultTarget(luigi.Target, Generic[T]):
    """A target that holds a value: the handler keeps the value, and a file target of Luigi's, the *record*, its reference.

    The reference is kept in another target because Luigi's file targets are what its users already share between machines,
    on a disk or in a bucket, and because they write all or nothing: the record appears once it is complete. It is written
    after the value, so that a crash between the two leaves the task incomplete.

    Args:
        record: Where the reference is kept: a file target of text, such as ``luigi.LocalTarget("total.json")``.
        result_handler: Keeps the value.
    """

    def __init__(self, record: luigi.target.FileSystemTarget, result_handler: ResultHandler[T, Any]) -> None:
        self.record = record
        """Where the reference is kept. Removing it makes the task incomplete, and so lets it run again."""
        self.result_handler = result_handler
        """Keeps the value."""

    def exists(self) -> bool:
        """Return whether a reference has been recorded.

        The handler is not asked: a value that was lost since is an error when it is read, and no reason to run the task again.
        """
        return bool(self.record.exists())

    def write(self, value: T) -> None:
        """Write a value through the handler, and then record its reference.

        Args:
            value: What the task puts out; None is a value, too. A value that was written before stays where the handler
                has it, since the contract has no deletion; its reference is replaced.

        Raises:
            Exception: Whatever the handler or the record raises, as it is. The target is as it was before.
        """
        text = json.dumps({"reference": self.result_handler.write(value)}, allow_nan=False)
        with self.record.open("w") as file:
            file.write(text)

    def read(self) -> T:
        """Read the value back.

        Returns:
            The value that was written.

        Raises:
            UnknownReference: No reference has been recorded.
            InvalidReference: The record was altered or cut.
            Exception: Whatever the handler raises, as it is.
        """
        if not self.exists():
            raise UnknownReference(f"{self.record.path} holds no reference: first run the task that puts it out")
        with self.record.open("r") as file:
            text = file.read()
        try:
            reference = json.loads(text)["reference"]
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidReference(f"{self.record.path} is no record of a reference: remove it to run the task again") from error
        return self.result_handler.read(reference)
