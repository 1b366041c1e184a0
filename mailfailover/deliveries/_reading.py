"""
A reading: how the recent mails of a cell stand, beside its past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.deliveries._chance import below
from mailfailover.deliveries._counts import SLICE, slice_of

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from mailfailover.deliveries._slot import Slot
    from mailfailover.deliveries._usual import Usual

LONGEST = 21600
"""Seconds in which the mails were sent that a verdict is about, at most."""

MARGIN = 300
"""Seconds that a webhook may be late without anybody noticing."""

_SURE = 20.7
"""Chance makes such a number once in a thousand million looks."""

_SHORTFALL = 0.12
_SIGMAS = 2.0
_HARDLY = 0.1
_PARTS = 4
_SHORT_PARTS = 3
_SHORT_OF_PART = 0.06


class _Window(NamedTuple):
    """
    The latest mails, back to so many slices and mails.
    """

    slices: int
    mails: int
    hardly: bool = False
    """Whether it is too short for anything but mails that do not arrive at all."""


# A queue of a quarter of an hour is nothing to switch for, and few mails show a small part that
# is stuck only over hours.
_WINDOWS = (_Window(3, 20, hardly=True), _Window(6, 60), _Window(24, 240))


@dataclass(frozen=True, slots=True)
class Reading:
    """
    How the recent mails of a series stand, beside its past.

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
    slots: Mapping[int, Slot], usual: Usual, since: float, due: float, proofless: Container[int]
) -> Reading | None:
    """
    Read how the recent mails stand whose delivery is due, None where they are too few.

    Args:
        slots: What became of the mails of each slice.

        usual: What the past says.

        since: Slices that begin before that prove nothing.

        due: The slices that begin by then should have been told of.

        proofless: Slices that prove nothing: their events were lost on their way.
    """
    latest = slice_of(due)
    first = max(latest - LONGEST, since - 1)
    windows = iter(_WINDOWS)
    window = next(windows)
    taken = _Taken(usual)
    found: Reading | None = None
    for start in range(latest, int(first), -SLICE):
        slot = slots.get(start)
        if slot is None or start in proofless:
            continue
        taken.add(start, slot.summary(usual.edge))
        while taken.mails >= window.mails and taken.slices >= window.slices:
            found = taken.reading(hardly=window.hardly)
            following = next(windows, None)
            if found.is_short or following is None:
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


class _Taken:
    """
    The slices that a reading is about, the latest first.

    Attributes:
        mails, on_time, arrived: As those of the reading.
    """

    def __init__(self, usual: Usual) -> None:
        self.mails = 0
        self.on_time = 0
        self.arrived = 0
        self._usual = usual
        self._begin = self._end = 0
        self._slots: list[tuple[int, int]] = []

    def add(self, start: int, summary: tuple[int, int, int, int]) -> None:
        """
        Take one more slice, an earlier one.
        """
        sent, on_time, arrived, _ = summary
        if sent:
            self._slots.append((sent, on_time))
            self.mails += sent
            self.on_time += on_time
            self.arrived += arrived
            self._begin, self._end = start, self._end or start

    @property
    def slices(self) -> int:
        """
        How many slices lie between the first and the last one, both included.
        """
        return (self._end - self._begin) // SLICE + 1

    def reading(self, *, hardly: bool) -> Reading:
        """
        Read them.

        Args:
            hardly: Whether they are short only where hardly anything arrives at all.
        """
        usual = self._usual
        values = (self._begin, self._end, self.mails, self.on_time, self.arrived, usual)
        found = Reading(*values, is_short=False)
        if (hardly and not found.is_hardly) or not self._is_short:
            return found
        return Reading(*values, is_short=True)

    @property
    def _is_short(self) -> bool:
        usual = self._usual
        return (
            self.on_time < (usual.share - _SHORTFALL) * self.mails
            and below(self.on_time, self.mails, usual.share - _SIGMAS * usual.noise) >= _SURE
            and self._is_broad
        )

    @property
    def _is_broad(self) -> bool:
        """
        Whether most parts of the time fell short, not one: a hiccup of some minutes is no outage.
        """
        least = self._usual.share - _SHORT_OF_PART
        short = passed = sent = on_time = parts = 0
        for mails, answered in self._slots:
            sent += mails
            on_time += answered
            passed += mails
            if passed * _PARTS >= self.mails * (parts + 1):
                short += on_time < least * sent
                parts = passed * _PARTS // self.mails
                sent = on_time = 0
        return short >= _SHORT_PARTS
