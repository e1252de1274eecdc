"""The bench of subjects that need no storage: implementations of results, and of the hierarchy."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import cloudpickle

from ..checking import Check, Violation
from ..report import SubjectReport
from ..settings import Settings
from ..subjects import Subject
from ..values.comparison import name_of
from .making import importable_name
from .outcomes import one_line


class FixedBench:
    """What the benches of subjects other than handlers share: the values of these families are the suite's own, and fixed."""

    pool: tuple[Any, ...] = ()
    large: tuple[Any, ...] = ()
    subject: Subject

    def simplest(self, check: Check, value: Any) -> Any:
        """The value itself, since it is fixed."""
        return value

    def describe(self) -> SubjectReport:
        """What is checked, for the report."""
        made_by = getattr(self.subject, "result", None) or getattr(self.subject, "driver", None)
        return SubjectReport(
            target=self.subject.target,
            handler=name_of(made_by) if isinstance(made_by, type) else self.subject.target,
            claims=tuple(name for name in self.subject.classes if name in self.subject.claims),
            values="the suite's own",
        )

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class PlainBench(FixedBench):
    """What all trials of a subject without storage share: the subject itself, which is also what a check is given."""

    def __init__(self, subject: Subject, settings: Settings) -> None:
        self.subject = subject
        self.settings = settings
        self.beat = 0.0

    @contextmanager
    def trial(self, script: None = None, evidence_of: str | None = None, example: object = None) -> Iterator[Subject]:
        """The subject, which keeps nothing between trials."""
        yield self.subject

    def reproduce(self, check: Check, *values: Any) -> tuple[Violation | None, str]:
        """Run a failing check once more: the violation, and a script that runs it by itself."""
        script = _SCRIPT.format(rule=check.rule, subject=_source(self.subject))
        try:
            check.run(self.subject, *values)
        except Violation as violation:
            return violation, script
        return None, script


_SCRIPT = """\
from resultspec_conformance import reproduce

{subject}
reproduce({rule!r}, subject)
"""


def _source(subject: Subject) -> str:
    name = importable_name(subject)
    if name is not None:
        return f"from {name[0]} import {name[1]} as subject\n"
    try:
        stored = cloudpickle.dumps(subject)
    except Exception as error:  # noqa: BLE001 - a subject may hold anything
        return f"subject = ...  # the subject, which cannot be written down: {one_line(error)}\n"
    return f"import cloudpickle\n\nsubject = cloudpickle.loads({stored!r})\n"
