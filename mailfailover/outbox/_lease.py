"""
Leases: a mail belongs to one worker for a while, which alone may say what became of it.

Every lease of a mail has a number, its token. What a worker writes is written only where the
token is still its own, so one that was stopped and comes back too late overwrites nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, func, or_, select, update

from mailfailover.outbox._tables import State, bodies, mails
from mailfailover.outbox._turns import READY, front

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

HELD = (State.LEASED, State.SENDING)
SMALL = 64 * 1024
"""So many bytes of a message are read when it is claimed; more wait until it is sent."""


@dataclass(frozen=True, slots=True)
class Lease:
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

    body: bytes | None = field(default=None, repr=False)
    """The message, if it is small and nobody ever had it before: then nothing else is known."""


def claim(
    connection: Connection, owner: str, until: datetime, *, limit: int = 1, mail_id: str = ""
) -> list[Lease]:
    """
    Take the mails whose turn it is, or the one named if its time has come.

    A try counts from here on: a mail that kills whoever takes it comes to its end too.
    """
    query, wanted = (_NAMED, {"of_id": mail_id}) if mail_id else (_NEXT, {})
    leases = [
        Lease(row.number, row.id, row.token + 1, row.tries + 1, row.possible_duplicate, row.body)
        for row in connection.execute(query, {"most": limit, **wanted})
    ]
    if leases:
        numbers = [one.number for one in leases]
        connection.execute(_TAKE, {"numbers": numbers, "owner": owner, "due": until})
    return leases


def renew(connection: Connection, owner: str, numbers: Collection[int], until: datetime) -> int:
    """
    Prolong what *owner* holds of these mails; return how many that are.
    """
    row = {"numbers": list(numbers), "of_owner": owner, "due": until}
    return connection.execute(_RENEW, row).rowcount


def give_back(connection: Connection, leases: Iterable[Lease]) -> None:
    """
    Let others have mails for which nobody was called; the tries do not count.
    """
    turn = front(connection)
    rows = [fence(one) | {"turn": turn, "tries": one.tries - 1} for one in leases]
    connection.execute(_GIVE_BACK, rows)


def fence(lease: Lease) -> dict[str, Any]:
    """
    The parameters of :data:`OWN` that let *lease* change its mail.
    """
    return {"of_number": lease.number, "of_token": lease.token}


def is_in(*states: State) -> ColumnElement[bool]:
    """
    A condition that can be repeated for many mails at once, as ``IN`` cannot.
    """
    return or_(*(mails.c.state == state for state in states))


# All statements are written once: to build one costs more than to execute it.
OWN = update(mails).where(
    mails.c.number == bindparam("of_number"), mails.c.token == bindparam("of_token")
)
"""Changes a mail if nobody took it since the lease whose :func:`fence` is given."""

_BODY = select(bodies.c.content).where(
    bodies.c.mail == mails.c.number, mails.c.token == 0, func.length(bodies.c.content) <= SMALL
)
_NEXT = (
    select(
        mails.c.number,
        mails.c.id,
        mails.c.token,
        mails.c.tries,
        mails.c.possible_duplicate,
        _BODY.scalar_subquery().label("body"),
    )
    .where(READY)
    .order_by(mails.c.turn, mails.c.number)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_NAMED = _NEXT.where(mails.c.id == bindparam("of_id"))
_THESE = mails.c.number.in_(bindparam("numbers", expanding=True))
_TAKE = (
    update(mails)
    .where(_THESE)
    .values(state=State.LEASED, turn=None, token=mails.c.token + 1, tries=mails.c.tries + 1)
)
_RENEW = update(mails).where(_THESE, mails.c.owner == bindparam("of_owner"), is_in(*HELD))
_GIVE_BACK = OWN.where(is_in(State.LEASED)).values(state=State.PENDING, due=None)
