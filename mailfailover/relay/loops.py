"""
Loops: the same mail that comes to the same recipients again and again.

A provider may be set up so that its mails come back to this port. What goes out as fields has
no Received headers to count, but it keeps its Message-ID.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Loops"]

MOST = 10
"""So often a client that heard no answer may repeat a mail within the period."""

PERIOD = 3600.0
KEPT = 10_000


class Loops:
    """
    Counts how often each mail came. Safe in threads.

    Args:
        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seen: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def is_loop(self, message_id: str, recipients: Iterable[str]) -> bool:
        """
        Count a mail, and tell whether it came too often.
        """
        if not message_id:
            return False
        key, now = hash((message_id, tuple(sorted(recipients)))), self._clock()
        with self._lock:
            begun, count = self._seen.pop(key, (now, 0))
            if now - begun > PERIOD:
                begun, count = now, 0
            self._seen[key] = begun, count + 1
            if len(self._seen) > KEPT:
                self._seen.popitem(last=False)
        return count + 1 > MOST
