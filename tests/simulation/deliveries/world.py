"""
A world of links, receivers and webhooks on a virtual clock, around the real chain and health.

Mails come as a Poisson process. The real chain chooses their link, advised by the real
:class:`~mailfailover.deliveries.DeliveryHealth` with its own database. What becomes of a mail is
decided by the weather, and its events come back as webhooks do: late, twice, out of order, or not
at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from mailfailover import DeliveryEvent, EventType, Link, MemoryHealth, Message, ProviderChain
from mailfailover._chain.driver import Call
from mailfailover._chain.observe import MailSent, WebhookRefused
from mailfailover._chain.policy import Policy
from mailfailover._mailer.delivery import Delivery
from mailfailover.deliveries import DeliveryHealth
from mailfailover.deliveries._count_rows import write_apart, write_counts
from mailfailover.deliveries._counts import HEARD, HOUR, SENT, SLICE, Key
from mailfailover.drill.loop import Loop
from mailfailover.errors import RecipientSuppressed
from mailfailover.plugin import Response
from mailfailover.receivers import receiver_of
from mailfailover.suppression import SuppressionList
from mailfailover.tracking import Origin
from tests.simulation.deliveries.chance import binomial, poisson
from tests.simulation.deliveries.fate import fate_of
from tests.simulation.policies import WIRE, Simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from mailfailover import Receipt
    from mailfailover.deliveries._cell import Place
    from tests.simulation.deliveries.weather import Weather

DAY = 86400.0
START = 20_000 * DAY
"""Seconds since 1970 at which each world begins: midnight."""

_POLICY = Policy(timeout=30.0, attempt_timeout=10.0)
_ACCEPTED = Response(200)
_DOMAINS = {"gmail": "gmail.com", "microsoft": "outlook.com", "yahoo": "yahoo.com"}
_NEVER_TOLD = 0.002
_TOLD_TWICE = 0.01


class Mail(NamedTuple):
    """
    A mail, and what became of it.

    *delivered* is when, None for never. The times are seconds since the world began.
    """

    at: float
    link: str
    receiver: str
    delivered: float | None
    is_dead: bool
    """Whether its address does not exist."""

    address: str


class Mails:
    """
    What tracking knows of the mails, without a table for each of them.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        self.clock = clock
        self._accepted: dict[str, float] = {}

    def accept(self, mail_id: str) -> None:
        """
        Know that a mail was accepted now.
        """
        self._accepted[mail_id] = self.clock()

    def accepted(self, event: DeliveryEvent) -> float | None:
        """
        Tell when the mail of an event was accepted.
        """
        return self._accepted.get(event.mail_id)

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        """
        Tell when an address got another mail: all that exist had some before.
        """
        return None if is_dead(event.recipient) else datetime.fromtimestamp(START, UTC)

    def origin(self, _event: DeliveryEvent) -> Origin:
        """
        Tell of which kind the mail of an event is: all are of one.
        """
        return Origin("transactional", "example.com")


def is_dead(address: str) -> bool:
    """
    Whether an address never existed: one in a hundred.
    """
    return address.startswith("dead")


def is_gone(address: str) -> bool:
    """
    Whether an address is given up some time: one in twenty.
    """
    return address.startswith("gone")


def _address(number: int) -> str:
    if number % 100 == 0:
        return f"dead{number}"
    return f"gone{number}" if number % 20 == 7 else f"u{number}"


def _link(key: str, share: float) -> Link:
    provider: Any = Simulated(name=key)
    return Link(provider, key, share=share)


