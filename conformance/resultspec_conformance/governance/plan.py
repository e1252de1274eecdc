"""What a command is to do: the subjects, and what is asked of each, from the command line and from pyproject.toml."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from resultspec import rules

from ..settings import Settings
from ..subjects import HandlerSubject, Subject
from ..trials.making import BadSubject
from . import golden, project
from .targets import subject_of


@attrs.frozen
class Plan:
    """What a command is to do.

    Attributes:
        jobs: The subjects, each with what is asked of it.
        unusable: Why some targets cannot be checked, a sentence each.
        whole: Whether these are all the handlers of the pyproject.toml, rather than targets that were named.
        lock: The lock file that the pyproject.toml names, or None.
    """

    jobs: tuple[tuple[Subject, Settings], ...]
    unusable: tuple[str, ...]
    whole: bool
    lock: Path | None


def planned(targets: Sequence[str], said: Mapping[str, Any], waive: Mapping[str, str], here: Path) -> Plan:
    """Find out what is checked, and how.

    Args:
        targets: The targets that were named; none: the handlers of the nearest pyproject.toml.
        said: What the command line says, by the keys of ``[tool.resultspec]``; it goes over what the file says.
        waive: Reasons by rule id from the command line, for every target that the rule concerns.
        here: The working directory.

    Raises:
        BadProject: The pyproject.toml says something that cannot be meant.
        BadSubject: There is nothing to check, or a waiver concerns nothing.
    """
    found = project.find(here)
    entries = {entry.target: entry for entry in found.entries} if found is not None else {}
    if not targets and not entries:
        where = (
            f"{found.path} has no [[tool.resultspec.handlers]]" if found else f"there is no [tool.resultspec] from {here} upward"
        )
        raise BadSubject(f"no TARGET was given, and {where}; name a target, such as mymodule:MyHandler")
    jobs: list[tuple[Subject, Settings]] = []
    unusable: list[str] = []
    for target in targets or entries:
        base: Mapping[str, Any] = found.common if found is not None else {}
        directory = here
        if found is not None and target in entries:
            base, directory = entries[target].options, found.directory
        try:
            subject = subject_of(target, directory)
            fitting = {rule: reason for rule, reason in waive.items() if _concerns(rule, subject)}
            options = {**base, **said, "waive": {**base.get("waive", {}), **fitting}}
            jobs.append((_configured(subject, options), _settings(options)))
        except (BadSubject, ValueError) as error:
            unusable.append(str(error))
    if jobs and (idle := [rule for rule in waive if not any(_concerns(rule, subject) for subject, _ in jobs)]):
        raise BadSubject(f"the waiver of {idle[0]} concerns none of the targets")
    return Plan(tuple(jobs), tuple(unusable), whole=not targets, lock=found.lock if found is not None else None)


def _concerns(rule: str, subject: Subject) -> bool:
    return rules.rule(rule).cls in subject.classes


def _configured(subject: Subject, options: Mapping[str, Any]) -> Subject:
    """A subject with the claims, the kind of storage and the corpus that were asked for."""
    if not isinstance(subject, HandlerSubject):
        if "corpus" in options:
            raise BadSubject(f"{subject.target} is no handler, so it has no corpus of recorded references")
        return subject
    if "corpus" in options:
        golden.require(options["corpus"])
    wanted = {"claims": "claims", "storage": "storage", "golden": "corpus"}
    return attrs.evolve(subject, **{name: options[key] for name, key in wanted.items() if key in options})


def _settings(options: Mapping[str, Any]) -> Settings:
    """What is asked for; a corpus that was named is there to be read, whatever the level of its rule."""
    names = {field.name for field in attrs.fields(Settings)}
    binding = frozenset({"shared.golden"} if "corpus" in options else ())
    return Settings(**{name: value for name, value in options.items() if name in names}, binding=binding)
