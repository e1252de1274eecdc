"""The rules of the specification are complete, well formed and frozen."""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from graphlib import TopologicalSorter
from types import ModuleType

import pytest
import resultspec
from resultspec import errors, rules
from resultspec.rules import (
    CLASSES,
    RULES,
    VOCABULARY,
    Level,
    Rule,
    _core,
    _durable,
    _engine,
    _hierarchy,
    _noresult,
    _private,
    _result,
    _shared,
    _static,
    rule,
)

# Frozen: a change to this table is a new version of the specification.
SPEC_1_0 = """
handler.json-reference           core       must
handler.round-trip               core       must
handler.type-fidelity            core       must
handler.reference-transport      core       must
handler.none                     core       must
handler.falsy-values             core       must
handler.repeatable-read          core       must
handler.independent-writes       core       must
handler.input-untouched          core       must
handler.snapshot                 core       must
handler.fresh-read               core       must
handler.unknown-reference        core       must
handler.malformed-reference      core       must
handler.loud-refusal             core       must
handler.failed-write             core       must
handler.bounded-reference        core       must
handler.standard-errors          core       should
handler.passive-construction     core       should
shared.instance                  shared     must
shared.pickle                    shared     must
shared.process                   shared     must
shared.threads                   shared     must
shared.processes                 shared     must
shared.equality                  shared     should
shared.describable               shared     may
shared.golden                    shared     may
durable.exit                     durable    must
durable.kill                     durable    must
durable.all-or-nothing           durable    must
durable.full-disk                durable    must
durable.synced                   durable    should
durable.corruption               durable    should
durable.no-residue               durable    should
private.opaque-reference         private    must
private.quiet-errors             private    must
private.quiet-repr               private    must
private.confined-read            private    must
private.safe-read                private    must
private.tamper-evident           private    should
private.bounded-read             private    should
private.file-mode                private    should
static.protocol                  static     must
static.json-bound                static     must
static.symmetry                  static     must
static.typed                     static     should
result.attributes                result     must
result.write                     result     must
result.read                      result     must
result.write-idempotent          result     must
result.read-idempotent           result     must
result.round-trip                result     must
result.original-untouched        result     must
result.missing-handler           result     must
result.handled-needs-handler     result     must
result.none                      result     must
result.equality                  result     must
result.pickle                    result     must
result.stored-form               result     must
result.quiet-repr                result     should
noresult.value                   noresult   must
noresult.read                    noresult   must
noresult.write                   noresult   must
noresult.identity                noresult   must
noresult.closed                  noresult   must
noresult.distinct                noresult   must
noresult.stored-form             noresult   must
hierarchy.config-default         hierarchy  must
hierarchy.flow-over-config       hierarchy  must
hierarchy.task-over-flow         hierarchy  must
hierarchy.task-over-config       hierarchy  must
hierarchy.parameter-json         hierarchy  must
hierarchy.output-owner           hierarchy  must
hierarchy.unset-is-none          hierarchy  must
hierarchy.per-flow               hierarchy  must
hierarchy.late-config            hierarchy  must
hierarchy.invalid-config         hierarchy  must
hierarchy.decorator              hierarchy  must
engine.state-result              engine     must
engine.only-handled-stored       engine     must
engine.retry-inputs              engine     must
engine.cached-output             engine     must
engine.upstream-none             engine     must
engine.raw-to-tasks              engine     must
engine.write-failure             engine     must
engine.read-failure              engine     must
engine.fresh-process             engine     must
engine.parameter-inspectable     engine     must
engine.mapped-owner              engine     may
"""

MODULES: tuple[ModuleType, ...] = (
    _core,
    _shared,
    _durable,
    _private,
    _static,
    _result,
    _noresult,
    _hierarchy,
    _engine,
)

BINDING = re.compile(r"\b(?:must|should|may|shall|required|recommended|optional)\b", re.IGNORECASE)

EVERY_RULE = pytest.mark.parametrize("each", RULES.values(), ids=lambda each: each.id)


def sentences(text: str) -> list[str]:
    """Split prose where a sentence ends."""
    return re.split(r"(?<=[.?!])\s+", text)


