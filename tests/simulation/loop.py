"""
Virtual time: what happens next is taken from a heap, and nothing ever waits.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any

from mailfailover._chain.driver import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Loop:
    """
    Runs generators of the chain's kind, those that yield calls and pauses, on a virtual clock.

    Attributes:
        now: Seconds since the simulation began.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def clock(self) -> float:
        """
        The same as a function.
        """
        return self.now

    def at(self, when: float, do: Callable[[], object]) -> None:
        """
        Call *do* at the time *when*.
        """
        heapq.heappush(self._heap, (when, next(self._numbers), do))

    def run(self) -> None:
        """
        Go on until nothing is left to do.
        """
        while self._heap:
            self.now, _, do = heapq.heappop(self._heap)
            do()

    def run_until(self, end: float) -> None:
        """
        Go on until a time; what is due later stays.
        """
        while self._heap and self._heap[0][0] <= end:
            self.now, _, do = heapq.heappop(self._heap)
            do()
        self.now = end

    def drive(
        self,
        steps: Generator[Any, Any, Any],
        call: Callable[[Any], tuple[float, Any]],
        done: Callable[[Any], object],
    ) -> None:
        """
        Start *steps*; *call* says how long each call takes and how it ends.

        Args:
            steps: Yields what needs the outside world.

            call: Returns the seconds, and the answer or an exception.

            done: Gets what *steps* returned or raised.
        """

        def go(answer: Any) -> None:
            try:
                raised = isinstance(answer, BaseException)
                step = steps.throw(answer) if raised else steps.send(answer)
            except StopIteration as stop:
                done(stop.value)
            except Exception as exc:  # noqa: BLE001 -- how it ended is the result
                done(exc)
            else:
                seconds, following = (step.seconds, None) if type(step) is Pause else call(step)
                self.at(self.now + seconds, lambda: go(following))

        go(None)
