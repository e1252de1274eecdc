"""The documentation as it is built: every rule has its page, every link leads somewhere, and the terminal says the same."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from resultspec.rules import RULES
from resultspec_conformance.cli import cli
from resultspec_conformance.explaining import sections

DOCS = Path(__file__).parents[1]


class Page(HTMLParser):
    """What a page links to, what it can be linked to by, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors |= {named[name] or "" for name in ("id", "name") if name in named}
        self.links += [str(named[name]) for name in ("href", "src") if named.get(name)]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built as ``make docs`` builds it."""
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run([*command, str(DOCS), str(built)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built


def test_every_rule_has_its_page_and_is_in_the_data(site: Path) -> None:
    """Each page says what the terminal says, under the address that never changes; the JSON has the same rules."""
    published = json.loads((site / "rules.json").read_text(encoding="utf-8"))

    for rule in RULES.values():
        text = _plain(Page(site / "rules" / f"{rule.id}.html").text)
        missing = [part for section in sections(rule) for part in section.parts if _plain(part) not in text]
        assert missing == [], rule.id
        keepers = text.partition("Whokeepsit")[2]
        assert any(_plain(name) in keepers for name in ("LocalResultHandler", "resultspec_reference.engine", "thereference")), (
            rule.id
        )
    assert list(RULES) == [rule["id"] for rule in published["rules"]]
    assert (site / "resultspec-report-1.schema.json").is_file()


def test_every_link_within_leads_somewhere(site: Path) -> None:
    """Files and anchors that pages link to are there."""
    pages = {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            split = urlsplit(link)
            if split.scheme or split.netloc:
                continue
            target = (path.parent / unquote(split.path)).resolve() if split.path else path
            anchored = not split.fragment or target not in pages or unquote(split.fragment) in pages[target].anchors
            if not (target.exists() and anchored):
                broken.append(f"{path.relative_to(site)}: {link}")

    assert len(pages) > len(RULES)
    assert broken == []


@pytest.mark.parametrize("rule", ["handler.round-trip", "durable.kill", "engine.upstream-none"])
def test_the_terminal_explains_by_the_same_text(rule: str) -> None:
    """``resultspec explain`` prints every part that the page has."""
    from click.testing import CliRunner

    told = CliRunner(env={"COLUMNS": "1000"}).invoke(cli, ["explain", rule])
    text = _plain(told.output)

    assert told.exit_code == 0
    assert [part for section in sections(RULES[rule]) for part in section.parts if _plain(part) not in text] == []


def _plain(text: str) -> str:
    """A text without white space and marks of code, and with plain quotes, as pages have typographic ones."""
    for mark, plain in (("“", '"'), ("”", '"'), ("‘", "'"), ("’", "'"), ("…", "..."), ("–", "--"), ("—", "---")):
        text = text.replace(mark, plain)
    return "".join(text.replace("`", "").split())
