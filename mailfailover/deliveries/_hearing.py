"""
The hearing: whether our webhooks work, and which times prove nothing because they did not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from mailfailover.deliveries._counts import HEARD, LAG, REFUSED, SLICE, slice_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WINDOWS = (600.0, 1800.0, 7200.0)
"""Seconds within which events must have come where many were due."""

_EXPECTED = 20
_SURELY_DEAD = 15.0
_LEAST_REFUSED = 3
"""Fewer may be anybody who tries addresses."""

_LONGEST_WAIT = 1800.0
_LAG_SECONDS = 2700


class Hearing:
    """
    The events of all links' webhooks, by the slice in which they came.
    """

    def __init__(self) -> None:
        self._told: dict[str, dict[str, Counter[int]]] = {
            what: defaultdict(Counter) for what in (HEARD, REFUSED, LAG)
        }
        self._all: Counter[int] = Counter()
        self._last: dict[str, int] = {}

    def add(self, link: str, start: int, what: str, number: int) -> None:
        """
        Add one count.
        """
        self._told[what][link][start] += number
        if what == HEARD:
            self._all[start] += number
            self._last[link] = max(start, self._last.get(link, start))

    def put(self, link: str, start: int, what: str, number: int) -> None:
        """
        Know *number* in the place of what was counted so far.
        """
        self.add(link, start, what, number - self._told[what][link][start])

    def age(self, edge: int) -> None:
        """
        Forget what is before *edge*.
        """
        counters = [one for links in self._told.values() for one in links.values()]
        for counter in (*counters, self._all):
            for start in [start for start in counter if start < edge]:
                del counter[start]

    def silent(self, due: Mapping[str, Mapping[float, float]], now: float) -> dict[str, str]:
        """
        The links whose events are missing because of our webhooks, with what was seen.

        Args:
            due: How many deliveries of each link should have been told within the last seconds,
                for each of :data:`WINDOWS`.

            now: The time.
        """
        refused = {link: self._refused(link, now) for link in due}
        found = {
            link: f"{number} webhooks had a wrong signature, and none a right one"
            for link, number in refused.items()
            if number
        }
        for seconds in WINDOWS:
            expected = sum(one.get(seconds, 0.0) for link, one in due.items() if link not in found)
            if expected >= _EXPECTED:
                if _since(self._all, now - seconds, now):
                    break
                text = f"no event came in {seconds / 60:.0f} min, where {expected:.0f} were due"
                return found | {"*": text}
        return found

    def lag(self, link: str, now: float) -> float:
        """
        How many seconds to wait for the events of *link*.

        The lag is that of the latest events, and grows while none come, up to half an hour.
        """
        heard, lags = self._told[HEARD][link], self._told[LAG][link]
        last = self._last.get(link)
        quiet = now - last - SLICE if last is not None else 0.0
        starts = range(slice_of(now - _LAG_SECONDS), slice_of(now) + 1, SLICE)
        late = max((2 * lags[one] / heard[one] for one in starts if heard[one]), default=0.0)
        return max(0.0, min(quiet, _LONGEST_WAIT), late)

    def dead(self, expected: Callable[[int], float], begin: int, now: float) -> frozenset[int]:
        """
        The slices since *begin* in which no event came, although deliveries were due all along.

        The slice after them is dead too: nobody knows when in it the first event came.

        Args:
            expected: Tells how many deliveries of all links were due in a slice.

            begin: The first slice to look at.

            now: The time.
        """
        found: list[int] = []
        run: list[int] = []
        due = 0.0
        for start in range(begin, slice_of(now), SLICE):
            if not self._all[start]:
                run.append(start)
                due += expected(start)
                continue
            if due >= _SURELY_DEAD:
                found += (*run, start)
            run, due = [], 0.0
        return frozenset(found if due < _SURELY_DEAD else [*found, *run])

    def refused(self, link: str) -> frozenset[int]:
        """
        The slices in which webhooks of *link* had a wrong signature, and none a right one.
        """
        heard = self._told[HEARD][link]
        return frozenset(
            start
            for start, number in self._told[REFUSED][link].items()
            if number >= _LEAST_REFUSED and not heard[start]
        )

    def _refused(self, link: str, now: float) -> int:
        begin = now - WINDOWS[0]
        if _since(self._told[HEARD][link], begin, now):
            return 0
        number = _since(self._told[REFUSED][link], begin, now)
        return number if number >= _LEAST_REFUSED else 0


def _since(slices: Counter[int], begin: float, now: float) -> int:
    starts: Iterable[int] = range(slice_of(begin), slice_of(now) + 1, SLICE)
    return sum(slices[start] for start in starts if start + SLICE > begin)
