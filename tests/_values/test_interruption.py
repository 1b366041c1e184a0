from __future__ import annotations

import asyncio
import ctypes
import json
import queue
import signal
import socket
import threading
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._values.interruption import interruption, let_through
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Limit(Exception):
    """
    The limit of a caller.
    """


class LimitWithText(Exception):
    """
    A limit that has a text of its own.
    """

    def __init__(self) -> None:
        super().__init__("out of time")


def raised(work: Callable[[], object]) -> BaseException:
    """
    What *work* raises.
    """
    try:
        work()
    except BaseException as exc:  # noqa: BLE001 -- it is the result
        return exc
    raise AssertionError("nothing was raised")


@contextmanager
def handled_by(handler: Any) -> Iterator[None]:
    """
    Let *handler* have the signal.
    """
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def interrupted() -> None:
    """
    Be interrupted by the signal.
    """
    signal.raise_signal(signal.SIGUSR1)


def handler(_signum: int, _frame: object) -> None:
    raise Limit


def handler_of_any(*_arguments: object) -> None:
    raise Limit


def handler_with_more(limit: type[Exception], _signum: int, _frame: object) -> None:
    raise limit


class Handlers:
    """
    A handler that is a method, and one that is an object.
    """

    def method(self, _signum: int, _frame: object) -> None:
        raise Limit

    def __call__(self, _signum: int, _frame: object) -> None:
        self.method(0, None)


@each(
    "one",
    [
        handler,
        handler_of_any,
        partial(handler_with_more, Limit),
        Handlers().method,
        Handlers(),
    ],
)
def test_what_a_signal_handler_raises_comes_from_outside(one: Any) -> None:
    """
    However the handler is written.
    """
    with handled_by(one):
        exc = raised(interrupted)

    assert interruption(exc) is exc


def wrapped_from() -> None:
    try:
        interrupted()
    except Limit as exc:
        raise OSError("lost") from exc


def wrapped_in_silence() -> None:
    try:
        interrupted()
    except Limit:
        raise OSError("lost") from None


def wrapped_as_a_reason() -> None:
    try:
        interrupted()
    except Limit as exc:
        failure = OSError("lost")
        failure.reason = exc  # type: ignore[attr-defined]  # as urllib3 does
    raise failure


@each("work", [wrapped_from, wrapped_in_silence, wrapped_as_a_reason])
def test_it_is_found_behind_the_error_of_whoever_caught_it(work: Callable[[], None]) -> None:
    """
    As a cause, as a context, and as what libraries call a reason.
    """
    with handled_by(handler):
        exc = raised(work)

    assert type(interruption(exc)) is Limit


def test_what_is_being_handled_further_up_is_over() -> None:
    """
    An error in the handling of a limit has it as context, but was not caused by it.
    """
    with handled_by(handler):
        try:
            interrupted()
        except Limit:
            exc = raised(lambda: int("x"))

    assert type(exc.__context__) is Limit
    assert interruption(exc) is None


def endless() -> None:
    while True:
        pass


def endless_calls() -> None:
    while True:
        len("")


@each("work", [endless, endless_calls])
@each("kind", [Limit, TimeoutError])
def test_what_another_thread_raises_comes_from_outside(
    kind: type[Exception], work: Callable[[], None]
) -> None:
    """
    It begins where no code raised it.
    """
    exc = raised(lambda: _hit_by(kind, work))

    assert interruption(exc) is exc


def test_a_class_of_another_package_is_enough() -> None:
    """
    With a text of its own it could have been raised by a function in C, but by none of these.
    """
    elsewhere = ModuleType("elsewhere")
    LimitWithText.__module__ = elsewhere.__name__

    exc = raised(lambda: _hit_by(LimitWithText, endless_calls))

    assert interruption(exc) is exc


def _hit_by(kind: type[Exception], work: Callable[[], None]) -> None:
    me = ctypes.c_ulong(threading.get_ident())
    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    watch = threading.Timer(0.01, set_exception, (me, ctypes.py_object(kind)))
    watch.start()
    work()


async def late() -> None:
    async with asyncio.timeout(0):
        await asyncio.sleep(60)


def read_late() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(0.001)
        one.recv(1)


def takes_its_caller(frame: object) -> None:
    raise ValueError(frame is None)


def fails() -> None:
    raise TimeoutError


OWN: dict[str, Callable[[], object]] = {
    "raised by Python code": fails,
    "a socket's timeout": read_late,
    "a time limit of asyncio": lambda: asyncio.run(late()),
    "a function that takes a frame": lambda: takes_its_caller(None),
    "unreadable JSON": lambda: json.loads("{"),
    "an empty queue": lambda: queue.SimpleQueue().get_nowait(),
    "an iterator at its end": lambda: next(iter(())),
    "no number": lambda: int("x"),
    "a refused connection": lambda: socket.create_connection(("127.0.0.1", 1)),
}


@each("name", OWN)
def test_errors_of_the_running_code_do_not(name: str) -> None:
    """
    Neither those of Python code nor those of functions in C, timeouts included.
    """
    assert interruption(raised(OWN[name])) is None


def test_compiled_code_is_not_judged() -> None:
    """
    Its frames have no instructions to look at, and an error without a text is usual there.
    """
    scope: dict[str, Any] = {}
    code = compile("def work():\n    while True:\n        len('')", "fast.pyx", "exec")
    exec(code, scope)  # noqa: S102 -- a file name of its own is the point

    assert interruption(raised(lambda: _hit_by(Limit, scope["work"]))) is None


def test_an_exception_that_was_never_raised_does_not() -> None:
    """
    Nothing tells where it comes from.
    """
    assert interruption(TimeoutError()) is None


def test_it_is_let_through_with_the_stage() -> None:
    """
    The stage that was noted first is the true one.
    """
    with handled_by(handler):
        exc = raised(interrupted)

    for _ in range(2):
        with pytest.raises(Limit) as caught:
            let_through(exc, "written")
        exc = caught.value

    assert exc.stage == "written"  # type: ignore[attr-defined]  # noted just now


def test_other_errors_are_not_let_through() -> None:
    """
    Whoever asks goes on to judge them.
    """
    let_through(raised(fails), "written")
