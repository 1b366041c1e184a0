"""
The operator's hand: what can be done with single mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from mailfailover._values.receipt import REJECTED
from mailfailover.outbox._tables import State, attempts, bodies, mails, recipients
from mailfailover.outbox._turns import front
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

FINISHED = (State.SENT, State.DEAD)
CANCELLED = "cancelled"
_CANCELLABLE = (State.PENDING, State.LEASED, State.UNKNOWN)
_REPEATABLE = (State.PENDING, State.UNKNOWN, State.DEAD)
_BATCH = 500


def cancel(connection: Connection, mail_id: str, now: datetime, forget: datetime) -> bool:
    """
    Give a mail up, unless a provider is being called for it or it is finished.

    A worker that took it, but called nobody yet, finds that its lease is gone.
    """
    return _move(
        connection,
        mail_id,
        _CANCELLABLE,
        state=State.DEAD,
        reason=CANCELLED,
        turn=None,
        due=forget,
        finished=now,
    )


def retry(connection: Connection, mail_id: str) -> bool:
    """
    Let a mail be sent at once, whatever was decided about it, with all its tries before it.

    Recipients who were refused get another chance; those who have it are left alone.
    """
    moved = _move(
        connection,
        mail_id,
        _REPEATABLE,
        state=State.PENDING,
        reason="",
        turn=front(connection),
        due=None,
        finished=None,
        tries=0,
        lost=0,
    )
    if moved:
        number = select(mails.c.number).where(mails.c.id == mail_id).scalar_subquery()
        refused = recipients.c.status.in_([str(one) for one in REJECTED])
        statement = update(recipients).where(recipients.c.mail == number, refused)
        connection.execute(statement.values(status=PENDING))
    return moved


def _move(connection: Connection, mail_id: str, states: Iterable[State], **values: Any) -> bool:
    statement = update(mails).where(mails.c.id == mail_id, mails.c.state.in_(states))
    return bool(connection.execute(statement.values(values)).rowcount)


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


def forget(connection: Connection, numbers: list[int]) -> None:
    """
    Delete all that is stored of these mails.
    """
    for table in (bodies, recipients, attempts):
        connection.execute(delete(table).where(table.c.mail.in_(numbers)))
    connection.execute(delete(mails).where(mails.c.number.in_(numbers)))
