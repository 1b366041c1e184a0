"""
The limits of a link: how many recipients its rate and its quota still allow.

A rate is a bucket of tokens that fills steadily, a token for each recipient. A quota is counted
anew in each period of the wall clock. ``limits.lua`` in :mod:`mailfailover.redis` does the same
for all processes at once.
"""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._provider.link import Limit, Link

ALMOST = 1e-9
"""The part of a token that may be missing, because sums of floats are not exact."""

NEVER = float("inf")


class Portion(NamedTuple):
    """
    How many recipients a call is for: *least* where they cannot be split up, up to *most*.
    """

    least: int = 1
    most: int = 1


class Grant(NamedTuple):
    """
    How many *recipients* a call may be for: none before *wait* seconds have passed.
    """

    recipients: int
    wait: float = 0.0


class Allowance:
    """
    The remainder of one link's rate and quota.
    """

    __slots__ = ("filled", "period", "tokens", "used")

    def __init__(self) -> None:
        self.tokens = NEVER
        """As many as the bucket holds, until the first are taken."""
        self.filled = 0.0
        self.period = (0.0, -1)
        """The length and the number of the quota's period that *used* is counted in."""
        self.used = 0

    def grant(self, link: Link, portion: Portion, now: float, wall: float) -> Grant:
        """
        Return what *link* may send now, without taking it.
        """
        by_rate = by_quota = Grant(portion.most)
        if link.rate is not None:
            by_rate = self._by_rate(link.rate, portion, now)
        if link.quota is not None:
            by_quota = self._by_quota(link.quota, portion, wall)
        wait = max(by_rate.wait, by_quota.wait)
        return Grant(0, wait) if wait else Grant(min(by_rate.recipients, by_quota.recipients))

    def take(self, count: int) -> None:
        """
        Take so many, which were granted just now.
        """
        self.tokens -= count
        self.used += count

    def _by_rate(self, rate: Limit, portion: Portion, now: float) -> Grant:
        gained = (now - self.filled) * rate.count / rate.period
        self.tokens = min(float(rate.count), self.tokens + gained)
        self.filled = now
        # A mail with more recipients than the bucket holds goes when it is full. The tokens it
        # takes too many are waited for by the mails after it.
        if self.tokens + ALMOST >= min(portion.least, rate.count):
            return Grant(max(portion.least, min(portion.most, int(self.tokens + ALMOST))))
        # Waiting for a second's worth saves the calls for a few recipients each.
        worth = max(portion.least, min(portion.most, int(rate.count / rate.period)))
        missing = min(worth, rate.count) - self.tokens
        return Grant(0, missing * rate.period / rate.count)

    def _by_quota(self, quota: Limit, portion: Portion, wall: float) -> Grant:
        number = math.floor(wall / quota.period)
        if self.period != (quota.period, number):
            self.period, self.used = (quota.period, number), 0
        if portion.least > quota.count:
            return Grant(0, NEVER)
        left = quota.count - self.used
        if left >= portion.least:
            return Grant(min(portion.most, left))
        return Grant(0, (number + 1) * quota.period - wall)


class LocalAllowances:
    """
    The allowances of the links of one process. Safe in threads.

    Args:
        clock: Seconds that never go back, for rates.

        wall: Seconds since 1970, for quotas.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._allowances: dict[str, Allowance] = {}
        self._new_lock()
        after_fork(self._new_lock)

    def take(self, link: Link, portion: Portion) -> Grant:
        """
        Take as much of *portion* as there is; nothing where that is less than its least.
        """
        with self._lock:
            allowance = self._allowance(link)
            grant = allowance.grant(link, portion, self._clock(), self._wall())
            allowance.take(grant.recipients)
            return grant

    def look(self, link: Link, portion: Portion) -> Grant:
        """
        Return what :meth:`take` would, and take nothing.
        """
        with self._lock:
            return self._allowance(link).grant(link, portion, self._clock(), self._wall())

    def _allowance(self, link: Link) -> Allowance:
        return self._allowances.get(link.key) or self._allowances.setdefault(link.key, Allowance())

    def _new_lock(self) -> None:
        self._lock = Lock()
