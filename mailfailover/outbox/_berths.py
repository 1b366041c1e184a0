"""
Berths: how many calls to one provider may be under way, so that other providers keep theirs.

A provider may have three times as many calls as berths are free. So a provider that hangs takes
three quarters of them at most, and two together leave some for a third. A chain of one provider has
nobody to leave room for.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from threading import Condition, Lock
from typing import TYPE_CHECKING

from mailfailover._values.fork import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.outbox._lease import Lease

SHARE = 3
"""The most berths of a provider for each free berth."""

LONGEST_WAIT = 30.0
_USUAL_SECONDS = 1.0
_PATIENCE = 0.5
"""Seconds that a thread waits for a berth, unless the provider's calls take longer."""

_LEARNED = 0.2
"""How much the last call counts in what is known of a provider's calls."""


class NoBerth(Exception):
    """
    A provider has as many calls under way as it may.
    """

    def __init__(self, provider: str = "", wait: timedelta = timedelta(0)) -> None:
        super().__init__(provider)
        self.provider = provider
        self.wait = wait


class Berths:
    """
    Counts the calls under way, by provider.

    Args:
        count: Says how many berths there are.

        is_shared: Whether there are several providers.

        clock: Seconds that only grow.
    """

    def __init__(
        self,
        count: Callable[[], int],
        *,
        is_shared: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._is_shared = is_shared
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._changed = Condition(Lock())
        self._stuck: set[str] = set()
        """The providers whose calls did not end while a thread waited for a berth."""
        self._taken: dict[int, tuple[str, float]] = {}
        self._calls: Counter[str] = Counter()
        self._next: dict[str, float] = {}
        """When the next mail of a provider without a berth shall come again."""

    def enter(self, lease: Lease, provider: str) -> None:
        """
        Take a berth for the call that is about to be made, and leave that of the call before.

        Raises:
            NoBerth: If the provider has as many as it may.
        """
        if not self._is_shared:
            return
        with self._changed:
            self._leave(lease)
            if not self._has_room(provider) and not self._wait_for_room(provider):
                raise NoBerth(provider, self._wait(provider))
            self._calls[provider] += 1
            self._taken[lease.number] = (provider, self._clock())

    def leave(self, lease: Lease) -> None:
        """
        Give the berth back.
        """
        if self._is_shared:
            with self._changed:
                self._leave(lease)

    def _leave(self, lease: Lease) -> None:
        if lease.number not in self._taken:
            return
        provider, since = self._taken.pop(lease.number)
        self._calls[provider] -= 1
        took = self._clock() - since
        known = self._seconds.get(provider, took)
        self._seconds[provider] = known + _LEARNED * (took - known)
        self._stuck.discard(provider)
        self._changed.notify()

    def _has_room(self, provider: str) -> bool:
        free = self._count() - len(self._taken)
        return not self._calls[provider] or self._calls[provider] < SHARE * free

    def _wait_for_room(self, provider: str) -> bool:
        """
        Wait for a berth where one is free in a moment; return whether there is one now.

        To put the mail back into the database and take it again would cost more.
        """
        usual = self._seconds.get(provider, 0.0)
        if usual > _USUAL_SECONDS or provider in self._stuck:
            return False
        found = self._changed.wait_for(lambda: self._has_room(provider), _PATIENCE)
        if not found:
            self._stuck.add(provider)
        return found

    def _wait(self, provider: str) -> timedelta:
        """
        Each comes again when it can expect a berth, so that none comes again and again.
        """
        now = self._clock()
        each = self._seconds.get(provider, _USUAL_SECONDS) / self._calls[provider]
        at = max(now, self._next.get(provider, now)) + each
        self._next[provider] = min(at, now + LONGEST_WAIT)
        return timedelta(seconds=self._next[provider] - now)
