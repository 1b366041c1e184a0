"""
Silent outages: a provider still accepts mails, and they stop arriving.

Each provider is compared with its own past: the part of its mails that it told to be
delivered, and told in time. A time in which nobody told anything proves nothing: our own
webhook endpoint may be dead. So a mail counts only where events of somebody, whoever it was,
came all the time in which its own was due, without long gaps; and nobody is suspected where all
others fell as far at the same time.

Time is cut into slices, and mails are only counted, per slice in which they were accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate
from math import ceil, log
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._chain.observe import SilentOutage

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
_GAPS = (1, 3, 12)  # slices between events: with little mail they are far between
_WINDOW = 3  # times the gap: what is lost in one gap is no outage yet
_MAILS = 30
_PAST_MAILS = 200
_OTHERS = 5  # mails
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
    Read how each provider stands that has enough mails to tell.
    """
    tally = _Tally(counts, now)
    found: dict[str, Reading] = {}
    for gap in _GAPS:
        for provider in tally.accepted:
            reading = tally.reading(provider, gap)
            if reading is None:
                continue
            held = found.setdefault(provider, reading)
            if reading.is_silent and not held.is_silent:
                found[provider] = reading
    return tuple(found.values())


def outages(readings: Iterable[Reading]) -> dict[str, SilentOutage | None]:
    """
    Return the outage of each provider, None for one that is well, nothing for one in between.
    """
    return {
        one.provider: SilentOutage(*one) if one.is_silent else None
        for one in readings
        if one.is_silent or one.is_well
    }


class _Tally:
    """
    The counts of all providers, as they are *now*.
    """

    def __init__(self, counts: Iterable[Count], now: float) -> None:
        self.now = now
        self.heard: set[int] = set()
        self.accepted: dict[str, Counter[int]] = defaultdict(Counter)
        self.delivered: dict[str, dict[int, Counter[int]]] = defaultdict(dict)
        for count in counts:
            if count.what == HEARD:
                self.heard.add(count.slice)
            elif count.what == ACCEPTED:
                self.accepted[count.provider][count.slice] += count.number
            else:
                slices = self.delivered[count.provider].setdefault(int(count.what), Counter())
                slices[count.slice] += count.number

    def reading(self, provider: str, gap: int) -> Reading | None:
        """
        Read how *provider* stands, where events were never further apart than *gap* slices.
        """
        patience = self._patience(provider)
        judged = self._judged(gap, patience)
        recent = self._recent(provider, judged, gap)
        past = judged[len(recent) :]
        mails, share = self._share([provider], patience, recent)
        past_mails, usual = self._share([provider], patience, past)
        if len(recent) < _WINDOW * gap or mails < _MAILS or past_mails < _PAST_MAILS:
            return None
        reading = Reading(provider, share, usual, mails, patience)
        if usual < _USUAL or (reading.is_silent and self._is_alike(provider, recent, past)):
            return None
        return reading

    def _patience(self, provider: str) -> int:
        """
        Far longer than most of its deliveries took.
        """
        slices = self.delivered[provider]
        total = sum(counter.total() for counter in slices.values())
        passed = accumulate(slices[delay].total() if delay in slices else 0 for delay in DELAYS)
        return next(
            _LATER[delay] for delay, n in zip(DELAYS, passed, strict=True) if 2 * n >= total
        )

    def _judged(self, gap: int, patience: int) -> list[int]:
        """
        The slices whose deliveries are due and would have been heard of, latest first.
        """
        due = int((self.now - patience) // SLICE)
        span = ceil(patience / SLICE)
        found: list[int] = []
        for first, last in _runs(sorted(self.heard), gap):
            found += range(first, min(last - span + 1, due))
        return found[::-1]

    def _recent(self, provider: str, judged: list[int], gap: int) -> list[int]:
        """
        The latest of the slices *judged*, as many as are enough.
        """
        oldest = (self.now - _RECENT) // SLICE
        found: list[int] = []
        mails = 0
        for number in judged:
            if number < oldest or (len(found) >= _WINDOW * gap and mails >= _MAILS):
                break
            found.append(number)
            mails += self.accepted[provider][number]
        return found

    def _is_alike(self, provider: str, recent: list[int], past: list[int]) -> bool:
        """
        Whether all others fell below their past at the same time: then it is none of them.
        """
        others = [key for key in self.accepted if key != provider]
        mails, share = self._share(others, DELAYS[-1], recent)
        _, usual = self._share(others, DELAYS[-1], past)
        return mails >= _OTHERS and usual >= _USUAL and share < usual * _WELL

    def _share(
        self, providers: Iterable[str], patience: int, slices: Iterable[int]
    ) -> tuple[int, float]:
        """
        Count the mails of *providers* in *slices*, and the part that was delivered in time.
        """
        accepted = delivered = 0
        for provider in providers:
            counters = [c for delay, c in self.delivered[provider].items() if delay <= patience]
            accepted += sum(self.accepted[provider][number] for number in slices)
            delivered += sum(counter[number] for counter in counters for number in slices)
        return accepted, min(1.0, delivered / accepted) if accepted else 0.0


def _runs(heard: Iterable[int], gap: int) -> Iterator[tuple[int, int]]:
    """
    Yield from which slice to which something was heard, never further apart than *gap*.
    """
    first = last = -1
    for number in heard:
        if last >= 0 and number - last > gap:
            yield first, last
            first = number
        first = number if last < 0 else first
        last = number
    yield first, last


def _divergence(share: float, usual: float) -> float:
    """
    How much each mail speaks against the usual share (Kullback and Leibler, in nats).
    """
    usual = min(usual, 0.999)
    arrived = share * log(share / usual) if share else 0.0
    return arrived + (1 - share) * log((1 - share) / (1 - usual))
