"""
The settlement of a mail in doubt by what a vendor's event says of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from mailfailover._values.events import EventType
from mailfailover._values.receipt import RecipientStatus
from mailfailover.outbox._job import OPEN
from mailfailover.outbox._record import UNKNOWN
from mailfailover.outbox._tables import State, bodies, mails, recipients
from mailfailover.outbox._verdict import REACHED

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from mailfailover._values.events import DeliveryEvent

_NOT_SENT = frozenset({EventType.REJECTED, EventType.FAILED})
_SAYS_NOTHING = frozenset({EventType.UNKNOWN, EventType.SUBSCRIBED})


def settle(connection: Connection, event: DeliveryEvent, now: datetime, keep: timedelta) -> bool:
    """
    Take *event* as the answer that was missing; return whether it was.

    A vendor that tells of one recipient took the mail for all of them, unless each was to get
    one of his own.
    """
    if event.type in _SAYS_NOTHING or not event.mail_id:
        return False
    query = (
        select(mails.c.number, mails.c.state, mails.c.merge)
        .where(mails.c.id == event.mail_id, mails.c.state != State.SENT)
        .with_for_update()
    )
    mail = connection.execute(query).one_or_none()
    if mail is None:
        return False
    refused = event.type in _NOT_SENT
    own = RecipientStatus.REFUSED if refused else RecipientStatus.ACCEPTED
    found = _mark(connection, mail.number, own, event, everybody=False)
    if not mail.merge:
        found += _mark(connection, mail.number, RecipientStatus.ACCEPTED, event, everybody=True)
    if not found:
        return False
    # A worker that is in the middle of it will write down the end itself.
    values = conclusion(connection, mail.number, now, keep) if mail.state != State.SENDING else None
    if values is not None:
        took = {"provider": event.provider, "provider_message_id": event.provider_message_id}
        statement = update(mails).where(mails.c.number == mail.number)
        connection.execute(statement.values(values | took))
    return True


def conclusion(
    connection: Connection, number: int, now: datetime, keep: timedelta
) -> dict[str, Any] | None:
    """
    The end of a mail whose recipients are all settled; None where one is not.
    """
    query = select(recipients.c.status).where(recipients.c.mail == number).distinct()
    statuses = set(connection.scalars(query))
    if statuses & OPEN:
        return None
    is_sent = bool(statuses & REACHED)
    if is_sent:
        connection.execute(delete(bodies).where(bodies.c.mail == number))
    return {
        "state": State.SENT if is_sent else State.DEAD,
        "reason": "" if is_sent else "the provider took it, and then told that it is not sent",
        "owner": "",
        "turn": None,
        "due": now + keep,
        "finished": now,
    }


def _mark(
    connection: Connection,
    number: int,
    status: RecipientStatus,
    event: DeliveryEvent,
    *,
    everybody: bool,
) -> int:
    statement = update(recipients).where(
        recipients.c.mail == number, recipients.c.status == UNKNOWN
    )
    values = {"status": str(status)}
    if not everybody:
        statement = statement.where(func.lower(recipients.c.email) == event.recipient.lower())
        values["provider_message_id"] = event.provider_message_id
    return connection.execute(statement.values(values)).rowcount
