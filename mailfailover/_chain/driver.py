"""
The driver that runs the steps of a send in the calling thread.

A send is a generator of steps. It yields a :class:`Call` where it needs IO and a
:class:`Pause` where it must wait; the driver does that and sends the answer back. The event
loop has a driver of its own, in :mod:`mailfailover.aio`, so both run the same send.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Call(NamedTuple):
    """
    One step of IO: the driver runs it and sends its result back.
    """

    send: Callable[..., Any]
    arguments: tuple[Any, ...]

    def run(self) -> Any:
        """
        Do the step in this thread.
        """
        return self.send(*self.arguments)


class Pause(NamedTuple):
    """
    One step of waiting.
    """

    seconds: float


Steps = Generator[Call | Pause, Any, T]
"""What a send yields to its driver, and what it returns in the end."""


def drive(steps: Steps[T], sleep: Callable[[float], object]) -> T:
    """
    Run *steps* in this thread and return their result.
    """
    resume: Callable[[Any], Any] = steps.send
    answer: Any = None
    while True:
        try:
            # Outside of any handler: what this raises must not get another error as context.
            step = resume(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            answer = sleep(step.seconds) if isinstance(step, Pause) else step.send(*step.arguments)
        except BaseException as exc:  # noqa: BLE001 -- the send decides what it means
            resume, answer = steps.throw, exc
        else:
            resume = steps.send
