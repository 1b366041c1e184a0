"""
Who is well: a breaker for each chain key, parking, and one probe at a time.

The chain asks for a :class:`Ticket` before a call and hands it back with the result. A
:class:`Hold` instead of a ticket says why a provider is passed by, and until when.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mailfailover._fork import after_fork
from mailfailover.errors import Penalty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.errors import SendError

FAST_FAILURES = 3
"""So many fast failures in a row open a breaker."""

SLOW = 1.0
"""A failure that took so many seconds opens it alone."""

WINDOW = 60
"""Seconds over which the rate of failures counts."""

WINDOW_CALLS = 10
"""So many calls must lie in the window before their rate counts."""

FAILURE_RATE = 0.5
OPEN_SECONDS = 30.0
MAX_OPEN_SECONDS = 300.0
JITTER = 0.1
ACCOUNT_SECONDS = 900.0
"""How long a provider with a refused key, account or sender is parked."""

QUOTA_SECONDS = 900.0
"""How long one without quota is parked when it does not say until when."""

RATE_SECONDS = 5.0
"""How long one that wants us slower is parked when it does not say for how long."""

FOREVER = float("inf")


class Ticket(NamedTuple):
    """
    The right to make one call.
    """

    key: str
    domain: str
    started: float
    generation: int
    lease: float = 0.0
    """Above 0: this call is the only one for now, a probe, until this time."""


class Hold(NamedTuple):
    """
    Why a provider is passed by: ``reason`` and until when, on the health's clock.
    """

    reason: str
    """``"open"``, ``"probing"``, ``"account"``, ``"sender"``, ``"cooldown"`` or ``"isolated"``."""

    until: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """
    How one provider stands, for people and metrics.

    Attributes:
        state: ``"closed"`` (in use), or the reason for which it is passed by.

        seconds_left: How long it will be so, None for no end.

        calls, failures: Within the last minute.

        detail: What it said last when it failed.

        senders: From domains it refuses, with the seconds left.
    """

    state: str
    seconds_left: float | None = 0.0
    calls: int = 0
    failures: int = 0
    detail: str = ""
    senders: Mapping[str, float] | None = None


class Health(Protocol):
    """
    What a chain needs to know who is well. The store may be shared between processes.
    """

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        """
        Ask for a call to *key* with a sender of *domain*.

        Where only a probe is due, one caller gets it for *lease* seconds.
        """

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        """
        Ask for a call although the provider is held; one at a time.
        """

    def succeeded(self, ticket: Ticket) -> bool:
        """
        Report that the provider answered well; return whether this brought it back.
        """

    def failed(self, ticket: Ticket, error: SendError, *, count: bool) -> bool:
        """
        Report an error; return whether the provider is passed by from now on.

        Where *count* is false, a failure is forgotten and only the lease is given back.
        """

    def release(self, ticket: Ticket) -> None:
        """
        Give a ticket back without a verdict.
        """


class MemoryHealth:
    """
    Health within one process: safe in threads, never blocking during a call.

    Args:
        clock: Seconds on a clock that never goes back.

        wall: Seconds since 1970, for providers that name a time.

        rng: For the jitter.
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
        self._rng = rng or Random()
        self._breakers: dict[str, _Breaker] = {}
        self._new_lock()
        after_fork(self._new_lock)

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        breaker = self._breakers.get(key) or self._breaker(key)
        now = self._clock()
        if breaker.well:
            return Ticket(key, domain, now, breaker.generation)
        with self._lock:
            return breaker.ask(now, domain, lease)

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        now = self._clock()
        with self._lock:
            return self._breaker(key).lease(now, domain, lease)

    def succeeded(self, ticket: Ticket) -> bool:
        breaker = self._breakers[ticket.key]
        now = self._clock()
        with self._lock:
            return breaker.succeeded(ticket, now)

    def failed(self, ticket: Ticket, error: SendError, *, count: bool) -> bool:
        breaker = self._breakers[ticket.key]
        now = self._clock()
        with self._lock:
            if error.penalty is Penalty.FAILURE:
                if not count:
                    breaker.release(ticket)
                    return False
                return breaker.failed(ticket, now, self._jitter(), str(error))
            return self._park(breaker, ticket, error, now)

    def release(self, ticket: Ticket) -> None:
        with self._lock:
            self._breakers[ticket.key].release(ticket)

    def isolate(self, key: str) -> None:
        """
        Take *key* out of use until :meth:`reset`, whatever happens.
        """
        with self._lock:
            self._breaker(key).isolate()

    def reset(self, key: str | None = None) -> None:
        """
        Put *key*, or every provider, back into use with a clean record.
        """
        with self._lock:
            for name in list(self._breakers) if key is None else [key]:
                generation = self._breaker(name).generation + 1
                self._breakers[name] = _Breaker(name, generation)

    def snapshot(self) -> dict[str, ProviderHealth]:
        """
        Return how each provider stands that was ever asked for.
        """
        now = self._clock()
        with self._lock:
            return {key: breaker.describe(now) for key, breaker in self._breakers.items()}

    def _new_lock(self) -> None:
        self._lock = Lock()

    def _breaker(self, key: str) -> _Breaker:
        return self._breakers.setdefault(key, _Breaker(key))

    def _jitter(self) -> float:
        return self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _park(self, breaker: _Breaker, ticket: Ticket, error: SendError, now: float) -> bool:
        # An answer that is no failure proves the provider to be up.
        if error.penalty is Penalty.ACCOUNT:
            breaker.park(now + ACCOUNT_SECONDS, str(error))
            return True
        breaker.succeeded(ticket, now)
        if error.penalty is Penalty.SENDER:
            breaker.refuse_sender(ticket.domain, now + ACCOUNT_SECONDS)
        elif error.penalty is Penalty.COOLDOWN:
            breaker.cool_down(now + self._cooldown(error), str(error))
        else:
            return False
        return True

    def _cooldown(self, error: SendError) -> float:
        if error.retry_after is not None:
            return error.retry_after
        if not hasattr(error, "until"):
            return RATE_SECONDS
        if error.until is None:
            return QUOTA_SECONDS
        return max(0.0, float(error.until.timestamp()) - self._wall())


