"""
Health in the memory of one process: a breaker for each chain key, and one probe at a time.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._health.breaker import (
    ACCOUNT_SECONDS,
    FOREVER,
    Breaker,
    Hold,
    ProviderHealth,
    Ticket,
)
from mailfailover._health.cooldown import cooldown_seconds
from mailfailover._health.limits import LocalAllowances
from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork, fresh_rng
from mailfailover.errors import Penalty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from mailfailover._health.limits import Grant, Portion
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError

JITTER = 0.1


@published_in("mailfailover")
class MemoryHealth:
    """
    Health within one process: safe in threads, never blocking during a call.

    Args:
        clock: Seconds on a clock that never goes back.

        wall: Seconds since 1970, for providers that name a time.

        rng: For the jitter.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rng: Random | None = None,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._rng = rng or fresh_rng()
        self._breakers: dict[str, Breaker] = {}
        self._allowances = LocalAllowances(clock, wall)
        self._new_lock()
        after_fork(self._new_lock)

    def know(self, links: Iterable[Link]) -> None:
        """
        Tell of *links* before any mail asks for them.
        """
        with self._lock:
            for link in links:
                self._breaker(link.key)

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        breaker = self._breakers.get(key) or self._breaker(key)
        now = self._clock()
        if breaker.well and domain not in breaker.senders:
            return Ticket(key, domain, now, breaker.generation)
        with self._lock:
            return breaker.ask(now, domain, lease)

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        now = self._clock()
        with self._lock:
            return self._breaker(key).lease(now, domain, lease)

    def succeeded(self, ticket: Ticket) -> bool:
        now = self._clock()
        with self._lock:
            breaker = self._breakers.get(ticket.key) or self._breaker(ticket.key)
            return breaker.succeeded(ticket, now)

    def failed(
        self, ticket: Ticket, error: SendError, *, count: bool, duration: float | None = None
    ) -> bool:
        now = self._clock()
        took = now - ticket.started if duration is None else duration
        with self._lock:
            breaker = self._breaker(ticket.key)
            if error.penalty is not Penalty.FAILURE:
                return self._park(breaker, ticket, error, now)
            if count:
                return breaker.failed(ticket, now, self._jitter(), str(error), took)
            breaker.release(ticket)
            return False

    def release(self, ticket: Ticket) -> None:
        with self._lock:
            self._breaker(ticket.key).release(ticket)

    def take(self, link: Link, portion: Portion) -> Grant:
        return self._allowances.take(link, portion)

    def look(self, link: Link, portion: Portion) -> Grant:
        return self._allowances.look(link, portion)

    def isolate(self, key: str, seconds: float = FOREVER) -> None:
        """
        Take *key* out of use until :meth:`reset`, or for so many *seconds*, whatever happens.
        """
        with self._lock:
            self._breaker(key).isolate(self._clock() + seconds)

    def reset(self, key: str | None = None) -> None:
        """
        Put *key*, or every provider, back into use with a clean record.
        """
        with self._lock:
            for name in list(self._breakers) if key is None else [key]:
                generation = self._breaker(name).generation + 1
                self._breakers[name] = Breaker(name, generation)

    def snapshot(self) -> dict[str, ProviderHealth]:
        """
        Return how each provider stands, by its key in the chain.
        """
        now = self._clock()
        with self._lock:
            return {key: breaker.describe(now) for key, breaker in self._breakers.items()}

    def _new_lock(self) -> None:
        self._lock = Lock()

    def _breaker(self, key: str) -> Breaker:
        breaker = self._breakers.get(key)
        return breaker or self._breakers.setdefault(key, Breaker(key))

    def _jitter(self) -> float:
        return self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _park(self, breaker: Breaker, ticket: Ticket, error: SendError, now: float) -> bool:
        if breaker.is_stale(ticket):
            return False
        if error.penalty is Penalty.ACCOUNT:
            breaker.park(now + ACCOUNT_SECONDS, str(error))
            return True
        breaker.succeeded(ticket, now)  # such an answer proves that the provider is up
        if error.penalty is Penalty.SENDER:
            breaker.refuse_sender(ticket.domain, now, now + ACCOUNT_SECONDS)
        if error.penalty is Penalty.COOLDOWN:
            breaker.cool_down(now + cooldown_seconds(error, self._wall), str(error))
        return error.penalty is not Penalty.NONE
