"""
A world of links, receivers and webhooks on a virtual clock, around the judge and the routing.

Mails come as a Poisson process, are routed as a chain routes them, and each is delivered, delayed,
blocked or lost as the weather of its cell says. Their events come back as webhooks do: late,
sometimes twice, or not at all.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from mailfailover.deliveries._cell import ALL, Cell, Place
from mailfailover.deliveries._counts import (
    BLOCKED,
    BOUNCED,
    HEARD,
    HOUR,
    LAG,
    REFUSED,
    SENT,
    SLICE,
    Buffer,
    Key,
    delay_class,
)
from mailfailover.deliveries._judge import Judge
from mailfailover.deliveries._routing import Routing, Situation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MINUTE = 60.0
DAY = 86400.0
_TICK = 60.0
_PAST = 8 * DAY


@dataclass(frozen=True, slots=True)
class Weather:
    """
    What becomes of the mails of some cells for a while.

    Attributes:
        begin, end: Seconds.

        link, receiver: The cells; ``"*"`` for all.

        stuck: The part that is delivered only *stuck_for* seconds later than usual.

        blocked: The part that is deferred with words that mean the sender, and never delivered.

        bounced: The part that bounces.

        mute: Whether no event of the link comes.

        refused: Whether its webhooks come with a wrong signature.

        webhook_lag: Seconds by which its webhooks are late.
    """

    begin: float
    end: float
    link: str = ALL
    receiver: str = ALL
    stuck: float = 0.0
    stuck_for: float = 1e9
    blocked: float = 0.0
    bounced: float = 0.0
    mute: bool = False
    refused: bool = False
    webhook_lag: float = 0.0

    def covers(self, now: float, link: str, receiver: str) -> bool:
        """
        Whether a mail of now through *link* to *receiver* meets it.
        """
        return (
            self.begin <= now < self.end
            and self.link in (ALL, link)
            and self.receiver in (ALL, receiver)
        )


@dataclass(frozen=True, slots=True)
class _Link:
    key: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    link: _Link


@dataclass(frozen=True, slots=True)
class _Address:
    domain: str


@dataclass(frozen=True, slots=True)
class _Mail:
    recipients: tuple[_Address, ...]


@dataclass
class World:
    """
    Runs the mails of some days.

    Attributes:
        links: Chain keys in their order.

        receivers: ``{receiver: its part of the mails}``.

        rate: Mails a minute, as a function of the time.

        share: The part of the mails that goes to the second link first.

        every: Seconds between two looks of the judge.

        told: What observers would have heard: ``(time, place, is it ill now)``.

        routed: How many mails went through a link to a receiver, by the minute.
    """

    seed: int
    links: tuple[str, ...] = ("one", "two")
    receivers: dict[str, float] = field(
        default_factory=lambda: {"gmail": 0.5, "microsoft": 0.2, "yahoo": 0.2, "acme.example": 0.1}
    )
    rate: Callable[[float], float] = lambda _now: 10.0
    share: float = 0.02
    every: int = 300
    weather: list[Weather] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.counts: Counter[Key] = Counter()
        self.cells: dict[Place, Cell] = {}
        self.silent: dict[str, str] = {}
        self.buffer = Buffer()
        self.routing = Routing(lambda domain: domain, self._unwritten, lambda: self.now)
        self.told: list[tuple[float, Place, bool]] = []
        self.routed: Counter[tuple[int, str, str]] = Counter()
        self._events: list[tuple[float, int, Key]] = []
        self._numbers = itertools.count()

    def _unwritten(self, link: str, receiver: str) -> int:
        return self.buffer.sent(link, receiver)

    def learn(self, days: float = 7.0) -> None:
        """
        Write a healthy past, without sending each mail of it.
        """
        start = int(self.now - days * DAY) // HOUR * HOUR
        for hour in range(start, int(self.now) - HOUR, HOUR):
            for link, part in zip(self.links, (1 - self.share, self.share), strict=False):
                for receiver, weight in self.receivers.items():
                    number = self._number(self.rate(hour) * 60 * part * weight)
                    self._past(Key(hour, link, receiver, SENT), number)

    def _past(self, key: Key, number: int) -> None:
        self.counts[key] += number
        prompt = sum(self.rng.random() < 0.965 for _ in range(min(number, 400)))
        prompt = prompt * number // max(1, min(number, 400))
        self.counts[key._replace(what="300")] += prompt
        self.counts[key._replace(what="1800")] += (number - prompt) // 2

    def _number(self, mean: float) -> int:
        return max(0, round(self.rng.gauss(mean, mean**0.5)))

    def run(self, seconds: float) -> None:
        """
        Let time pass.
        """
        end = self.now + seconds
        while self.now < end:
            self._tick()
            self.now += _TICK
            self._hear()
            if int(self.now) % self.every == 0:
                self._judge()

    def _tick(self) -> None:
        for receiver, weight in self.receivers.items():
            for _ in range(self._poisson(self.rate(self.now) * weight)):
                self._send(receiver)

    def _poisson(self, mean: float) -> int:
        if mean > 30:
            return self._number(mean)
        limit, product, count = 2.718281828**-mean, self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            count += 1
        return count

    def _send(self, receiver: str) -> None:
        order = list(self.links)
        if self.share and len(order) > 1 and self.rng.random() < self.share:
            order.insert(0, order.pop(1))
        mail: Any = _Mail((_Address(receiver),))
        candidates: Any = [_Candidate(_Link(key)) for key in order]
        chosen: Any = next(iter(self.routing.order(mail, candidates)))
        link = chosen.link.key
        self.routed[int(self.now // MINUTE), link, receiver] += 1
        self.buffer.add(self.now, link, receiver, SENT)
        self._fate(link, receiver)

    def _fate(self, link: str, receiver: str) -> None:
        delay = min(self.rng.lognormvariate(2.5, 1.2), 3000.0)
        if self.rng.random() < 0.03:  # greylisting, full queues
            delay += self.rng.uniform(300, 3000)
        if self.rng.random() < 0.01:
            return  # nobody ever tells
        lag = self.rng.expovariate(1 / 5.0)
        what = ""
        for one in self.weather:
            if not one.covers(self.now, link, receiver):
                continue
            lag += one.webhook_lag
            if self.rng.random() < one.blocked:
                what = BLOCKED
            elif self.rng.random() < one.bounced:
                what = BOUNCED
            elif self.rng.random() < one.stuck:
                delay += one.stuck_for
        if delay > 1e8:
            return
        key = Key(int(self.now) // SLICE * SLICE, link, receiver, what or delay_class(delay))
        happened = self.now + (20.0 if what else delay)
        for _ in range(2 if self.rng.random() < 0.01 else 1):
            heapq.heappush(self._events, (happened + lag, next(self._numbers), key))

    def _hear(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            when, _, key = heapq.heappop(self._events)
            arrival = int(when) // SLICE * SLICE
            sky = [one for one in self.weather if one.covers(when, key.link, key.receiver)]
            if any(one.refused for one in sky):
                self.counts[Key(arrival, key.link, "", REFUSED)] += 1
            if any(one.refused or one.mute for one in sky):
                continue
            self.counts[key] += 1
            self.counts[Key(arrival, key.link, "", HEARD)] += 1
            self.counts[Key(arrival, key.link, "", LAG)] += int(sum(one.webhook_lag for one in sky))
        for key, number in self.buffer.take().items():
            self.counts[key] += number

    def _judge(self) -> None:
        judge = Judge(self.counts.items(), self.now, self.cells)
        verdicts = judge.verdicts()
        ill = {place for place, cell in verdicts.cells.items() if cell.is_ill}
        was = {place for place, cell in self.cells.items() if cell.is_ill}
        self.told += [(self.now, place, True) for place in sorted(ill - was)]
        self.told += [(self.now, place, False) for place in sorted(was - ill)]
        self.cells, self.silent = dict(verdicts.cells), dict(verdicts.silent)
        usual = {place: judge.an_hour(place) for place in verdicts.cells}
        sent: Counter[Place] = Counter()
        for key, number in self.counts.items():
            if key.what == SENT and key.slice > self.now - HOUR - SLICE:
                sent[key.link, key.receiver] += number
        found = {place: self.cells[place] for place in ill}
        self.routing.situation = Situation(found, usual, sent) if ill else None
        if int(self.now) % HOUR < _TICK:
            self._forget()

    def _forget(self) -> None:
        for key in [one for one in self.counts if one.slice < self.now - _PAST]:
            del self.counts[key]

    def ill(self) -> set[Place]:
        """
        The places that are ill now.
        """
        return {place for place, cell in self.cells.items() if cell.is_ill}

    def first_told(self, place: Place) -> float | None:
        """
        When a place was first found ill.
        """
        return next((at for at, one, is_ill in self.told if one == place and is_ill), None)

    def through(self, link: str, receiver: str, begin: float, end: float) -> float:
        """
        The part of a receiver's mails that went through *link* between two times.
        """
        minutes = range(int(begin // MINUTE), int(end // MINUTE))
        every = {key: sum(self.routed[one, key, receiver] for one in minutes) for key in self.links}
        return every[link] / max(1, sum(every.values()))


def days(number: float) -> float:
    """
    So many days, in seconds.
    """
    return number * DAY


def names(places: Iterable[Place]) -> list[str]:
    """
    Places as text.
    """
    return sorted("/".join(place) for place in places)
