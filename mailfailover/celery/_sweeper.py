"""
Finding what the broker lost: the outbox knows which mails wait, whatever the queue says.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._values.fork import fresh_rng

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover.outbox import OutboxWorker

logger = logging.getLogger("mailfailover.celery")

LIMIT = 1000
"""So many wake-ups of mails that wait are kept in the queue."""


class Sweeper:
    """
    Keeps as many wake-ups in the queue as mails wait in the outbox.

    Args:
        worker: Moves mails on whose time has come.

        depth: Says how many wake-ups are in the queue.

        publish: Gives the ids of mails to the broker.
    """

    def __init__(
        self,
        worker: Callable[[], OutboxWorker],
        depth: Callable[[], int],
        publish: Callable[[Iterable[str]], object],
    ) -> None:
        self._worker = worker
        self._depth = depth
        self._publish = publish

    def sweep(self) -> int:
        """
        Publish what is missing; return how many that were.
        """
        worker = self._worker()
        worker.sweep()
        waiting = worker.outbox.waiting(LIMIT)
        if not waiting:
            return 0
        missing = waiting[self._depth() :]
        self._publish(missing)
        return len(missing)


class Sweeping:
    """
    A thread that sweeps every so many *seconds*, a little more or less.

    Args:
        sweep: The function that sweeps.

        errors: What that raises when the broker is away. It is logged, and so is what the
            database raises; the next time may go better.

        seconds: How often.
    """

    def __init__(
        self, sweep: Callable[[], object], errors: tuple[type[Exception], ...], seconds: float
    ) -> None:
        self._sweep = sweep
        self._errors: tuple[type[Exception], ...] = (SQLAlchemyError, *errors)
        self.seconds = seconds
        self.seen = time.monotonic()
        """When it last began to sweep, on the clock of ``time.monotonic``."""

        self._rng = fresh_rng()
        self._over = Event()

    def start(self) -> None:
        """
        Begin; at once with a first sweep.
        """
        Thread(target=self._run, name="mailfailover-sweeper", daemon=True).start()

    def stop(self) -> None:
        """
        Let it end after the sweep under way.
        """
        self._over.set()

    def _run(self) -> None:
        while True:
            self.seen = time.monotonic()
            try:
                self._sweep()
            except self._errors as exc:
                logger.warning("the sweeper failed (%s) and tries again", type(exc).__name__)
            if self._over.wait(self.seconds * self._rng.uniform(0.8, 1.2)):
                return
