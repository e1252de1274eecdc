"""NoResult: one object, whatever happens to it."""

import copy
import pickle
import subprocess
import sys
import types

import cloudpickle
import pytest
import resultspec
from resultspec_reference import NoResult, NoResultType, Result, make_converter


def test_it_is_what_the_specification_names() -> None:
    """NoResult satisfies the Protocol."""
    assert isinstance(NoResult, resultspec.NoResultType)


def test_value_read_and_write_are_itself() -> None:
    """The attribute and both methods give the same object."""
    assert NoResult.value is NoResult
    assert NoResult.read() is NoResult
    assert NoResult.write() is NoResult


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_identity(protocol: int) -> None:
    """Every pickle protocol gives the identical object, alone and inside something."""
    assert pickle.loads(pickle.dumps(NoResult, protocol)) is NoResult
    assert pickle.loads(pickle.dumps([NoResult], protocol))[0] is NoResult


def test_copies_keep_identity() -> None:
    """Copying, deep-copying and cloudpickling give the identical object."""
    assert copy.copy(NoResult) is NoResult
    assert copy.deepcopy({"a": NoResult})["a"] is NoResult
    assert pickle.loads(cloudpickle.dumps(NoResult)) is NoResult


def test_its_stored_form_keeps_identity() -> None:
    """Loading the stored form gives the identical object."""
    converter = make_converter()

    assert converter.structure(converter.unstructure(NoResult), NoResultType) is NoResult


def test_it_arrives_identical_in_another_process() -> None:
    """A fresh interpreter loads the pickle as its own NoResult."""
    script = "import pickle, sys; import resultspec_reference as r; assert pickle.load(sys.stdin.buffer) is r.NoResult"

    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(NoResult), check=False)

    assert done.returncode == 0


def test_it_is_closed() -> None:
    """There is no second instance and no subclass."""
    with pytest.raises(TypeError):
        NoResultType()  # type: ignore[call-arg]
    with pytest.raises(ValueError):
        NoResultType("another")
    with pytest.raises(TypeError):
        types.new_class("More", (NoResultType,))

    assert list(NoResultType) == [NoResult]


def test_it_is_distinct() -> None:
    """It is falsy, hashable, and equal to itself alone."""
    assert not NoResult
    assert {NoResult: 1}[NoResult] == 1
    assert NoResult == NoResult
    assert all(NoResult != other for other in (None, False, 0, "", "NoResult", Result(None), object()))


def test_it_prints_its_name() -> None:
    """Repr, str and format are NoResult."""
    assert (repr(NoResult), str(NoResult), f"{NoResult}") == ("NoResult",) * 3
