"""Asks mypy about handler classes: which static rules each of them breaks."""

import importlib.util
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .answers import Answers, Problem
from .classes import METHODS, CannotProbe, function_behind, located, root_of
from .probe import Probe, Source, shown_to_mypy
from .running import run_mypy


def is_annotated(cls: type) -> bool:
    """Whether ``write`` or ``read`` of a class has any annotation, so that the static rules have something to judge."""
    return any(getattr(function_behind(cls, name), "__annotations__", None) for name in METHODS)


def why_not(cls: type) -> str | None:
    """Say why mypy cannot be asked about a class, or return None when it can."""
    if importlib.util.find_spec("mypy") is None:
        return "mypy is not installed; install it beside the handler: pip install mypy"
    try:
        located(cls)
    except CannotProbe as reason:
        return str(reason)
    return None


def problems_of(cls: type, limit: float = 60.0) -> Sequence[Problem]:
    """Ask mypy about one class.

    Args:
        cls: The class of a handler.
        limit: How many seconds mypy may take.

    Returns:
        A problem for each static rule that the class breaks; none when it keeps them all.

    Raises:
        CannotProbe: mypy is not installed, cannot find the class, or could not finish.
    """
    answer = problems_of_all([cls], limit)[cls]
    if isinstance(answer, CannotProbe):
        raise answer
    return answer


def problems_of_all(classes: Iterable[type], limit: float = 60.0) -> Mapping[type, Sequence[Problem] | CannotProbe]:
    """Ask mypy about many classes in one run.

    Args:
        classes: The classes of handlers.
        limit: How many seconds mypy may take.

    Returns:
        For each class its problems, or why mypy could not be asked about it.

    Raises:
        CannotProbe: mypy is not installed, or could not finish.
    """
    if importlib.util.find_spec("mypy") is None:
        raise CannotProbe("mypy is not installed; install it beside the handler: pip install mypy")
    answers: dict[type, Sequence[Problem] | CannotProbe] = {}
    probes: list[Probe] = []
    sources: dict[Path, Source] = {}
    with tempfile.TemporaryDirectory(prefix="resultspec-mypy-") as directory:
        place = Path(directory)
        for cls in dict.fromkeys(classes):
            try:
                probe = Probe(located(cls), len(probes))
            except CannotProbe as reason:
                answers[cls] = reason
                continue
            shown = shown_to_mypy(probe.target, place / f"probe_{len(probes)}.py")
            for file in shown:
                sources.setdefault(file, Source(file))
            sources[shown[0]].append(probe)
            probes.append(probe)
        roots = dict.fromkeys(root_of(probe.target) for probe in probes)
        said = run_mypy([*sources.values()], [*map(str, roots)], place, limit) if probes else {}
    for probe in probes:
        try:
            answers[probe.target.cls] = [*Answers(probe, said).problems()]
        except CannotProbe as reason:
            answers[probe.target.cls] = reason
    return answers
