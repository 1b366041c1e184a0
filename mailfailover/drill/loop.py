"""
A loop in virtual time: the next action is taken from a heap, and nothing really waits.
"""

from __future__ import annotations

import heapq
import itertools
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any

from mailfailover._chain.driver import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Loop:
    """
    Runs actions in the order of their times, on a virtual clock.

    Attributes:
        now: Seconds, from a start that the caller chooses.

        work: The number of actions under way; the loop ends without them, even if timers remain.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.now: float = start
        self.work: int = 0
        self._heap: list[tuple[float, int, Callable[[], object], bool]] = []
        self._numbers = itertools.count()

    def clock(self) -> float:
        """
        Return the seconds.
        """
        return self.now

    def at(self, when: float, do: Callable[[], object]) -> None:
        """
        Call *do* at the time *when*.
        """
        self.work += 1
        heapq.heappush(self._heap, (when, next(self._numbers), do, True))

    def every(self, seconds: float, do: Callable[[], object], until: float = float("inf")) -> None:
        """
        Call *do* at this interval, as long as other actions are under way.
        """
        if self.now + seconds > until:
            return

        def tick() -> None:
            do()
            self.every(seconds, do, until)

        heapq.heappush(self._heap, (self.now + seconds, next(self._numbers), tick, False))

    def run(self, until: float = float("inf")) -> None:
        """
        Go on until nothing is left to do, or the time *until* has come.
        """
        while self.work and self._heap and self._heap[0][0] <= until:
            self.now, _, do, is_work = heapq.heappop(self._heap)
            self.work -= is_work
            do()

    def drive(
        self,
        steps: Generator[Any, Any, Any],
        call: Callable[[Any], tuple[float, Any]],
        done: Callable[[Any], object],
    ) -> None:
        """
        Start *steps*, a send.

        Args:
            steps: Yields what needs the outside world: calls and pauses.

            call: Says how many seconds a call takes, and its answer or an exception.

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


class Fiber:
    """
    A function that waits in virtual time, in a thread that runs only when the loop resumes it.

    Attributes:
        current: The fiber that runs now.
    """

    current: Fiber | None = None

    def __init__(self, loop: Loop, run: Callable[[], object]) -> None:
        self._loop = loop
        self._turn = Semaphore(0)
        self._back = Semaphore(0)
        self._run = run
        self._error: BaseException | None = None
        Thread(target=self._main, name="mailfailover-drill", daemon=True).start()

    def resume(self) -> None:
        """
        Let it run until it waits again or ends.

        Raises:
            BaseException: What ended it.
        """
        before, Fiber.current = Fiber.current, self
        self._turn.release()
        self._back.acquire()
        Fiber.current = before
        if self._error is not None:
            raise self._error

    def wait(self, seconds: float) -> None:
        """
        Wait, called from within it.
        """
        self._loop.at(self._loop.now + seconds, self.resume)
        self.park()

    def park(self) -> None:
        """
        Wait until somebody resumes it.
        """
        self._back.release()
        self._turn.acquire()

    def _main(self) -> None:
        self._turn.acquire()
        try:
            self._run()
        except BaseException as exc:  # noqa: BLE001 -- raised again in the thread of the loop
            self._error = exc
        self._back.release()
