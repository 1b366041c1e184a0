"""
The crew of a running worker: one thread takes mails, some send them, one tells that they live.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from mailfailover.outbox._lease import Lease

logger = logging.getLogger("mailfailover.outbox")

MAX_PAUSE = 30.0
"""The longest pause, in seconds, before a database that is away is asked again."""


class Duties(NamedTuple):
    """
    What a crew does, by whoever knows how.
    """

    sweep: Callable[[], object]
    """Moves on the mails whose time has come."""

    claim: Callable[[int], list[Lease]]
    """Takes up to so many mails whose turn it is."""

    deliver: Callable[[Lease], object]
    """Sends one of them."""

    give_back: Callable[[list[Lease]], object]
    """Lets others have those that were not begun."""

    renew: Callable[[], object]
    """Tells that the worker is alive."""


class Crew:
    """
    Takes and sends mails until it is stopped.

    Args:
        duties: What it does.

        threads: How many mails it sends at the same time.

        poll: Seconds after which it looks for mails again when it found none.

        beat: Seconds between two signs of life.
    """

    def __init__(self, duties: Duties, *, threads: int, poll: float, beat: float) -> None:
        self.duties = duties
        self.threads = threads
        self.poll = poll
        self.beat = beat
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="mailfailover")
        self.wake = Event()
        self.done = Event()
        self.running: dict[Future[object], Lease] = {}
        self.next_sweep = 0.0
        self.failures = 0

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """
        Work until *is_stopping*; then give back what was not begun, and finish the rest.
        """
        heart = Thread(target=self._beat, name="mailfailover-heart", daemon=True)
        heart.start()
        try:
            while not is_stopping():
                self.wake.clear()
                self.wake.wait(self._work())
        finally:
            self._finish()
            self.done.set()
            heart.join()

    def look(self) -> None:
        """
        Look for mails at once.
        """
        self.wake.set()

    def _work(self) -> float:
        """
        Take what there is room for; return how long to wait for more, at most.
        """
        try:
            taken = self._take()
        except SQLAlchemyError as exc:
            self.failures += 1
            pause = min(self.poll * 2.0**self.failures, MAX_PAUSE)
            logger.error(
                "the outbox's database failed (%s); next look in %.0f s", type(exc).__name__, pause
            )
            return pause
        self.failures = 0
        return 0.0 if taken else self.poll

    def _take(self) -> int:
        if time.monotonic() >= self.next_sweep:
            self.duties.sweep()
            self.next_sweep = time.monotonic() + self.poll
        if len(self.running) > self.threads:
            return 0
        # So many more than there are threads: each commit takes several, and no thread waits.
        leases = self.duties.claim(self.threads)
        for lease in leases:
            future = self.pool.submit(self.duties.deliver, lease)
            self.running[future] = lease
            future.add_done_callback(self._on_done)
        return len(leases)

    def _finish(self) -> None:
        running = dict(self.running)
        unbegun = [lease for future, lease in running.items() if future.cancel()]
        if unbegun:
            try:
                self.duties.give_back(unbegun)
            except SQLAlchemyError as exc:  # the leases end by themselves
                logger.error("mails could not be given back: %s", type(exc).__name__)
        wait(running)
        self.pool.shutdown()

    def _beat(self) -> None:
        while not self.done.wait(self.beat):
            try:
                self.duties.renew()
            except SQLAlchemyError as exc:
                logger.error("leases could not be renewed: %s", type(exc).__name__)

    def _on_done(self, future: Future[object]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("a mail could not be dealt with: %s", type(error).__name__)
        del self.running[future]
        if len(self.running) <= self.threads:  # there is room for more
            self.wake.set()
