"""Checks of the class *core*: what a handler leaves with others: references that stay small, and nothing where it is made."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from ...auditing import audited
from ...checking import NotApplicable, Untested, Violation, check
from ...trials.calling import call
from ...trials.trial import Trial, fresh
from ...values.large import large_values
from .examples import ENOUGH, honoured


@check("handler.bounded-reference")
def references_do_not_grow(trial: Trial) -> str:
    """A small and a large value are written; the reference of the large one must not be much longer."""
    if trial.bench.inline:
        raise NotApplicable("the reference holds the value")
    handler = trial.handler()
    lengths: list[tuple[int, int, Any]] = []
    for value in (*trial.accepted(ENOUGH), *_grown(trial)):
        try:
            reference = call(handler.handler.write, fresh(value))
        except Exception:  # noqa: BLE001, S112 - refused: another size will do
            continue
        lengths.append((_weight(value), len(json.dumps(reference)), value))
    if not lengths:
        raise Untested("the handler refused every value that was tried")
    lengths.sort(key=lambda entry: entry[0])
    (small, short, _), (largest, _, _) = lengths[0], lengths[-1]
    if largest < 16 * max(small, 16):
        raise Untested("the values do not differ enough in size; give values= that do, if the domain has such")
    # A value of any type may be the one whose size shows, by its keys, its lines or its parts.
    large, long, value = max((entry for entry in lengths if entry[0] >= largest // 2 or entry[0] >= _LARGE), key=lambda e: e[1])
    if long > 2 * short + 64:
        if trial.script is not None:
            trial.script.do("value = " + trial.script.of(value))
            trial.script.do("reference = handler.write(value)")
            trial.script.fails_unless(f"len(json.dumps(reference)) <= {2 * short + 64}", "'a short reference'", "reference")
        raise Violation(
            "the reference grows with the value",
            expected=f"about {short} characters of reference, whatever the value's size",
            actual=f"{long} characters for a value of {large:,}, {short} for one of {small:,}",
        )
    length = f"{short}" if short == long else f"{short} to {long}"
    return f"references of {length} characters for values of {small:,} to {largest:,}"


_LARGE = 4_096
_MODERATE = 65_536


def _grown(trial: Trial) -> Iterator[Any]:
    """Larger values: the domain's own, or drawn ones repeated where the handler gives those back."""
    large = sorted(((_weight(value), value) for value in trial.bench.domain.large()), key=lambda entry: entry[0])
    yield from (value for weight, value in large if weight < _MODERATE)
    yield from {type(value): value for _, value in large}.values()
    if trial.bench.domain.declared:
        repeatable = [v for v in trial.accepted(ENOUGH) if type(v) in (str, bytes, list) and v]
        yield from honoured(trial, (value * (20_000 // len(value) + 1) for value in repeatable[:4]))
        yield from honoured(trial, islice(large_values(trial.bench.domain.annotation), 4))


def _weight(value: Any) -> int:
    return value.nbytes if hasattr(value, "nbytes") else len(repr(value))


@check("handler.passive-construction", company="shuns")
def construction_touches_nothing(trial: Trial) -> None:
    """A handler is constructed under watch: no file may be opened for writing and no connection made."""
    trial.store()
    trial.store("fresh")
    if trial.script is not None:
        trial.script.do(
            '(scratch / "fresh").mkdir()',
            "events = []",
            f"watched = {tuple(_AUDITED)}",
            "sys.addaudithook(lambda event, arguments: events.append((event, arguments)) if event in watched else None)",
        )
    with _watch(trial.bench.handler_class) as events:
        made = trial.handler("handler", "fresh")
    if trial.script is not None:
        trial.script.do(
            "for thread in set(threading.enumerate()) - {threading.main_thread()}:",
            f"    thread.join({_PATIENCE})  # it may be there to connect while nobody waits",
        )
    if events:
        trial.fail(
            f"constructing the handler {events[0]}",
            expected="a constructor that only takes note of its arguments",
            actual="; ".join(dict.fromkeys(events)),
            unless="not events",
        )
    if trial.maker.make is trial.bench.handler_class:
        created = [path.name for path in trial.store("fresh").rglob("*") if not path.is_dir()]
        if created:
            trial.fail(
                "constructing the handler created files",
                expected="no file before the first write",
                actual=", ".join(created),
                unless="not [path for path in scratch.rglob('*') if path.is_file()]",
            )
    del made


_PATIENCE = 0.1
"""How many seconds to wait for what a constructor has begun beside it."""


@contextmanager
def _watch(cls: type) -> Iterator[list[str]]:
    """Collect what happens within the constructor of a class, by audit events."""
    events: list[str] = []
    threads = frozenset(threading.enumerate())

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _AUDITED and (told := _AUDITED[event](arguments)) is not None and _is_inside(cls, threads):
            events.append(told)

    with audited(hear):
        try:
            yield events
        finally:
            for thread in set(threading.enumerate()) - threads:
                thread.join(_PATIENCE)  # it may be there to connect while nobody waits


def _is_inside(cls: type, threads: frozenset[threading.Thread]) -> bool:
    """Whether a method of the class is being run, directly or further up, or a thread that was started meanwhile."""
    thread = threading.current_thread()
    if thread is not threading.main_thread() and thread not in threads:
        return True
    frame = sys._getframe(3)
    while True:
        names = frame.f_code.co_varnames[:1]
        first = frame.f_locals.get(names[0]) if names else None
        if frame.f_code.co_name.startswith("_find_and_load"):
            return False
        if first is cls or type(first) is cls:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back


def _opened_for_writing(arguments: tuple[Any, ...]) -> str | None:
    path, mode, flags = arguments[0], arguments[1], arguments[2]
    writes = (
        any(letter in str(mode) for letter in "wax+")
        if mode is not None
        else bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    )
    if not writes or str(path).endswith(".pyc") or str(path) in ("/dev/null", "/dev/tty"):
        return None
    return f"opened {path} for writing"


_AUDITED: dict[str, Callable[[tuple[Any, ...]], str | None]] = {
    "open": _opened_for_writing,
    "socket.connect": lambda arguments: f"connected to {arguments[1]}",
    "socket.bind": lambda arguments: f"bound a socket to {arguments[1]}",
    "sqlite3.connect": lambda arguments: f"connected to the database {arguments[0]}",
    "subprocess.Popen": lambda arguments: f"started the process {arguments[0]}",
    "os.posix_spawn": lambda arguments: f"started the process {arguments[0]}",
    "os.system": lambda arguments: f"ran the command {arguments[0]}",
    "socket.sendto": lambda arguments: f"sent something to {arguments[1]}",
    "socket.getaddrinfo": lambda arguments: f"looked up the host {arguments[0]}",
    "os.remove": lambda arguments: f"removed {arguments[0]}",
    "os.rename": lambda arguments: f"renamed {arguments[0]}",
    "os.truncate": lambda arguments: f"cut {arguments[0]}",
    "os.link": lambda arguments: f"linked {arguments[1]}",
    "os.symlink": lambda arguments: f"linked {arguments[1]}",
}
