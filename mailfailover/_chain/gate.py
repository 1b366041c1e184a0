"""
The gate before a provider: its health, the lease of a probe, and its link's rate and quota.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailfailover._health.breaker import Hold, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._health.limits import Portion

LEASE_MARGIN = 5.0
_NO_GENERATION = -1


class Pass(NamedTuple):
    """
    The right to call a candidate once.
    """

    candidate: Candidate
    ticket: Ticket
    recipients: int | None = None
    """How many recipients the call may be for; None where the link has no rate and no quota."""


class Gate:
    """
    Gives passes, or the reasons why there are none.

    Args:
        parts: The parts of the chain.

        attempt_timeout: For how many seconds a call may hold the lease of a probe.

        portion: Says how many recipients the next call to a candidate is for.
    """

    __slots__ = ("_lease", "_parts", "_portion")

    def __init__(
        self, parts: Parts, attempt_timeout: float, portion: Callable[[Candidate], Portion]
    ) -> None:
        self._parts = parts
        self._lease = attempt_timeout + LEASE_MARGIN
        self._portion = portion

    def ask(self, candidate: Candidate, *, force: bool = False) -> Pass | Hold:
        """
        Return a pass for one call to *candidate*, or why it is passed by.

        Args:
            candidate: The candidate to call.

            force: Whether to call although its health says no, one mail at a time.
        """
        parts, link = self._parts, candidate.link
        ticket = parts.health.ask(link.key, candidate.domain, self._lease)
        if isinstance(ticket, Hold):
            ticket = self._overrule(candidate, ticket, force=force)
            if isinstance(ticket, Hold):
                return ticket
        if link.rate is None and link.quota is None:
            return Pass(candidate, ticket)
        grant = parts.allowances.take(link, self._portion(candidate))
        if grant.recipients:
            return Pass(candidate, ticket, grant.recipients)
        parts.health.release(ticket)
        return self._used_up(grant.wait)

    def peek(self, candidate: Candidate) -> Hold | None:
        """
        Return why *candidate* would be passed by now, None if it would not.
        """
        parts, link = self._parts, candidate.link
        answer = parts.health.ask(link.key, candidate.domain, self._lease)
        if isinstance(answer, Hold):
            return answer
        parts.health.release(answer)
        if link.rate is None and link.quota is None:
            return None
        grant = parts.allowances.look(link, self._portion(candidate))
        return None if grant.recipients else self._used_up(grant.wait)

    def _overrule(self, candidate: Candidate, hold: Hold, *, force: bool) -> Ticket | Hold:
        """
        Return a ticket in spite of *hold*, where the call is forced or there is no other provider.
        """
        parts, key = self._parts, candidate.link.key
        always = parts.is_alone and hold.reason not in ("cooldown", "isolated")
        if not always and not force:
            return hold
        answer = parts.health.force(key, candidate.domain, self._lease)
        if isinstance(answer, Hold) and always:
            return Ticket(key, candidate.domain, parts.clock(), _NO_GENERATION)
        return answer

    def _used_up(self, wait: float) -> Hold:
        return Hold("limit", self._parts.clock() + wait, "its own rate or quota is used up")
