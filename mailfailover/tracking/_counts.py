"""
The counts that tell silent outages: mails accepted and delivered, slice by slice.
"""

from __future__ import annotations

from os import getpid
from threading import get_ident
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from mailfailover._sql.rows import add_to, fit
from mailfailover._values.events import EventType
from mailfailover.tracking._silent_outages import ACCEPTED, HEARD, SLICE, Count, delay_class
from mailfailover.tracking._tables import ID_LENGTH, counts, events, mails, recipients
from mailfailover.unsubscribe import PROVIDER as LINK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Row

_SHARDS = 8


def count_accepted(
    connection: Connection, mail_id: str, provider: str, number: int, now: datetime
) -> None:
    """
    Count *number* recipients as accepted now, with the deliveries that were told before.
    """
    if not number:
        return
    _add(connection, now, provider, ACCEPTED, number)
    if delivered := connection.scalar(_EARLY, {"of_mail": mail_id, "of_provider": provider}):
        _add(connection, now, provider, delay_class(0), delivered)


def count_event(connection: Connection, row: Mapping[str, Any]) -> None:
    """
    Count that something was heard, and a delivery for the mail that it is of.
    """
    provider = row["provider"]
    if provider == LINK:  # it shows nothing of the vendors' webhooks
        return
    _add(connection, row["received"], provider, HEARD, 1)
    if row["type"] != EventType.DELIVERED:
        return
    mail = find_mail(connection, row)
    if mail is None or not mail.is_counted or mail.provider != provider:
        return
    delay = delay_class((row["timestamp"] - mail.recorded).total_seconds())
    if delay:
        _add(connection, mail.recorded, provider, delay, 1)


def find_mail(connection: Connection, row: Mapping[str, Any]) -> Row[Any] | None:
    """
    Return the mail that an event is of, by our id or by the vendor's.
    """
    if row["mail_id"]:
        query = select(mails).where(mails.c.mail_id == fit(row["mail_id"], 64))
    elif row["provider_message_id"]:
        query = (
            select(mails)
            .join(recipients, recipients.c.mail_id == mails.c.mail_id)
            .where(
                recipients.c.provider_message_id == fit(row["provider_message_id"], ID_LENGTH),
                recipients.c.provider == fit(row["provider"], 255),
            )
        )
    else:
        return None
    return connection.execute(query.limit(1)).one_or_none()


def read_counts(connection: Connection, since: float) -> list[Count]:
    """
    Return the counts of all slices from the time *since* on.
    """
    query = (
        select(counts.c.slice, counts.c.provider, counts.c.what, func.sum(counts.c.number))
        .where(counts.c.slice >= since // SLICE)
        .group_by(counts.c.slice, counts.c.provider, counts.c.what)
    )
    return [Count(slice_, key, what, int(n)) for slice_, key, what, n in connection.execute(query)]


def _add(connection: Connection, at: datetime, provider: str, what: str, number: int) -> None:
    # A writer locks its row until it commits, so each writer has a row of its own.
    shard = (getpid() + get_ident()) % _SHARDS
    key = {
        "slice": int(at.timestamp() // SLICE),
        "provider": provider,
        "what": what,
        "shard": shard,
    }
    add_to(connection, counts, key, number)


_EARLY = select(func.count()).where(
    events.c.mail_id == bindparam("of_mail"),
    events.c.provider == bindparam("of_provider"),
    events.c.type == str(EventType.DELIVERED),
)
