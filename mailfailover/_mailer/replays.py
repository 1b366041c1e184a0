"""
The replays of webhooks: which of them came before.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = 120.0
"""Seconds in which the handlers of one webhook are through, or their process is dead."""

RETENTION = 3 * 86400.0
"""
Seconds that a webhook is remembered: longer than vendors go on repeating it, and longer than
any lease, which tells a webhook that was handled from one whose process may have died.
"""


@published_in("mailfailover.webhooks")
class Replays(Protocol):
    """
    Remembers which webhooks came before, for all processes that receive them.

    A webhook is claimed, handed to the handlers, and then kept. When a handler fails it is
    released, and when the process dies the claim ends by itself: the vendor brings it again.

    .. versionadded:: 0.1.0
    """

    def claim(self, token: str, seconds: float) -> bool:
        """
        Remember *token* for so long; False if it is remembered already.
        """

    def keep(self, token: str, seconds: float) -> None:
        """
        Remember *token* for so long from now.
        """

    def release(self, token: str) -> None:
        """
        Forget *token*.
        """

    def left(self, token: str) -> float:
        """
        Return the seconds that *token* is still remembered, 0 where it is not.
        """


@published_in("mailfailover.webhooks")
class MemoryReplays:
    """
    Remembers the last 100,000 webhooks, in this process.

    Args:
        limit: How many at most; the oldest are forgotten first.

        clock: Seconds that only grow.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, *, limit: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._until: dict[str, float] = {}
        self._renew_lock()
        after_fork(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def claim(self, token: str, seconds: float) -> bool:
        """
        Remember *token* for so long; False if it is remembered already.
        """
        with self._lock:
            if self._until.get(token, 0.0) > self._clock():
                return False
            self._remember(token, seconds)
            return True

    def keep(self, token: str, seconds: float) -> None:
        """
        Remember *token* for so long from now.
        """
        with self._lock:
            self._remember(token, seconds)

    def release(self, token: str) -> None:
        """
        Forget *token*.
        """
        with self._lock:
            self._until.pop(token, None)

    def left(self, token: str) -> float:
        """
        Return the seconds that *token* is still remembered, 0 where it is not.
        """
        with self._lock:
            return max(0.0, self._until.get(token, 0.0) - self._clock())

    def _remember(self, token: str, seconds: float) -> None:
        self._until.pop(token, None)  # the order is that of time
        while len(self._until) >= self._limit:
            del self._until[next(iter(self._until))]
        self._until[token] = self._clock() + seconds
