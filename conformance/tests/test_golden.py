"""Recorded references: a version of a handler writes them, its successors are asked for them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resultspec_conformance.cli import cli
from resultspec_conformance.governance.golden import record, recorded
from resultspec_conformance.trials.making import BadSubject

VERSIONS = '''
import json
import pickle
import uuid


class Version1:
    """Keeps each value in a file of its own; the reference is the path."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def write(self, value: object, /) -> str:
        path = f"{self.directory}/{uuid.uuid4().hex}.v1"
        content = pickle.dumps(value)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def read(self, reference: str, /) -> object:
        if not isinstance(reference, str) or not reference.startswith(self.directory):
            raise ValueError(reference)
        with open(reference, "rb") as file:
            return pickle.load(file)

    def __eq__(self, other):
        return type(other) is type(self) and other.directory == self.directory

    def __hash__(self):
        return hash(self.directory)


class Version2(Version1):
    """Writes references of another form, and reads both."""

    def write(self, value: object, /) -> dict:
        return {"path": super().write(value)}

    def read(self, reference, /) -> object:
        if isinstance(reference, dict) and list(reference) == ["path"]:
            return super().read(reference["path"])
        return super().read(reference)


class Version3(Version2):
    """Has forgotten the first form."""

    def read(self, reference, /) -> object:
        if not isinstance(reference, dict):
            raise ValueError("not a reference of version 3")
        return super().read(reference)


class Version4(Version2):
    """Gives text for old bytes."""

    def read(self, reference, /) -> object:
        value = super().read(reference)
        return value.decode("latin-1") if isinstance(reference, str) and type(value) is bytes else value


class Stubborn(Version1):
    """Keeps the absolute path of its first directory in what it stores."""

    def write(self, value: object, /) -> str:
        return super().write((self.directory, value))

    def read(self, reference: str, /) -> object:
        directory, value = super().read(reference)
        if directory != self.directory:
            raise LookupError(directory)
        return value
'''


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module with the versions of a handler, and a recording of the first."""
    directory = tmp_path_factory.mktemp("versions")
    (directory / "versions_of_a_handler.py").write_text(VERSIONS)
    done = invoke("record", target(directory, "Version1"), str(directory / "golden"), "--examples", "20")
    assert done.exit_code == 0, done.output
    return directory


def target(directory: Path, version: str) -> str:
    """The target of a version."""
    return f"{directory / 'versions_of_a_handler.py'}:{version}(directory='{{scratch}}')"


def invoke(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, arguments)


def judge(directory: Path, version: str, *options: str) -> Result:
    """Ask a version for the references of the first."""
    corpus = str(directory / "golden")
    return invoke("check", target(directory, version), "--corpus", corpus, "--rule", "shared.golden", *options)


@pytest.mark.parametrize("version", ["Version1", "Version2"])
def test_a_version_that_reads_old_references_conforms(versions: Path, version: str) -> None:
    """The version that recorded, and a successor that still knows its form, are green."""
    result = judge(versions, version)

    assert result.exit_code == 0, result.output
    assert "recorded references" in result.output


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("Version3", "ValueError: not a reference of version 3"), ("Version4", "reads as another type")],
)
def test_a_version_that_lost_old_references_violates(versions: Path, version: str, sentence: str) -> None:
    """The rule is a MAY, but who names a corpus asks for it: the failure decides."""
    result = judge(versions, version)

    assert result.exit_code == 1, result.output
    assert sentence in result.output


def test_the_script_of_a_failure_shows_it(versions: Path, tmp_path: Path) -> None:
    """The reproducer lays out the recording by itself and fails."""
    judge(versions, "Version4", "--json", str(tmp_path / "report.json"))
    [found] = json.loads((tmp_path / "report.json").read_text())["rules"]
    done = subprocess.run([sys.executable, "-c", found["reproducer"]], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 1, found["reproducer"]
    assert "the rule is broken" in done.stderr


def test_a_recording_is_readable_and_says_what_it_holds(versions: Path) -> None:
    """Values that JSON carries exactly are JSON, others are shown beside their pickle; of many types."""
    stored = json.loads((versions / "golden" / "golden.json").read_text())
    values = [entry["value"] for entry in stored["entries"]]

    assert {"json": None} in values
    assert any(value.get("type") == "bytes" and "shown" in value for value in values)
    assert len({value.get("type", "json") for value in values}) > 5
    assert all(entry["reference"].startswith(stored["scratch"]) for entry in stored["entries"])


def test_recording_says_how_many_and_which(versions: Path, tmp_path: Path) -> None:
    """The command says how many values of which types it kept, and how to check a later version."""
    result = invoke("record", target(versions, "Version1"), str(tmp_path / "new"), "--count", "3", "--examples", "5")

    assert "3 references were recorded" in result.output
    assert "1 NoneType" in result.output
    assert "--corpus" in result.output


@pytest.mark.parametrize(
    ("version", "place", "sentence"),
    [
        ("Version1", ".", "is there already; name a directory that is not, or remove it"),
        ("Stubborn", "new", "do not read from a copy of the storage"),
        ("Missing", "new", "there is no Missing"),
    ],
)
def test_what_cannot_be_recorded_exits_2_and_leaves_nothing(
    versions: Path, tmp_path: Path, version: str, place: str, sentence: str
) -> None:
    """One sentence says why, and no half of a recording stays."""
    result = invoke("record", target(versions, version), str(tmp_path / place), "--examples", "5")

    assert result.exit_code == 2, result.output
    assert sentence in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": "other"}'])
def test_a_corpus_that_is_none_exits_2(versions: Path, tmp_path: Path, content: str | None) -> None:
    """A directory without a recording says nothing of the handler."""
    if content is not None:
        (tmp_path / "golden.json").write_text(content)
    result = invoke("check", target(versions, "Version1"), "--corpus", str(tmp_path))

    assert result.exit_code == 2, result.output
    assert "resultspec record TARGET DIRECTORY" in result.output


def test_a_value_that_cannot_be_loaded_is_no_failure_of_the_handler(versions: Path, tmp_path: Path) -> None:
    """A damaged recording leaves the rule in error, with the number of the value."""
    index = tmp_path / "golden.json"
    value = {"type": "moved", "shown": "Moved()", "pickle": "Y25vd2hlcmUKTW92ZWQKLg=="}
    index.write_text(
        json.dumps({"schema": "resultspec-golden/1", "scratch": None, "entries": [{"reference": "", "value": value}]})
    )
    result = invoke("check", target(versions, "Version1"), "--corpus", str(tmp_path), "--rule", "shared.golden")

    assert result.exit_code == 2, result.output
    assert "value 1 of" in result.output


def test_a_placeholder_that_occurs_in_a_value_is_not_replaced(tmp_path: Path) -> None:
    """A reference that happens to contain the text of the placeholder reads as it was."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pairs = [(1, f"{scratch}/{{scratch}}/1"), (2, ["{scratch}", {"at": str(scratch)}])]
    record(tmp_path / "golden", scratch, pairs)

    assert list(recorded(tmp_path / "golden", tmp_path / "new")) == [
        (1, f"{tmp_path}/new/{{scratch}}/1"),
        (2, ["{scratch}", {"at": f"{tmp_path}/new"}]),
    ]


def test_nothing_is_loaded_from_where_nothing_is(tmp_path: Path) -> None:
    """A missing recording is a sentence, also for who asks from Python."""
    with pytest.raises(BadSubject, match="holds no readable golden"):
        next(recorded(tmp_path / "missing", tmp_path))
