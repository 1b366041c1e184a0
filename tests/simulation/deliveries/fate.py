"""
The fate of a mail: what its receiver does with it, as the weather has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from mailfailover import EventType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from tests.simulation.deliveries.weather import Weather

_NOBODY = "550 5.1.1 The email account that you tried to reach does not exist"


@dataclass(frozen=True, slots=True)
class Fate:
    """
    How a mail ends.

    Attributes:
        kind: What its last event tells.

        words: What the receiver says then.

        delay: After how many seconds; infinite where that never is.

        deferred: What the receiver said when it deferred the mail before, "" where it did not.
    """

    kind: EventType
    words: str
    delay: float
    deferred: str = ""

    @property
    def arrives(self) -> bool:
        """
        Whether it is delivered.
        """
        return self.kind is EventType.DELIVERED and self.delay < inf

    def under(self, one: Weather, rng: Random) -> Fate:
        """
        The fate of a mail that meets this weather too.
        """
        if rng.random() < one.lost:
            return replace(self, delay=inf)
        if rng.random() < one.stuck:
            return replace(self, delay=self.delay + one.stuck_for)
        if rng.random() < one.bounced:
            return replace(self, kind=EventType.BOUNCED, words=one.words)
        if rng.random() < one.deferred:
            return replace(self, delay=self.delay + one.stuck_for, deferred=one.words)
        return self


def fate_of(
    rng: Random, weather: Iterable[Weather], *, greylisting: float = 0.0, is_dead: bool = False
) -> Fate:
    """
    Decide what becomes of a mail.

    Args:
        rng: Chance.

        weather: What the mail meets.

        greylisting: The part of the mails that receivers take only after minutes.

        is_dead: Whether its address does not exist.
    """
    delay = min(rng.lognormvariate(2.5, 1.2), 3000.0)
    if rng.random() < greylisting:
        delay += rng.uniform(300, 3000)
    found = Fate(EventType.DELIVERED, "250 2.0.0 OK", delay)
    if is_dead:
        found = replace(found, kind=EventType.BOUNCED, words=_NOBODY)
    for one in weather:
        found = found.under(one, rng)
    return found
