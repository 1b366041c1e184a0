"""
Simulated weeks of mail, on a clock that does not run: what is accepted, told, and when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from mailfailover.tracking._silent_outages import (
    ACCEPTED,
    HEARD,
    SLICE,
    Count,
    Reading,
    delay_class,
    judge,
)

HOUR = 3600.0
DAY = 24 * HOUR
START = 1_790_000_000.0
"""A moment in 2026 at which each simulation begins."""

Delay = Callable[[Random, float], float | None]
"""Of a mail accepted at a time: seconds until it is delivered, None for never."""


def usual(rng: Random, at: float) -> float | None:
    """
    Most mails arrive, most of them within seconds.
    """
    return rng.lognormvariate(2.0, 1.2) if rng.random() < 0.96 else None


def from_then_on(begin: float, later: Delay) -> Delay:
    """
    As usual at first, then otherwise.
    """
    return lambda rng, at: (later if at >= START + begin else usual)(rng, at)


def between(begin: float, end: float, then: Delay) -> Delay:
    """
    Otherwise for a while.
    """
    return lambda rng, at: (then if START + begin <= at < START + end else usual)(rng, at)


def never(rng: Random, at: float) -> float | None:
    """
    Not delivered.
    """
    return None


@dataclass(frozen=True)
class Traffic:
    """
    What one provider gets: mails per hour, and how they arrive.

    Attributes:
        opens: The part of the mails that are opened, at any time within a day.
    """

    rate: float
    delay: Delay = usual
    opens: float = 0.0


@dataclass
class Week:
    """
    Some days of mail through several providers.

    Attributes:
        dead: From when to when our endpoint takes no events.

        kept: Whether the vendors tell later what it did not take.
    """

    traffic: dict[str, Traffic]
    days: float = 8
    dead: tuple[float, float] = (0.0, 0.0)
    kept: bool = True
    seed: int = 1
    counts: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def readings(self, first: float, every: float = 900) -> Iterator[tuple[float, list[Reading]]]:
        """
        Yield, from the time *first* on, what is known at each moment.
        """
        told = self._told()
        due = START + first
        while told:
            while told and told[0][0] <= due:
                _, provider, accepted, what = heappop(told)
                self.counts[int(accepted // SLICE), provider, what] += 1
            found = judge((Count(*key, n) for key, n in self.counts.items()), due)
            yield due - START, list(found)
            due += every

    def silent(self, first: float, every: float = 900) -> dict[str, float]:
        """
        Return who falls silent, and when that is first known.
        """
        found: dict[str, float] = {}
        for now, readings in self.readings(first, every):
            for reading in readings:
                if reading.is_silent:
                    found.setdefault(reading.provider, now)
        return found

    def _told(self) -> list[tuple[float, str, float, str]]:
        rng = Random(self.seed)
        told: list[tuple[float, str, float, str]] = []
        for provider, traffic in self.traffic.items():
            at = START
            while (at := at + rng.expovariate(traffic.rate / HOUR)) < START + self.days * DAY:
                heappush(told, (at, provider, at, ACCEPTED))
                delay = traffic.delay(rng, at)
                if delay is not None:
                    self._tell(told, rng, (at, provider, delay_class(delay)), delay)
                if delay is not None and rng.random() < traffic.opens:
                    self._tell(told, rng, (at, provider, ""), rng.uniform(60, DAY))
        return told

    def _tell(
        self,
        told: list[tuple[float, str, float, str]],
        rng: Random,
        mail: tuple[float, str, str],
        delay: float,
    ) -> None:
        at, provider, what = mail
        heard = at + delay
        if self.dead[0] <= heard - START < self.dead[1]:
            if not self.kept:
                return
            heard = START + self.dead[1] + rng.expovariate(1 / HOUR)
        heappush(told, (heard, provider, heard, HEARD))
        if what:
            heappush(told, (heard, provider, at, what))
