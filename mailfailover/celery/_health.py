"""
The health of a Celery worker, for those who ask by HTTP.

Celery's own ``inspect ping`` asks through the broker, so it cannot tell a worker that is stuck from
a broker that is away.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mailfailover.celery._broker import is_reachable
from mailfailover.errors import ConfigurationError
from mailfailover.outbox._health_server import OK, STALLED, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.celery._sweeper import Sweeping
    from mailfailover.outbox import Outbox

logger = logging.getLogger("mailfailover.celery")


class Health:
    """
    Answers ``/healthz`` and ``/readyz`` while a worker runs.

    Args:
        listen: ``HOST:PORT``; "" for nowhere.

        sweeping: What the worker does now and then, whatever its tasks do.

        outbox: The database that it needs.

        broker: The URL of the broker that it needs.

        clock: Seconds that never go back.
    """

    def __init__(
        self,
        listen: str,
        sweeping: Sweeping,
        outbox: Outbox,
        broker: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = ""
        """Where it answers."""

        self._listen = listen
        self._sweeping = sweeping
        self._outbox = outbox
        self._broker = broker
        self._clock = clock
        self._stack = ExitStack()

    def start(self) -> None:
        """
        Begin to answer.

        An address that cannot be had is logged: Celery lets no handler of its signals fail.
        """
        try:
            self.url = self._stack.enter_context(answering(self._listen, self.alive, self.ready))
        except ConfigurationError as exc:
            logger.critical("nobody can ask for the health of this worker: %s", exc)
            return
        if self.url:
            logger.info("health: %s/healthz", self.url)

    def stop(self) -> None:
        """
        Answer nobody any more.
        """
        self._stack.close()

    def alive(self) -> Mapping[str, str]:
        """
        Tell whether the worker still looks at its outbox.
        """
        silent = self._clock() - self._sweeping.seen
        longest = STALLED + 2 * self._sweeping.seconds
        found = OK if silent < longest else f"has not looked at the outbox for {silent:.0f} s"
        return {"worker": found}

    def ready(self) -> Mapping[str, str]:
        """
        Tell whether the worker has its database and its broker.
        """
        try:
            self._outbox.check()
            database = OK
        except ConfigurationError as exc:
            database = str(exc)
        return {
            "database": database,
            "broker": OK if is_reachable(self._broker) else "does not answer",
        }
