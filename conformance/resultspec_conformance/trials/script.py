"""The reproducer: what a trial does, written down as a Python script that shows the same failure by itself."""

import ast

from ..values.source import imports_for, source_of
from .making import Maker, import_lines, importable_name


class Script:
    """Records the steps of one trial as lines of Python.

    Values and references get names as they appear; what has no name is written as a literal.
    """

    def __init__(self, maker: Maker, rule: str, statement: str, *, awaited: bool = False) -> None:
        self._maker = maker
        self._awaited = awaited
        self._title = f'"""{rule}: {statement}"""'
        self._lines: list[str] = []
        self._names: dict[int, str] = {}
        self._kept: list[object] = []  # so that no id is used twice
        self._used: dict[str, int] = {}
        self._across_processes = False

    def do(self, *lines: str) -> None:
        """Add lines as they are."""
        self._lines += lines

    def name(self, thing: object, prefix: str) -> str:
        """Give a thing the next free name with this prefix."""
        self._used[prefix] = self._used.get(prefix, 0) + 1
        name = prefix if self._used[prefix] == 1 else f"{prefix}_{self._used[prefix]}"
        self._names[id(thing)] = name
        self._kept.append(thing)
        return name

    def rename(self, thing: object, name: str) -> None:
        """Let a thing be known under a name that is in use."""
        self._names[id(thing)] = name
        self._kept.append(thing)

    def of(self, thing: object) -> str:
        """The name of a thing, or the expression that makes it."""
        return self._names.get(id(thing)) or source_of(thing)

    def function(self, function: object) -> str:
        """The expression that gives a function of the author's, which is imported where it can be."""
        name = importable_name(function)
        if name is None:
            return source_of(function)
        self.do(*import_lines(*name))
        return name[1]

    def handler(self, store: str) -> str:
        """The expression that makes a handler on one of the trial's stores; its methods block."""
        return self._blocking(f'scratch / "{store}"')

    def _blocking(self, scratch: str) -> str:
        made = self._maker.expression(scratch)
        return f"Blocking({made})" if self._awaited else made

    def across_processes(self) -> None:
        """Make the script one that other processes can import, with a function ``call(method, scratch, argument)`` for them."""
        self._across_processes = True

    def in_fresh_process(self, method: str, store: str, argument: str) -> str:
        """The expression that calls a method of a handler made in a fresh interpreter."""
        self.across_processes()
        return f'in_fresh_process("{method}", scratch / "{store}", {argument})'

    def fails_unless(self, condition: str, expected: str, actual: str) -> None:
        """End with a comparison; ``expected`` and ``actual`` are expressions."""
        self.do(
            f"if {_negated(condition)}:",
            f'    print("expected:", {expected})',
            f'    print("actual:  ", {actual})',
            '    raise SystemExit("the rule is broken")',
            'print("the rule is kept")',
        )

    def fails_unless_raises(self, expression: str) -> None:
        """End with a call that must raise."""
        self.do(
            "try:",
            f"    actual = {expression}",
            "except Exception as error:",
            '    print("raised, as the rule asks:", repr(error))',
            "else:",
            '    print("expected: an exception")',
            '    print("actual:  ", repr(actual))',
            '    raise SystemExit("the rule is broken")',
        )

    def withheld(self, reason: str) -> str:
        """What is shown in place of a script that nobody may see: it says why."""
        return f"{self._title}\n\nraise SystemExit({reason!r})\n"

    def text(self) -> str:
        """The whole script."""
        body = "\n".join(self._lines)
        making = self._maker.imports()
        helpers = _ACROSS_PROCESSES.format(make=self._blocking("scratch")) if self._across_processes else ""
        helpers += _WRITE_ALL.format(make=self._blocking("scratch")) if "write_all" in body else ""
        helpers += _SHAPE if "shape(" in body else ""
        standard = imports_for(body + helpers)
        lines = [
            self._title,
            "",
            *(line for line in standard if line != "import tempfile"),
            "import tempfile",
            "from pathlib import Path",
            *(["from concurrent.futures import ThreadPoolExecutor"] if "ThreadPoolExecutor(" in body else []),
            "",
            *(["from resultspec_conformance.trials.calling import Blocking"] if "Blocking(" in body + helpers else []),
            *(line for line in making if line not in standard),
        ]
        if not self._across_processes:
            lines += ["", *([helpers.strip("\n"), ""] if helpers else []), "scratch = Path(tempfile.mkdtemp())", body]
        else:
            indented = "\n".join(f"    {line}" if line else line for line in body.splitlines())
            lines += [helpers, "", 'if __name__ == "__main__":', "    scratch = Path(tempfile.mkdtemp())", indented]
        return "\n".join(lines) + "\n"


def _negated(condition: str) -> str:
    """The opposite of a condition, as one would write it."""
    tree = ast.parse(condition, mode="eval").body
    match tree:
        case ast.UnaryOp(ast.Not(), operand):
            return ast.unparse(operand)
        case ast.Compare(left, [ast.Is()], [right]):
            return f"{ast.unparse(left)} is not {ast.unparse(right)}"
    return f"not ({condition})"


_ACROSS_PROCESSES = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def call(method, scratch, argument):
    handler = {make}
    return getattr(handler, method)(argument)


def in_fresh_process(method, scratch, argument):
    context = multiprocessing.get_context("spawn")
    elsewhere = Path(tempfile.mkdtemp(), *["deeper"] * len(Path.cwd().parts))
    elsewhere.mkdir(parents=True)
    with ProcessPoolExecutor(1, context, initializer=os.chdir, initargs=(elsewhere,)) as pool:
        return pool.submit(call, method, scratch, argument).result()
"""

_WRITE_ALL = """

def write_all(scratch, values):
    handler = {make}
    return [handler.write(value) for value in values]
"""

_SHAPE = '''
def shape(value):
    """The types of a value, at every depth."""
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [shape(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, map(shape, value)))
    return type(value), repr(value)
'''
