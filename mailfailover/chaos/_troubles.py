"""
The troubles that a vendor has now.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mailfailover.chaos._trouble import Trouble

__all__ = ["Troubles"]


class Troubles:
    """
    The present troubles; safe from many threads.

    Args:
        clock: Seconds that never go back.

        chance: A number from 0 to 1, another one at each call.
    """

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._until: dict[Trouble, float | None] = {}

    def set(self, *troubles: Trouble) -> None:
        """
        Replace the present troubles.
        """
        now = self._clock()
        with self._lock:
            self._until = {one: None if one.lasts is None else now + one.lasts for one in troubles}

    def now(self) -> tuple[Trouble, ...]:
        """
        The troubles that are not over.
        """
        now = self._clock()
        with self._lock:
            self._until = {
                one: ends for one, ends in self._until.items() if ends is None or ends > now
            }
            return tuple(self._until)

    def find(self, kinds: Collection[str]) -> Trouble | None:
        """
        The first trouble of *kinds*, however often it strikes.
        """
        return next((one for one in self.now() if one.kind in kinds), None)

    def strikes(self, kinds: Collection[str]) -> Trouble | None:
        """
        The first trouble of *kinds* that strikes this time.
        """
        return next(
            (one for one in self.now() if one.kind in kinds and self._chance() < one.probability),
            None,
        )
