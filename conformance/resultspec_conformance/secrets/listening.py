"""Hears everything that a call lets out: what it raises, logs, warns and prints."""

import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import attrs

from ..auditing import audited

_LONGEST = 200_000
_PATIENCE = 5
"""How many seconds to wait for the end of the output where another process holds on to it."""


@attrs.frozen
class Utterance:
    """Something that came out.

    Attributes:
        channel: Where it came out: ``the text of TypeError``, ``a log record of DEBUG``, ``stderr``.
        text: What it was.
    """

    channel: str
    text: str


@attrs.frozen
class Overheard:
    """What came of a call, and everything that it let out on the way.

    Attributes:
        value: What it returned, when it raised nothing.
        error: The exception that it raised, or None.
        said: Everything that came out, the exception's own texts among it.
    """

    value: Any
    error: BaseException | None
    said: tuple[Utterance, ...]


def overheard(function: Callable[[], Any]) -> Overheard:
    """Call a function and listen: to its exception, to log records of all levels, to warnings, and to both outputs.

    Source: ``private.quiet-errors``.
    """
    said: list[Utterance] = []
    value: Any = None
    error: BaseException | None = None
    with ExitStack() as listening:
        listening.enter_context(_told_to_the_system(said))
        listening.enter_context(_printed(said))
        listening.enter_context(_warned(said))
        listening.enter_context(_logged(said))
        try:
            value = function()
        except BaseException as raised:  # noqa: BLE001 - whatever it raises is what is listened to
            error = raised
    if error is not None:
        said += carried_by(error)
    return Overheard(value, error, tuple(said))


def carried_by(error: BaseException) -> list[Utterance]:
    """Everything that an exception carries: texts, arguments, notes and attributes, with those of all in its chain.

    The chain is what a traceback shows of it: what was raised ``from None`` keeps its context to itself.
    """
    said: list[Utterance] = []
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        name = type(one).__qualname__
        said.append(Utterance(f"the text of {name}", _text(one)))
        said += [Utterance(f"an argument of {name}", _text(argument)) for argument in one.args]
        said += [Utterance(f"a note of {name}", _text(note)) for note in getattr(one, "__notes__", ())]
        said += [Utterance(f"{name}.{attribute}", _text(value)) for attribute, value in _attributes(one)]
        with suppress(Exception):
            # The lines of the traceback itself are code, which holds nobody's values.
            said.append(Utterance(f"the traceback of {name}", "".join(traceback.format_exception_only(one))))
        context = None if one.__suppress_context__ else one.__context__
        linked = (one.__cause__, context, *one.args, *(value for _, value in _attributes(one)))
        waiting += [other for other in linked if isinstance(other, BaseException)]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return [utterance for utterance in dict.fromkeys(said) if utterance.text]


# Of the attributes that C types keep outside `__dict__`, those that can quote their input.
_SLOTS = ("doc", "object", "text", "filename", "filename2", "reason", "msg", "strerror")


def _attributes(error: BaseException) -> list[tuple[str, Any]]:
    own = {name: value for name, value in vars(error).items() if name != "__notes__"}
    return [*own.items(), *((name, getattr(error, name)) for name in _SLOTS if name not in own and hasattr(error, name))]


def _text(thing: Any) -> str:
    if isinstance(thing, str):
        return str(thing)[:_LONGEST]
    if isinstance(thing, bytes | bytearray):
        return thing[:_LONGEST].decode("latin-1")
    if thing is None or isinstance(thing, bool | type):
        return ""
    try:
        return (str(thing) if isinstance(thing, BaseException) else repr(thing))[:_LONGEST]
    except Exception:  # noqa: BLE001 - what has no text says nothing
        return ""


@contextmanager
def _logged(said: list[Utterance]) -> Iterator[None]:
    """Every record that a logger passes on, whoever would have printed it.

    The level of the root is lowered; a logger that was given a level of its own keeps it, and so do its filters.
    """
    records: list[logging.LogRecord] = []
    root = logging.getLogger()
    level, disabled, usual = root.level, root.manager.disable, logging.Logger.callHandlers
    logging.disable(logging.NOTSET)
    root.setLevel(1)
    # Below the filters of a logger, and above the handlers of all: no handler could be added to every logger.
    logging.Logger.callHandlers = lambda self, record: records.append(record)  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Logger.callHandlers = usual  # type: ignore[method-assign]
        root.setLevel(level)
        logging.disable(disabled)
    for record in records:
        said += _of_record(record)


_STANDARD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime"}


def _of_record(record: logging.LogRecord) -> Iterator[Utterance]:
    channel = f"a log record of level {record.levelname}"
    arguments = record.args if isinstance(record.args, tuple) else (record.args or {}).values()
    try:
        yield Utterance(channel, record.getMessage())
    except Exception:  # noqa: BLE001 - a message whose arguments do not fit
        yield Utterance(channel, _text(record.msg))
    extra = [value for name, value in vars(record).items() if name not in _STANDARD_FIELDS]
    yield from (Utterance(channel, _text(value)) for value in (*arguments, *extra) if value is not None)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        yield from (Utterance(f"{channel}: {one.channel}", one.text) for one in carried_by(error))


@contextmanager
def _told_to_the_system(said: list[Utterance]) -> Iterator[None]:
    """What goes to the log of the system, by audit events."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "syslog.syslog":
            said.append(Utterance("the log of the system", _text(arguments[-1])))

    with audited(hear):
        yield


@contextmanager
def _warned(said: list[Utterance]) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for one in caught:
        said.append(Utterance(f"a {one.category.__name__}", _text(one.message)))


@contextmanager
def _printed(said: list[Utterance]) -> Iterator[None]:
    """Both outputs, at the level of descriptors, so that libraries in C and other processes are heard.

    A pipe takes what is printed, since a file would not where the disk is full.
    """
    heard = bytearray()
    kept: dict[int, int] = {}
    out, into = os.pipe()
    drain = threading.Thread(target=_drain, args=(out, heard), daemon=True)
    drain.start()
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    for descriptor in (1, 2):
        with suppress(OSError):  # the interpreter may have been started without it
            kept[descriptor] = os.dup(descriptor)
            os.dup2(into, descriptor)
    os.close(into)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        drain.join(_PATIENCE)
    if heard:
        said.append(Utterance("the standard output or error", bytes(heard).decode("utf-8", "replace")))


def _flush(stream: Any) -> None:
    with suppress(AttributeError, OSError, ValueError):
        stream.flush()


def _drain(descriptor: int, heard: bytearray) -> None:
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while data := pipe.read(65_536):
            heard += data
