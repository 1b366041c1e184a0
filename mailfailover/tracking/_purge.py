"""
The purge: first bodies are forgotten, then addresses, and at last the mails themselves.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, or_, select, update

from mailfailover._sql.database import writing
from mailfailover._values.face import published_in
from mailfailover.tracking._silent_outages import PAST, SLICE
from mailfailover.tracking._tables import counts, events, mails, recipients

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row

_BATCH = 500  # mails or events of one transaction, so that others need not wait long


@published_in("mailfailover.tracking")
@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """
    The retention of each kind of data; None is for ever.

    Attributes:
        bodies: The content of mails, and the vendors' own data of events.

        addresses: The recipients, and every field that could reveal them.

        mails: Mails, their attempts and their events at all.

    .. versionadded:: 0.1.0
    """

    bodies: timedelta | None = timedelta(days=7)
    addresses: timedelta | None = timedelta(days=90)
    mails: timedelta | None = timedelta(days=365)


@published_in("mailfailover.tracking")
class Purged(NamedTuple):
    """
    How many mails and events lost their bodies, lost their addresses, or were deleted.

    .. versionadded:: 0.1.0
    """

    bodies: int
    addresses: int
    mails: int


def purge(engine: Engine, retention: Retention, now: datetime) -> Purged:
    """
    Forget what is older than *retention* allows, some hundred rows at a time.
    """
    ages = (
        (_purge_mails, retention.mails),
        (_purge_addresses, retention.addresses),
        (_purge_events, retention.addresses),
        (_purge_bodies, retention.bodies),
    )
    done = [0 if age is None else _repeat(engine, one, now - age) for one, age in ages]
    with writing(engine) as connection:
        oldest = (now.timestamp() - PAST) // SLICE
        connection.execute(delete(counts).where(counts.c.slice < oldest))
    gone, of_mails, of_events, bodies = done
    return Purged(bodies, of_mails + of_events, gone)


def _repeat(engine: Engine, step: Callable[[Connection, datetime], int], before: datetime) -> int:
    total = 0
    while True:
        with writing(engine) as connection:
            found = step(connection, before)
        total += found
        if not found:
            return total


def _purge_bodies(connection: Connection, before: datetime) -> int:
    found = 0
    for table, key, time, body in (
        (mails, mails.c.mail_id, mails.c.recorded, mails.c.content),
        (events, events.c.number, events.c.received, events.c.raw),
    ):
        query = select(key).where(time < before, body.is_not(None)).limit(_BATCH)
        keys = list(connection.scalars(query))
        if keys:
            connection.execute(update(table).where(key.in_(keys)).values({body: None}))
        found += len(keys)
    return found


def _purge_addresses(connection: Connection, before: datetime) -> int:
    """
    Put its place in the mail for each address of old mails, in their events too.
    """
    query = select(mails.c.mail_id)
    query = query.where(mails.c.recorded < before, mails.c.is_purged.is_(False)).limit(_BATCH)
    ids = list(connection.scalars(query))
    if not ids:
        return 0
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(select(recipients).where(recipients.c.mail_id.in_(ids))):
        places[row.mail_id][row.address.lower()] = f"#{row.position}"
        own = recipients.c.mail_id == row.mail_id, recipients.c.position == row.position
        connection.execute(update(recipients).where(*own).values(address=f"#{row.position}"))
    gone = {"is_purged": True, "content": None}
    connection.execute(update(mails).where(mails.c.mail_id.in_(ids)).values(**gone))
    told = select(events).where(events.c.mail_id.in_(ids), events.c.key.is_not(None))
    for row in connection.execute(told).all():
        _purge_event(connection, row, places[row.mail_id].get(row.recipient.lower(), ""))
    return len(ids)


def _purge_events(connection: Connection, before: datetime) -> int:
    """
    Do the same to old events whose mail is not known by our id, or was purged before.
    """
    told = select(events).where(events.c.key.is_not(None), events.c.received < before)
    rows = connection.execute(told.limit(_BATCH)).all()
    for row in rows:
        _purge_event(connection, row, "")
    return len(rows)


def _purge_event(connection: Connection, row: Row[Any], place: str) -> None:
    details = {name: one for name, one in row.details.items() if name == "reject_reason"}
    values = {"recipient": place, "details": details, "raw": None, "key": None}
    connection.execute(update(events).where(events.c.number == row.number).values(**values))


def _purge_mails(connection: Connection, before: datetime) -> int:
    ids = list(
        connection.scalars(select(mails.c.mail_id).where(mails.c.recorded < before).limit(_BATCH))
    )
    old = or_(events.c.mail_id.in_(ids), events.c.received < before)
    numbers = list(connection.scalars(select(events.c.number).where(old).limit(_BATCH)))
    connection.execute(delete(events).where(events.c.number.in_(numbers)))
    if len(numbers) < _BATCH:  # those of these mails are all gone
        for table in (recipients, mails):
            connection.execute(delete(table).where(table.c.mail_id.in_(ids)))
        return len(ids) + len(numbers)
    return len(numbers)
