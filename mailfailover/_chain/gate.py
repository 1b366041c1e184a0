"""
The gate before a provider: its health, the lease of a probe, and its link's rate and quota.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._health.breaker import Hold, Ticket

if TYPE_CHECKING:
    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts

LEASE_MARGIN = 5.0
_NO_GENERATION = -1


class Gate:
    """
    Gives tickets for calls, or the reasons why there are none.

    Args:
        parts: The parts of the chain.

        attempt_timeout: For how many seconds a call may hold the lease of a probe.
    """

    def __init__(self, parts: Parts, attempt_timeout: float) -> None:
        self._parts = parts
        self._lease = attempt_timeout + LEASE_MARGIN

    def ask(self, candidate: Candidate, *, force: bool = False) -> Ticket | Hold:
        """
        Return a ticket for one call to *candidate*, or why it is passed by.

        Args:
            candidate: Whom to call.

            force: Whether to call although its health says no, one mail at a time.
        """
        parts, key = self._parts, candidate.link.key
        answer = parts.health.ask(key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            # A chain of one has no provider to pass by to, so it always calls.
            always = parts.is_alone and answer.reason not in ("cooldown", "isolated")
            if always or force:
                answer = parts.health.force(key, candidate.domain, self._lease)
            if isinstance(answer, Hold):
                if not always:
                    return answer
                answer = Ticket(key, candidate.domain, parts.clock(), _NO_GENERATION)
        if key in parts.allowances and (limit := self._limit(key, take=True)):
            parts.health.release(answer)
            return limit
        return answer

    def peek(self, candidate: Candidate) -> Hold | None:
        """
        Return why *candidate* would be passed by now, None if it would not.
        """
        health, key = self._parts.health, candidate.link.key
        answer = health.ask(key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            return answer
        health.release(answer)
        return self._limit(key, take=False)

    def _limit(self, key: str, *, take: bool) -> Hold | None:
        allowance = self._parts.allowances.get(key)
        if allowance is None:
            return None
        now = self._parts.clock()
        wait = (allowance.take if take else allowance.wait)(now, self._parts.wall())
        return Hold("limit", now + wait, "its own rate or quota is used up") if wait else None
