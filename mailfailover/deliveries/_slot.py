"""
A slot: the outcomes of the mails of one stretch of time.
"""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import EDGES, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACES = {what: place for place, what in enumerate(OUTCOMES)}
_FIRST_DELAY = PLACES[str(EDGES[0])]
_NOBODY = _FIRST_DELAY - 1


class Slot:
    """
    The outcomes of the mails of one period.

    Attributes:
        numbers: One for each of :data:`OUTCOMES`, in that order.
    """

    __slots__ = ("_summary", "numbers")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self.numbers: list[int] = list(numbers) or [0] * len(OUTCOMES)
        self._summary: tuple[int, int, int, int] | None = None

    def add(self, what: str, number: int) -> None:
        """
        Add one count.
        """
        self.numbers[PLACES[what]] += number
        self._summary = None

    def merge(self, numbers: Sequence[int]) -> None:
        """
        Add the numbers of another slot.
        """
        self.numbers = list(map(add, self.numbers, numbers))
        self._summary = None

    @property
    def sent(self) -> int:
        """
        How many recipients there were.
        """
        return self.numbers[0]

    @property
    def blocked(self) -> int:
        """
        The number refused or deferred with words that mean the sender.
        """
        return self.numbers[1]

    @property
    def bounced(self) -> int:
        """
        The number of bounces of addresses that mails were delivered to before.
        """
        return self.numbers[2]

    @property
    def arrived(self) -> int:
        """
        How many were delivered at all.
        """
        return sum(self.numbers[_FIRST_DELAY:])

    @property
    def told(self) -> int:
        """
        How many anything was told of.
        """
        return sum(self.numbers[1:])

    def within(self, edge: int) -> int:
        """
        How many were delivered in time.

        Args:
            edge: The place in :data:`EDGES` of the seconds that are in time.
        """
        return sum(self.numbers[_FIRST_DELAY : _FIRST_DELAY + edge + 1])

    def answered(self, edge: int) -> int:
        """
        How many the receiver answered as a healthy one does, in time.

        A healthy receiver delivers, or says that an address does not exist to which no mail was
        ever delivered: a mailing to an old list is no outage.
        """
        numbers = self.numbers
        on_time = sum(numbers[_NOBODY : _FIRST_DELAY + edge + 1])
        return min(on_time, numbers[0])

    def summary(self, edge: int) -> tuple[int, int, int, int]:
        """
        How many recipients there were, were answered in time, and were delivered to at all.

        The last number is *edge*. The summary is kept until the slot changes.
        """
        if self._summary is None or self._summary[3] != edge:
            self._summary = (self.sent, self.answered(edge), self.arrived, edge)
        return self._summary
