"""The names in which laws are written."""

from collections.abc import Mapping
from types import MappingProxyType

VOCABULARY: Mapping[str, str] = MappingProxyType(
    {
        # Handlers, values and references
        "h": "The handler under test.",
        "a": "A handler that can be told from `b` and `c`; `b` and `c` likewise.",
        "b": "See `a`.",
        "c": "See `a`.",
        "v": "A value in the handler's domain.",
        "w": "A second value in the handler's domain, different from `v`.",
        "vs": (
            "Many values in the handler's domain, among them equal ones and ones that differ only in type, case, "
            "normal form or length."
        ),
        "x": "Any object at all.",
        "r": "A reference that the handler's write returned.",
        "refused": "A value that the handler's write refuses.",
        "make": "`make()`: a new handler with the configuration under test.",
        "twin": "`twin(h)`: another handler with the configuration of h, on the same storage.",
        "other": "`other(h)`: a handler of the same class with another configuration.",
        "falsy": "A handler whose truth value is False.",
        "untouchable": "A handler whose write and read fail the test when they are called.",
        "unwritable": "`unwritable(error)`: a handler whose write raises error.",
        "unreadable": "`unreadable(error)`: a handler whose read raises error.",
        "error": "An exception that can be recognised.",
        "elsewhere": "A directory other than the current one.",
        # Conditions and comparisons
        "assume": "`assume(condition)`: a precondition; where it is false, the law says nothing.",
        "raises": (
            "`with raises(E)`: the block raises an E; an exception that is no Exception, a hang or a crash does not count."
        ),
        "outcome": "`outcome(call)`: what the call returns, or the Exception that it raises.",
        "domain": (
            "`domain(h)`: the values that the author of h declares, else those that the annotation of write names; "
            "where it is Any, object or missing: the plain Python values that write accepts."
        ),
        "accepts": "`accepts(h, x)`: h.write(x) returns and does not raise.",
        "external": "`external(h)`: h keeps values outside the reference; otherwise it is an inline handler.",
        "equal": (
            "`equal(a, b)`: a and b are equal; containers part by part, NaN to NaN, arrays and tables by dtype, shape "
            "and content, or as an equality of the author's own says. A difference of type alone is left to "
            "same_types."
        ),
        "same_types": (
            "`same_types(a, b)`: a and b, and their parts at every depth, are of exactly the same types, and zeros of "
            "the same sign."
        ),
        "same": "`same(a, b)`: equal(a, b) and same_types(a, b).",
        "strict_json": (
            "`strict_json(x)`: x is None, a bool, int, finite float, str without lone surrogates, list or dict with "
            "str keys, of exactly that type at every depth, and without cycles."
        ),
        "hashable": "`hashable(x)`: hash(x) does not raise.",
        "chained": "`chained(error)`: no exception that led to error was hidden by `from None` or dropped.",
        "reveals": (
            "`reveals(text, x)`: text contains x or a telling part of it, plain or encoded: base64, hex, zlib, pickle "
            "and their combinations."
        ),
        # Altering things
        "copy": "`copy(x)`: the function of the module copy.",
        "deepcopy": "`deepcopy(x)`: the function of the module copy.",
        "mutate": "`mutate(x)`: alters x in place, at some depth, where it can be altered.",
        "bigger": "`bigger(v)`: a value of the domain that is larger than v by orders of magnitude.",
        "SLACK": "Some characters, for longer counters and sizes.",
        "unknown": (
            "`unknown(r)`: r altered in what identifies the value, its shape kept; or r after its stored value was "
            "removed; or a reference of another, empty store."
        ),
        "malformed": ("`malformed(r)`: JSON values that are no references: of the wrong type, empty, cut or out of shape."),
        "hostile_references": (
            "`hostile_references(r)`: JSON values made to harm: huge, deep, compressed many times over, naming "
            "devices, pipes or code."
        ),
        "escapes": (
            "`escapes(h, planted)`: references by which h could be led to planted: `..`, absolute paths, links, NUL, "
            "another scheme or bucket, percent-encoding."
        ),
        "plant_outside": "`plant_outside(h, v)`: v, stored as h would store it, but outside the storage of h.",
        "recorded": ("`recorded(h)`: pairs of a reference that an earlier version of h returned and the value that was written."),
        # Storage and the machine
        "storage": "`storage(h)`: what h has stored, by name, without a database's own files.",
        "files": "`files(h)`: the paths of the files that h has created.",
        "stored": "`stored(h, r)`: what h has stored under r.",
        "replace_stored": "`replace_stored(h, r, data)`: puts data in place of what h has stored under r.",
        "damage": "`damage(h, r)`: flips a byte of what h has stored under r, or cuts it.",
        "payload": "Stored data that sets payload.ran when it is executed.",
        "full_disk": "`with full_disk(h)`: no space is left for h.",
        "cut_power": "`cut_power()`: discards whatever has not been synced to the disk.",
        "kill_while_writing": (
            "`kill_while_writing(h, vs)`: a process writes vs with a twin of h and is killed by SIGKILL at any moment. "
            "`returned`: pairs of a reference that write had returned and its value; `returned_or_foreseeable`: the "
            "references that write had returned or that can be guessed."
        ),
        "in_fresh_process": ("`in_fresh_process(call, cwd=...)`: what the call returns in an interpreter started for it."),
        "in_processes": ("`in_processes(f, xs)`: the list of f(x) for every x, computed by several processes at the same time."),
        "concurrently": ("`concurrently(f, xs)`: the list of f(x) for every x, computed by several threads at the same time."),
        "observed": (
            "`with observed() as effects`: records the files that are opened for writing and the connections that are opened."
        ),
        "captured": ("`with captured() as output`: collects error texts with their causes and notes, log records and warnings."),
        "bounded_time_and_memory": (
            "`with bounded_time_and_memory()`: fails the test when the block takes more than the stated time or memory."
        ),
        "credentials": "`credentials(h)`: the passwords, tokens and keys in the configuration of h.",
        "describe": "`describe(h)`: the configuration of h as JSON.",
        "rebuild": "`rebuild(d)`: the handler that the description d describes.",
        # Types
        "T": "The type of the handler's values.",
        "R": "The type of the handler's references.",
        "Handler": "The class of the handler under test.",
        "annotations": (
            "`annotations(method)`: the annotations of a method's parameters and of what it returns; one that is "
            "missing counts as Any."
        ),
        "mentions": "`mentions(annotation, Any)`: the annotation is Any or contains it.",
        # Results, tasks and flows
        "Result": "The class of results under test.",
        "NoResult": "The object under test that stands for the absence of a result.",
        "stored_form": "`stored_form(x)`: the JSON in which an engine stores the result x.",
        "load": "`load(form)`: the result whose stored form it is.",
        "Task": "`Task(result_handler=...)`: the class of tasks under test.",
        "Flow": "`Flow(result_handler=...)`: the class of flows under test.",
        "Configuration": "`Configuration(result_handler=...)`: a user's configuration.",
        "Parameter": "`Parameter(name)`: the class of parameters under test.",
        "task": "The decorator that makes a task of a function.",
        "resolve": "`resolve(task=..., flow=..., configuration=...)`: the handler that applies.",
        "configure": "`configure(h)`: the user's configuration names h from now on.",
        "current_configuration": "`current_configuration()`: the user's configuration as it is now.",
        "unusable_configurations": (
            "Configurations that name no usable handler: unreadable, misspelt, of the wrong type, or an object without "
            "write and read."
        ),
        # Engines
        "run": (
            "`run(task, x=upstream)`: runs task with the output of upstream as its input x, and returns the states it "
            "went through."
        ),
        "run_until_retry": "`run_until_retry(task, x=upstream)`: as run, but ends while the task waits for its retry.",
        "resume": (
            "`resume()`: takes the waiting run up again from what the engine has stored, and returns the states it went through."
        ),
        "returning": "`returning(v, result_handler=...)`: a task that returns v; with cache=True its output is cached.",
        "failing_once": (
            "`failing_once(result_handler=...)`: a task that fails at first, is retried, and then returns its input."
        ),
        "recording": "`recording()`: a task that returns its input.",
        "mapped": "`mapped(task)`: runs task once for every element of its input.",
        "inputs_seen": "`inputs_seen(task)`: the inputs that the body of task has received, one for each call.",
        "cached_inputs": ("`cached_inputs(task)`: the handled results that the engine has cached as inputs of task, by name."),
        "values_written": "`values_written(h)`: the values that h was given to write.",
        "values_read": "`values_read(h)`: the values that h has read.",
        "stored_by_engine": (
            "`stored_by_engine()`: everything that the engine has stored or sent, as text; what handlers keep in their "
            "own storage is no part of it."
        ),
        "failed": "`failed(state)`: the state says that its task has failed.",
        "causes": "`causes(state)`: the exceptions that the state keeps, with their causes.",
    }
)
"""What the names in laws stand for, less those of Python, its standard library and this specification."""
