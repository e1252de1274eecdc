"""The user's configuration: a file, variables over it, a default under both, and never a silent fallback."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import attrs
import pytest
import resultspec
from resultspec.errors import InvalidConfiguration
from resultspec_reference import Configuration, JSONResultHandler, LocalResultHandler, resolve


@attrs.frozen
class Lake(JSONResultHandler):
    """A third party's handler."""

    url: str
    port: int = 1


def failing(password: str = "") -> Any:
    """Fail, and quote a credential."""
    raise ValueError(f"bad password {password}")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, and a module to import handlers from."""
    for name in ("RESULTSPEC_CONFIG", "RESULTSPEC_RESULT_HANDLER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    module = ModuleType("lake")
    vars(module).update(Lake=Lake, failing=failing, number=5, make_number=lambda: 5, dict=dict)
    monkeypatch.setitem(sys.modules, "lake", module)
    return tmp_path


@pytest.fixture
def file(home: Path) -> Path:
    """The user's configuration file, empty."""
    path = home / "config" / "resultspec" / "config.toml"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def handler() -> Any:
    """Return the handler that is configured now."""
    return Configuration().result_handler


def test_it_carries_a_handler() -> None:
    """It satisfies the Protocol, and resolves."""
    configuration: resultspec.CarriesHandler = Configuration()
    unset = SimpleNamespace(result_handler=None)

    assert resolve(task=unset, flow=None, configuration=configuration) == handler()


def test_the_embedded_default(home: Path) -> None:
    """Without a file or variables, values are kept in the user's data directory; nothing is created."""
    assert handler() == LocalResultHandler(home / "data" / "resultspec" / "results")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("content", ["", "# nothing", "[result_handler]", '[result_handler]\nkind = "local"'])
def test_a_file_that_says_little(file: Path, content: str) -> None:
    """What the file leaves open is the default."""
    file.write_text(content)

    assert handler() == LocalResultHandler()


def test_a_file_that_says_everything(file: Path, home: Path) -> None:
    """Every option of the local handler can be set; ``~`` is the home directory."""
    file.write_text('[result_handler]\nkind = "local"\ndirectory = "~/r"\nsync = false\nkey_file = "/k"')

    assert handler() == LocalResultHandler(home / "r", sync=False, key=Path("/k"))


def test_json(file: Path) -> None:
    """The JSON handler can be the default."""
    file.write_text('[result_handler]\nkind = "json"')

    assert handler() == JSONResultHandler()


def test_a_third_partys_handler(file: Path) -> None:
    """A class is imported and called with the other keys."""
    file.write_text('[result_handler]\nkind = "lake:Lake"\nurl = "u"\nport = 2')

    assert handler() == Lake("u", 2)


def test_it_is_looked_up_late(file: Path) -> None:
    """The file is read each time the handler is asked for, not at construction."""
    configuration = Configuration()
    file.write_text('[result_handler]\nkind = "json"')
    first = configuration.result_handler
    file.write_text('[result_handler]\ndirectory = "/a"')

    assert (first, configuration.result_handler) == (JSONResultHandler(), LocalResultHandler("/a"))


def test_a_variable_names_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RESULTSPEC_CONFIG names another file."""
    (home / "other.toml").write_text('[result_handler]\nkind = "json"')
    monkeypatch.setenv("RESULTSPEC_CONFIG", "~/other.toml")

    assert handler() == JSONResultHandler()


def test_variables_go_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable sets one option over the file's."""
    file.write_text('[result_handler]\ndirectory = "/a"\nsync = true')
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER_SYNC", "false")

    assert handler() == LocalResultHandler("/a", sync=False)


