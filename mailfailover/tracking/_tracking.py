"""
:class:`Tracking`: remembers where mails went and what became of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._sql.database import reading, writing
from mailfailover._sql.rows import fit, insert_new
from mailfailover._sql.stored import Stored
from mailfailover._values.events import DeliveryEvent, EventType
from mailfailover._values.face import published_in
from mailfailover.tracking._counts import count_accepted, count_event, find_mail, read_counts
from mailfailover.tracking._event_rows import event_of, event_row
from mailfailover.tracking._purge import Purged, Retention, purge
from mailfailover.tracking._send_rows import record_send
from mailfailover.tracking._silent_outages import PAST, judge, outages
from mailfailover.tracking._status import MailStatus, read_statuses
from mailfailover.tracking._tables import ADDRESS_LENGTH, ID_LENGTH, PART, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Engine

    from mailfailover._chain.observe import SilentOutage
    from mailfailover.tracking._silent_outages import Count, Reading


@published_in("mailfailover.tracking")
class Origin(NamedTuple):
    """
    The kind of an event's mail: its stream, and the domain of its From, "" for none.
    """

    stream: str
    from_domain: str


@published_in("mailfailover.tracking")
class Tracking(Stored):
    """
    Remembers each mail's provider and delivery.

    It is an observer of a :class:`~mailfailover.Mailer` and a handler of delivery events. Each
    is one transaction in the thread that calls it. Safe to share between threads, and to use
    after a fork; several processes and machines may share its database.

    Args:
        database:
            A URL of SQLAlchemy, or an ``Engine``, which is used as it is. Without one it is
            that of the variable MAILFAILOVER_DATABASE, else ``sqlite:///mailfailover.db``.

        keep_content: Whether to keep each mail's subject, text and html too.

        retention: How long :meth:`purge` lets stand what was kept.

        clock: Seconds since 1970.

    Raises:
        ConfigurationError: If the database cannot be opened.

    .. versionadded:: 0.1.0
    """

    part = PART

    def __init__(
        self,
        database: str | Engine | None = None,
        *,
        keep_content: bool = False,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, clock)
        self.keep_content = keep_content
        self.retention: Retention = retention or Retention()

    def __call__(self, event: object) -> None:
        """
        Record how a send ended, or what a vendor told; anything else is no matter of tracking.

        Raises:
            SQLAlchemyError: If it could not be recorded.
        """
        if isinstance(event, DeliveryEvent):
            self._record_event(event)
        elif isinstance(event, (MailSent, MailFailed)):
            self._record_send(event)

    def status(self, mail_id: str) -> MailStatus | None:
        """
        Return how a mail stands, None where nothing is known of it.
        """
        return self.statuses([mail_id]).get(mail_id)

    def statuses(self, mail_ids: Iterable[str]) -> dict[str, MailStatus]:
        """
        Return how each of these mails stands, without those of which nothing is known.

        .. versionadded:: 0.1.0
        """
        with reading(self.engine) as connection:
            return read_statuses(connection, mail_ids)

    def events(
        self,
        *,
        mail_id: str | None = None,
        recipient: str | None = None,
        provider: str | None = None,
        type: EventType | str | None = None,
        limit: int = 100,
    ) -> tuple[DeliveryEvent, ...]:
        """
        Return the last events that came, in the order in which they came.

        Args:
            mail_id: Only those with this id of ours; :meth:`status` has those without it too.

            recipient, provider, type: Only those of this one.

            limit: At most so many.
        """
        query = select(events).order_by(events.c.number.desc()).limit(limit)
        wanted = {
            "mail_id": mail_id,
            "recipient": recipient and recipient.lower(),
            "provider": provider,
            "type": type and str(EventType(type)),
        }
        for name, value in wanted.items():
            if value is not None:
                query = query.where(events.c[name] == value)
        with reading(self.engine) as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(event_of(dict(row)) for row in reversed(rows))

    def origin(self, event: DeliveryEvent) -> Origin | None:
        """
        Tell what kind of mail an event is of, None where its mail is not known.
        """
        row = {
            name: getattr(event, name) for name in ("mail_id", "provider_message_id", "provider")
        }
        with reading(self.engine) as connection:
            mail = find_mail(connection, row)
        return mail and Origin(mail.stream, mail.sender.rpartition("@")[2])

    def delivered(self, event: DeliveryEvent) -> datetime | None:
        """
        Tell when the recipient of an event last got another mail, None where none is known.
        """
        query = select(func.max(events.c.timestamp)).where(
            events.c.recipient == fit(event.recipient.lower(), ADDRESS_LENGTH),
            events.c.type == str(EventType.DELIVERED),
        )
        for name in ("mail_id", "provider_message_id"):
            if own := getattr(event, name):
                query = query.where(events.c[name] != fit(own, ID_LENGTH))
        with reading(self.engine) as connection:
            found: datetime | None = connection.scalar(query)
        return found

    def accepted(self, event: DeliveryEvent) -> float | None:
        """
        Tell when the mail of an event was accepted, in seconds since 1970.

        Returns:
            None where its mail is not known, went through another provider, or was to be sent
            later.
        """
        row = {
            name: getattr(event, name) for name in ("mail_id", "provider_message_id", "provider")
        }
        with reading(self.engine) as connection:
            mail = find_mail(connection, row)
        if mail is None or not mail.is_counted or mail.provider != event.provider:
            return None
        recorded: datetime = mail.recorded
        return recorded.timestamp()

    def counts(self) -> list[Count]:
        """
        Return the counts of accepted and delivered mails of the last week.
        """
        with reading(self.engine) as connection:
            return read_counts(connection, self.clock() - PAST)

    def readings(self) -> tuple[Reading, ...]:
        """
        Return how the deliveries of each provider stand beside its own past.
        """
        return judge(self.counts(), self.clock())

    def silent_outages(self) -> dict[str, SilentOutage | None]:
        """
        Return the outage of each provider, None where it delivers as usual.

        A provider of which too little is known to say is left out.
        """
        return outages(self.readings())

    def purge(self) -> Purged:
        """
        Forget what is older than its *retention* allows; to be called now and then.
        """
        return purge(self.engine, self.retention, self.now())

    def _record_send(self, event: MailSent | MailFailed) -> None:
        message, now = event.message, self.now()
        content = None
        if self.keep_content:
            content = {name: getattr(message, name) for name in ("subject", "text", "html")}
        with writing(self.engine) as connection:
            expected = record_send(connection, event, now, content)
            if isinstance(event, MailSent):
                count_accepted(connection, message.id, event.receipt.provider, expected, now)

    def _record_event(self, event: DeliveryEvent) -> None:
        row = event_row(event, self.now())
        with writing(self.engine) as connection:
            if insert_new(connection, events, row):
                count_event(connection, row)