def names(law: str) -> Iterator[str]:
    """Yield the names that a law uses and does not define."""
    tree = ast.parse(law)
    defined = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    defined |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    defined |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    yield from used - defined - set(dir(builtins))


def test_frozen() -> None:
    """The ids of spec 1.0, their order, classes and levels never change."""
    expected = [tuple(line.split()) for line in SPEC_1_0.strip().splitlines()]
    actual = [(r.id, r.cls, r.level.value) for r in RULES.values() if r.since == "1.0"]

    assert expected == actual


def test_no_rule_is_later_than_the_specification() -> None:
    """Every rule belongs to the version that the package says it is, or to an earlier one."""
    version = tuple(int(part) for part in resultspec.SPEC_VERSION.split("."))
    later = [r.id for r in RULES.values() if tuple(int(part) for part in r.since.split(".")) > version]

    assert later == []


def test_no_id_is_defined_twice() -> None:
    """Every module's rules are all there: none has been replaced by another of the same id."""
    expected = [r.id for module in MODULES for r in module.RULES]

    assert expected == list(RULES)


def test_keys_are_ids() -> None:
    """The mapping finds each rule by its own id."""
    actual = {key: r.id for key, r in RULES.items()}

    assert {key: key for key in RULES} == actual


def test_classes() -> None:
    """The conformance classes are listed once each, in the order of the specification."""
    expected = ("core", "shared", "durable", "private", "static", "result", "noresult", "hierarchy", "engine")

    assert expected == CLASSES


@EVERY_RULE
def test_family(each: Rule) -> None:
    """A rule's class is its family, but for the family handler, whose class is core."""
    expected = "core" if each.family == "handler" else each.family

    assert expected == each.cls


def test_the_mapping_is_read_only() -> None:
    """Nobody can add a rule."""
    with pytest.raises(TypeError):
        RULES["handler.mine"] = RULES["handler.none"]  # type: ignore[index]


def test_the_vocabulary_is_read_only() -> None:
    """Nobody can give a name of the laws another meaning."""
    with pytest.raises(TypeError):
        VOCABULARY["h"] = ""  # type: ignore[index]


def test_a_rule_is_frozen() -> None:
    """Nobody can alter a rule."""
    with pytest.raises(FrozenInstanceError):
        RULES["handler.none"].level = Level.MAY  # type: ignore[misc]


def test_rule() -> None:
    """A rule is found by its id."""
    assert RULES["durable.kill"] is rule("durable.kill")


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("handler.roundtrip", "handler.round-trip"),
        ("Handler.None", "handler.none"),
        ("durable.sync", "durable.synced"),
        ("round-trip", "handler.round-trip"),
        ("private.tamper_evident", "private.tamper-evident"),
    ],
)
def test_an_unknown_id_suggests_the_nearest(unknown: str, nearest: str) -> None:
    """The message quotes the unknown id and names the rule that was probably meant."""
    with pytest.raises(LookupError) as caught:
        rule(unknown)

    assert (repr(unknown) in str(caught.value), nearest in str(caught.value)) == (True, True)


def test_an_id_like_no_other() -> None:
    """Where no id is near, the message says where they are listed."""
    with pytest.raises(LookupError) as caught:
        rule("?")

    assert str(caught.value) == "Specification 1.0 has no rule '?'; resultspec.rules.RULES lists them all."


def test_an_unknown_id_is_no_key_error() -> None:
    """The message is read as a sentence, which a KeyError would put in quotes."""
    with pytest.raises(LookupError) as caught:
        rule("?")

    assert LookupError is caught.type


@EVERY_RULE
def test_requires_name_rules(each: Rule) -> None:
    """What a rule requires are other rules, each named once."""
    expected = tuple(dict.fromkeys(i for i in each.requires if i in RULES and i != each.id))

    assert expected == each.requires


def test_requires_have_no_cycles() -> None:
    """The rules can be put in an order in which each comes after what it requires."""
    ordered = tuple(TopologicalSorter({r.id: r.requires for r in RULES.values()}).static_order())

    assert set(RULES) == set(ordered)


