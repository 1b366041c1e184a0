"""
The protocol of deliveries: what a mailer asks of an object that learns what becomes of mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._chain.parts import Advice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class Deliveries(Advice, Protocol):
    """
    Orders candidates by what it hears of sends and of delivery events.
    """

    def __call__(self, event: object) -> object:
        """
        Hear of a send or an event.
        """

    def for_links(self, links: Iterable[Link]) -> None:
        """
        Know the links of the chain.
        """

    def owing(self, message: Message) -> tuple[str, ...]:
        """
        Return the links that still owe the mail that *message* comes *after*.
        """

    def begin(self) -> None:
        """
        Know from now on how all receivers stand.
        """

    def is_owed(self, mail_id: str) -> bool | None:
        """
        Whether nobody has a mail yet, and no event tells how that ended; None if it is not known.
        """

    def ill_links(self) -> Collection[str]:
        """
        Return the links that do not reach some receiver, or all.
        """

    def second_ways(self, message: Message, first: str, others: Iterable[str]) -> tuple[str, ...]:
        """
        Return the links of *others* by which a mail may go once more that *first* does not deliver.
        """

    def held(self, message: Message, *, is_new: bool) -> Mapping[str, str]:
        """
        Return the recipients who cannot get *message* now, each with the receiver that is down.
        """

    def is_down(self, receiver: str) -> bool:
        """
        Whether no link reaches *receiver*.
        """

    def is_probe_due(self, receiver: str) -> bool:
        """
        Whether it is time to try whether *receiver* is up again.
        """

    def usual(self, receiver: str) -> float:
        """
        How many recipients an hour *receiver* usually gets through all links.
        """

    def snapshot(self) -> Mapping[tuple[str, str], Any]:
        """
        Return how the deliveries of each link to each receiver stand.
        """
