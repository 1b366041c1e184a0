"""
The traffic of a play: mails at a steady rate, to receivers of every kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover.drill.chance import chance
from mailfailover.errors import ConfigurationError
from mailfailover.receivers import receiver_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BEFORE = 900.0
"""Seconds of a play before the incident begins."""

AFTER = 3600.0
"""Seconds of a play after the incident has ended."""

LONGEST = 6 * 3600.0
"""The longest part of an incident that is played, in seconds."""

RECEIVERS: Mapping[str, float] = {"gmail": 0.45, "microsoft": 0.25, "yahoo": 0.15, "other": 0.15}
"""The share of each mailbox operator; an assumption, not a measurement."""

_ADDRESSES = {
    "gmail": "ann@gmail.com",
    "microsoft": "ann@outlook.com",
    "yahoo": "ann@yahoo.com",
    "other": "ann@example.org",
}

CUSTOMERS = tuple(Address(f"mail@customer-{number}.example") for number in range(20))
"""The senders of a program that sends for others, each with a domain of his own."""

TYPICAL = Message(
    to="ann@example.org",
    from_email="Shop <shop@example.com>",
    subject="Your order 1234",
    text="It is on its way.\n",
    html="<p>It is <b>on its way</b>.</p>",
)
"""The mail that is sent if the user gives no sample."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    The mails of a play.

    Attributes:
        rate: How many a second there are.

        begin, end: Seconds, where 0 is the begin of the incident.

        lasts: For how long the incident is played.

        played: How many are played.

        stands_for: How many each of them stands for.
    """

    rate: float
    begin: float
    end: float
    lasts: float
    played: int
    stands_for: float

    @classmethod
    def of(cls, rate: float, lasts: float, most: int) -> Traffic:
        """
        Make the traffic of an incident that *lasts* so many seconds, at most so many mails.
        """
        lasts = min(lasts, LONGEST)
        begin, end = -BEFORE, lasts + AFTER
        wanted = max(1.0, rate * (end - begin))
        played = int(min(wanted, most))
        return cls(rate, begin, end, lasts, played, wanted / played)

    def mails(
        self, samples: Sequence[Message], seed: int, senders: Sequence[Address] = ()
    ) -> Iterator[tuple[float, Message]]:
        """
        Yield each mail with its time, from one of *senders* where there are any.
        """
        step = (self.end - self.begin) / self.played
        known = [{name: to_receiver(one, name) for name in RECEIVERS} for one in samples]
        for number in range(self.played):
            sample = known[number % len(known)]
            mail = f"drill-{number}"
            when = self.begin + step * (number + chance(seed, "when", mail))
            receiver = _receiver(chance(seed, "receiver", mail))
            message = sample[receiver].bound(id=mail)
            if senders:
                message = message.bound(from_email=senders[number % len(senders)])
            yield when, message


def receiver_of_mail(message: Message) -> str:
    """
    Return the receiver of a mail of a play.
    """
    return receiver_of(message.to[0].domain)


def check_sample(message: Message) -> Message:
    """
    Return *message* as a sample for plays.

    Raises:
        ConfigurationError: If it is a merge.
    """
    if message.is_merge:
        text = "a merge cannot be drilled: show one of its mails as it goes to one recipient"
        raise ConfigurationError(text)
    return message


def to_receiver(message: Message, receiver: str) -> Message:
    """
    Return *message* as it goes to one mailbox of a receiver.
    """
    address = Address(_ADDRESSES[receiver])
    return message.bound(to=(address,), cc=(), bcc=(), send_at=None)


def _receiver(luck: float) -> str:
    for name, share in RECEIVERS.items():
        if luck < share:
            return name
        luck -= share
    return name
