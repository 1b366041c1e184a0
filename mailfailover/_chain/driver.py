"""
Who does, in a thread, what the one loop of a send asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mailfailover._chain.retry import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")


def drive(steps: Generator[Any, Any, T], sleep: Callable[[float], object]) -> T:
    """
    Do, in this thread, what *steps* asks for.
    """
    go_on: Callable[[Any], Any] = steps.send
    answer: Any = None
    while True:
        try:
            step = go_on(answer)  # outside any handler: nothing else hangs on what it raises
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            answer = sleep(step.seconds) if isinstance(step, Pause) else step.run()
        except BaseException as exc:  # noqa: BLE001 -- the loop decides what it means
            go_on, answer = steps.throw, exc
        else:
            go_on = steps.send
