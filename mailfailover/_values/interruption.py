"""
An interruption: an exception that was raised in this thread from outside of the running code.

A time limit of the caller's is such an exception: the handler of a signal raises it, or another
thread through ``PyThreadState_SetAsyncExc``. It is meant for the code that set the limit. Code that
runs meanwhile may have caught it and raised an error of its own, so the causes are searched too.
"""

from __future__ import annotations

import dis
import sys
from inspect import CO_VARARGS
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

# The instructions at which the interpreter looks for an exception of another thread (CPython
# 3.11, 2026-11). Only a call can also raise one of its own.
_CALLS = ("CALL", "PRECALL")
_CHECKED = (*_CALLS, "RESUME", "JUMP_BACKWARD")
_ARGUMENTS = 2
"""The number of a signal, and the frame that it interrupted."""

_BY_NAME = "SoftTimeLimitExceeded"
"""Celery's limit, known by its name wherever it was raised."""

# C code raises these without arguments, as if they came from another thread. The cancellation of
# a task passes by itself, unless a time limit within the call made a TimeoutError of it.
_BARE = frozenset(
    {
        "CancelledError",
        "Empty",
        "GeneratorExit",
        "MemoryError",
        "StopAsyncIteration",
        "StopIteration",
    }
)


def interruption(exc: BaseException) -> BaseException | None:
    """
    Return the interruption that *exc* is, or that caused it; None if there is none.
    """
    running = _running(sys._getframe(1))  # noqa: SLF001 -- the only way to it
    for one in _history(exc):
        # An exception that a frame above is handling was raised before the call that failed.
        if one is not exc and _outermost(one) in running:
            continue
        if _is_from_outside(one):
            return one
    return None


def let_through(exc: BaseException, stage: str) -> None:
    """
    Raise the interruption that *exc* is or comes from, if there is one, with the *stage* of a call.
    """
    if (limit := interruption(exc)) is not None:
        note_stage(limit, stage)
        raise limit


def note_stage(exc: BaseException, stage: str) -> None:
    """
    Leave on *exc* how far a call had come, unless it is known already.
    """
    if not hasattr(exc, "stage"):
        exc.stage = stage  # type: ignore[attr-defined]  # read where the attempt is recorded


def _history(exc: BaseException) -> Iterator[BaseException]:
    waiting: list[object] = [exc]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += (*one.args, getattr(one, "reason", None), one.__context__, one.__cause__)


def _running(frame: FrameType | None) -> set[FrameType]:
    found = set()
    while frame is not None:
        found.add(frame)
        frame = frame.f_back
    return found


def _outermost(exc: BaseException) -> FrameType | None:
    return None if exc.__traceback__ is None else exc.__traceback__.tb_frame


def _is_from_outside(exc: BaseException) -> bool:
    if any(kind.__name__ == _BY_NAME for kind in type(exc).__mro__):
        return True
    frames = list(_frames(exc.__traceback__))
    if any(_is_signal_handler(one.tb_frame) for one in frames):
        return True
    return bool(frames) and _is_asynchronous(exc, frames)


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_signal_handler(frame: FrameType) -> bool:
    """
    Whether *frame* got a number and the frame that it interrupted, as handlers of signals do.
    """
    code, caller = frame.f_code, frame.f_back
    if caller is None or not (code.co_argcount >= _ARGUMENTS or code.co_flags & CO_VARARGS):
        return False
    count = code.co_argcount + code.co_kwonlyargcount + 1  # and *args
    values: list[object] = []
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        values += value if isinstance(value, tuple) else (value,)
    return any(one is caller for one in values) and any(isinstance(one, int) for one in values)


def _is_asynchronous(exc: BaseException, frames: list[TracebackType]) -> bool:
    """
    Whether no code raised *exc* where it begins, neither a ``raise`` nor a function in C.
    """
    last = frames[-1]
    code = last.tb_frame.f_code
    if not code.co_filename.endswith((".py", ">")) or last.tb_lasti < 0:  # compiled by Cython
        return False
    instruction = dis.opname[code.co_code[last.tb_lasti]]
    if not instruction.startswith(_CHECKED) or type(exc).__name__ in _BARE:
        return False
    package = type(exc).__module__.partition(".")[0]
    if not exc.args or not instruction.startswith(_CALLS):
        return True
    if package in sys.stdlib_module_names:
        return False
    names = (one.tb_frame.f_globals.get("__name__", "") for one in frames)
    return all(name.partition(".")[0] != package for name in names)
