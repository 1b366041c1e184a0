"""
The successes of healthy calls, which need no round trip of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._health.breaker import Ticket


@dataclass(slots=True)
class _Kept:
    generation: int
    latest: float
    """When the latest of them began."""

    count: int = 0


class Successes:
    """
    Keeps the successes of one process for the next question about the same provider.

    A success may wait if another one of the last *seconds* was reported. So what is lost with a
    process that dies was known already.

    Args:
        seconds: For how long one success stands for all; 0: each is told at once.

        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._begin()
        after_fork(self._begin)

    def keep(self, ticket: Ticket) -> bool:
        """
        Keep the success of *ticket*, and return True; False if it must be told now.
        """
        if ticket.lease:
            return False
        with self._lock:
            now = self._clock()
            if now - self._told.get(ticket.key, float("-inf")) >= self._seconds:
                self._told[ticket.key] = now
                return False
            kept = self._kept.get(ticket.key)
            if kept is None or kept.generation < ticket.generation:
                kept = self._kept[ticket.key] = _Kept(ticket.generation, ticket.started)
            if kept.generation == ticket.generation:
                kept.latest = max(kept.latest, ticket.started)
                kept.count += 1
            return True

    def take(self, key: str) -> dict[str, Any] | None:
        """
        Return what was kept for *key*, to be told now.
        """
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None:
                return None
            now = self._told[key] = self._clock()
            age = now - kept.latest
            return {"generation": kept.generation, "count": kept.count, "age": age}

    def _begin(self) -> None:
        self._lock = Lock()
        self._told: dict[str, float] = {}
        self._kept: dict[str, _Kept] = {}
