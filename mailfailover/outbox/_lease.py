"""
Leases: a mail belongs to one worker for a while, which alone may say what became of it.

Every lease of a mail has a number, its token. What a worker writes is written only where the
token is still its own, so one that was stopped and comes back too late overwrites nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, update

from mailfailover.outbox._tables import State, mails
from mailfailover.outbox._turns import READY, front

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

HELD = (State.LEASED, State.SENDING)


class Lease(NamedTuple):
    """
    The right to send one mail.
    """

    number: int
    id: str
    token: int
    tries: int
    """How often it was taken, this time included."""

    duplicate: bool
    """Whether more than one attempt may have sent it already."""


class LeaseLost(Exception):
    """
    The mail belongs to another worker by now, or was cancelled.
    """


def claim(
    connection: Connection, owner: str, until: datetime, *, limit: int = 1, mail_id: str = ""
) -> list[Lease]:
    """
    Take the mails whose turn it is, or the one named if its time has come.

    A try counts from here on: a mail that kills whoever takes it comes to its end too.
    """
    columns = mails.c
    query = (
        select(columns.number, columns.id, columns.token, columns.tries, columns.possible_duplicate)
        .where(READY)
        .order_by(columns.turn, columns.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if mail_id:
        query = query.where(columns.id == mail_id)
    leases = [
        Lease(row.number, row.id, row.token + 1, row.tries + 1, row.possible_duplicate)
        for row in connection.execute(query)
    ]
    if leases:
        statement = update(mails).where(columns.number.in_([one.number for one in leases]))
        connection.execute(
            statement.values(
                state=State.LEASED,
                owner=owner,
                due=until,
                turn=None,
                token=columns.token + 1,
                tries=columns.tries + 1,
            )
        )
    return leases


def renew(connection: Connection, owner: str, numbers: Iterable[int], until: datetime) -> int:
    """
    Prolong what *owner* holds of these mails; return how many that are.
    """
    statement = update(mails).where(
        mails.c.number.in_(list(numbers)), mails.c.owner == owner, mails.c.state.in_(HELD)
    )
    return connection.execute(statement.values(due=until)).rowcount


def give_back(connection: Connection, leases: Iterable[Lease]) -> None:
    """
    Let others have mails for which nobody was called; the tries do not count.
    """
    for lease in leases:
        change(
            connection,
            lease,
            (State.LEASED,),
            state=State.PENDING,
            due=None,
            turn=front(connection),
            tries=lease.tries - 1,
        )


def change(connection: Connection, lease: Lease, states: Iterable[State], **values: Any) -> bool:
    """
    Set *values*, if the mail is in one of *states* and nobody took it since.
    """
    statement = update(mails).where(
        mails.c.number == lease.number,
        mails.c.token == lease.token,
        mails.c.state.in_(list(states)),
    )
    return bool(connection.execute(statement.values(values)).rowcount)
