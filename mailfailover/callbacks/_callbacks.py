"""
:class:`Callbacks`: a handler of events that tells them to another system.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from mailfailover import errors
from mailfailover._provider.classify import parse_retry_after
from mailfailover._provider.signatures import reveal_all
from mailfailover._sql.database import reading, writing
from mailfailover._sql.rows import insert_new
from mailfailover._sql.stored import Stored
from mailfailover._values.face import published_in
from mailfailover._values.fork import fresh_rng
from mailfailover._values.wire import HTTPRequest
from mailfailover.callbacks import _queue as queue
from mailfailover.callbacks._calls import check_url, default_transport, payload, signer
from mailfailover.webhooks._tables import PART, callbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from sqlalchemy import Engine

    from mailfailover._provider.protocols import Transport
    from mailfailover._provider.signatures import Secrets
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.wire import Response

logger = logging.getLogger("mailfailover")

# Seconds from one call to the next, as https://www.standardwebhooks.com proposes (2026-11): three
# days in all.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
TIMEOUT = 15.0
GONE = 410
_IDLE = 5.0


@published_in("mailfailover.callbacks")
class CallbackStats(NamedTuple):
    """
    How many calls wait to be made or repeated, and how many were given up.

    .. versionadded:: 0.1.0
    """

    waiting: int
    dead: int


@published_in("mailfailover.callbacks")
class Callbacks(Stored):
    """
    Tells each event to another system, by a signed call that is repeated until it succeeds.

    As a handler of events it writes the call to the database, so that none is lost; :meth:`run`
    makes the calls. The other system gets an event at least once, and knows a repetition by its
    ``webhook-id``. Safe to share between threads; several processes may run the same.

    Args:
        url:
            Where to call: https, or http of this machine. Or a callable that says it for each
            event, "" for nowhere; of several URLs each is called.

        secret: Signs the calls, ``whsec_`` and base64. Of several each signs.

        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        transport: The transport of the calls; HTTP over the network by default.

        clock, rng: Time, as seconds since 1970, and chance.

    Raises:
        ConfigurationError: If URL, secret or database cannot work.

    .. versionadded:: 0.1.0
    """

    part = PART

    def __init__(
        self,
        url: str | Callable[[DeliveryEvent], str | Sequence[str]],
        secret: Secrets,
        *,
        database: str | Engine | None = None,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        rng: Random | None = None,
    ) -> None:
        self.url: str | Callable[[DeliveryEvent], str | Sequence[str]] = (
            url if callable(url) else check_url(url)
        )
        self._signers = [signer(one) for one in reveal_all(secret)]
        if not self._signers:
            message = "callbacks have no secret: give one, whsec_ and the base64 of 32 random bytes"
            raise errors.ConfigurationError(message)
        super().__init__(database, clock)
        self._transport = transport or default_transport()
        self._rng = rng or fresh_rng()
        self._wake = threading.Event()
        self._stopped = False

    def __call__(self, event: DeliveryEvent) -> None:
        """
        Write down that *event* is to be told; when this returns, it is not lost.
        """
        rows = list(self._rows(event, self.now()))
        if not rows:
            return
        with writing(self.engine) as connection:
            for row in rows:
                insert_new(connection, callbacks, row)
        self._wake.set()

    def run_once(self) -> int:
        """
        Make the calls that are due, and return how many were made, well or not.
        """
        made = 0
        while not self._stopped and (job := queue.claim(self.engine, self.now())):
            self._call(job)
            made += 1
        return made

    def run(self) -> None:
        """
        Make calls as they fall due, until :meth:`stop` is called in another thread.
        """
        self._stopped = False
        while not self._stopped:
            self._wake.clear()
            try:
                self.run_once()
                due = queue.next_due(self.engine)
            except SQLAlchemyError as exc:
                logger.error("callbacks cannot use their database: %s", type(exc).__name__)
                due = None
            wait = _IDLE if due is None else (due - self.now()).total_seconds()
            self._wake.wait(min(max(wait, 0.0), _IDLE))

    def stop(self) -> None:
        """
        Let :meth:`run` return when the call is done that is being made.
        """
        self._stopped = True
        self._wake.set()

    def stats(self) -> CallbackStats:
        """
        Count the calls.
        """
        with reading(self.engine) as connection:
            return CallbackStats(*queue.counts(connection))

    def close(self) -> None:
        """
        Close all connections. Later calls open new ones.
        """
        self._transport.close()
        self.engine.dispose()

    def _call(self, job: queue.Job) -> None:
        try:
            response: Response = self._transport.send(self._request(job), TIMEOUT)
        except errors.SendError as exc:
            self._again(job, type(exc).__name__, exc.retry_after)
            return
        detail = f"HTTP {response.status_code}"
        if response.ok:
            queue.done(self.engine, job)
        elif response.status_code == GONE:
            self._give_up(job, detail)
        else:
            self._again(job, detail, parse_retry_after(response.headers.get("retry-after")))

    def _rows(self, event: DeliveryEvent, now: datetime) -> Iterator[Mapping[str, Any]]:
        found = self.url(event) if callable(self.url) else self.url
        body = json.dumps(payload(event, now), ensure_ascii=False)
        for place, url in enumerate([found] if isinstance(found, str) else found):
            if url:
                # The same call in each repetition, whichever URLs came or went in between.
                name = f"{event.provider}\0{event.event_id}" + (f"\0{url}" if place else "")
                yield {
                    "id": f"msg_{sha256(name.encode()).hexdigest()[:40]}",
                    "url": check_url(url),
                    "body": body,
                    "created": now,
                    "due": now,
                }

    def _request(self, job: queue.Job) -> HTTPRequest:
        now = self.now()
        signatures = [one.sign(job.id, now, job.body) for one in self._signers]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": job.id,
            "webhook-timestamp": f"{int(now.timestamp())}",
            "webhook-signature": " ".join(signatures),
        }
        return HTTPRequest("POST", job.url, headers, job.body.encode())

    def _again(self, job: queue.Job, detail: str, retry_after: float | None) -> None:
        if job.attempts > len(SCHEDULE):
            self._give_up(job, detail)
            return
        wait = max(SCHEDULE[job.attempts - 1], retry_after or 0.0)
        wait *= 1 + self._rng.random() / 10  # so that not all come back at once
        queue.later(self.engine, job, self.now() + timedelta(seconds=wait), detail)
        logger.warning("callback %s failed: %s; again in %.0f s", job.id, detail, wait)

    def _give_up(self, job: queue.Job, detail: str) -> None:
        queue.give_up(self.engine, job, detail)
        logger.error("callback %s is given up after %d calls: %s", job.id, job.attempts, detail)
