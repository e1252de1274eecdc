"""The package is light, its face is tidy, its Protocols are structural and its errors have the bases that are promised."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import resultspec
from resultspec import errors

PROTOCOLS = {
    "AsyncResultHandler": resultspec.AsyncResultHandler,
    "CarriesHandler": resultspec.CarriesHandler,
    "HandledResult": resultspec.HandledResult,
    "NoResultType": resultspec.NoResultType,
    "Parameter": resultspec.Parameter,
    "RawResult": resultspec.RawResult,
    "Result": resultspec.Result,
    "ResultHandler": resultspec.ResultHandler,
    "State": resultspec.State,
}


def modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter loads for a statement, and would not load without it."""
    program = (
        f"import sys; before = set(sys.modules); {statement}; import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded: list[str] = json.loads(done.stdout)
    return set(loaded)


def test_import_loads_only_typing_extensions_and_the_standard_library() -> None:
    """`import resultspec` loads nothing that needs to be installed but typing_extensions."""
    roots = {name.partition(".")[0] for name in modules_after("import resultspec")}

    assert {"resultspec", "typing_extensions"} == roots - sys.stdlib_module_names


def test_import_does_not_load_the_rules() -> None:
    """The rules are loaded by those who ask for them."""
    loaded = modules_after("import resultspec")

    assert [name for name in sorted(loaded) if name.startswith("resultspec.rules")] == []


def test_rules_load_only_typing_extensions_and_the_standard_library() -> None:
    """Neither do the rules need anything else."""
    roots = {name.partition(".")[0] for name in modules_after("import resultspec.rules")}

    assert {"resultspec", "typing_extensions"} == roots - sys.stdlib_module_names


def test_nothing_else_is_imported_anywhere() -> None:
    """No module of the package imports anything else, not even within a function."""
    package = Path(resultspec.__file__).parent
    imported = set[str]()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])

    assert {"typing_extensions"} == imported - sys.stdlib_module_names


def test_the_face_is_sorted() -> None:
    """`__all__` is sorted: constants, classes, modules."""
    expected = sorted(resultspec.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))

    assert expected == resultspec.__all__


def test_the_face_exists() -> None:
    """Every name in `__all__` is there."""
    assert [name for name in resultspec.__all__ if not hasattr(resultspec, name)] == []


def test_the_errors_are_sorted() -> None:
    """`errors.__all__` is sorted."""
    assert sorted(errors.__all__) == errors.__all__


def test_the_errors_are_all_named() -> None:
    """`errors.__all__` names every error that the module defines."""
    defined = [name for name, value in vars(errors).items() if isinstance(value, type)]

    assert sorted(defined) == errors.__all__


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (errors.ResultHandlerError, (Exception,)),
        (errors.WriteError, (errors.ResultHandlerError,)),
        (errors.ReadError, (errors.ResultHandlerError,)),
        (errors.UnknownReference, (errors.ReadError, LookupError)),
        (errors.InvalidReference, (errors.ReadError, ValueError)),
        (errors.CorruptResult, (errors.ReadError,)),
        (errors.UnsupportedValue, (errors.WriteError, TypeError)),
        (errors.MissingHandler, (errors.ResultHandlerError, ValueError)),
        (errors.InvalidConfiguration, (errors.ResultHandlerError,)),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_bases_of_errors(error: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    """An error has the bases by which a caller can catch it."""
    assert bases == error.__bases__


def test_an_unknown_reference_is_no_key_error() -> None:
    """The message of an UnknownReference is shown as it is, and not in quotes."""
    assert str(errors.UnknownReference("nothing is stored under a")) == "nothing is stored under a"


def test_the_package_is_typed() -> None:
    """Type checkers are told that the package is typed."""
    assert Path(resultspec.__file__).with_name("py.typed").is_file()


class Mine:
    """A handler that imports nothing from the specification."""

    def write(self, value: object) -> str:
        """Return a text."""
        return repr(value)

    def read(self, reference: str) -> object:
        """Return the text."""
        return reference


def test_a_handler_is_recognised_at_run_time() -> None:
    """`isinstance` tells a handler by its two methods."""
    assert (isinstance(Mine(), resultspec.ResultHandler), isinstance(object(), resultspec.ResultHandler)) == (True, False)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_protocols_can_be_asked_at_run_time(protocol: type) -> None:
    """Every Protocol of objects can be used with `isinstance`, and refuses an object that has nothing of it."""
    assert isinstance(object(), protocol) is False


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_protocols_say_what_they_are(protocol: type) -> None:
    """The docstring of a Protocol says that it is one, as it is rendered in the specification."""
    assert (protocol.__doc__ or "").startswith("**Protocol:** ")
