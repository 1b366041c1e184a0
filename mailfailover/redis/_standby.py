"""
The standby of shared health: what one process knows by itself while Redis is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._health.breaker import FOREVER, Hold, ProviderHealth, Ticket
from mailfailover._health.limits import Portion
from mailfailover._health.memory import MemoryHealth
from mailfailover.redis._store import SharedTicket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from mailfailover._health.limits import Grant
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError

_LASTING = ("open", "account", "cooldown", "isolated")
"""Holds of a whole provider that stay true when nobody can be asked."""


class Standby:
    """
    A :class:`MemoryHealth` that also keeps to what was last heard of all the others.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float],
        rng: Random | None,
        links: Iterable[Link] = (),
    ) -> None:
        self._clock = clock
        self._memory = MemoryHealth(clock=clock, wall=wall, rng=rng)
        self._memory.know(links)
        self._heard: dict[str, Hold] = {}

    def hear(self, key: str, answer: Ticket | Hold) -> None:
        """
        Remember the shared answer about *key*.
        """
        if isinstance(answer, Hold) and answer.reason in _LASTING:
            self._heard[key] = answer
        elif key in self._heard:
            self._heard.pop(key, None)

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        return self._held(key) or self._memory.ask(key, domain, lease)

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        hold = self._held(key)
        if hold is not None and hold.reason == "isolated":
            return hold
        return self._memory.force(key, domain, lease)

    def succeeded(self, ticket: Ticket) -> bool:
        self._heard.pop(ticket.key, None)
        own = self._own(ticket)
        return own is not None and self._memory.succeeded(own)

    def failed(self, ticket: Ticket, error: SendError, *, count: bool, duration: float) -> bool:
        own = self._own(ticket)
        return own is not None and self._memory.failed(own, error, count=count, duration=duration)

    def take(self, link: Link, portion: Portion) -> Grant:
        return self._memory.take(link, portion)

    def look(self, link: Link, portion: Portion) -> Grant:
        return self._memory.look(link, portion)

    def spend(self, link: Link, grant: Grant) -> None:
        """
        Count here too what Redis granted, for the time when it is away.
        """
        if grant.recipients:
            self._memory.take(link, Portion(1, grant.recipients))

    def release(self, ticket: Ticket) -> None:
        self._memory.release(ticket)

    def isolate(self, key: str, seconds: float) -> None:
        self._memory.isolate(key, seconds)

    def reset(self, key: str | None) -> None:
        for name in list(self._heard) if key is None else [key]:
            self._heard.pop(name, None)
        self._memory.reset(key)

    def snapshot(self) -> dict[str, ProviderHealth]:
        now = self._clock()
        found = self._memory.snapshot()
        for key in list(self._heard):
            if (hold := self._held(key)) is not None:
                left = None if hold.until == FOREVER else hold.until - now
                found[key] = ProviderHealth(hold.reason, left, detail=hold.detail, senders={})
        return found

    def _held(self, key: str) -> Hold | None:
        hold = self._heard.get(key)
        return hold if hold is not None and self._clock() < hold.until else None

    def _own(self, ticket: Ticket) -> Ticket | None:
        """
        Return a ticket of this process for the call that *ticket* was given for.

        Redis may have gone away during that call. None where its result is of no use.
        """
        if not isinstance(ticket, SharedTicket):
            return ticket
        answer = self._memory.ask(ticket.key, ticket.domain, 0.0)
        return answer._replace(started=ticket.started) if isinstance(answer, Ticket) else None
