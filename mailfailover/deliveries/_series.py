"""
A series: what became of the mails of one cell, slice by slice, and what its past says.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import HOUR, SLICE, slice_of
from mailfailover.deliveries._slot import Slot
from mailfailover.deliveries._usual import Usual, usual_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Series:
    """
    The slots of a cell, or of a whole link.

    Attributes:
        recent: Those of the last hours, by the beginning of their slice.

        hours: The sums of the past, by the beginning of the hour.

        usual: What the past says, None where it is too short.
    """

    __slots__ = ("hours", "recent", "usual")

    def __init__(self) -> None:
        self.recent: dict[int, Slot] = {}
        self.hours: dict[int, Slot] = {}
        self.usual: Usual | None = None

    def add(self, start: int, numbers: Sequence[int], edge: int) -> None:
        """
        Add *numbers* of a slice; what is before *edge* belongs to the past.
        """
        slots = self.recent if start >= edge else self.hours
        start = start if start >= edge else start // HOUR * HOUR
        slot = slots.get(start)
        if slot is None:
            slots[start] = Slot(numbers)
        else:
            slot.merge(numbers)

    def age(self, edge: int, first: int) -> None:
        """
        Turn what is before *edge* into hours, forget what is before *first*, and read the past.
        """
        for start in [start for start in self.recent if start < edge]:
            self.add(start, self.recent.pop(start).numbers, edge)
        for start in [start for start in self.hours if start < first]:
            del self.hours[start]
        self.usual = usual_of(self.hours[start] for start in sorted(self.hours))

    def since(self, begin: float, now: float) -> Slot:
        """
        The sum of the slots that end after *begin* and began by *now*.
        """
        found = [slot.numbers for slot in self._between(begin, now)]
        return Slot(map(sum, zip(*found, strict=True)))

    def sent(self, begin: float, now: float) -> int:
        """
        How many recipients the slots have that end after *begin* and began by *now*.
        """
        return sum(slot.numbers[0] for slot in self._between(begin, now))

    def _between(self, begin: float, now: float) -> Iterator[Slot]:
        first = slice_of(begin)
        if first + SLICE <= begin:
            first += SLICE
        starts = range(first, slice_of(now) + 1, SLICE)
        return filter(None, map(self.recent.get, starts))

    @property
    def is_empty(self) -> bool:
        """
        Whether nothing is known of it any more.
        """
        return not any(slot.sent for slot in chain(self.recent.values(), self.hours.values()))
