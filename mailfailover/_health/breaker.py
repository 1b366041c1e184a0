"""
The breaker of one provider: whether it is open or parked, and the lease of its one probe.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Mapping

FAST_FAILURES = 3
"""Fast failures in a row that open a breaker."""

SLOW = 1.0
"""Seconds after which a single failure opens it."""

WINDOW = 60
"""Seconds over which the rate of failures counts."""

WINDOW_CALLS = 10
"""Calls that must lie in the window before their rate of failures counts."""

FAILURE_RATE = 0.5
OPEN_SECONDS = 30.0
MAX_OPEN_SECONDS = 300.0
ACCOUNT_SECONDS = 900.0
"""How long a provider with a refused key, account or sender is parked."""

FOREVER = float("inf")

_TIDIED = 2
"""The number of refused senders checked for expiry with each new one."""


class Ticket(NamedTuple):
    """
    The right to make one call.
    """

    key: str
    domain: str
    started: float
    generation: int
    lease: float = 0.0
    """Above 0, the time until which this call is the only one, as a probe."""


class Hold(NamedTuple):
    """
    Why a provider is passed by, and until when, on the health's clock.
    """

    reason: str
    """``"open"``, ``"probing"``, ``"account"``, ``"sender"``, ``"cooldown"`` or ``"isolated"``;
    ``"limit"`` where the link's own rate or quota is used up."""

    until: float
    detail: str = ""


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """
    How one provider stands, for people and metrics.

    Attributes:
        state: ``"closed"`` (in use), or the reason for which it is passed by.

        seconds_left: How long it will be so, None for no end.

        calls, failures: Within the last minute.

        detail: The text of its last failure.

        senders: From domains it refuses, with the seconds left.

    .. versionadded:: 0.1.0
    """

    state: str
    seconds_left: float | None = 0.0
    calls: int = 0
    failures: int = 0
    detail: str = ""
    senders: Mapping[str, float] | None = None


