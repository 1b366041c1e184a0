"""
A play with an outbox: the real one in memory, whose workers are fibers.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from mailfailover.drill.hearing import memory_engine
from mailfailover.drill.loop import Fiber
from mailfailover.outbox import Outbox, OutboxWorker, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.drill.loop import Loop
    from mailfailover.outbox import Ending

FIBERS = 8
SWEEPS = 300
FOLLOW_UP = 2 * 86400.0
"""Seconds after the last mail in which those that wait are still sent."""

_BUSY_SECONDS = 1.0


def play_outbox(
    loop: Loop,
    mailer: Mailer,
    mails: Callable[[Callable[[Message], object]], object],
    *,
    wall: Callable[[], float],
    end: float,
    seed: int,
) -> None:
    """
    Add each mail to an outbox, and let its workers send it.

    Args:
        loop: Virtual time.

        mailer: What sends.

        mails: Calls what it is given with each mail, in its time.

        wall: Seconds since 1970.

        end: When the last mail is sent, on the loop's clock.

        seed: Makes chance the same in each run.
    """
    outbox = Outbox(memory_engine(), clock=wall)
    outbox.init()
    crew = _Crew(loop, OutboxWorker(outbox, mailer, threads=FIBERS, lease=600.0, rng=Random(seed)))
    mails(crew.add)
    loop.every(max(30.0, (end - loop.now) / SWEEPS), crew.look)
    loop.run(end + FOLLOW_UP)
    crew.end()
    outbox.close()


class _Crew:
    """
    The fibers of a worker, idle or at work.
    """

    def __init__(self, loop: Loop, worker: OutboxWorker) -> None:
        self._loop = loop
        self._worker = worker
        self._open: set[str] = set()
        self._over = False
        self._idle: list[Fiber] = [Fiber(loop, self._work) for _ in range(FIBERS)]

    def add(self, message: Message) -> None:
        self._worker.outbox.add(message)
        if not self._open:
            self._loop.work += 1  # mails that wait keep the play going
        self._open.add(message.id)
        self._wake()

    def look(self) -> None:
        self._worker.sweep()
        self._wake()

    def end(self) -> None:
        self._over = True
        while self._idle:
            self._idle.pop().resume()

    def _wake(self) -> None:
        if self._idle:
            self._idle.pop().resume()

    def _work(self) -> None:
        fiber = Fiber.current
        while not self._over and fiber is not None:
            leases = self._worker.claim(1)
            if leases:
                self._wake()
                self._ended(fiber, self._worker.deliver(leases[0]))
            else:
                self._idle.append(fiber)
                fiber.park()

    def _ended(self, fiber: Fiber, ending: Ending | None) -> None:
        if ending is None:
            return
        if ending.state in (State.SENT, State.DEAD):
            self._open.discard(ending.mail_id)
            if not self._open:
                self._loop.work -= 1
        elif ending.state is State.PENDING and not ending.blocked_by:
            fiber.wait(_BUSY_SECONDS)
