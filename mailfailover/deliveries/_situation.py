"""
The situation: the knowledge that routing goes by, as of the last look at the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mailfailover._health.ramp import allowed
from mailfailover._values.frozen import EMPTY
from mailfailover.deliveries._cell import ALL, Cell, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Situation:
    """
    The state that routing uses, as it was last read.

    Attributes:
        cells: The places that are ill, ``(link, "*")`` and ``("*", receiver)`` among them.

        usual: How many recipients an hour a cell usually gets.

        sent: How many recipients each cell got in the last hour.

        warmups: How many recipients more a link that warms up may get today.

        well_since: Since when a cell is well that was ill before.

        hopes: The cells whose latest mails arrived.
    """

    cells: Mapping[Place, Cell] = field(default=EMPTY)
    usual: Mapping[Place, float] = field(default=EMPTY)
    sent: Mapping[Place, int] = field(default=EMPTY)
    warmups: Mapping[str, float] = field(default=EMPTY)
    well_since: Mapping[Place, float] = field(default=EMPTY)
    hopes: frozenset[Place] = frozenset()

    names: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The receivers of the domains that were asked about since."""

    rooms: dict[tuple[str, str, float], float] = field(default_factory=dict, repr=False)
    """The results of :meth:`room` since then."""

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """
        return (ALL, receiver) in self.cells

    def is_hopeful(self, link: str, receivers: Sequence[str]) -> bool:
        """
        Whether the latest mails through an ill *link* to all of *receivers* arrived.
        """
        return bool(self.hopes) and all((link, one) in self.hopes for one in receivers)

    def room(self, link: str, receiver: str, since: float, now: float) -> float:
        """
        How many recipients more *link* may get for *receiver* in this hour.

        Args:
            link: That takes over from another one.

            receiver: For which.

            since: Since when the other one is ill.

            now: The time.
        """
        place = (link, receiver)
        seconds = max(0.0, now - max(since, self.well_since.get(place, 0.0)))
        found = allowed(self.usual.get(place, 0.0), seconds) - self.sent.get(place, 0)
        self.rooms[link, receiver, since] = found
        return found

    @cached_property
    def has_down(self) -> bool:
        """
        Whether any receiver is down.
        """
        return any(link == ALL for link, _ in self.cells)

    @cached_property
    def is_wide(self) -> bool:
        """
        Whether it may be about any mail: a whole link is ill, or one warms up.
        """
        return bool(self.links or self.warmups)

    @cached_property
    def links(self) -> Mapping[str, Cell]:
        """
        The links that are ill as a whole.
        """
        return {link: cell for (link, receiver), cell in self.cells.items() if receiver == ALL}

    @cached_property
    def ways(self) -> Mapping[str, Mapping[str, Cell]]:
        """
        By receiver, the links that are ill on the way to it, where not all are the same there.
        """
        found: dict[str, dict[str, Cell]] = {}
        for (link, receiver), cell in self.cells.items():
            if ALL not in (link, receiver) and not self.is_down(receiver):
                found.setdefault(receiver, {})[link] = cell
        return {receiver: {**cells, **self.links} for receiver, cells in found.items()}

    def illnesses(self, receivers: Sequence[str]) -> Mapping[str, Cell]:
        """
        The links that are ill on the way to *receivers*: to the worst of them.
        """
        if len(receivers) == 1:
            return self.ways.get(receivers[0], self.links)
        found: dict[str, Cell] = {}
        for receiver in receivers:
            found |= self.ways.get(receiver, self.links)
        return found


__all__ = ["Situation"]
