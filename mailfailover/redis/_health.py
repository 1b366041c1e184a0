"""
The health that all processes on all machines share.
"""

from __future__ import annotations

import time
from copy import copy
from typing import TYPE_CHECKING, Any, Self

from mailfailover._health.breaker import FOREVER, ProviderHealth
from mailfailover._health.cooldown import cooldown_seconds
from mailfailover._health.fingerprint import fingerprint
from mailfailover._health.memory import JITTER
from mailfailover._values.face import published_in
from mailfailover._values.fork import fresh_rng
from mailfailover.errors import Penalty
from mailfailover.redis._presence import TIMEOUT, Away, Presence, connect, logger
from mailfailover.redis._standby import Standby
from mailfailover.redis._store import (
    SharedTicket,
    Store,
    read_answer,
    read_standing,
)
from mailfailover.redis._successes import Successes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from redis import Redis

    from mailfailover._health.breaker import Hold, Ticket
    from mailfailover._health.limits import Grant, Portion
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError

GATHER_SECONDS = 1.0


@published_in("mailfailover.redis")
class RedisHealth:
    """
    Health in Redis: one breaker, and one probe at a time, over all processes and machines.

    It judges exactly as :class:`~mailfailover.MemoryHealth` does. A mail costs one round trip
    to Redis before its call, so that no call begins to a provider of which anybody knows that
    it is down. Results are told at once, except that a healthy provider's successes are told
    once a second, and else with the next question.

    It also counts the recipients of each account for the rate and the quota of its link, so that
    all processes together keep to them.

    While Redis is away, each process goes on by itself, with what it heard last and with what it
    sent itself; a warning is logged, and Redis is looked for every five seconds. No mail waits for
    it longer than *timeout*.

    An account is known in Redis by a fingerprint of its configuration, from which no secret
    can be read. Processes with the same account share its health, whatever its key in their
    chains; a changed configuration begins with a clean record.

    Args:
        redis: A URL (``redis://``, ``rediss://`` or ``unix://``), or a client.

        prefix: The beginning of every key's name in Redis.

        timeout: How many seconds to wait for Redis; a client has its own.

        gather:
            For how many seconds one success that was told stands for all that follow.
            With 0 each is told at once.

        clock, wall, rng: See :class:`~mailfailover.MemoryHealth`.

        now: Seconds instead of Redis's own time, for tests.

    Raises:
        ConfigurationError: If *redis* is a text, but no URL of Redis.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        redis: Redis | str,
        *,
        prefix: str = "mailfailover",
        timeout: float = TIMEOUT,
        gather: float = GATHER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rng: Random | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._opened = isinstance(redis, str)
        self._store = Store(connect(redis, timeout), prefix, now)
        self._presence = Presence(clock, "this process judges providers by itself")
        self._gather = gather
        self._clock = clock
        self._wall = wall
        self._rng = rng or fresh_rng()
        self._begin(())

    def for_links(self, links: Iterable[Link]) -> Self:
        """
        Return the same health, as seen by a chain of these *links*.
        """
        view = copy(self)
        view._begin(tuple(links))  # noqa: SLF001 -- a copy of it
        return view

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        try:
            reply = self._run(key, "ask", domain=domain, lease=lease)
        except Away:
            return self._standby.ask(key, domain, lease)
        answer = read_answer(reply, key, domain, self._clock())
        self._standby.hear(key, answer)
        return answer

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        try:
            reply = self._run(key, "force", lease=lease)
        except Away:
            return self._standby.force(key, domain, lease)
        return read_answer(reply, key, domain, self._clock())

    def succeeded(self, ticket: Ticket) -> bool:
        if not isinstance(ticket, SharedTicket):
            return self._standby.succeeded(ticket)
        if self._successes.keep(ticket):
            return False
        try:
            return bool(self._tell(ticket, "succeeded"))
        except Away:
            return self._standby.succeeded(ticket)

    def failed(
        self, ticket: Ticket, error: SendError, *, count: bool, duration: float | None = None
    ) -> bool:
        if duration is None:
            duration = self._clock() - ticket.started
        if not isinstance(ticket, SharedTicket):
            return self._standby.failed(ticket, error, count=count, duration=duration)
        try:
            return self._failed(ticket, error, count=count, duration=duration)
        except Away:
            return self._standby.failed(ticket, error, count=count, duration=duration)

    def release(self, ticket: Ticket) -> None:
        if not isinstance(ticket, SharedTicket):
            self._standby.release(ticket)
        elif ticket.lease:  # else there is nothing to give back
            try:
                self._tell(ticket, "release")
            except Away:
                return  # its lease ends by itself

    def take(self, link: Link, portion: Portion) -> Grant:
        return self._allow(link, portion, look=False)

    def look(self, link: Link, portion: Portion) -> Grant:
        return self._allow(link, portion, look=True)

    def isolate(self, key: str, seconds: float = FOREVER) -> None:
        """
        Take *key* out of use everywhere until :meth:`reset`, or for so many *seconds*.

        Redis counts the seconds: they end even where this process has ended before.
        """
        lasting = {} if seconds == FOREVER else {"seconds": seconds}
        try:
            self._run(key, "isolate", **lasting)
        except Away:
            logger.warning("Redis is away: %s is isolated in this process only", key)
            self._standby.isolate(key, seconds)

    def reset(self, key: str | None = None) -> None:
        """
        Put *key*, or every provider of the chain, back into use everywhere, with a clean record.
        """
        try:
            for name in list(self._names) if key is None else [key]:
                self._run(name, "reset")
        except Away:
            logger.warning(
                "Redis is away: %s is reset in this process only", key or "every provider"
            )
        self._standby.reset(key)

    def snapshot(self) -> dict[str, ProviderHealth]:
        """
        Return how each provider stands, by its key in the chain.
        """
        try:
            replies = {key: self._run(key, "describe") for key in list(self._names)}
        except Away:
            return self._standby.snapshot()
        found = {key: ProviderHealth("closed", senders={}) for key in self._keys}
        return found | {key: read_standing(reply) for key, reply in replies.items() if reply}

    @property
    def is_away(self) -> bool:
        """
        Whether Redis did not answer when it was last asked.
        """
        return self._presence.is_away

    def close(self) -> None:
        """
        Close idle connections. The connections of a client that you passed stay open.
        """
        if self._opened:
            self._store.close()

    def _begin(self, links: Sequence[Link]) -> None:
        self._names = {link.key: fingerprint(link) for link in links}
        self._keys = tuple(self._names)
        self._standby = Standby(self._clock, self._wall, self._rng, links)
        self._successes = Successes(self._gather, self._clock)

    def _allow(self, link: Link, portion: Portion, *, look: bool) -> Grant:
        name = self._names.setdefault(link.key, link.key)
        try:
            grant: Grant = self._presence.ask(self._store.allow, name, link, portion, look=look)
        except Away:
            return (self._standby.look if look else self._standby.take)(link, portion)
        if not look:
            self._standby.spend(link, grant)
        return grant

    def _failed(self, ticket: Ticket, error: SendError, *, count: bool, duration: float) -> bool:
        told: dict[str, Any] = {"detail": str(error)}
        if error.penalty is Penalty.FAILURE:
            if not count:
                self.release(ticket)
                return False
            jitter = self._rng.uniform(1 - JITTER, 1 + JITTER)
            return bool(self._tell(ticket, "failed", jitter=jitter, duration=duration, **told))
        if error.penalty is Penalty.COOLDOWN:
            told["seconds"] = cooldown_seconds(error, self._wall)
        return bool(self._tell(ticket, "parked", penalty=error.penalty.value, **told))

    def _tell(self, ticket: Ticket, command: str, **call: Any) -> Any:
        """
        Report on the call that *ticket* was given for.
        """
        return self._run(
            ticket.key,
            command,
            domain=ticket.domain,
            generation=ticket.generation,
            lease=ticket.lease,
            age=self._clock() - ticket.started,
            **call,
        )

    def _run(self, key: str, command: str, **call: Any) -> Any:
        """
        Run *command* on the breaker of *key*, and tell what waited for that.

        Raises:
            Away: If Redis is.
        """
        if successes := self._successes.take(key):
            call["successes"] = successes
        name = self._names.setdefault(key, key)
        return self._presence.ask(self._store.run, name, command, call)
