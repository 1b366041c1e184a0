"""
The health report of a send: what its attempts tell of the providers, for health, events and log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailfailover._chain.log import log_down, log_up
from mailfailover._chain.observe import ProviderDown, ProviderUp, tell
from mailfailover._values.wire import Stage
from mailfailover.errors import ConnectionFailed, Penalty, ProviderUnavailable, SendError

if TYPE_CHECKING:
    from mailfailover._chain.attempt import Result
    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._chain.picker import Picker
    from mailfailover._health.breaker import Ticket


class Failure(NamedTuple):
    """
    A failed call that counts against its provider.
    """

    candidate: Candidate
    ticket: Ticket
    error: SendError
    duration: float


class HealthReport:
    """
    Reports each attempt of one send to the chain's health.

    Where every candidate was tried and failed to connect, the fault is our own network's and no
    provider's. So a failed connection is not reported before that is clear.
    """

    __slots__ = ("_counted", "_parts", "_pick", "_unproven")

    def __init__(self, parts: Parts, pick: Picker) -> None:
        self._parts = parts
        self._pick = pick
        self._counted: set[str] = set()
        """The providers that had their one failure of this mail."""
        self._unproven: list[Failure] = []
        """Failed connections of this round, as long as our own network may be down."""

    def attempt(
        self, candidate: Candidate, ticket: Ticket, result: Result, duration: float
    ) -> None:
        """
        Report an attempt of so many seconds.
        """
        slow = candidate.link.slow
        if result.error is None and not result.batch and slow is None and not self._unproven:
            self._succeeded(ticket)  # the usual case
            return
        blame = result.blame
        if isinstance(blame, ConnectionFailed) and result.status_code is None:
            self._unproven.append(Failure(candidate, ticket, blame, duration))
            return
        self._count_unproven()  # an answer came, or bytes left: our network is up
        if blame is None or blame.penalty is Penalty.NONE:
            blame = _slowness(candidate, result, duration)
        if blame is not None:
            self._count(Failure(candidate, ticket, blame, duration))
        elif result.stage == Stage.PREPARING:  # a fault of the provider's code: no vendor was asked
            self._parts.health.release(ticket)
        else:
            self._succeeded(ticket)

    def end(self) -> None:
        """
        Decide about the failed connections of a send that ends.

        They count if a provider is left that was not tried: it might have been reached.
        """
        if self._unproven and self._pick.successor() is not None:
            self._count_unproven()
        self.release()

    def release(self) -> None:
        """
        Forget the failed connections of a whole round: our own network is down.

        Leases that their calls held are released.
        """
        if self._unproven:
            for one in self._unproven:
                self._parts.health.release(one.ticket)
            self._unproven.clear()

    def _count_unproven(self) -> None:
        for one in self._unproven:
            self._count(one)
        self._unproven.clear()

    def _succeeded(self, ticket: Ticket) -> None:
        parts = self._parts
        if parts.health.succeeded(ticket):
            tell(parts.observers, ProviderUp(ticket.key))
        if parts.outages and ticket.key in parts.outages:
            parts.outages.discard(ticket.key)
            log_up(ticket.key)

    def _count(self, failure: Failure) -> None:
        parts, ticket, error = self._parts, failure.ticket, failure.error
        count = ticket.key not in self._counted and not parts.is_alone
        if error.penalty is Penalty.FAILURE:
            self._counted.add(ticket.key)
        duration = failure.duration
        if parts.health.failed(ticket, error, count=count, duration=duration):
            reason = "open" if error.penalty is Penalty.FAILURE else error.penalty.value
            tell(parts.observers, ProviderDown(ticket.key, reason, str(error)))
            if error.penalty is not Penalty.SENDER:  # the provider is up for all other senders
                self._log_outage(failure)

    def _log_outage(self, failure: Failure) -> None:
        """
        Log an outage once, until the provider has taken a mail again.
        """
        parts, key = self._parts, failure.ticket.key
        hold = self._pick.peek(failure.candidate)
        if hold is None or key in parts.outages:
            return
        parts.outages.add(key)
        until = parts.wall() + hold.until - parts.clock()
        log_down(key, hold, until, self._pick.takeover(key))


def _slowness(candidate: Candidate, result: Result, duration: float) -> SendError | None:
    """
    The failure that an answer is where it came later than its link allows.
    """
    slow = candidate.link.slow
    if slow is None or duration <= slow or result.stage == Stage.PREPARING:
        return None
    text = f"it took {duration:.1f} s to answer, longer than slow={slow:g} allows"
    return ProviderUnavailable(text, provider=candidate.link.key, stage=Stage.RESPONSE)
