"""What mypy's answers mean, in the words of the static rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from .classes import METHODS, CannotProbe, Method
from .probe import Probe
from .running import Said


@attrs.frozen
class Problem:
    """What mypy's answer means for one rule.

    Attributes:
        rule: The id of the rule that is broken.
        message: What is wrong, and where: file and line of the author's source.
        expected: What the rule asks for.
        actual: The types that mypy sees.
    """

    rule: str
    message: str
    expected: str
    actual: str


# The probe awaits nothing where it asks of blocking methods, and does nothing with what they give.
_BESIDE_THE_POINT = ("unused-coroutine", "unused-awaitable", "func-returns-value")


class Answers:
    """What mypy answered to each question of a probe."""

    def __init__(self, probe: Probe, said: Mapping[Path, Sequence[Said]]) -> None:
        self._target = probe.target
        self._said = said
        by_line: dict[int, list[Said]] = {}
        for one in said.get(probe.file, ()):
            by_line.setdefault(one.line, []).append(one)
        if probe.file != probe.target.file and (refused := by_line.get(1)):
            raise CannotProbe(f"mypy does not look into the package: {refused[0].text}")
        self._by_key = {key: by_line.get(line, []) for key, line in probe.lines.items()}
        if not self._type("write") and not self._errors("write"):
            raise CannotProbe(f"mypy does not see the class {probe.target.cls.__qualname__} in {probe.target.file}")

    def problems(self) -> Iterator[Problem]:
        """The rules that are broken; one that rests on a broken one is left out."""
        shape = list(self._shape())
        yield from shape
        if shape:
            return
        suffix = " awaited" if any(map(self._awaited, METHODS)) else ""
        others = [*self._json_bound(suffix), *self._symmetry(suffix)]
        yield from others
        yield from self._typed(suffix)
        if not others and (errors := self._errors("accepted" + suffix)):
            yield self._problem(
                "static.protocol", "write", "the class is not assignable to the Protocol", "ResultHandler[T, R]", errors[0]
            )

    def _shape(self) -> Iterator[Problem]:
        for method, argument in (("write", "value"), ("read", "reference")):
            if self._errors(f"has {method}"):
                seen = self._type(method)
                yield self._problem(
                    "static.protocol",
                    method,
                    f"{method} cannot be called with the {argument} alone" if seen else f"the class has no {method}",
                    f"def {method}(self, {argument}, /)",
                    seen or "no such method",
                )
                return
        kinds = {method: self._awaited(method) for method in METHODS if self._type(f"{method} gives") != "Any"}
        if len(set(kinds.values())) > 1:
            yield self._problem(
                "static.protocol",
                "read",
                f"only {'write' if kinds['write'] else 'read'} is to be awaited",
                "both methods plain, or both `async def`",
                f"write: {self._type('write')}; read: {self._type('read')}",
            )
            return
        for method in METHODS:
            if self._awaited(method) and self._errors(f"{method} is coroutine"):
                yield self._problem(
                    "static.protocol",
                    method,
                    f"{method} returns an awaitable that is no coroutine",
                    f"async def {method}, or one that returns a Coroutine",
                    self._type(method),
                )
                return

    def _json_bound(self, suffix: str) -> Iterator[Problem]:
        if self._errors("reference is JSON" + suffix):
            seen = self._type("write gives" + suffix)
            yield self._problem(
                "static.json-bound", "write", f"write returns {seen}, which is no JSON", "JSON or a subtype", seen
            )

    def _symmetry(self, suffix: str) -> Iterator[Problem]:
        for one, other in (("write", "read"), ("read", "write")):
            if self._errors(f"{other} takes it" + suffix):
                gives, takes = self._type(f"{one} gives" + suffix), self._type(f"{other} takes")
                yield self._problem(
                    "static.symmetry",
                    other if one == "write" else one,
                    f"{one} returns {gives}, which {other} does not take",
                    f"{other} takes what {one} returns: {gives}",
                    f"{other} takes {takes}",
                )
                return

    def _typed(self, suffix: str) -> Iterator[Problem]:
        for method in METHODS:
            seen = self._type(method)
            found = self._target.methods.get(method)
            if found is not None:
                told = [one for one in self._said.get(found.file, ()) if one.line in found.lines and _brings_any(one, found)]
                if told:
                    yield self._problem(
                        "static.typed", method, f"{method}: {told[0].text}", "complete annotations without Any", seen
                    )
                    return
            for what in (f"{method} takes", f"{method} gives" + suffix):
                if self._type(what) == "Any":
                    yield self._problem("static.typed", method, f"{what} Any", "a type that can be checked", seen)
                    return

    def _awaited(self, method: str) -> bool:
        """Whether what a method returns is to be awaited; of Any nobody can tell."""
        return self._type(f"{method} gives") != "Any" and not self._errors(f"{method} is awaitable")

    def _errors(self, key: str) -> list[str]:
        return [one.text for one in self._by_key[key] if one.severity == "error" and one.code not in _BESIDE_THE_POINT]

    def _type(self, key: str) -> str:
        """The type that mypy revealed, as an author would write it, or an empty text."""
        revealed = [re.fullmatch(r'Revealed type is "(.*)"', one.text, re.DOTALL) for one in self._by_key[key]]
        shown = next((match[1] for match in revealed if match), "")
        return _readable(shown) if not self._errors(key) else ""

    def _problem(self, rule: str, method: str, message: str, expected: str, actual: str) -> Problem:
        return Problem(rule, f"{message} ({self._target.place(method)})", expected, actual)


_SPELLED_JSON = re.compile(r"None \| (bool \| )?int \| float \| str \| list\[(JSON|\.\.\.)\] \| Mapping\[str, (JSON|\.\.\.)\]")


def _readable(shown: str) -> str:
    """A type as an author would write it: mypy spells JSON out, twice over."""
    short = re.sub(r"\b(builtins|typing)\.", "", shown)
    return _SPELLED_JSON.sub("JSON", _SPELLED_JSON.sub("JSON", short))


def _brings_any(one: Said, method: Method) -> bool:
    if one.code == "explicit-any":
        return not method.any_for_coroutines_alone
    return one.code in ("type-arg", "no-untyped-def", "no-any-unimported") or "after decorator" in one.text
