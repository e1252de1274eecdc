"""Writes reports to files: each is whole or left as it was, and none is touched before all could be written."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ..report import Report

Form = Literal["json", "junit", "html", "badge"]


class CannotWrite(Exception):
    """A file cannot be written; the text says which and why."""


def refuse_impossible(files: Mapping[Form, Path]) -> None:
    """See, before a run, that the files can be written after it.

    Args:
        files: Where each form is to go.

    Raises:
        CannotWrite: A directory is missing or must not be written to, or two forms were to go to one file.
    """
    seen: dict[Path, Form] = {}
    for form, path in files.items():
        place = path.resolve()
        if place in seen:
            raise CannotWrite(f"--{form} {path}: --{seen[place]} goes to the same file")
        if not place.parent.is_dir():
            raise CannotWrite(f"--{form} {path}: there is no directory {place.parent}")
        if not os.access(place.parent, os.W_OK):
            raise CannotWrite(f"--{form} {path}: the directory {place.parent} must not be written to")
        seen[place] = form


def write(files: Mapping[Form, Path], reports: Sequence[Report], commands: Sequence[str]) -> None:
    """Write reports in every form that is asked for.

    Args:
        files: Where each form goes.
        reports: What was found, a report for each subject.
        commands: The command that repeats each of the runs.

    Raises:
        CannotWrite: A file could not be written.
    """
    texts = {form: _render(form, reports, commands) for form in files}
    drafts = {form: path.with_name(f"{path.name}.{os.getpid()}.part") for form, path in files.items()}
    form = next(iter(files), None)
    try:
        for form, draft in drafts.items():
            draft.write_text(texts[form], encoding="utf-8", newline="\n")
        for form, draft in drafts.items():
            draft.replace(files[form])
    except OSError as error:
        raise CannotWrite(f"--{form} {files[form or 'json']}: {error.strerror}") from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _render(form: Form, reports: Sequence[Report], commands: Sequence[str]) -> str:
    """Give reports in a form; what a form needs is imported only for it, because Jinja takes its time."""
    match form:
        case "json":
            stored = [report.to_json() for report in reports]
            return json.dumps(stored[0] if len(stored) == 1 else stored, indent=2) + "\n"
        case "junit":
            from . import junit

            return junit.render(reports)
        case "html":
            from . import html

            return html.render(reports, commands)
        case "badge":
            from . import badge

            return badge.render(reports)
