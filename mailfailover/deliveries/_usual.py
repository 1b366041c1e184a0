"""
The usual state of a cell, by its past, robust against hours in which something went wrong.

Medians and trimmed means make it robust: an outage that took a tenth of the past week does not
become the measure of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import EDGES
from mailfailover.deliveries._slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PAST_MAILS = 200
_BATCH = 60
_SHARE_OF_ALL = 0.9
_LOW = 0.15
_SIGMAS_OF_LOW = 1.04
"""So many standard deviations below the mean lies the value below which 15 % are."""

_MOST_NOISE = 0.1
_TRIMMED = 0.1
_BORROWED_NOISE = 0.03


@dataclass(frozen=True, slots=True)
class Usual:
    """
    The usual values of a series, by its past.

    Attributes:
        edge: The place in :data:`EDGES` of *patience*.

        share: The part of all mails that was answered within these seconds.

        noise: How far that part goes down in bad hours, beyond chance.

        blocked, bounced: The parts of all mails that were.

        an_hour: How many recipients an hour had that had any.
    """

    edge: int
    share: float
    noise: float = 0.0
    blocked: float = 0.0
    bounced: float = 0.0
    an_hour: float = 0.0

    @property
    def patience(self) -> int:
        """
        Seconds within which nearly all of what is delivered was delivered.
        """
        return EDGES[self.edge]

    def borrowed(self) -> Usual:
        """
        The usual values for another link at the same receiver, with less certainty.
        """
        return replace(self, noise=self.noise + _BORROWED_NOISE, an_hour=0.0)


UNKNOWN = Usual(edge=1, share=0.9)
"""The usual values of a cell without a past, and without other cells at its receiver."""


def usual_of(hours: Iterable[Slot]) -> Usual | None:
    """
    Read the past, None where it is too short to compare anything with.

    Args:
        hours: The slots of its hours, in order.
    """
    busy = [hour for hour in hours if hour.sent]
    batches = _batches(busy)
    arrived = [batch for batch in batches if batch.arrived]
    if sum(hour.sent for hour in busy) < _PAST_MAILS or not arrived:
        return None
    edge = _edge(arrived)
    shares = sorted(batch.answered(edge) / batch.sent for batch in batches)
    share = median(shares)
    return Usual(
        edge,
        share,
        _noise(shares, share, fmean(batch.sent for batch in batches)),
        _trimmed(batches, lambda batch: batch.blocked / batch.sent),
        _trimmed(batches, lambda batch: batch.bounced / batch.sent),
        fmean(hour.sent for hour in busy),
    )


def _batches(hours: Iterable[Slot]) -> list[Slot]:
    """
    Join hours that follow each other until each has mails enough to tell a share from chance.
    """
    found: list[Slot] = []
    rest: Slot | None = None
    for hour in hours:
        if rest is None and hour.sent >= _BATCH:
            found.append(hour)
            continue
        rest = rest or Slot()
        rest.merge(hour.numbers)
        if rest.sent >= _BATCH:
            found.append(rest)
            rest = None
    return found


def _edge(batches: Sequence[Slot]) -> int:
    for edge in range(len(EDGES)):
        if median(batch.within(edge) / batch.arrived for batch in batches) >= _SHARE_OF_ALL:
            return edge
    return len(EDGES) - 1


def _noise(shares: Sequence[float], share: float, mails: float) -> float:
    low = shares[int(_LOW * len(shares))]
    spread = ((share - low) / _SIGMAS_OF_LOW) ** 2
    return min(sqrt(max(0.0, spread - share * (1 - share) / mails)), _MOST_NOISE)


def _trimmed(batches: Sequence[Slot], rate: Callable[[Slot], float]) -> float:
    rates = sorted(map(rate, batches))
    return fmean(rates[: max(1, len(rates) - int(_TRIMMED * len(rates)))])
