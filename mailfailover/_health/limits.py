"""
How many mails a link may get: its rate and its quota.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from mailfailover._provider.link import Limit, Link

_WHOLE = 1 - 1e-9
"""So much of a mail's worth is all of it: sums of floats are never exact."""


class Allowance:
    """
    What is left of a link's rate and quota. Safe in threads.

    The rate is a bucket that fills steadily; the quota is counted anew with each period
    of the wall clock.
    """

    def __init__(self, link: Link) -> None:
        self._rate = link.rate
        self._quota = link.quota
        self._tokens = float(link.rate.count) if link.rate else 0.0
        self._filled = float("-inf")
        self._period = -1
        self._used = 0
        self._new_lock()
        after_fork(self._new_lock)

    def take(self, now: float, wall: float) -> float:
        """
        Take one mail's worth.

        Returns:
            0 if it was there; else the seconds until there is one again, and nothing is taken.
        """
        with self._lock:
            wait = self._wait(now, wall)
            if not wait:
                self._tokens -= 1
                self._used += 1
            return wait

    def wait(self, now: float, wall: float) -> float:
        """
        The seconds until there is one mail's worth, without taking it.
        """
        with self._lock:
            return self._wait(now, wall)

    def _wait(self, now: float, wall: float) -> float:
        return max(
            self._rate_wait(self._rate, now) if self._rate else 0.0,
            self._quota_wait(self._quota, wall) if self._quota else 0.0,
        )

    def _new_lock(self) -> None:
        self._lock = Lock()

    def _rate_wait(self, rate: Limit, now: float) -> float:
        gained = (now - self._filled) * rate.count / rate.period
        self._tokens = min(float(rate.count), self._tokens + gained)
        self._filled = now
        return 0.0 if self._tokens >= _WHOLE else (1 - self._tokens) * rate.period / rate.count

    def _quota_wait(self, quota: Limit, wall: float) -> float:
        period = int(wall // quota.period)
        if period != self._period:
            self._period, self._used = period, 0
        return 0.0 if self._used < quota.count else (period + 1) * quota.period - wall
