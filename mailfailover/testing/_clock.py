"""
A clock that a test moves.
"""

from __future__ import annotations

from mailfailover._values.face import published_in

__all__ = ["FakeClock"]


@published_in("mailfailover.testing")
class FakeClock:
    """
    A monotonic clock that stands still until a test advances it.

    Give the object itself where a clock is asked for, and its :meth:`sleep` where a sleep is.

    Attributes:
        sleeps: The seconds of every sleep, in order.

    .. versionadded:: 0.1.0
    """

    def __init__(self, start: float = 1000.0) -> None:
        self.sleeps: list[float] = []
        self._now = start

    def __call__(self) -> float:
        """
        The time, in seconds.
        """
        return self._now

    def advance(self, seconds: float) -> None:
        """
        Let *seconds* pass.
        """
        if seconds < 0:
            raise ValueError("a monotonic clock does not go back")
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        """
        Let *seconds* pass, and note the sleep.
        """
        self.advance(seconds)
        self.sleeps.append(seconds)
