"""
Silent outages: a provider goes on saying yes, and its mails stop arriving.

Each provider is compared with its own past: the part of its mails that it told to be
delivered, and told in time. A time in which nobody told anything proves nothing: our own
webhook endpoint may be dead. So a mail counts only where events of somebody, whoever it was,
came all the time in which its own was due, and nobody is suspected where all look alike.

Time is cut into slices, and mails are only counted, per slice in which they were accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate
from math import ceil, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SLICE = 300
"""Seconds of a slice."""

PAST = 7 * 86400
"""Seconds that are looked back at."""

ACCEPTED = "accepted"
HEARD = "heard"
"""An event came, whatever it told; counted in the slice in which it came."""

DELAYS = (60, 300, 900, 3600, 14400)
"""Classes of how many seconds a delivery took; a longer one is of no class."""

_LATER = {60: 900, 300: 3600, 900: 14400, 3600: 14400, 14400: 14400}

_RECENT = 86400
_WIDTHS = (SLICE, 3600)  # with little mail, events are too far between for the narrow one
_SLICES = 3
_MAILS = 30
_PAST_MAILS = 200
_USUAL = 0.3  # one that tells of few deliveries, or of none, cannot fall silent
_FAR_BELOW = 0.5
_WELL = 0.75
_EVIDENCE = log(10_000)  # so unlikely it is by chance, if its mails still arrived as usual


class Count(NamedTuple):
    """
    A number of one provider in one slice.

    *what* is :data:`ACCEPTED`, :data:`HEARD`, or one of :data:`DELAYS` as a text: how many of
    the mails that were accepted in the slice were delivered within so many seconds.
    """

    slice: int
    provider: str
    what: str
    number: int


class Reading(NamedTuple):
    """
    How a provider's deliveries stand.

    Attributes:
        provider: Its chain key.

        share: The part of its recent mails that it told in time to be delivered.

        usual: The same of its past.

        mails: How many recent mails that is made of.

        patience: Seconds within which it usually tells.
    """

    provider: str
    share: float
    usual: float
    mails: int
    patience: int

    @property
    def is_silent(self) -> bool:
        """
        Whether it is far below its own past, and not by chance.
        """
        if self.share >= self.usual * _FAR_BELOW:
            return False
        return self.mails * _divergence(self.share, self.usual) >= _EVIDENCE

    @property
    def is_well(self) -> bool:
        """
        Whether it is back to its own past; between the two, nothing changes.
        """
        return self.share >= self.usual * _WELL


def delay_class(seconds: float) -> str:
    """
    Return what a delivery after so many seconds is counted as, "" for nothing.
    """
    return next((str(limit) for limit in DELAYS if seconds <= limit), "")


def judge(counts: Iterable[Count], now: float) -> tuple[Reading, ...]:
    """
    Read how each provider stands that has enough mails to tell, the narrow slices first.
    """
    counts = tuple(counts)
    found: dict[str, Reading] = {}
    for width in _WIDTHS:
        tally = _Tally(counts, width)
        readings = [one for key in tally.accepted if (one := tally.reading(key, now))]
        if len(readings) > 1 and not any(one.is_well for one in readings):
            return ()  # all of them: it is us, or the recipients
        for reading in readings:
            held = found.setdefault(reading.provider, reading)
            if reading.is_silent and not held.is_silent:
                found[reading.provider] = reading
    return tuple(found.values())


class _Tally:
    """
    The counts, in slices of *width* seconds.
    """

    def __init__(self, counts: Iterable[Count], width: int) -> None:
        self.width = width
        self.heard: set[int] = set()
        self.accepted: dict[str, Counter[int]] = defaultdict(Counter)
        self.delivered: dict[str, dict[int, Counter[int]]] = {}
        for count in counts:
            number = count.slice * SLICE // width
            if count.what == HEARD:
                self.heard.add(number)
            elif count.what == ACCEPTED:
                self.accepted[count.provider][number] += count.number
            else:
                delays = self.delivered.setdefault(count.provider, defaultdict(Counter))
                delays[int(count.what)][number] += count.number

    def reading(self, provider: str, now: float) -> Reading | None:
        patience = self._patience(provider)
        slices = self._judged(provider, patience, now)
        recent = tuple(self._recent(provider, slices, now))
        mails, share = self._share(provider, patience, recent)
        past_mails, usual = self._share(provider, patience, slices[len(recent) :])
        enough = len(recent) >= _SLICES and mails >= _MAILS and past_mails >= _PAST_MAILS
        return (
            Reading(provider, share, usual, mails, patience) if enough and usual >= _USUAL else None
        )

    def _patience(self, provider: str) -> int:
        """
        Far longer than most of its deliveries took.
        """
        slices = self.delivered.get(provider, {})
        total = sum(counter.total() for counter in slices.values())
        passed = accumulate(slices[delay].total() if delay in slices else 0 for delay in DELAYS)
        return next(
            _LATER[delay] for delay, n in zip(DELAYS, passed, strict=True) if 2 * n >= total
        )

    def _judged(self, provider: str, patience: int, now: float) -> list[int]:
        """
        The slices whose deliveries are due and would have been heard of, latest first.
        """
        span = range(ceil(patience / self.width) + 1)
        due = (now - patience) // self.width
        return [
            number
            for number in sorted(self.accepted[provider], reverse=True)
            if number < due and all(number + later in self.heard for later in span)
        ]

    def _recent(self, provider: str, slices: Iterable[int], now: float) -> Iterator[int]:
        mails = 0
        oldest = (now - _RECENT) // self.width
        for position, number in enumerate(slices):
            if number < oldest or (position >= _SLICES and mails >= _MAILS):
                return
            mails += self.accepted[provider][number]
            yield number

    def _share(self, provider: str, patience: int, slices: Iterable[int]) -> tuple[int, float]:
        slices = tuple(slices)
        accepted = sum(self.accepted[provider][number] for number in slices)
        delivered = sum(
            counter[number]
            for delay, counter in self.delivered.get(provider, {}).items()
            if delay <= patience
            for number in slices
        )
        return accepted, min(1.0, delivered / accepted) if accepted else 0.0


def _divergence(share: float, usual: float) -> float:
    """
    How much each mail speaks against the usual share (Kullback and Leibler, in nats).
    """
    usual = min(usual, 0.999)
    arrived = share * log(share / usual) if share else 0.0
    return arrived + (1 - share) * log((1 - share) / (1 - usual))
