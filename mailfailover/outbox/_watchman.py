"""
The watchman of a worker: looks after mails that should be delivered by now.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover.errors import ConfigurationError, InvalidMessage
from mailfailover.outbox._group_commit import LeaseLost
from mailfailover.outbox._second_send import SecondSend
from mailfailover.outbox._verdict import tell
from mailfailover.outbox._watches import LOOK_SECONDS, end_old, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover.outbox._delivery import Parts
    from mailfailover.outbox._verdict import Ending
    from mailfailover.outbox._watches import Watch

logger = logging.getLogger("mailfailover.outbox")

THREADS = 8


class Watchman:
    """
    Sends mails once more that are late, where their provider delivers badly.

    Args:
        parts: What it shares with the deliveries of its worker.

        deliveries: What is known of deliveries.

        on_end: Called with the ending of each second send.
    """

    def __init__(
        self, parts: Parts, deliveries: Deliveries, on_end: Callable[[Ending], object]
    ) -> None:
        self._parts = parts
        self._deliveries = deliveries
        self._on_end = on_end
        self._cleaned: datetime | None = None
        self._over = Event()

    def look(self) -> int:
        """
        Look at the mails whose time has come; return how many were sent once more.
        """
        count = 0
        while not self._over.is_set() and (found := self._take()):
            with ThreadPoolExecutor(THREADS, thread_name_prefix="mailfailover-again") as pool:
                endings = [one for one in pool.map(self._look_at, found) if one is not None]
            for ending in endings:
                self._on_end(ending)
            count += len(endings)
        return count

    @contextmanager
    def looking(self, every: float) -> Iterator[None]:
        """
        Look at the watched mails in a background thread, until the block ends.
        """
        over = self._over
        over.clear()

        def run() -> None:
            while not over.wait(every):
                try:
                    self.look()
                except SQLAlchemyError as exc:
                    logger.error("late mails cannot be looked at now: %s", type(exc).__name__)

        thread = Thread(target=run, name="mailfailover-watchman", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            over.clear()

    def _take(self) -> list[Watch]:
        now = self._parts.now()
        pause = timedelta(seconds=LOOK_SECONDS)
        with self._parts.writes.alone() as connection:
            if self._cleaned is None or now >= self._cleaned + pause:
                end_old(connection, now)
                self._cleaned = now
            return take(connection, now, now + pause, self._deliveries.ill_links())

    def _look_at(self, watch: Watch) -> Ending | None:
        try:
            return SecondSend(self._parts, self._deliveries, watch).run()
        except (ConfigurationError, InvalidMessage, LeaseLost, SQLAlchemyError) as exc:
            logger.error("mail %s: its delivery cannot be looked at: %s", watch.id, tell(exc))
            return None
