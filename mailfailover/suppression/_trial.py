"""
The trial of an address: a bounce or a delivery is written down, and its entries follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._chain.alarms import BouncesQuarantined
from mailfailover._chain.log import logger
from mailfailover._chain.observe import tell
from mailfailover._sql.database import reading, writing
from mailfailover._values.events import DeliveryEvent
from mailfailover.errors import InvalidMessage
from mailfailover.suppression._bounce_rows import insert_bounce, judge, judge_again, read_bounces
from mailfailover.suppression._delivery_rows import (
    Delivery,
    delivery_times,
    has_bounces,
    is_news,
    note,
    take_back,
)
from mailfailover.suppression._entry import plain_address
from mailfailover.suppression._evidence import mail_of, time_of
from mailfailover.suppression._quarantine import begin, find_quarantine, go_on, look, take_in
from mailfailover.suppression._sentence import Standing, is_surprise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from mailfailover._chain.observe import Observer
    from mailfailover.suppression._evidence import Evidence
    from mailfailover.suppression._origins import Origins
    from mailfailover.suppression._quarantine import Quarantine
    from mailfailover.suppression._sentence import Bounce

_BLOCKED = "blocked"
_ALL = "*"


class Cells(Protocol):
    """
    Knows the state of each link at each receiver; see ``DeliveryHealth``.
    """

    def snapshot(self) -> Mapping[tuple[str, str], Any]:
        """
        Return a cell, which has *state* and *is_ill*, for each link and receiver, ``"*"`` for all.
        """


@dataclass(frozen=True, slots=True)
class Court:
    """
    The court in which addresses are tried.

    Attributes:
        engine: The database.

        past: Finds deliveries that this list never heard of.

        receiver_of: Names the receiver of a domain.

        cells: How links stand at receivers.

        observers: Callables that are told of quarantines.
    """

    engine: Engine
    past: Origins | None
    receiver_of: Callable[[str], str]
    cells: Cells | None
    observers: Iterable[Observer]

    def hear_bounce(
        self, evidence: Evidence, now: datetime, event: DeliveryEvent | None = None
    ) -> None:
        """
        Take a bounce, once.
        """
        email = evidence.entry.email
        bounce = evidence.as_bounce(self._receiver(email), now)
        if self._is_doubtful(bounce):
            bounce = replace(bounce, standing=Standing.QUARANTINED)
        past = self._remembered(bounce, event)
        with writing(self.engine) as connection:
            if past is not None:
                note(connection, past)
            quarantine = self._take(connection, bounce)
        if quarantine is not None:
            found = BouncesQuarantined(quarantine.receiver, quarantine.since, quarantine.addresses)
            logger.warning("%s", found)
            tell(self.observers, found)

    def hear_delivery(self, event: DeliveryEvent, now: datetime) -> None:
        """
        Take the delivery of a mail, which speaks for its recipient.
        """
        try:
            email = plain_address(event.recipient)
        except InvalidMessage:
            return
        at = min(time_of(event) or now, now)
        delivery = Delivery(email, self._receiver(email), at, mail_of(event))
        with reading(self.engine) as connection:
            if not is_news(connection, delivery):
                return
        with writing(self.engine) as connection:
            note(connection, delivery)
            if has_bounces(connection, email):
                judge_again(connection, email)

    def _take(self, connection: Connection, bounce: Bounce) -> Quarantine | None:
        times = take_back(connection, bounce.email, bounce.mail)
        earlier = read_bounces(connection, bounce.email)
        surprising = is_surprise(bounce, earlier, times)
        running = find_quarantine(connection, bounce.receiver, bounce.at)
        if running is not None or _repeats_a_quarantine(bounce, earlier):
            bounce = replace(bounce, standing=Standing.QUARANTINED)
        if not insert_bounce(connection, bounce, is_surprise=surprising):
            return None
        judge(connection, [*earlier, bounce], times, new=1)
        if running is not None:
            if go_on(connection, running, bounce.at):
                _take_in(connection, running)  # also what was written while it began
            return None
        new = self._found_ill(connection, bounce) if surprising else None
        if new is not None:
            _take_in(connection, new)
        return new

    def _found_ill(self, connection: Connection, bounce: Bounce) -> Quarantine | None:
        sighting = look(connection, bounce.receiver, bounce.at)
        return sighting and begin(connection, bounce.receiver, bounce.at, sighting)

    def _receiver(self, email: str) -> str:
        return self.receiver_of(email.rpartition("@")[2])

    def _is_doubtful(self, bounce: Bounce) -> bool:
        """
        Whether deliveries show that the receiver is down, or that it refuses us as a sender.
        """
        if self.cells is None:
            return False
        cells = self.cells.snapshot()
        whole, own = (cells.get((link, bounce.receiver)) for link in (_ALL, bounce.source))
        return (whole is not None and whole.is_ill) or (own is not None and own.state == _BLOCKED)

    def _remembered(self, bounce: Bounce, event: DeliveryEvent | None) -> Delivery | None:
        """
        Return the last delivery that only tracking knows of, where there are none of our own.
        """
        if self.past is None:
            return None
        with reading(self.engine) as connection:
            if delivery_times(connection, bounce.email) or has_bounces(connection, bounce.email):
                return None
        at = self.past.delivered(event or DeliveryEvent(recipient=bounce.email))
        return None if at is None else Delivery(bounce.email, bounce.receiver, at, "")


def _repeats_a_quarantine(bounce: Bounce, earlier: Iterable[Bounce]) -> bool:
    """
    Whether a vendor's list has an address for the sake of a bounce that proves nothing.
    """
    return bounce.is_listing and any(one.standing is not Standing.COUNTED for one in earlier)


def _take_in(connection: Connection, quarantine: Quarantine) -> None:
    for email in take_in(connection, quarantine):
        judge_again(connection, email)