def test_a_variable_replaces_the_table(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RESULTSPEC_RESULT_HANDLER stands in place of the whole table; values are JSON, or else text."""
    file.write_text('[result_handler]\ndirectory = "/a"')
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER", "lake:Lake")
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER_URL", "s3://{x}")
    monkeypatch.setenv("RESULTSPEC_RESULT_HANDLER_PORT", "7")

    assert handler() == Lake("s3://{x}", 7)


T = "[result_handler]\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("kind =", r"config\.toml cannot be read as TOML"),
        ('\xff = "a"', r"config\.toml cannot be read as TOML"),
        ('[results]\nkind = "json"', r"config\.toml: unknown key 'results'.*'result_handler'"),
        ('result_handler = "json"', r"config\.toml: result_handler is not a table"),
        (T + 'kind = "locl"', r"config\.toml: result_handler\.kind: unknown kind.*'local'"),
        (T + "kind = 1", r"config\.toml: result_handler\.kind: unknown kind"),
        (T + "kind = []", r"config\.toml: result_handler\.kind: unknown kind"),
        (T + 'kind = ""', r"config\.toml: result_handler\.kind: unknown kind"),
        (T + 'kind = "lake:"', r"config\.toml: result_handler\.kind: unknown kind"),
        (T + 'kind = "nowhere:Handler"', r"result_handler\.kind: 'nowhere:Handler' cannot be imported.*nowhere"),
        (T + 'kind = "lake:Pond"', r"result_handler\.kind: 'lake:Pond' cannot be imported"),
        (T + 'kind = "lake:number"', r"result_handler\.kind: 'lake:number' is neither a class nor a function"),
        (T + 'kind = "lake:make_number"', r"result_handler\.kind: what .* makes has no write and read"),
        (T + 'kind = "lake:dict"', r"result_handler\.kind: what .* makes has no write and read"),
        (T + 'kind = "lake:Lake"', r"result_handler\.kind: 'lake:Lake' is missing .*'url'"),
        (T + 'kind = "lake:Lake"\nurl = "u"\nuser = "a"', r"result_handler\.user: .* no option 'user'.*'url', 'port'"),
        (T + 'kind = "lake:failing"\npassword = "hunter2"', r"result_handler\.kind: .* cannot be made"),
        (T + 'kind = "json"\ndirectory = "/a"', r"result_handler\.directory: 'json' has no option 'directory'"),
        (T + "dir = 1", r"result_handler\.dir: 'local' has no option 'dir'.*'directory', 'sync', 'key_file'"),
        (T + 'directory = "a"', r"result_handler\.directory: write an absolute path"),
        (T + "directory = 1", r"result_handler\.directory: write an absolute path"),
        (T + 'directory = "~nobody-of-that-name/a"', r"result_handler\.directory: write an absolute path"),
        (T + 'directory = "/a\\u0000"', r"result_handler\.directory: write an absolute path"),
        (T + 'key_file = "k"', r"result_handler\.key_file: write an absolute path"),
        (T + 'sync = "no"', r"result_handler\.sync: write true or false"),
        (T + "sync = 1", r"result_handler\.sync: write true or false"),
    ],
)
def test_an_unusable_file(file: Path, content: str, problem: str) -> None:
    """The error names the file, the key and what to do, and quotes no credential."""
    file.write_text(content, encoding="latin-1")
    configuration = Configuration()

    with pytest.raises(InvalidConfiguration, match=problem) as caught:
        _ = configuration.result_handler
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error!r}{error}"

        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"CONFIG": ""}, "RESULTSPEC_CONFIG is empty"),
        ({"CONFIG": "/nowhere/config.toml"}, "RESULTSPEC_CONFIG: there is no file /nowhere/config.toml"),
        ({"CONFIG": "/"}, "/ cannot be read as TOML"),
        ({"CONFIG": "~nobody-of-that-name/config.toml"}, "RESULTSPEC_CONFIG"),
        ({"RESULT_HANDLER": ""}, "RESULTSPEC_RESULT_HANDLER: unknown kind"),
        ({"RESULT_HANDLER": "jsn"}, "RESULTSPEC_RESULT_HANDLER: unknown kind"),
        ({"RESULT_HANDLER_SYNC": "off"}, "RESULTSPEC_RESULT_HANDLER_SYNC: write true or false"),
        ({"RESULT_HANDLER_DIRECTORY": "a"}, "RESULTSPEC_RESULT_HANDLER_DIRECTORY: write an absolute path"),
        ({"RESULT_HANDLER_DIRECTORY": ""}, "RESULTSPEC_RESULT_HANDLER_DIRECTORY: write an absolute path"),
        ({"RESULT_HANDLER_COLOUR": "red"}, "RESULTSPEC_RESULT_HANDLER_COLOUR: 'local' has no option 'colour'"),
        ({"RESULT_HANDLER": "json", "RESULT_HANDLER_SYNC": "true"}, "RESULTSPEC_RESULT_HANDLER_SYNC: 'json' has no"),
    ],
)
def test_unusable_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str) -> None:
    """The error names the variable and what to do."""
    for name, value in variables.items():
        monkeypatch.setenv(f"RESULTSPEC_{name}", value)

    with pytest.raises(InvalidConfiguration, match=problem):
        handler()
