"""
A series: what became of the mails of one cell, slice by slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import BLOCKED, BOUNCED, EDGES, HOUR, LATEST, SENT, SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST = 21600
"""Seconds in which the mails were sent that a verdict is about, at most."""

_SLICES = 3
_MAILS = 60
_ENOUGH = 20
_MARGIN = 300
_PAST_MAILS = 200
_SHARE_OF_ALL = 0.9
_SHORTFALL = 0.12
_SIGMAS = 5.0
_MOST_NOISE = 0.1
_BROAD = 0.06
_PROBES = 3
_PROBES_SECONDS = 7200


@dataclass(slots=True)
class Slot:
    """
    What became of the mails of one slice.
    """

    sent: int = 0
    blocked: int = 0
    bounced: int = 0
    delivered: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, number: int) -> None:
        """
        Add one count.
        """
        if what == SENT:
            self.sent += number
        elif what == BLOCKED:
            self.blocked += number
        elif what == BOUNCED:
            self.bounced += number
        else:
            self.delivered[what] = self.delivered.get(what, 0) + number

    def merge(self, other: Slot) -> None:
        """
        Add the counts of another slot.
        """
        self.sent += other.sent
        self.blocked += other.blocked
        self.bounced += other.bounced
        for what, number in other.delivered.items():
            self.delivered[what] = self.delivered.get(what, 0) + number

    def within(self, seconds: float) -> int:
        """
        How many were delivered within so many seconds.
        """
        return sum(self.delivered.get(str(edge), 0) for edge in EDGES if edge <= seconds)

    @property
    def arrived(self) -> int:
        """
        How many were delivered at all.
        """
        return sum(self.delivered.values())


@dataclass(frozen=True, slots=True)
class Usual:
    """
    What the past of a series says.

    Attributes:
        patience: Seconds within which nearly all of what is delivered was delivered.

        share: The part of all mails that was delivered within these seconds.

        noise: How far that part goes up and down from hour to hour.

        blocked, bounced: The parts of all mails that were.

        an_hour: How many recipients an hour had that had any.
    """

    patience: int
    share: float
    noise: float
    blocked: float
    bounced: float
    an_hour: float


@dataclass(frozen=True, slots=True)
class Reading:
    """
    How the recent mails of a series stand, beside its past.
    """

    mails: int
    on_time: int
    arrived: int
    usual: Usual
    is_broad: bool

    @property
    def share(self) -> float:
        """
        The part that was delivered in time.
        """
        return self.on_time / self.mails

    @property
    def is_short(self) -> bool:
        """
        Whether far fewer were delivered in time than ever before, and not by chance.
        """
        usual = self.usual
        chance = usual.share * (1 - usual.share) / self.mails
        far = max(_SHORTFALL, _SIGMAS * sqrt(chance + usual.noise**2))
        return self.mails >= _ENOUGH and self.is_broad and self.share < usual.share - far

    @property
    def is_well(self) -> bool:
        """
        Whether they are delivered as before; between the two, nothing changes.
        """
        return self.share >= self.usual.share - _SHORTFALL / 2


class Series:
    """
    The slots of a cell, of a whole link, or of a whole receiver.
    """

    def __init__(self) -> None:
        self.slots: dict[int, Slot] = {}

    def slot(self, start: int) -> Slot:
        """
        The slot of the slice that begins at *start*.
        """
        return self.slots.setdefault(start, Slot())

    def merge(self, other: Series) -> None:
        """
        Add the counts of another series.
        """
        for start, slot in other.slots.items():
            self.slot(start).merge(slot)

    def usual(self, now: float) -> Usual | None:
        """
        Read the past, None where it is too short to compare anything with.
        """
        past = {start: slot for start, slot in self.slots.items() if start < now - LONGEST}
        total = Slot()
        hours: dict[int, Slot] = {}
        for start, slot in past.items():
            total.merge(slot)
            hours.setdefault(start // HOUR, Slot()).merge(slot)
        if total.sent < _PAST_MAILS or not total.arrived:
            return None
        patience = next(
            (edge for edge in EDGES if total.within(edge) >= _SHARE_OF_ALL * total.arrived),
            EDGES[-1],
        )
        shares = [one.within(patience) / one.sent for one in hours.values() if one.sent >= _ENOUGH]
        return Usual(
            patience,
            total.within(patience) / total.sent,
            min(pstdev(shares), _MOST_NOISE) if len(shares) > 1 else 0.0,
            total.blocked / total.sent,
            total.bounced / total.sent,
            fmean(one.sent for one in hours.values() if one.sent),
        )

    def reading(
        self, now: float, usual: Usual, lag: float, proves: Callable[[int], bool]
    ) -> Reading | None:
        """
        Read how the recent mails stand whose delivery is due by now, None where there are none.

        Args:
            now: The time.

            usual: What the past says.

            lag: How many seconds after an event its webhook comes.

            proves:
                Whether a slice can prove anything: not where its events were lost on their way.
        """
        due = now - usual.patience - _MARGIN - lag - SLICE
        latest = sorted((start for start in self.slots if start <= due), reverse=True)
        slots: list[Slot] = []
        mails = 0
        for start in latest:
            if start < due - LONGEST or (len(slots) >= _SLICES and mails >= _MAILS):
                break
            if not proves(start):
                continue
            slots.append(self.slots[start])
            mails += self.slots[start].sent
        if not mails:
            return None
        on_time = sum(slot.within(usual.patience) for slot in slots)
        arrived = sum(slot.arrived for slot in slots)
        return Reading(mails, on_time, arrived, usual, _is_broad(slots, usual))

    def since(self, start: float) -> Slot:
        """
        The sum of the slots that end after *start*.
        """
        total = Slot()
        for begin, slot in self.slots.items():
            if begin + SLICE > start:
                total.merge(slot)
        return total

    def probed(self, now: float, since: float) -> Slot:
        """
        The sum of the latest slots, as far back as it takes to see a few mails arrive.
        """
        total = Slot()
        for start in sorted(self.slots, reverse=True):
            if start + SLICE <= max(since, now - _PROBES_SECONDS) or total.arrived >= _PROBES:
                break
            total.merge(self.slots[start])
        return total


def _is_broad(slots: Iterable[Slot], usual: Usual) -> bool:
    """
    Whether most slices fell short, not one: a hiccup of a few minutes is no outage.
    """
    big = [slot for slot in slots if slot.sent >= 5]  # noqa: PLR2004 -- fewer say nothing
    if len(big) < 3:  # noqa: PLR2004 -- too few to be compared with each other
        return True
    least = usual.share - _BROAD
    short = [slot for slot in big if slot.within(usual.patience) < least * slot.sent]
    return 3 * len(short) >= 2 * len(big)


__all__ = ["LATEST", "LONGEST", "Reading", "Series", "Slot", "Usual"]
