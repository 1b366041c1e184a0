"""
The threads of a worker that runs: one takes mails, some send them, one tells that they live.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._verdict import Ending
    from mailfailover.outbox._worker import OutboxWorker

logger = logging.getLogger("mailfailover.outbox")

BEATS = 3
"""How often a lease is renewed before it would end."""

MAX_PAUSE = 30.0
"""The longest pause, in seconds, before a database that is away is asked again."""


class Crew:
    """
    Runs an :class:`OutboxWorker` until it is stopped.
    """

    def __init__(self, worker: OutboxWorker) -> None:
        self.worker = worker
        self.pool = ThreadPoolExecutor(worker.threads, thread_name_prefix="mailfailover")
        self.wake = Event()
        self.done = Event()
        self.running: dict[Future[Ending | None], Lease] = {}
        self.next_sweep = 0.0
        self.failures = 0

    def run(self) -> None:
        """
        Take and send mails; when stopped, give back what was not begun and finish the rest.
        """
        worker = self.worker
        heart = Thread(target=self._beat, name="mailfailover-heart", daemon=True)
        heart.start()
        worker.outbox.on_add.append(self._on_add)
        try:
            while not worker.stopping:
                self.wake.clear()
                self.wake.wait(self._work())
        finally:
            worker.outbox.on_add.remove(self._on_add)
            self._finish()
            self.done.set()
            heart.join()

    def _work(self) -> float:
        """
        Take what there is room for; return how long to wait for more, at most.
        """
        try:
            taken = self._take()
        except SQLAlchemyError as exc:
            self.failures += 1
            pause = min(self.worker.poll * 2.0**self.failures, MAX_PAUSE)
            logger.error(
                "the outbox's database failed (%s); next look in %.0f s", type(exc).__name__, pause
            )
            return pause
        self.failures = 0
        return 0.0 if taken else self.worker.poll

    def _take(self) -> int:
        worker = self.worker
        if time.monotonic() >= self.next_sweep:
            worker.sweep()
            self.next_sweep = time.monotonic() + worker.poll
        if len(self.running) > worker.threads:
            return 0
        # So many more than there are threads: each commit takes several, and no thread waits.
        leases = worker.claim(worker.threads)
        for lease in leases:
            future = self.pool.submit(worker.deliver, lease)
            self.running[future] = lease
            future.add_done_callback(self._on_done)
        return len(leases)

    def _finish(self) -> None:
        running = dict(self.running)
        unbegun = [lease for future, lease in running.items() if future.cancel()]
        if unbegun:
            try:
                self.worker.give_back(unbegun)
            except SQLAlchemyError as exc:  # the leases end by themselves
                logger.error("mails could not be given back: %s", type(exc).__name__)
        wait(running)
        self.pool.shutdown()

    def _beat(self) -> None:
        while not self.done.wait(self.worker.rules.lease / BEATS):
            try:
                self.worker.renew()
            except SQLAlchemyError as exc:
                logger.error("leases could not be renewed: %s", type(exc).__name__)

    def _on_add(self, _mail_id: str) -> None:
        self.wake.set()

    def _on_done(self, future: Future[Ending | None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("a mail could not be dealt with: %s", type(error).__name__)
        del self.running[future]
        if len(self.running) <= self.worker.threads:  # there is room for more
            self.wake.set()
