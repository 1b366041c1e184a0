"""
The evidence: what the recent mails of links and cells show, and which of them show nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mailfailover.deliveries._cell import ALL, Place
from mailfailover.deliveries._counts import SLICE, slice_of
from mailfailover.deliveries._hearing import WINDOWS
from mailfailover.deliveries._reading import (
    LONGEST,
    MARGIN,
    OF_CELLS,
    OF_LINKS,
    Reading,
    read,
    share_between,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from mailfailover.deliveries._ledger import Ledger
    from mailfailover.deliveries._usual import Usual

_ENOUGH = 10
_HARDLY = 0.1
_BELOW = 0.06
_PLACES = 3
_LEAST_USUAL = 0.3
"""A link with few known deliveries cannot fall silent."""


class Evidence:
    """
    The evidence in the ledger at one moment.

    Args:
        ledger: What was counted.

        now: The time, in seconds since 1970.

        well_since: Since when a place is well: its mails before that prove nothing.
    """

    def __init__(self, ledger: Ledger, now: float, well_since: Callable[[Place], float]) -> None:
        self.now = now
        self._ledger = ledger
        self._well_since = well_since
        self._readings: dict[Place, Reading | None] = {}
        self._deaf: dict[str, frozenset[int]] = {}

    @cached_property
    def silent(self) -> dict[str, str]:
        """
        The links whose webhooks are silent, each with what was seen; ``"*"`` for all.
        """
        due = {link: self._due(link) for link in self._ledger.links}
        return self._ledger.hearing.silent(due, self.now)

    def is_unheard(self, link: str) -> bool:
        """
        Whether our webhooks do not hear of *link*.
        """
        return bool(self.silent) and (link in self.silent or ALL in self.silent)

    def usual(self, place: Place) -> Usual | None:
        """
        Return the usual of a place, borrowed from other links at its receiver if it has no past.
        """
        series = self._ledger.at(place)
        if series is not None and series.usual is not None:
            return series.usual
        others = [
            one.usual
            for (_, receiver), one in self._ledger.cells.items()
            if receiver == place[1] and one.usual is not None
        ]
        return max(others, key=lambda one: one.an_hour).borrowed() if others else None

    def reading(self, place: Place) -> Reading | None:
        """
        How the recent mails of a place stand, None where they are too few to say.
        """
        if place not in self._readings:
            self._readings[place] = self._read(place)
        return self._readings[place]

    def is_shared(self, place: Place, reading: Reading) -> bool:
        """
        Whether all other links fell as far at the receiver of *place*, in the time of *reading*.

        Then no link is the reason. Links with few mails there, or whose webhooks are silent, show
        nothing; where no other link shows anything, the fall is that of *place* alone.
        """
        link, receiver = place
        found = False
        for other in self._ledger.links:
            series, usual = self._ledger.at((other, receiver)), self.usual((other, receiver))
            if other == link or series is None or usual is None or usual.share < _LEAST_USUAL:
                continue
            mails, share = share_between(series.recent, reading.begin, reading.end, usual.edge)
            if mails < _ENOUGH or self.is_unheard(other):
                continue
            if share >= (usual.share + reading.on_time / reading.mails) / 2:
                return False
            found = True
        return found

    def is_everywhere(self, link: str, reading: Reading, ill: Container[Place]) -> bool:
        """
        Whether most receivers suffer: one large receiver alone is no outage of the link.

        Args:
            link: Of which it is asked.

            reading: Of all its mails.

            ill: The cells that are known to be ill, and so get hardly any mails.
        """
        known = big = short = 0
        for place, series in self._ledger.cells.items():
            usual = series.usual
            if place[0] != link or usual is None or usual.share < _LEAST_USUAL:
                continue
            known += 1
            mails, share = share_between(series.recent, reading.begin, reading.end, usual.edge)
            if place in ill or mails >= _ENOUGH:
                big += 1
                short += place in ill or share < usual.share - _BELOW
        return 2 * short > big and short >= min(_PLACES, known)

    def reaches_others(self, link: str) -> bool:
        """
        Whether a link delivers anything lately, or too little is known of it.
        """
        reading = self.reading((link, ALL))
        return reading is None or reading.on_time >= _HARDLY * reading.mails

    def _read(self, place: Place) -> Reading | None:
        series = self._ledger.at(place)
        usual = self.usual(place)
        if series is None or usual is None or usual.share < _LEAST_USUAL:
            return None
        link = place[0]
        since = self._well_since(place)
        deaf = self._deaf_of(link)
        span = range(0, usual.patience + 2 * SLICE + 1, SLICE)
        proofless = {start - passed for start in deaf for passed in span}
        lag = self._ledger.hearing.lag(link, self.now)
        due = self.now - usual.patience - MARGIN - lag - SLICE
        windows = OF_LINKS if place[1] == ALL else OF_CELLS
        return read(series.recent, usual, since, due, proofless=proofless, windows=windows)

    def _deaf_of(self, link: str) -> frozenset[int]:
        if link not in self._deaf:
            self._deaf[link] = self._dead | self._ledger.hearing.refused(link)
        return self._deaf[link]

    @cached_property
    def _dead(self) -> frozenset[int]:
        begin = slice_of(self.now - LONGEST) - 2 * SLICE
        return self._ledger.hearing.dead(self._expected, begin, self.now)

    def _expected(self, start: int) -> float:
        """
        How many deliveries of a slice's mails should have been told, by all links.
        """
        return sum(
            series.recent[start].sent * series.usual.share
            for series in self._ledger.links.values()
            if series.usual is not None and start in series.recent
        )

    def _due(self, link: str) -> dict[float, float]:
        """
        How many deliveries of a link should have been told within the last seconds.
        """
        series = self._ledger.links[link]
        usual = series.usual
        if usual is None:
            return {}
        end = self.now - usual.patience
        late = series.sent(end, self.now)
        return {
            seconds: (series.sent(end - seconds, self.now) - late) * usual.share
            for seconds in WINDOWS
        }
