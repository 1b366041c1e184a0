"""
A reading: how the recent mails of a cell stand, beside its past.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.deliveries._chance import below
from mailfailover.deliveries._counts import SLICE, slice_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from mailfailover.deliveries._slot import Slot
    from mailfailover.deliveries._usual import Usual

LONGEST = 21600
"""Seconds in which the mails were sent that a verdict is about, at most."""

MARGIN = 300
"""Seconds that a webhook may be late without anybody noticing."""

_SURE = 20.7
"""A value that chance produces once in a thousand million looks."""

_SHORTFALL = 0.12
_SIGMAS = 2.0
_HARDLY = 0.1
_PARTS = 12
_SHORT_PARTS = 0.75
_SHORT_OF_PART = 0.06


class Window(NamedTuple):
    """
    The latest mails, so many at least, from the first to the last slice so many seconds apart.
    """

    seconds: int
    mails: int
    hardly: bool = False
    """Whether it is too short for anything but mails that do not arrive at all."""


OF_LINKS = (Window(600, 20, hardly=True), Window(1500, 60), Window(6900, 240))
"""
The windows of whole links: a queue of a quarter of an hour is nothing to switch for, and
few mails show a small part that is stuck only over hours.
"""

OF_CELLS = (Window(600, 20, hardly=True), Window(3300, 60), Window(6900, 240))
"""
The windows of cells: a receiver that is slow for a quarter of an hour is so for every link, and
often no other one has mails enough to show it.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    The state of a series' recent mails, compared with its past.

    Attributes:
        begin, end: The first of its slices, and the last.

        mails: How many recipients it is about.

        on_time: Those that the receiver answered in time.

        arrived: Those delivered at all.

        is_short: Whether far fewer arrive in time than ever before, not by chance, and all along.
    """

    begin: int
    end: int
    mails: int
    on_time: int
    arrived: int
    usual: Usual
    is_short: bool

    @property
    def is_hardly(self) -> bool:
        """
        Whether hardly any delivery was told, in time or late.
        """
        return self.arrived < _HARDLY * self.usual.share * self.mails


def read(
    slots: Mapping[int, Slot],
    usual: Usual,
    since: float,
    due: float,
    *,
    proofless: Container[int] = (),
    windows: Iterable[Window] = OF_LINKS,
) -> Reading | None:
    """
    Read how the recent mails stand whose delivery is due, None where they are too few.

    Args:
        slots: What became of the mails of each slice.

        usual: What the past says.

        since: Slices that begin before that prove nothing.

        due: The slices that begin by then should have been told of.

        proofless: Slices that prove nothing: their events were lost on their way.

        windows: What a verdict is about, the shortest one first.
    """
    latest = slice_of(due)
    first = max(latest - LONGEST, since - 1)
    edge, end = usual.edge, 0
    longer = iter(windows)
    window = next(longer)
    mails = on_time = arrived = 0
    found: Reading | None = None
    for start in range(latest, int(first), -SLICE):
        slot = slots.get(start)
        if slot is None or start in proofless:
            continue
        summary = slot.summary(edge)
        if not summary[0]:
            continue
        mails += summary[0]
        on_time += summary[1]
        arrived += summary[2]
        end = end or start
        while mails >= window.mails and end - start >= window.seconds:
            found = Reading(start, end, mails, on_time, arrived, usual, is_short=False)
            if (found.is_hardly or not window.hardly) and _is_short(found, slots, proofless):
                return replace(found, is_short=True)
            following = next(longer, None)
            if following is None:
                return found
            window = following
    return found


def share_between(slots: Mapping[int, Slot], begin: int, end: int, edge: int) -> tuple[int, float]:
    """
    Count the mails of the slices from *begin* to *end*, and the part that was answered in time.
    """
    found = [slots[start] for start in range(begin, end + 1, SLICE) if start in slots]
    mails = sum(slot.sent for slot in found)
    return mails, sum(slot.answered(edge) for slot in found) / mails if mails else 0.0


class _Taken(NamedTuple):
    """
    A slice of a reading: its recipients, and those answered in time.
    """

    start: int
    mails: int
    on_time: int


def _is_short(reading: Reading, slots: Mapping[int, Slot], proofless: Container[int]) -> bool:
    usual = reading.usual
    return (
        reading.on_time < (usual.share - _SHORTFALL) * reading.mails
        and below(reading.on_time, reading.mails, usual.share - _SIGMAS * usual.noise) >= _SURE
        and _is_broad(reading, list(_taken(reading, slots, proofless)))
    )


def _taken(
    reading: Reading, slots: Mapping[int, Slot], proofless: Container[int]
) -> Iterator[_Taken]:
    """
    Yield the slices that a reading is about, the latest one first.
    """
    for start in range(reading.end, reading.begin - 1, -SLICE):
        slot = slots.get(start)
        if slot is not None and slot.sent and start not in proofless:
            yield _Taken(start, slot.sent, slot.answered(reading.usual.edge))


def _is_broad(reading: Reading, taken: Sequence[_Taken]) -> bool:
    """
    Whether it fell short most of the time and for most of the mails: a hiccup is no outage.
    """
    seconds = reading.end - reading.begin + SLICE
    number = min(_PARTS, seconds // SLICE)
    by_time = [number * (reading.end - one.start) // seconds for one in taken]
    passed = accumulate((one.mails for one in taken), initial=0)
    middles = [before + one.mails / 2 for one, before in zip(taken, passed, strict=False)]
    by_mails = [int(number * middle / reading.mails) for middle in middles]
    return all(
        _short_parts(reading, taken, parts) >= _SHORT_PARTS * number
        for parts in (by_time, by_mails)
    )


def _short_parts(reading: Reading, taken: Sequence[_Taken], parts: Iterable[int]) -> int:
    """
    Count the parts that fell short, of those with mails enough to tell.

    Args:
        reading: Of all of it.

        taken: Its slices.

        parts: The part that each of them belongs to.
    """
    mails: Counter[int] = Counter()
    on_time: Counter[int] = Counter()
    for one, part in zip(taken, parts, strict=False):
        mails[part] += one.mails
        on_time[part] += one.on_time
    least, few = reading.usual.share - _SHORT_OF_PART, reading.mails / (4 * _PARTS)
    return sum(number >= few and on_time[part] < least * number for part, number in mails.items())
