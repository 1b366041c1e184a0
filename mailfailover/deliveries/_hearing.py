"""
The hearing: whether our webhooks work, and which times prove nothing because they did not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import HEARD, LAG, REFUSED, SLICE

if TYPE_CHECKING:
    from collections.abc import Iterable

_WINDOWS = (600.0, 1800.0, 7200.0)
_EXPECTED = 20
_LIVELY = 10
_LEAST_REFUSED = 3
"""Fewer may be anybody who tries addresses."""

_LATELY = 12  # slices
_LONGEST_WAIT = 1800.0
_LAG_SECONDS = 2700.0


class Hearing:
    """
    What the webhooks of all links told, slice by slice in which they came.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self._told: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._all: Counter[int] = Counter()

    def add(self, link: str, start: int, what: str, number: int) -> None:
        """
        Add one count.
        """
        self._told[link][start][what] += number
        if what == HEARD:
            self._all[start] += number

    def silent(self, due: dict[str, dict[float, float]]) -> dict[str, str]:
        """
        The links whose events are missing because of our webhooks, with what was seen.

        Args:
            due: How many deliveries of each link should have been told within the last seconds,
                for each of :data:`WINDOWS`.
        """
        refused = {link: self._refused(link) for link in due}
        found = {
            link: f"{number} webhooks had a wrong signature, and none a right one"
            for link, number in refused.items()
            if number
        }
        for seconds in _WINDOWS:
            expected = sum(one.get(seconds, 0.0) for one in due.values())
            if expected >= _EXPECTED:
                if self._heard(self._all, seconds):
                    break
                text = f"no event came in {seconds / 60:.0f} min, where {expected:.0f} were due"
                return found | {"*": text}
        return found

    def lag(self, link: str) -> float:
        """
        How many seconds to wait for the events of *link*.

        It is as late as they came lately, and as long as none comes, up to half an hour.
        """
        slices = self._told[link]
        lags = [
            told[LAG] / told[HEARD]
            for start, told in slices.items()
            if start + SLICE > self.now - _LAG_SECONDS and told[HEARD]
        ]
        heard = [start for start, told in slices.items() if told[HEARD]]
        quiet = self.now - max(heard) - SLICE if heard else 0.0
        return max(0.0, min(quiet, _LONGEST_WAIT), *(2 * one for one in lags))

    def proves(self, link: str, start: int, patience: float) -> bool:
        """
        Whether the events of mails of a slice could come: no webhook was dead in its time.
        """
        until = min(start + patience + 2 * SLICE, self.now - SLICE)
        times = range(start, int(until) + 1, SLICE)
        return not any(time in self._dead or time in self._dead_of(link) for time in times)

    @property
    def windows(self) -> Iterable[float]:
        """
        The seconds that :meth:`silent` asks about.
        """
        return _WINDOWS

    @cached_property
    def _dead(self) -> frozenset[int]:
        return frozenset(self._find_dead())

    def _find_dead(self) -> Iterable[int]:
        if not self._all:
            return
        first, last = min(self._all), int(self.now) // SLICE * SLICE
        recent: list[int] = []
        for start in range(first, last, SLICE):
            number = self._all[start]
            if number:
                recent = [*recent, number][-_LATELY:]
            elif recent and sum(recent) >= _LIVELY * len(recent):
                yield start

    def _dead_of(self, link: str) -> frozenset[int]:
        return frozenset(
            start
            for start, told in self._told[link].items()
            if told[REFUSED] >= _LEAST_REFUSED and not told[HEARD]
        )

    def _refused(self, link: str) -> int:
        lately = Counter[str]()
        for start, told in self._told[link].items():
            if start + SLICE > self.now - _WINDOWS[0]:
                lately.update(told)
        return 0 if lately[HEARD] or lately[REFUSED] < _LEAST_REFUSED else lately[REFUSED]

    def _heard(self, slices: Counter[int], seconds: float) -> int:
        return sum(number for start, number in slices.items() if start + SLICE > self.now - seconds)
