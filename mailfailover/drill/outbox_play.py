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
    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.drill.play import Play
    from mailfailover.outbox import Ending

FIBERS = 8
SWEEPS = 300
_BUSY_SECONDS = 1.0


def play_outbox(play: Play, mailer: Mailer) -> None:
    """
    Add each mail to an outbox, and let its workers send it.
    """
    outbox = Outbox(memory_engine(), clock=play.wall)
    outbox.init()
    crew = _Crew(play, outbox, mailer)
    play.mails(crew.add)
    traffic = play.setting.traffic
    play.loop.every(max(30.0, (traffic.end - traffic.begin) / SWEEPS), crew.look)
    play.loop.run(traffic.end + 2 * 86400.0)
    crew.end()
    outbox.close()


class _Crew:
    """
    The fibers of a worker, idle or at work.
    """

    def __init__(self, play: Play, outbox: Outbox, mailer: Mailer) -> None:
        self._play = play
        self._outbox = outbox
        self._worker = OutboxWorker(
            outbox, mailer, threads=FIBERS, lease=600.0, rng=Random(play.setting.seed)
        )
        self._open: set[str] = set()
        self._over = False
        self._idle: list[Fiber] = [Fiber(play.loop, self._work) for _ in range(FIBERS)]

    def add(self, message: Message) -> None:
        self._outbox.add(message)
        if not self._open:
            self._play.loop.work += 1  # mails that wait keep the play going
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
                self._play.loop.work -= 1
        elif ending.state is State.PENDING and not ending.blocked_by:
            fiber.wait(_BUSY_SECONDS)
