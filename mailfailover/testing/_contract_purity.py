"""
Claims about purity: the same mail makes the same request, at any time, and nothing is touched.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import pickle
import sys
import threading
import time
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, frozen, refusable
from mailfailover.testing._wire_text import wire_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message

__all__ = ["another_day", "check_no_io", "check_no_state", "check_pure", "no_io", "unchanged"]

_LATER = 90_061.0  # a day, an hour, a minute and a second


@refusable()
def check_pure(provider: Any, message: Message) -> None:
    """
    The same mail makes the same request, now and later, and stays as it is.
    """
    with unchanged(message, "building the request"):
        first, second = (frozen(build(provider, message)) for _ in range(2))
    claim(first == second, "two requests for one message differ: an attempt must be repeatable")
    copy = pickle.loads(pickle.dumps(message))  # noqa: S301 -- made on this line
    with another_day():
        later = frozen(build(provider, copy))
    claim(
        first == later,
        "the request for one message is another in another process or at another time "
        "(an idempotency key too must stay the same over all attempts)",
    )


@contextmanager
def unchanged(message: Message, what: str) -> Iterator[None]:
    """
    Claim that the code inside leaves *message* alone; what it changed is put back.
    """
    values = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    before = repr(values)
    yield
    after = {name: getattr(message, name) for name in values}
    for name, value in values.items():
        object.__setattr__(message, name, value)
    claim(repr(after) == before, f"{what} has changed the message")


class _Later(type(dt.datetime)):  # type: ignore[misc]  # the type of a C class
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _REAL)


_REAL = dt.datetime


class _LaterDatetime(dt.datetime, metaclass=_Later):
    """
    A ``datetime`` whose now is a day later.
    """

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        """
        The time of the other day.
        """
        return _REAL.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        """
        The same without its zone.
        """
        return _REAL.fromtimestamp(time.time(), dt.UTC).replace(tzinfo=None)


@contextmanager
def another_day() -> Iterator[None]:
    """
    Let the clocks of Python be a day ahead, and ``hash`` and ``id`` be those of another process.
    """
    moved = {"time": 1.0, "monotonic": 1.0, "time_ns": 1e9, "monotonic_ns": 1e9}
    with pytest.MonkeyPatch.context() as patch:
        for name, unit in moved.items():
            real = getattr(time, name)
            shift = type(real())(_LATER * unit)
            patch.setattr(time, name, lambda real=real, shift=shift: real() + shift)
        for module in list(sys.modules.values()):
            if getattr(module, "datetime", None) is _REAL and not _is_ours(module):
                patch.setattr(module, "datetime", _LaterDatetime)
        yield


def _is_ours(module: Any) -> bool:
    name = getattr(module, "__name__", "")
    return name.startswith(("mailfailover._", "_")) or name in ("datetime.datetime", __name__)


@refusable()
def check_no_state(provider: Any, message: Message, other: Message) -> None:
    """
    A mail leaves nothing behind for the next one.
    """
    marked = other.bound(subject=f"zqleft{os.urandom(4).hex()}behindqz")
    before = frozen(build(provider, message))
    build(provider, marked)
    after = build(provider, message)
    claim(marked.subject not in wire_text(after), "a mail holds what another one said before it")
    claim(frozen(after) == before, "a request depends on the mails before it: keep no state")


# IO

_DOORS = (
    "open",
    "os.",
    "pty.",
    "shutil.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "time.sleep",
    "tempfile.",
    "urllib.",
    "http.",
    "smtplib.",
    "ftplib.",
    "_thread.start",
)


class _Watch:
    """
    Hears through Python's audit hook what a thread opens; the hook is set once, and stays.
    """

    def __init__(self) -> None:
        self.thread = 0
        self.seen: list[str] = []
        self.set = False

    def hear(self, event: str, _: tuple[Any, ...]) -> None:
        """
        Note an event that is IO, and forbid it.
        """
        if self.thread and event.startswith(_DOORS) and self.thread == threading.get_ident():
            self.seen.append(event)
            message = "a provider does no IO"
            raise RuntimeError(message)


_WATCH = _Watch()


class _Printed:
    """
    The standard output of a provider, which has none.
    """

    def write(self, _: str) -> int:
        """
        Note it.
        """
        _WATCH.seen.append("print")
        return 0

    def flush(self) -> None:
        """
        Do nothing.
        """


@refusable()
def check_no_io(provider: Any, message: Message) -> None:
    """
    The call opens no file, socket or process, and neither sleeps nor prints.
    """
    build(provider, message)  # loads what it imports late
    with no_io():
        build(provider, message)


@contextmanager
def no_io(what: str = "building a request") -> Iterator[None]:
    """
    Claim that the code inside, which is *what*, does no IO.
    """
    if not _WATCH.set:
        sys.addaudithook(_WATCH.hear)
        _WATCH.set = True
    _WATCH.seen.clear()
    _WATCH.thread = threading.get_ident()
    try:
        with redirect_stdout(_Printed()), pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", lambda _: _WATCH.hear("time.sleep", ()))
            yield
    except (RuntimeError, pytest.fail.Exception):
        if not _WATCH.seen:
            raise
    finally:
        _WATCH.thread = 0
    events = ", ".join(dict.fromkeys(_WATCH.seen))
    claim(
        not events,
        f"{what} opens a file, a socket or a process, sleeps or prints ({events})",
    )
