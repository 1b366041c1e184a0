"""
The listener: counts what a mailer sends and what vendors tell of it.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from mailfailover._chain.observe import MailSent, WebhookRefused
from mailfailover._sql.rows import fit
from mailfailover._values.events import DeliveryEvent, EventType
from mailfailover._values.receipt import RecipientStatus
from mailfailover.deliveries._counts import (
    BLOCKED,
    BOUNCED,
    HEARD,
    LAG,
    NOBODY,
    REFUSED,
    SENT,
    Buffer,
    delay_class,
)
from mailfailover.deliveries._words import blames_sender, means_nobody

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mailfailover.deliveries._apart import Apart

_DAY = 86400.0
_OLDEST = 2 * _DAY
_REMEMBERED = 100_000
_LONGEST_LAG = 3600.0
_ACCEPTED = frozenset({RecipientStatus.ACCEPTED, RecipientStatus.QUEUED})


class Mails(Protocol):
    """
    Finds the mail of an event; see :class:`~mailfailover.tracking.Tracking`.
    """

    def accepted(self, event: DeliveryEvent) -> float | None:
        """
        Tell when the mail of an event was accepted, None where that is not known.
        """

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        """
        Tell when the recipient of an event last got another mail, None where none is known.
        """


class Listener:
    """
    Counts sends and events.

    Args:
        mails: Who knows which mail an event is of.

        buffer: Where they are counted.

        receiver_of: Names the receiver of a domain.

        apart: Which receivers are told apart.

        clock: Seconds since 1970.
    """

    def __init__(
        self,
        mails: Mails,
        buffer: Buffer,
        receiver_of: Callable[[str], str],
        apart: Apart,
        clock: Callable[[], float],
    ) -> None:
        self._mails = mails
        self._buffer = buffer
        self._receiver_of = receiver_of
        self._apart = apart
        self._clock = clock
        self._lock = Lock()
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def hear(self, event: object) -> bool:
        """
        Count a send, an event or a webhook that was refused; return False for anything else.
        """
        if isinstance(event, MailSent):
            self._hear_send(event)
        elif isinstance(event, DeliveryEvent):
            self._hear_event(event)
        elif isinstance(event, WebhookRefused):
            self._buffer.add(self._clock(), event.provider, "", REFUSED)
        else:
            return False
        return True

    def _hear_send(self, event: MailSent) -> None:
        message, receipt = event.message, event.receipt
        if message.send_at is not None:
            return
        now = self._clock()
        for email, status in receipt.recipients.items():
            if status in _ACCEPTED:
                receiver = self._receiver_of(email.rpartition("@")[2])
                self._apart.note(receiver)
                self._buffer.add(now, receipt.provider, self._apart.name(receiver, now), SENT)

    def _hear_event(self, event: DeliveryEvent) -> None:
        now, link = self._clock(), fit(event.provider, 255)
        happened = now if event.timestamp is None else min(event.timestamp.timestamp(), now)
        self._buffer.add(now, link, "", HEARD)
        lag = int(min(now - happened, _LONGEST_LAG))
        if lag:
            self._buffer.add(now, link, "", LAG, lag)
        what = _meaning(event)
        if not what or not event.recipient:
            return
        accepted = self._mails.accepted(event)
        if accepted is None or not -_DAY < happened - accepted < _OLDEST:
            return
        if self._is_repeated(event, what):
            return
        if what == EventType.DELIVERED:
            what = delay_class(max(0.0, happened - accepted))
        elif what == NOBODY and self._mails.delivered(event) is not None:
            what = BOUNCED
        receiver = self._receiver_of(event.recipient.rpartition("@")[2])
        self._buffer.add(accepted, link, self._apart.name(receiver, accepted), what)

    def _is_repeated(self, event: DeliveryEvent, what: str) -> bool:
        key = (event.mail_id or event.provider_message_id, event.recipient.lower(), what)
        with self._lock:
            if key in self._seen:
                return True
            self._seen[key] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return False


def _meaning(event: DeliveryEvent) -> str:
    """
    Return the outcome that an event is counted as, "" for none.
    """
    if event.type is EventType.DELIVERED:
        return EventType.DELIVERED.value
    if blames_sender(event):
        return BLOCKED
    if event.type is not EventType.BOUNCED:
        return ""
    return NOBODY if means_nobody(event) else BOUNCED