@dataclass
class World:
    """
    Sends and hears for some hours.

    Attributes:
        seed: Of all chance.

        weather: What goes wrong.

        rate: Mails a minute at a time.

        links: The chain, in its order, with the part of the traffic that each has as a share.

        receivers: The part of the mails that each receiver gets.

        past: The links that sent in the week before.

        greylisting: The part of the mails that receivers take only after minutes.

        advised: Whether the chain goes by what becomes of its mails.

        suppressing: Whether a list of suppressions hears what vendors tell, and is asked.

        looks: Seconds between two looks at deliveries.

        addresses: How many addresses there are.

        gone: When some of these stop to exist, in seconds since the world began.

        told: What observers were told, and when.

        mails: All mails.

        left_out: The addresses that a mail was not sent to as they are on the list, and when.
    """

    seed: int
    weather: Iterable[Weather] = ()
    rate: Callable[[float], float] = lambda _now: 10.0
    links: dict[str, float] = field(default_factory=lambda: {"one": 0.0, "two": 0.02})
    receivers: dict[str, float] = field(
        default_factory=lambda: {"gmail": 0.5, "microsoft": 0.2, "yahoo": 0.2, "acme.example": 0.1}
    )
    past: tuple[str, ...] = ("one", "two")
    greylisting: float = 0.03
    advised: bool = True
    suppressing: bool = False
    looks: float = 30.0
    addresses: int = 5000
    gone: float = inf

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.loop = Loop()
        self.told: list[tuple[float, object]] = []
        self.mails: list[Mail] = []
        self.left_out: list[tuple[float, str]] = []
        self._sent = 0
        self._mails = Mails(self.wall)
        tracking: Any = self._mails
        self.deliveries = DeliveryHealth(
            tracking,
            observers=[lambda event: self.told.append((self.loop.now, event))],
            every=None,
        )
        self.deliveries.init()
        self.chain = ProviderChain(
            [_link(key, share) for key, share in self.links.items()],
            health=MemoryHealth(clock=self.loop.clock, wall=self.wall, rng=self.rng),
            transport=WIRE,
            clock=self.loop.clock,
            wall=self.wall,
            rng=self.rng,
            advice=self.deliveries if self.advised else None,
        )
        self.suppressions = SuppressionList(
            self._mails.engine,
            tracking=self._mails,
            deliveries=self.deliveries,
            observers=[lambda event: self.told.append((self.loop.now, event))],
            clock=self.wall,
        )
        self.suppressions.init()
        self.delivery = Delivery(
            self.chain, suppressions=self.suppressions if self.suppressing else None
        )

    def wall(self) -> float:
        """
        Seconds since 1970.
        """
        return START + self.loop.now

    # What was before

    def learn(self, days: int = 7) -> None:
        """
        Have a healthy past, without sending each mail of it.
        """
        counts: Counter[Key] = Counter()
        for hour in range(int(START - days * DAY), int(START), HOUR):
            for link, part in self._parts().items():
                for receiver, weight in self.receivers.items():
                    mails = self.rate(hour - START) * 60 * part * weight
                    self._past(counts, Key(hour, link, receiver, SENT), poisson(self.rng, mails))
        for start in range(int(START - 3 * HOUR), int(START), SLICE):
            for link in self.past:
                counts[Key(start, link, "", HEARD)] = 1
        with self.deliveries.engine.begin() as connection:
            write_counts(connection, counts)
            self._tell_apart(connection)
        self.deliveries.check()

    def _tell_apart(self, connection: Connection) -> None:
        domains = [one for one in self.receivers if one not in _DOMAINS]
        write_apart(connection, dict.fromkeys(domains, START - 8 * DAY))

    def _parts(self) -> dict[str, float]:
        shares = dict(self.links)
        first = next(iter(shares))
        shares[first] = 1.0 - sum(shares.values()) + shares[first]
        return {key: share for key, share in shares.items() if share and key in self.past}

    def _past(self, counts: Counter[Key], key: Key, number: int) -> None:
        nobody = binomial(self.rng, number, 0.01)
        prompt = binomial(self.rng, number - nobody, 0.98 - self.greylisting)
        later = binomial(self.rng, number - nobody - prompt, 0.7)
        counts[key] += number
        counts[key._replace(what="nobody")] += nobody
        counts[key._replace(what="300")] += prompt
        counts[key._replace(what="1800")] += later

    # What happens

    def run(self, seconds: float) -> World:
        """
        Send for so many seconds; what is told after them is not heard any more.
        """
        end = self.loop.now + seconds
        self._next_mail(end)
        self._next_look(end)
        self.loop.run(end)
        self.loop.now = end
        return self

    def _next_mail(self, end: float) -> None:
        rate = self.rate(self.loop.now) / 60
        when = self.loop.now + (self.rng.expovariate(rate) if rate else 60.0)

        def send() -> None:
            if rate:
                self._send()
            self._next_mail(end)

        if when < end:
            self.loop.at(when, send)

    def _next_look(self, end: float) -> None:
        def look() -> None:
            self.deliveries.check()
            self._next_look(end)

        if not self.advised:
            return
        if self.loop.now + self.looks <= end:
            self.loop.at(self.loop.now + self.looks, look)

    def _send(self) -> None:
        (receiver,) = self.rng.choices(list(self.receivers), list(self.receivers.values()))
        name = _address(self.rng.randrange(self.addresses))
        address = f"{name}@{_DOMAINS.get(receiver, receiver)}"
        self._sent += 1
        message = Message(
            to=address, from_email="shop@example.com", subject="s", text="t", id=f"m{self._sent}"
        )
        self.loop.drive(
            self.delivery.steps(message, (), _POLICY),
            self._call,
            lambda receipt: self._ended(message, receipt),
        )

    def _call(self, step: Any) -> tuple[float, Any]:
        """
        How a step of IO ends: the list is really asked, and each provider accepts.
        """
        is_ours = isinstance(step, Call) and step.send == self.suppressions.find
        return 0.0, step.run() if is_ours else _ACCEPTED

    def _ended(self, message: Message, receipt: Any) -> None:
        if isinstance(receipt, RecipientSuppressed):
            self.left_out.append((self.loop.now, message.to[0].email))
            return
        self._mails.accept(message.id)
        sent = MailSent(message, receipt)
        self.deliveries(sent)
        if self.suppressing:
            self.suppressions(sent)
        self._fate(message, receipt)

    def _fate(self, message: Message, receipt: Receipt) -> None:
        address, link, now = message.to[0].email, receipt.provider, self.loop.now
        receiver = receiver_of(address.rpartition("@")[2])
        met = [one for one in self.weather if one.covers(now, link, receiver)]
        dead = is_dead(address) or (is_gone(address) and now >= self.gone)
        fate = fate_of(self.rng, met, greylisting=self.greylisting, is_dead=dead)
        self.mails.append(
            Mail(now, link, receiver, now + fate.delay if fate.arrives else None, dead, address)
        )
        if fate.deferred:
            wait = self.rng.uniform(1, 40)
            self._tell(message, receipt, EventType.DEFERRED, fate.deferred, wait)
        if fate.delay < inf and self.rng.random() > _NEVER_TOLD:
            self._tell(message, receipt, fate.kind, fate.words, fate.delay)

    def _tell(
        self, message: Message, receipt: Receipt, kind: EventType, words: str, delay: float
    ) -> None:
        event = DeliveryEvent(
            type=kind,
            provider=receipt.provider,
            mail_id=message.id,
            recipient=message.to[0].email,
            timestamp=datetime.fromtimestamp(self.wall() + delay, UTC),
            mta_response=words,
        )
        receiver = receiver_of(event.recipient.rpartition("@")[2])
        happened = self.loop.now + delay
        times = 2 if self.rng.random() < 0.01 else 1
        for _ in range(times):
            arrives = happened + self.rng.expovariate(1 / 5.0)
            arrives += sum(
                one.webhook_lag
                for one in self.weather
                if one.covers(arrives, receipt.provider, receiver)
            )
            self.loop.at(arrives, lambda: self._hear(event, receiver))

    def _hear(self, event: DeliveryEvent, receiver: str) -> None:
        for one in self.weather:
            if one.covers(self.loop.now, event.provider, receiver):
                if one.refused:
                    self.deliveries(WebhookRefused(event.provider))
                    return
                if self.rng.random() < one.mute:
                    return
        self.deliveries(event)
        if self.suppressing:
            self.suppressions(event)

    # What was seen

    def ill(self) -> set[Place]:
        """
        The places that are ill now.
        """
        return {place for place, cell in self.deliveries.snapshot().items() if cell.is_ill}

    def first(self, kind: type, **fields: Any) -> float | None:
        """
        When observers were first told of an event of a kind, with these fields.
        """
        for at, event in self.told:
            if isinstance(event, kind) and all(
                getattr(event, name) == value for name, value in fields.items()
            ):
                return at
        return None

    def through(self, link: str, receiver: str, begin: float, end: float) -> float:
        """
        The part of a receiver's mails that went through *link* between two times.
        """
        found = [one for one in self.mails if one.receiver == receiver and begin <= one.at < end]
        return sum(one.link == link for one in found) / max(1, len(found))
