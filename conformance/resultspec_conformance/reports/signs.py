"""How statuses and verdicts are shown, the same in every form: a sign, a word and what it means."""

from ..report import Status, Verdict

SIGNS: dict[Status, str] = {
    "failed": "✗",
    "error": "E",
    "warned": "!",
    "waived": "w",
    "passed": "✓",
    "blocked": "·",
    "not-applicable": "-",
    "untested": "?",
}
"""A sign for each status, the gravest first."""

MEANINGS: dict[Status, str] = {
    "failed": "the rule is broken",
    "error": "the suite could not judge: the subject could not be made, or the suite itself went wrong",
    "warned": "a rule that is no must is broken; it does not decide",
    "waived": "broken, known, and excused for the reason given",
    "passed": "the rule is kept, as far as could be seen",
    "blocked": "not judged, because a rule that it rests on is not kept",
    "not-applicable": "the rule does not speak of this subject",
    "untested": "the rule could not be put to the test, for the reason given",
}
"""What each status means, for legends."""

VERDICTS: dict[Verdict, str] = {
    "conforms": "no claimed rule that binds is broken",
    "violates": "a claimed rule is broken",
    "inconclusive": "nothing can be said: what the claimed rules rest on could not be judged",
}
"""What each verdict means, for legends."""
