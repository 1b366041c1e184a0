"""
The protocol of deliveries: what a mailer asks of an object that learns what becomes of mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._chain.parts import Advice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