class Breaker:
    """
    The state of one provider. Its methods are called under the lock of its owner.
    """

    __slots__ = (
        "buckets",
        "cooldown_until",
        "detail",
        "generation",
        "held_until",
        "key",
        "last_success",
        "leased_until",
        "open_seconds",
        "reason",
        "senders",
        "streak",
        "well",
    )

    def __init__(self, key: str, generation: int = 0) -> None:
        self.key = key
        self.generation = generation
        """Grows with each change of state: results of calls from before it are stale."""
        self.well = True
        """Neither open nor parked: only refused senders are passed by."""
        self.reason = ""
        self.detail = ""
        self.held_until = 0.0
        self.leased_until = 0.0
        self.cooldown_until = 0.0
        self.senders: dict[str, float] = {}
        """Until when each From domain is refused, in the order of these times."""
        self.open_seconds = OPEN_SECONDS
        """How many seconds it opens for next."""
        self.streak = 0
        self.last_success = float("-inf")
        """When the latest successful call began."""
        self.buckets: deque[list[int]] = deque()
        """``[second, calls, failures]``, one for each second of the window."""

    def ask(self, now: float, domain: str, lease: float) -> Ticket | Hold:
        self._end_isolation(now)
        if self.reason and now < self.held_until:
            return Hold(self.reason, self.held_until, self.detail)
        if now < self.cooldown_until:
            return Hold("cooldown", self.cooldown_until, self.detail)
        if domain in self.senders:
            if now < self.senders[domain]:
                return Hold("sender", self.senders[domain], "the sender was refused")
            del self.senders[domain]
        if self.reason:
            return self.lease(now, domain, lease)
        self.well = True
        return Ticket(self.key, domain, now, self.generation)

    def lease(self, now: float, domain: str, seconds: float) -> Ticket | Hold:
        self._end_isolation(now)
        if self.reason == "isolated":
            return Hold("isolated", self.held_until)
        if now < self.leased_until:
            return Hold("probing", self.leased_until, self.detail)
        self.leased_until = now + seconds
        return Ticket(self.key, domain, now, self.generation, self.leased_until)

    def is_stale(self, ticket: Ticket) -> bool:
        """
        Whether the call began before the last change of state, so that it proves nothing.
        """
        return ticket.generation != self.generation

    def release(self, ticket: Ticket) -> None:
        if ticket.lease and ticket.lease == self.leased_until and not self.is_stale(ticket):
            self.leased_until = 0.0

    def succeeded(self, ticket: Ticket, now: float) -> bool:
        if ticket.generation != self.generation:
            return False
        self.last_success = max(self.last_success, ticket.started)
        self.streak = 0
        if self.well and not ticket.lease:  # the usual case: nothing to set right
            self._count(now, 0)
            return False
        self.release(ticket)
        came_back = bool(self.reason)
        if came_back:
            self._change("", 0.0)
            self.open_seconds = OPEN_SECONDS
            self.buckets.clear()
        if ticket.lease:  # a forced call went well, so no hold is true any more
            self.cooldown_until = 0.0
            self.senders.pop(ticket.domain, None)
        self.well = not self.reason and now >= self.cooldown_until
        self._count(now, 0)
        return came_back

    def failed(
        self, ticket: Ticket, now: float, jitter: float, detail: str, duration: float
    ) -> bool:
        if self.is_stale(ticket):
            return False
        self.release(ticket)
        self._count(now, 1)
        self.streak += 1
        if self.reason == "account" and now < self.held_until:
            return False  # a forced call: whatever was wrong with the account still is
        if not (self.reason or self._is_slow(ticket, duration) or self._is_failing(now)):
            return False
        self.detail = detail
        self._change("open", now + min(self.open_seconds * jitter, MAX_OPEN_SECONDS))
        self.open_seconds = min(2 * self.open_seconds, MAX_OPEN_SECONDS)
        return True

    def park(self, until: float, detail: str) -> None:
        self.detail = detail
        self._change("account", until)

    def cool_down(self, until: float, detail: str) -> None:
        self.detail = detail
        self.cooldown_until = max(self.cooldown_until, until)
        self.well = False

    def refuse_sender(self, domain: str, now: float, until: float) -> None:
        self.senders.pop(domain, None)  # to the end of the order
        self.senders[domain] = until
        for oldest in list(islice(self.senders, _TIDIED)):
            if self.senders[oldest] <= now:
                del self.senders[oldest]

    def isolate(self, until: float = FOREVER) -> None:
        self._change("isolated", until)

    def _end_isolation(self, now: float) -> None:
        if self.reason == "isolated" and now >= self.held_until:
            self._change("", 0.0)

    def describe(self, now: float) -> ProviderHealth:
        self._end_isolation(now)
        calls, failures = self._window(now)
        senders = {domain: until - now for domain, until in self.senders.items() if until > now}
        state, left = self._state(now)
        detail = "" if state in ("closed", "isolated") else self.detail
        return ProviderHealth(state, left, calls, failures, detail, senders)

    def _state(self, now: float) -> tuple[str, float | None]:
        if self.held_until == FOREVER:
            return self.reason, None
        if self.reason:
            return self.reason, max(0.0, self.held_until - now)
        if now < self.cooldown_until:
            return "cooldown", self.cooldown_until - now
        return "closed", 0.0

    def _change(self, reason: str, until: float) -> None:
        self.reason = reason
        self.held_until = until
        self.leased_until = 0.0
        self.generation += 1
        self.streak = 0
        self.well = False

    def _is_slow(self, ticket: Ticket, duration: float) -> bool:
        return duration >= SLOW and self.last_success <= ticket.started

    def _is_failing(self, now: float) -> bool:
        calls, failures = self._window(now)
        return self.streak >= FAST_FAILURES or (
            calls >= WINDOW_CALLS and failures >= FAILURE_RATE * calls
        )

    def _count(self, now: float, failures: int) -> None:
        second = int(now)
        if not self.buckets or self.buckets[-1][0] != second:
            self.buckets.append([second, 0, 0])
            if self.buckets[0][0] <= second - WINDOW:
                self.buckets.popleft()
        bucket = self.buckets[-1]
        bucket[1] += 1
        bucket[2] += failures

    def _window(self, now: float) -> tuple[int, int]:
        recent = [bucket for bucket in self.buckets if bucket[0] > now - WINDOW]
        return sum(bucket[1] for bucket in recent), sum(bucket[2] for bucket in recent)
