"""
Watches: mails that were accepted, and go once more if they are not delivered in time.

A watch is written in the transaction that says *sent*. It ends when an event settles its mail, when
the mail went once more, or when its time is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from mailfailover.outbox._tables import State, mails, watches

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.outbox._group_commit import Rows, Statement
    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._verdict import Ending

LOOK_SECONDS = 60.0
"""After so long a mail that is late is looked at again, while its provider delivers badly."""

LONGEST = timedelta(days=1)
"""The longest time for which a delivery is watched."""

LIMIT = 50


class Watch(NamedTuple):
    """
    The right to look at one mail that should be delivered by now.
    """

    mail: int
    id: str
    token: int
    """Nothing is done about the mail where another look had the next one."""

    provider: str
    seconds: float
    until: datetime
    duplicate: bool
    """Whether more than one attempt may have sent it before."""


class NewWatch(NamedTuple):
    """
    A watch that is to be written, and until when its mail must keep its message.
    """

    rows: Mapping[Statement, Rows]
    until: datetime


def watch_for(
    lease: Lease, message: Message, ending: Ending, mailer: Mailer, now: datetime
) -> NewWatch | None:
    """
    Return the watch of a mail that was sent, None if it has no time limit for its delivery.
    """
    seconds = message.deliver_within
    if seconds is None:
        seconds = mailer.deliver_within.get(message.stream)
    if seconds is None or message.is_merge or not ending.provider:
        return None
    due = now + timedelta(seconds=seconds)
    until = due + LONGEST if lease.expires is None else min(due + LONGEST, lease.expires)
    if until <= due:
        return None
    row = {
        "mail": lease.number,
        "provider": ending.provider,
        "seconds": seconds,
        "due": due,
        "until": until,
        "looked": False,
        "token": 0,
    }
    return NewWatch({_NEW: [row]}, until)


def take(
    connection: Connection, now: datetime, again: datetime, ill: Collection[str]
) -> list[Watch]:
    """
    Take some watches whose time has come; those of the same mails are next due at *again*.

    Args:
        connection: A transaction that writes.

        now: The time.

        again: When others may look at the same mails.

        ill: The links that deliver badly: the mails of others are looked at once.
    """
    rows = list(connection.execute(_NEW_ONES, {"of_now": now}))
    if ill and len(rows) < LIMIT:
        rows += connection.execute(_LATE_ONES, {"of_now": now, "of_links": sorted(ill)})
    if rows:
        given = [{"of_mail": row.mail, "of_token": row.token, "again": again} for row in rows]
        connection.execute(_TAKE, given)
    return [
        Watch(
            row.mail,
            row.id,
            row.token + 1,
            row.provider,
            row.seconds,
            row.until,
            row.possible_duplicate,
        )
        for row in rows
    ]


def end(connection: Connection, watch: Watch, keep_content: timedelta) -> None:
    """
    End a watch: its mail needs its message no longer than others do.
    """
    if connection.execute(OWN, own(watch)).rowcount:
        finished = connection.scalar(select(mails.c.finished).where(mails.c.number == watch.mail))
        if finished is not None:
            connection.execute(_FREE, {"of_mail": watch.mail, "due": finished + keep_content})


def end_old(connection: Connection, now: datetime) -> None:
    """
    Drop the watches whose time is over: the sweep forgets the messages of their mails.
    """
    connection.execute(delete(watches).where(watches.c.until <= now))


_NEW = insert(watches)
_FIND = (
    select(
        watches.c.mail,
        watches.c.token,
        watches.c.provider,
        watches.c.seconds,
        watches.c.until,
        mails.c.id,
        mails.c.possible_duplicate,
    )
    .join(mails, mails.c.number == watches.c.mail)
    .where(watches.c.due <= bindparam("of_now"))
    .order_by(watches.c.due)
    .limit(LIMIT)
    .with_for_update(skip_locked=True)
)
_NEW_ONES = _FIND.where(watches.c.looked.is_(False))
_LATE_ONES = _FIND.where(
    watches.c.looked.is_(True), watches.c.provider.in_(bindparam("of_links", expanding=True))
)
_TAKE = (
    update(watches)
    .where(watches.c.mail == bindparam("of_mail"), watches.c.token == bindparam("of_token"))
    .values(looked=True, due=bindparam("again"), token=watches.c.token + 1)
)
OWN = delete(watches).where(
    watches.c.mail == bindparam("of_mail"), watches.c.token == bindparam("of_token")
)
"""Ends a watch, unless its mail was looked at in the meantime."""

_FREE = update(mails).where(mails.c.number == bindparam("of_mail"), mails.c.state == State.SENT)


def own(watch: Watch) -> dict[str, Any]:
    """
    The parameters of :data:`OWN`.
    """
    return {"of_mail": watch.mail, "of_token": watch.token}
