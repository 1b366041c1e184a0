"""
The throttle of a worker: how many mails it sends at the same time.

A call costs little while it waits for a vendor, so more of them pay as long as that is what the
mails wait for. Where they wait for our own database instead, more calls make nothing faster.
"""

from __future__ import annotations

LEAST = 32
"""With fewer calls, too few of them share a commit (measured on SQLite, 2026-11)."""

MOST = 256
PAYS = 0.5
"""More calls pay while mails wait for the database for less than this part of their time."""

TOO_MUCH = 0.8


class Throttle:
    """
    Opens and closes with the load.

    Args:
        least, most: Its limits; the same number twice holds it there.
    """

    def __init__(self, least: int = LEAST, most: int = MOST) -> None:
        self.most = most
        self.least = least
        self.limit = least

    @property
    def reserve(self) -> int:
        """
        How many of them bulk mails must leave free.
        """
        return min(self.limit - 1, max(1, self.limit // 8))

    def adjust(self, *, is_full: bool, seconds: float, waited: float) -> None:
        """
        Take what the last moments were like.

        Args:
            is_full: Whether there were as many mails under way as it allows, and more to do.

            seconds: How long the mails took, taken together.

            waited: How much of that they waited for the database.
        """
        if is_full and waited <= PAYS * seconds:
            self.limit = min(self.most, 2 * self.limit)
        elif waited > TOO_MUCH * seconds:
            self.limit = max(self.least, self.limit - self.limit // 4)
