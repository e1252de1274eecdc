"""Payloads that show whether reading runs code: each makes an empty directory, and nothing else, when it is run."""

import base64
import json
import os
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class _Makes:
    """An object whose unpickling makes a directory."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


class _Evaluates(_Makes):
    """The same by a builtin function, for those who allow no others."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (texts(self.marker)[0],)


def pickles(marker: str) -> list[bytes]:
    """Pickles that run code, the shortest first, one of which is text; dill, cloudpickle, joblib and NumPy load them too."""
    return [
        *(pickle.dumps(_Makes(marker), protocol=protocol) for protocol in (2, 0, 4)),
        pickle.dumps(_Evaluates(marker), protocol=4),
    ]


def texts(marker: str) -> list[str]:
    """Texts that run code where they are evaluated or loaded as YAML or by jsonpickle."""
    quoted = repr(marker)
    return [
        f"__import__('os').mkdir({quoted})",
        # The same without any name being known, for those who evaluate with empty builtins.
        f"[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0].__init__.__globals__['mkdir']({quoted})",
        f"!!python/object/apply:os.mkdir [{quoted}]",
        f"!!python/object/apply:os.mkdir\nargs: [{quoted}]\n",
        *(json.dumps(one) for one in objects(marker)),
    ]


def objects(marker: str) -> list[Any]:
    """JSON that runs code where objects are rebuilt from the names in it."""
    return [
        {"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": [marker]}]},
        {"py/reduce": [{"py/type": "os.mkdir"}, {"py/tuple": [marker]}, None, None, None]},
        {"py/object/apply": "os.mkdir", "args": [marker]},
    ]


def wrapped(marker: str) -> Iterator[str]:
    """The pickles as texts, as references and JSON carry them."""
    for one in pickles(marker):
        yield base64.b64encode(one).decode()
        yield base64.urlsafe_b64encode(one).decode()
        yield one.hex()
        yield base64.b64encode(zlib.compress(one)).decode()
        yield base64.b85encode(one).decode()
        yield one.decode("latin-1")


def object_array(marker: str) -> bytes:
    """A file of NumPy's with an array of objects, which are pickled in it."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickles(marker)[0]


MODULE = "resultspec_payload"
"""The name of the module that :func:`plant_module` writes."""


def plant_module(directory: Path) -> None:
    """Write a module that makes a directory beside itself when it is imported."""
    code = 'import contextlib, os\nwith contextlib.suppress(OSError):\n    os.mkdir(__file__ + ".ran")\n'
    code += "def run(*args, **kwargs):\n    return None\n\n\nclass Run:\n    pass\n"
    (directory / f"{MODULE}.py").write_text(code)


def module_ran(directory: Path) -> Path:
    """The directory that the module makes."""
    return directory / f"{MODULE}.py.ran"


def names_like(name: str) -> list[str]:
    """The planted module and its contents, named as a text in a reference or stored value names something; often nothing."""
    parts = name.replace(":", ".").split(".")
    if not all(part.isidentifier() for part in parts):
        return []
    if ":" in name:
        return [f"{MODULE}:run", f"{MODULE}:Run"]
    if "." in name:
        return [f"{MODULE}.run", f"{MODULE}.Run", MODULE]
    return [MODULE]
