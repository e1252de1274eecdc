"""The kill matrix: no saboteur is left out, none is without a subject, and the published data is of this specification."""

import json
from pathlib import Path

import pytest
from resultspec import SPEC_VERSION, rules
from resultspec_conformance.saboteurs import all_saboteurs
from resultspec_conformance.saboteurs.handlers import HANDLER_SABOTEURS
from resultspec_conformance.saboteurs.hierarchy import HIERARCHY_SABOTEURS
from resultspec_conformance.saboteurs.results import RESULT_SABOTEURS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules beside the script can be imported."""
    monkeypatch.syspath_prepend(str(ROOT / "conformance" / "comparison"))


def test_every_table_of_saboteurs_is_collected() -> None:
    """All tables are found, each saboteur breaks a rule of the specification, and says in a sentence how."""
    found = all_saboteurs()

    assert {*HANDLER_SABOTEURS, *RESULT_SABOTEURS, *HIERARCHY_SABOTEURS} <= {one.rule for one in found}
    assert {one.rule for one in found} <= set(rules.RULES)
    assert [one.rule for one in found if not one.does.endswith(".")] == []


@pytest.mark.usefixtures("scripts")
def test_every_saboteur_has_a_subject_to_spoil(tmp_path: Path) -> None:
    """For each saboteur there is a correct subject, and what it makes of it is another subject."""
    from correct_subjects import correct_subject

    for number, saboteur in enumerate(all_saboteurs()):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        subject = correct_subject(saboteur.rule, scratch)

        assert rules.rule(saboteur.rule).cls in subject.classes
        assert saboteur.sabotage(subject) is not subject


@pytest.mark.usefixtures("scripts")
def test_a_row_says_what_noticed_a_saboteur(tmp_path: Path) -> None:
    """The data of a saboteur names the rule that failed and what was blocked by it."""
    from correct_subjects import correct_subject
    from kill_matrix import row_of
    from resultspec_conformance.runner import run
    from resultspec_conformance.settings import Settings

    saboteur = next(one for one in all_saboteurs() if one.rule == "hierarchy.flow-over-config")
    row = row_of(saboteur, run(saboteur.sabotage(correct_subject(saboteur.rule, tmp_path)), Settings()))

    assert row["failed"] == ["hierarchy.flow-over-config"]
    assert row["blocked"]
    assert row["does"] == saboteur.does


def test_the_published_data_is_of_this_specification() -> None:
    """What the documentation shows has a date and versions, names rules that exist, and shows no miss of a saboteur."""
    table = json.loads((ROOT / "docs" / "data" / "kill-matrix.json").read_text(encoding="utf-8"))

    assert table["spec_version"] == SPEC_VERSION
    assert table["date"]
    assert table["saboteurs"]
    for row in table["saboteurs"]:
        assert [*row["failed"], *row["warned"]] == [row["rule"]]
        assert {row["rule"], *row["blocked"]} <= set(rules.RULES)


@pytest.mark.usefixtures("scripts")
def test_defective_stores_differ_from_the_correct_one(tmp_path: Path) -> None:
    """Each store of the comparison says what its defect is, and is not the correct store under another name."""
    from defects import DEFECTS, Store

    correct = Store(tmp_path)
    correct.set("key", b"data")

    assert correct.get("key") == b"data"
    assert [store.__name__ for store in DEFECTS if not (store.__doc__ or "").partition("\n")[0].endswith(".")] == []
    assert all(
        vars(store).keys() & {"set", "get", "delete", "keys", "encode", "decode", "path", "put", "change"} for store in DEFECTS
    )
