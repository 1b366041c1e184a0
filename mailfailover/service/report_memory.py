"""
The memory of the last report of deliveries, which costs a look at all counts of a week.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.deliveries import DeliveryHealth, DeliveryReport

__all__ = ["ReportMemory"]

MEMORY_SECONDS = 15.0


class ReportMemory:
    """
    Remembers the report for a few seconds, for all who look.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._read = float("-inf")
        self._found: DeliveryReport | None = None

    def get(self, deliveries: DeliveryHealth, clock: Callable[[], float]) -> DeliveryReport:
        """
        Return the report of now, or of some seconds ago.
        """
        with self._lock:
            if self._found is None or clock() - self._read > MEMORY_SECONDS:
                self._found = deliveries.report()
                self._read = clock()
            return self._found