@EVERY_RULE
def test_a_must_requires_no_lesser_rule(each: Rule) -> None:
    """A rule that binds is never blocked by one that does not."""
    lesser = [i for i in each.requires if each.level is Level.MUST and RULES[i].level is not Level.MUST]

    assert lesser == []


@EVERY_RULE
def test_statement_has_one_binding_verb(each: Rule) -> None:
    """A statement binds once, in lower case, as its level says."""
    assert [each.level.value] == BINDING.findall(each.statement)


@EVERY_RULE
def test_statement_is_one_sentence(each: Rule) -> None:
    """A statement is a single sentence with a full stop."""
    actual = (len(sentences(each.statement)), each.statement[0].isupper(), each.statement[-1])

    assert actual == (1, True, ".")


@EVERY_RULE
def test_intent(each: Rule) -> None:
    """An intent begins as agreed, ends with a full stop and has one to three sentences."""
    actual = (
        each.intent.startswith("The intent of this rule is that "),
        each.intent.endswith("."),
        1 <= len(sentences(each.intent)) <= 3,
    )

    assert actual == (True, True, True)


@EVERY_RULE
def test_only_the_statement_binds(each: Rule) -> None:
    """Neither an intent nor a hint contains a binding verb."""
    assert BINDING.findall(" ".join((each.intent, *each.hints))) == []


@EVERY_RULE
def test_hints(each: Rule) -> None:
    """There are two to four hints, each a sentence that says what to check."""
    well_formed = [h for h in each.hints if re.fullmatch(r"Check (whether|that) .*[^.]\.", h)]

    assert (True, each.hints) == (2 <= len(each.hints) <= 4, tuple(well_formed))


@EVERY_RULE
def test_prose_is_clean(each: Rule) -> None:
    """No doubled space or word, no line break, no lone backquote, no quote where an apostrophe or code is meant."""
    prose = [each.statement, each.intent, *each.hints]
    flawed = [p for p in prose if re.search(r"\s\s|\n|\b(\w+) \1\b|[‘’“”]", p) or p.count("`") % 2]

    assert flawed == []


@EVERY_RULE
def test_law_is_python(each: Rule) -> None:
    """A law parses, has two to eight lines of at most 100 characters, and no comment."""
    lines = each.law.splitlines()
    ast.parse(each.law)

    assert (2 <= len(lines) <= 8, max(map(len, lines)) <= 100, "#" in each.law) == (True, True, False)


@EVERY_RULE
def test_law_is_flush(each: Rule) -> None:
    """A law stands flush left, without space around it."""
    assert each.law == each.law.strip()


@EVERY_RULE
def test_law_uses_known_names(each: Rule) -> None:
    """Every name in a law is explained, or is one of Python, its library or the specification."""
    known = {*VOCABULARY, *resultspec.__all__, *errors.__all__, "Any", "cloudpickle", "json", "os", "pickle"}
    unknown = set(names(each.law)) - known

    assert set() == unknown


def test_every_name_is_used() -> None:
    """The vocabulary explains no name that no law uses."""
    used = {name for r in RULES.values() for name in names(r.law)}

    assert [name for name in VOCABULARY if name not in used] == []


def test_no_text_is_used_twice() -> None:
    """No two rules share a statement, a law or an intent."""
    texts = [text for r in RULES.values() for text in (r.statement, r.law, r.intent)]

    assert len(set(texts)) == len(texts)


def test_rules_mentioned_exist() -> None:
    """Every rule that a text mentions by its id exists."""
    families = {r.family for r in RULES.values()}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(families))})\.[a-z]+(?:-[a-z]+)*(?![\w(=])")
    prose = [re.sub(r"`[^`]*`", "", text) for r in RULES.values() for text in (r.statement, r.intent, *r.hints)]
    mentioned = [i for text in prose for i in pattern.findall(text)]

    assert [i for i in mentioned if i not in RULES] == []


def test_face_is_sorted() -> None:
    """The face of the package is sorted: constants, classes, functions."""
    expected = sorted(rules.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))

    assert expected == rules.__all__
