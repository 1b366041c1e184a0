"""
Comebacks of providers: when one that was away takes mails again, what waits for it is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._values.fork import after_fork
from mailfailover.errors import Penalty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from mailfailover.errors import Attempt

AWAY = 30.0
"""A provider was away if it failed for this many seconds and took no mail meanwhile."""

FIRST = 50
MOST = 500


@dataclass(slots=True)
class Comeback:
    """
    A provider that is back.
    """

    provider: str
    since: datetime
    """What was tried before waits no longer."""

    size: int = FIRST
    """
    The number of mails sent next. A few at first, so that they do not overload the provider again.
    """


class Comebacks:
    """
    Learns from attempts which providers are back.

    Earlier attempts are unknown to it: the first mail that a provider takes counts as a
    comeback.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failing: dict[str, datetime | None] = {}
        self._back: dict[str, Comeback] = {}
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def note(self, attempts: Iterable[Attempt]) -> None:
        """
        Take what became of a mail's attempts.
        """
        with self._lock:
            for one in attempts:
                if one.error is None:
                    self._took(one.provider)
                elif one.error.penalty is Penalty.FAILURE:
                    self._failed(one.provider)

    def pending(self) -> Sequence[Comeback]:
        """
        The providers that are back, and for which mails may wait.
        """
        with self._lock:
            return tuple(self._back.values())

    def released(self, comeback: Comeback, count: int) -> None:
        """
        Note that *count* mails do not wait any longer.
        """
        with self._lock:
            if self._back.get(comeback.provider) is not comeback:
                return  # it is away again
            if count < comeback.size:
                del self._back[comeback.provider]
            comeback.size = min(2 * comeback.size, MOST)

    def _took(self, provider: str) -> None:
        is_new, since = provider not in self._failing, self._failing.get(provider)
        self._failing[provider] = None
        if not is_new and since is None:
            return
        now = self._now()
        if since is None or (now - since).total_seconds() >= AWAY:
            self._back[provider] = Comeback(provider, now)

    def _failed(self, provider: str) -> None:
        self._back.pop(provider, None)
        if self._failing.get(provider) is None:
            self._failing[provider] = self._now()