class _Breaker:
    """
    What is known of one provider. Its methods are called under the lock of its owner.
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
        "opened",
        "reason",
        "senders",
        "streak",
        "well",
    )

    def __init__(self, key: str, generation: int = 0) -> None:
        self.key = key
        self.generation = generation
        """Grows with each change of state: results from before it are stale."""
        self.well = True
        """Nothing at all is held: the quick answer to :meth:`ask`."""
        self.reason = ""
        self.detail = ""
        self.held_until = 0.0
        self.leased_until = 0.0
        self.cooldown_until = 0.0
        self.senders: dict[str, float] = {}
        self.opened = 0
        """How many times in a row it was opened, for the doubling."""
        self.streak = 0
        self.last_success = float("-inf")
        """When the latest call began that succeeded."""
        self.buckets: deque[list[float]] = deque()
        """``[second, calls, failures]``, one for each second of the window."""

    def ask(self, now: float, domain: str, lease: float) -> Ticket | Hold:
        if self.reason:
            if now < self.held_until:
                return Hold(self.reason, self.held_until, self.detail)
            return self.lease(now, domain, lease)
        if now < self.cooldown_until:
            return Hold("cooldown", self.cooldown_until, self.detail)
        if now < self.senders.get(domain, 0.0):
            return Hold("sender", self.senders[domain], "the sender was refused")
        self._tidy(now)
        return Ticket(self.key, domain, now, self.generation)

    def lease(self, now: float, domain: str, seconds: float) -> Ticket | Hold:
        if self.reason == "isolated":
            return Hold("isolated", FOREVER)
        if now < self.leased_until:
            return Hold("probing", self.leased_until, self.detail)
        self.leased_until = now + seconds
        return Ticket(self.key, domain, now, self.generation, self.leased_until)

    def release(self, ticket: Ticket) -> None:
        if ticket.lease and ticket.lease == self.leased_until:
            self.leased_until = 0.0

    def succeeded(self, ticket: Ticket, now: float) -> bool:
        if ticket.generation != self.generation:
            return False
        self.release(ticket)
        self.last_success = max(self.last_success, ticket.started)
        self.streak = 0
        came_back = bool(self.reason)
        if came_back:
            self._change("", 0.0)
            self.opened = 0
            self.buckets.clear()
        if ticket.lease:  # it was called in spite of every hold, and it went well
            self.cooldown_until = 0.0
            self.senders.pop(ticket.domain, None)
        if not self.well:
            self._tidy(now)
        self._count(now, 0)
        return came_back

    def failed(self, ticket: Ticket, now: float, jitter: float, detail: str) -> bool:
        self.release(ticket)
        if ticket.generation != self.generation:
            return False
        self._count(now, 1)
        self.streak += 1
        slow = now - ticket.started >= SLOW and self.last_success < ticket.started
        if not (ticket.lease or slow or self.streak >= FAST_FAILURES or self._failing(now)):
            return False
        seconds = min(OPEN_SECONDS * 2**self.opened, MAX_OPEN_SECONDS) * jitter
        self.opened += 1
        self.detail = detail
        self._change("open", now + min(seconds, MAX_OPEN_SECONDS))
        return True

    def park(self, until: float, detail: str) -> None:
        self.detail = detail
        self._change("account", until)

    def cool_down(self, until: float, detail: str) -> None:
        self.detail = detail
        self.cooldown_until = max(self.cooldown_until, until)
        self.well = False

    def refuse_sender(self, domain: str, until: float) -> None:
        self.senders[domain] = until
        self.well = False

    def isolate(self) -> None:
        self._change("isolated", FOREVER)

    def describe(self, now: float) -> ProviderHealth:
        calls, failures = self._window(now)
        senders = {domain: until - now for domain, until in self.senders.items() if until > now}
        state, left = self._state(now)
        return ProviderHealth(
            state, left, calls, failures, self.detail if state != "closed" else "", senders
        )

    def _state(self, now: float) -> tuple[str, float | None]:
        if self.reason == "isolated":
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

    def _tidy(self, now: float) -> None:
        self.senders = {domain: until for domain, until in self.senders.items() if until > now}
        self.well = not self.reason and not self.senders and now >= self.cooldown_until

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
        return int(sum(b[1] for b in recent)), int(sum(b[2] for b in recent))

    def _failing(self, now: float) -> bool:
        calls, failures = self._window(now)
        return calls >= WINDOW_CALLS and failures >= FAILURE_RATE * calls
