"""
The ledger: all counts in the memory of the process that judges.

The past is read once an hour. In between only the counts of the last hours change, row by row,
so a look costs the same after a week as after a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import ALL
from mailfailover.deliveries._counts import HOUR, OF_WEBHOOKS, OUTCOMES
from mailfailover.deliveries._hearing import Hearing
from mailfailover.deliveries._reading import LONGEST
from mailfailover.deliveries._series import Series
from mailfailover.deliveries._slot import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailfailover.deliveries._cell import Place
    from mailfailover.deliveries._counts import Key

PAST = 8 * 86400
"""Seconds that the judge looks back."""

_NOTHING = (0,) * len(OUTCOMES)


class Ledger:
    """
    The counts of each cell.

    Args:
        now: The time, in seconds since 1970.

    Attributes:
        cells: The series of each link at each receiver.

        links: That of each link as a whole.

        hearing: What the webhooks told.

        edge: When the last hours began: counts of older slices belong to the past.
    """

    def __init__(self, now: float) -> None:
        self.cells: dict[Place, Series] = {}
        self.links: dict[str, Series] = {}
        self.hearing = Hearing()
        self.edge = _edge(now)

    def add(self, key: Key, number: int) -> None:
        """
        Add one count.
        """
        if key.what in OF_WEBHOOKS:
            self.hearing.add(key.link, key.slice, key.what, number)
            return
        numbers = [0] * len(OUTCOMES)
        numbers[PLACES[key.what]] = number
        self.merge((key.link, key.receiver), key.slice, numbers)

    def merge(self, place: Place, start: int, numbers: Sequence[int]) -> None:
        """
        Add all that was counted of one cell in one slice.
        """
        link, receiver = place
        series = self.cells.get(place)
        if series is None:
            series = self.cells[place] = Series()
        series.add(start, numbers, self.edge)
        if receiver != ALL:
            self.links.setdefault(link, Series()).add(start, numbers, self.edge)

    def put(self, place: Place, start: int, numbers: Sequence[int]) -> None:
        """
        Know *numbers* in the place of what was counted of one cell in one slice so far.

        The past stays as it is: it is read anew in the next hour.
        """
        if start < self.edge:
            return
        series = self.cells.get(place)
        slot = series.recent.get(start) if series else None
        before = slot.numbers if slot else _NOTHING
        self.merge(place, start, [new - old for new, old in zip(numbers, before, strict=True)])

    def age(self, now: float) -> None:
        """
        Read the past: of all that is older than the last hours.
        """
        self.edge = _edge(now)
        first = int(now) - PAST
        for series in (*self.cells.values(), *self.links.values()):
            series.age(self.edge, first)
        self.cells = {place: one for place, one in self.cells.items() if not one.is_empty}
        self.links = {link: one for link, one in self.links.items() if not one.is_empty}
        self.hearing.age(self.edge)

    def at(self, place: Place) -> Series | None:
        """
        The series of a cell, or of a whole link where the receiver is ``"*"``.
        """
        return self.links.get(place[0]) if place[1] == ALL else self.cells.get(place)

    def places(self) -> Iterable[Place]:
        """
        The links at their receivers.
        """
        return self.cells.keys()


def _edge(now: float) -> int:
    return int(now - LONGEST) // HOUR * HOUR - HOUR
