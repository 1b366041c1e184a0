"""
Healthy days, many of them: counts go straight into the ledger, and the judge looks at them.

Nothing is wrong in these days, but much is not quite right: receivers are slow for a quarter of
an hour, webhooks are late, lost and told twice, endpoints are deployed anew, campaigns go to old
lists. Whatever the judge calls ill is a false switch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable  # noqa: TC003 -- fields of a dataclass
from dataclasses import dataclass, field
from math import cos, pi
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.deliveries._counts import HEARD, HOUR, LAG, SLICE, Key
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._ledger import Ledger
from tests.simulation.deliveries.chance import binomial, poisson

if TYPE_CHECKING:
    from mailfailover.deliveries._cell import Cell, Place

DAY = 86400
LEARNING = 8 * DAY
"""Seconds of past that each run begins with."""

_PAST = 6 * HOUR
"""Seconds after which the past is read anew: each hour would take most of the time of a run."""

# Of all mails: those that a receiver answers with blocked, bounced, nobody, and those delivered in
# each class of delay. What is left is never told.
_FATE = (0.003, 0.003, 0.01, 0.925, 0.025, 0.012, 0.006, 0.003, 0.002, 0.001)
_SLOW = (0.003, 0.003, 0.01, 0.55, 0.30, 0.09, 0.02, 0.01, 0.003, 0.001)
"""Of a receiver that greylists."""

_HICCUP = (0.0, 0.003, 0.01, 0.15, 0.60, 0.20, 0.02, 0.005, 0.001, 0.001)
_CAMPAIGN = (0.006, 0.01, 0.05, 0.86, 0.04, 0.015, 0.006, 0.003, 0.001, 0.001)
_WAITS = (0, 0, 0, 0, 1, 4, 7, 13, 25, 49)
"""After how many slices each of these is told, at the earliest."""

_DRIFTS = {4: 1, 5: -1}
"""What is delivered a little later in one hour than in another."""

_SPANS = (1, 1, 1, 2, 3, 3, 6, 12, 24, 48)


@dataclass(frozen=True)
class Shape:
    """
    A kind of traffic.

    Attributes:
        rate: Mails a minute at a time.

        links: The part of the mails that each link gets.

        receivers: The part of the mails that each receiver gets.

        slow: Receivers that greylist.

        hiccups: How often a day one receiver is slow for all links, for up to 20 minutes.

        campaign: Whether a time is one of a campaign.

        lost: The part of the events that never comes.

        lag: Slices by which all events of a link come late now and then.

        deploys: How often a day our endpoint is dead for up to 10 minutes.

        outages: How often a day the first link accepts nothing for up to an hour, and its mails
            go through the second.

        new: Links that never sent in the past.
    """

    rate: Callable[[float], float]
    links: dict[str, float] = field(default_factory=lambda: {"one": 0.97, "two": 0.03})
    receivers: dict[str, float] = field(
        default_factory=lambda: {"gmail": 0.45, "microsoft": 0.25, "yahoo": 0.2, "acme.org": 0.1}
    )
    slow: frozenset[str] = frozenset()
    hiccups: float = 0.0
    campaign: Callable[[float], bool] = lambda _now: False
    lost: float = 0.002
    lag: int = 0
    deploys: float = 0.0
    outages: float = 0.0
    new: frozenset[str] = frozenset()


def _office(now: float) -> float:
    day, hour = divmod(now / 3600, 24)
    return 30.0 if 8 <= hour < 18 and day % 7 < 5 else 0.5


def _day_and_night(now: float) -> float:
    return 40.0 * (1.05 - cos(2 * pi * now / DAY))


def _weekend(now: float) -> float:
    return 2.0 if now // DAY % 7 >= 5 else 25.0


def _is_campaign(now: float) -> bool:
    return now // DAY % 3 == 1 and 10 <= now % DAY / 3600 < 11


SHAPES: dict[str, Shape] = {
    "1 a minute": Shape(lambda _: 1.0),
    "10 a minute": Shape(lambda _: 10.0),
    "100 a minute": Shape(lambda _: 100.0, links={"one": 0.5, "two": 0.3, "three": 0.2}),
    "office hours": Shape(_office, hiccups=0.2),
    "weekends": Shape(_weekend, links={"one": 1.0}, deploys=0.5),
    "campaigns": Shape(lambda now: 300.0 if _is_campaign(now) else 3.0, campaign=_is_campaign),
    "slow receivers": Shape(lambda _: 20.0, slow=frozenset({"yahoo", "acme.org"}), hiccups=1.0),
    "3 an hour": Shape(lambda _: 0.05, links={"one": 0.7, "two": 0.3}),
    "day and night": Shape(_day_and_night, links={"one": 0.6, "two": 0.4}, hiccups=0.5, lost=0.01),
    "many receivers": Shape(
        lambda _: 60.0,
        links={"one": 0.6, "two": 0.3, "three": 0.1},
        receivers={f"r{number}": 0.5 / 1.5**number for number in range(7)},
        slow=frozenset({"r3", "r5"}),
        hiccups=1.0,
    ),
    "outages of a link": Shape(lambda _: 12.0, outages=1.0, hiccups=0.2),
    "a new link": Shape(
        lambda _: 15.0,
        links={"one": 0.5, "new": 0.5},
        slow=frozenset({"yahoo"}),
        new=frozenset({"new"}),
    ),
    "noisy webhooks": Shape(lambda _: 15.0, lost=0.05, lag=4, deploys=2.0),
}


class Switch(NamedTuple):
    """
    What the judge found ill.
    """

    at: float
    place: Place
    cell: Cell


@dataclass
class Days:
    """
    Days of one shape.

    Attributes:
        every: Seconds between two looks of the judge.

        switches: Where it was wrong.

        alerts: How often it took the webhooks for silent.
    """

    shape: Shape
    seed: int
    every: int = SLICE
    switches: list[Switch] = field(default_factory=list)
    alerts: int = 0
    looks: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.now = 1000 * DAY
        self.ledger = Ledger(self.now)
        self.cells: dict[Place, Cell] = {}
        self._silent = False
        self._told: defaultdict[int, list[tuple[Place, int, list[int]]]] = defaultdict(list)
        self._hiccup: dict[str, int] = {}
        self._late: dict[str, int] = {}
        self._drift: dict[str, float] = {}
        self._dead_until = 0
        self._out_until = 0
        self._begin = self.now + LEARNING

    def run(self, days: int) -> Days:
        """
        Learn a week, and judge so many days.
        """
        begin = self._begin
        while self.now < begin + days * DAY:
            self._slice(self.now)
            self.now += SLICE
            if self.now % HOUR == 0:
                self._change()
            if self.now % _PAST == 0:
                self.ledger.age(self.now)
            if self.now >= begin:
                for second in range(self.now, self.now + SLICE, min(self.every, SLICE)):
                    if second % self.every == 0:
                        self._judge(second)
        return self

    def _change(self) -> None:
        """
        Let this hour be a little different from the last one.
        """
        rng, shape = self.rng, self.shape
        self._drift = {one: rng.gauss(0.0, 0.008) for one in shape.receivers}
        if rng.random() < shape.hiccups / 24:
            receiver = rng.choice(list(shape.receivers))
            self._hiccup[receiver] = self.now + rng.randrange(1, 5) * SLICE
        if shape.lag and rng.random() < 1 / 24:
            self._late[rng.choice(list(shape.links))] = self.now + HOUR
        if rng.random() < shape.deploys / 24:
            self._dead_until = self.now + rng.randrange(1, 3) * SLICE
        if rng.random() < shape.outages / 24:
            self._out_until = self.now + rng.randrange(1, 13) * SLICE

    def _slice(self, start: int) -> None:
        mails = self.shape.rate(start) * SLICE / 60
        for link, part in self._parts(start).items():
            for receiver, weight in self.shape.receivers.items():
                number = poisson(self.rng, mails * part * weight)
                if number:
                    self._send((link, receiver), start, number)
        self._hear(start)

    def _parts(self, start: int) -> dict[str, float]:
        """
        The part of the mails that each link gets now.
        """
        links = self.shape.links
        if start < self._begin:
            links = {link: part for link, part in links.items() if link not in self.shape.new}
        if start < self._out_until:
            first, second, *_ = links
            links = {**links, first: 0.0, second: links[first] + links[second]}
        return links

    def _send(self, place: Place, start: int, number: int) -> None:
        self.ledger.merge(place, start, [number, *[0] * 10])
        left, rest = number, 1.0
        drift = self._drift.get(place[1], 0.0)
        for what, share in enumerate(self._fate(place[1], start), 1):
            part = max(0.0, share + drift * _DRIFTS.get(what, 0))
            found = binomial(self.rng, left, min(1.0, part / rest))
            left, rest = left - found, max(rest - part, 1e-9)
            if found:
                self._tell(place, start, what, binomial(self.rng, found, 1 - self.shape.lost))

    def _fate(self, receiver: str, start: int) -> tuple[float, ...]:
        if self._hiccup.get(receiver, 0) > start:
            return _HICCUP
        if self.shape.campaign(start):
            return _CAMPAIGN
        return _SLOW if receiver in self.shape.slow else _FATE

    def _tell(self, place: Place, start: int, what: int, number: int) -> None:
        wait, span = _WAITS[what - 1], _SPANS[what - 1]
        lag = self.rng.randrange(self.shape.lag) if self._late.get(place[0], 0) > start else 0
        for passed in range(span):
            part = binomial(self.rng, number, 1 / (span - passed)) if span < 4 else number
            when = wait + lag + (passed if span < 4 else self.rng.randrange(span))
            number -= part
            if part:
                numbers = [0] * 11
                numbers[what] = part
                self._told[start + when * SLICE].append((place, start, numbers))

    def _hear(self, now: int) -> None:
        told = self._told.pop(now, ())
        for place, start, numbers in told:
            if self._dead_until > now:
                if self.rng.random() < 0.7:
                    later = now + 2 * SLICE  # the vendor tells it again
                    self._told[later].append((place, start, numbers))
                continue
            number = sum(numbers)
            self.ledger.merge(place, start, numbers)
            self.ledger.add(Key(now, place[0], "", HEARD), number)
            if self._late.get(place[0], 0) > start:
                lag = (now - start) // 2 * number
                self.ledger.add(Key(now, place[0], "", LAG), lag)

    def _judge(self, now: float) -> None:
        verdicts = Judge(self.ledger, now, self.cells).verdicts()
        self.looks += 1
        for place, cell in verdicts.cells.items():
            before = self.cells.get(place)
            if cell.is_ill and not (before and before.is_ill):
                self.switches.append(Switch(now, place, cell))
        self.alerts += bool(verdicts.silent) and not self._silent
        self._silent = bool(verdicts.silent)
        self.cells = dict(verdicts.cells)
