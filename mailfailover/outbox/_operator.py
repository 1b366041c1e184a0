"""
The operator's hand: what can be done with single mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from mailfailover._values.receipt import REJECTED
from mailfailover.outbox._intake import LIFETIME
from mailfailover.outbox._lease import is_in
from mailfailover.outbox._settlement import conclude, settled_among
from mailfailover.outbox._tables import (
    FINISHED,
    State,
    attempts,
    bodies,
    mails,
    recipients,
    watches,
)
from mailfailover.outbox._turns import Place, Turns
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

CANCELLED = "cancelled"
_CANCELLABLE = (State.PENDING, State.LEASED, State.UNKNOWN)
REPEATABLE = (State.PENDING, State.UNKNOWN, State.DEAD)
_BATCH = 500

_COLUMNS = (mails.c.number, mails.c.id, mails.c.lane, mails.c.flow, mails.c.expires)
_NAMED = (
    select(*_COLUMNS)
    .where(mails.c.id == bindparam("of_id"), mails.c.state.in_(REPEATABLE))
    .with_for_update()
)
_AGAIN = (
    update(mails)
    .where(mails.c.number == bindparam("of_number"), is_in(*REPEATABLE))
    .values(
        state=State.PENDING,
        reason="",
        due=None,
        finished=None,
        blocked=None,
        owner="",
        tries=0,
        lost=0,
    )
)


def cancel(connection: Connection, mail_id: str, now: datetime, forget: datetime) -> bool:
    """
    Give a mail up, unless a provider is being called for it or it is finished.

    A worker that took the mail and called no provider yet finds that its lease is gone.
    """
    statement = (
        update(mails)
        .where(mails.c.id == mail_id, mails.c.state.in_(_CANCELLABLE))
        .values(
            state=State.DEAD, reason=CANCELLED, turn=None, blocked=None, due=forget, finished=now
        )
    )
    return bool(connection.execute(statement).rowcount)


def retry(connection: Connection, mail_id: str, now: datetime, keep: timedelta) -> bool:
    """
    Let a mail be sent at once, whatever its state, with a full number of tries.

    Refused recipients are tried again, and recipients who have the mail are left out. A mail that
    all its recipients have is not sent again.
    """
    rows = connection.execute(_NAMED, {"of_id": mail_id}).all()
    return bool(_retry(connection, rows, now, keep))


def retry_some(
    connection: Connection, state: State, after: int, now: datetime, keep: timedelta
) -> tuple[int, list[str]]:
    """
    Do the same with some hundred mails in *state* whose number is above *after*.

    Of those that are pending, only those that were tried before: others are planned so.

    Returns:
        The last number, 0 where there are no more, and the ids of those that are to be sent.
    """
    query = (
        select(*_COLUMNS)
        .where(mails.c.state == state, mails.c.number > after)
        .order_by(mails.c.number)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    if state == State.PENDING:
        query = query.where(mails.c.tries > 0, mails.c.turn.is_(None))
    rows = connection.execute(query).all()
    return (rows[-1].number, _retry(connection, rows, now, keep)) if rows else (0, [])


def _retry(
    connection: Connection, rows: Sequence[Any], now: datetime, keep: timedelta
) -> list[str]:
    ends = settled_among(connection, [row.number for row in rows])
    served = {number for number, state in ends.items() if state is State.SENT}
    conclude(connection, served, now, keep)
    rows = [row for row in rows if row.number not in served]
    if not rows:
        return []
    turns = Turns(connection)
    values = []
    for row in rows:
        place = Place(row.lane, row.flow).again()
        expires = row.expires if row.expires is not None and row.expires > now else now + LIFETIME
        values.append(
            {
                "of_number": row.number,
                "flow": place.flow,
                "turn": turns.take(place),
                "expires": expires,
            }
        )
    connection.execute(_AGAIN, values)
    numbers = [row.number for row in rows]
    refused = recipients.c.status.in_([str(one) for one in REJECTED])
    statement = update(recipients).where(recipients.c.mail.in_(numbers), refused)
    connection.execute(statement.values(status=PENDING))
    return [row.id for row in rows]


def purge_finished(connection: Connection, before: datetime) -> int:
    """
    Forget up to some hundred mails that were finished *before*; return how many.
    """
    query = (
        select(mails.c.number)
        .where(mails.c.state.in_(FINISHED), mails.c.finished < before)
        .limit(_BATCH)
    )
    numbers = list(connection.scalars(query))
    forget(connection, numbers)
    return len(numbers)


def forget(connection: Connection, numbers: Iterable[int]) -> None:
    """
    Delete all that is stored of these mails.
    """
    numbers = list(numbers)
    for table in (bodies, recipients, attempts, watches):
        connection.execute(delete(table).where(table.c.mail.in_(numbers)))
    connection.execute(delete(mails).where(mails.c.number.in_(numbers)))
