"""
Leases: for a while a mail belongs to one worker, and only that worker may record its outcome.

Every lease of a mail has a number, its token. A worker's write takes effect only while the token
is current, so a worker that was stopped and continues too late overwrites nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, func, or_, select, update

from mailfailover.outbox._tables import Lane, State, bodies, mails
from mailfailover.outbox._turns import READY, ready_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select, Update

HELD = (State.LEASED, State.SENDING)
SMALL = 64 * 1024
"""
Bytes of a message that are read at its claim; the content of a longer one is read at its send.
"""


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

    lane: Lane
    expires: datetime | None
    order: int
    """Leases of one claim are to be used in this order."""

    body: bytes | None = field(default=None, repr=False)
    """The message, if it is small and no worker took it before."""


def claim(
    connection: Connection, owner: str, until: datetime, limits: Mapping[Lane, int]
) -> list[Lease]:
    """
    Take mails whose turn it is, up to a number for each lane.

    The try counts from here on, so that a mail that kills its workers comes to an end too.
    """
    rows = []
    for lane, limit in limits.items():
        if limit > 0:
            given = {"of_lane": int(lane), "most": limit, "owner": owner, "due": until}
            rows += _take(connection, _OF_LANE, given)
    return _leases(connection, rows)


def claim_one(
    connection: Connection, owner: str, until: datetime, mail_id: str, *, is_free: bool
) -> list[Lease]:
    """
    Take the mail with this id if it only waits for a worker.

    A mail that must be sent alone is taken only by a worker that *is_free*.
    """
    given = {"of_id": mail_id, "owner": owner, "due": until}
    query = _NAMED if is_free else _NAMED_WITH_OTHERS
    return _leases(connection, _take(connection, query, given))


def has_ready(connection: Connection, lane: Lane) -> bool:
    """
    Whether a mail of *lane* waits for nothing but a worker.
    """
    given = {"of_lane": int(lane), "most": 1}
    return connection.scalar(_LOOK, given) is not None


def renew(connection: Connection, owner: str, numbers: Collection[int], until: datetime) -> int:
    """
    Prolong the leases that *owner* holds on these mails; return their number.
    """
    row = {"numbers": list(numbers), "of_owner": owner, "due": until}
    return connection.execute(_RENEW, row).rowcount


def give_back(connection: Connection, leases: Iterable[Lease]) -> None:
    """
    Give back mails for which no provider was called; the tries do not count.
    """
    rows = [fence(one) | {"tries": one.tries - 1} for one in leases]
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


def _take(connection: Connection, query: Select[Any], given: Mapping[str, Any]) -> list[Any]:
    """
    Lease what *query* finds: by one statement, so that no two workers can find the same.
    """
    statement = _TAKES.get((connection.dialect.name, query))
    if statement is not None:
        return list(connection.execute(statement, given))
    numbers = list(connection.scalars(query, given))
    if not numbers:
        return []
    connection.execute(_TAKE_THESE, {"numbers": numbers, **given})
    return list(connection.execute(_TAKEN, {"numbers": numbers}))


def _leases(connection: Connection, rows: Iterable[Any]) -> list[Lease]:
    rows = sorted(rows, key=lambda row: (row.lane, -row.turn, row.number))
    new = [row.number for row in rows if row.token == 1]
    found = connection.execute(_SMALL_BODIES, {"numbers": new}).all() if new else ()
    content = {row.mail: row.content for row in found}
    return [
        Lease(
            row.number,
            row.id,
            row.token,
            row.tries,
            row.possible_duplicate,
            Lane(row.lane),
            row.expires,
            order,
            content.get(row.number),
        )
        for order, row in enumerate(rows)
    ]


# All statements are written once: to build one costs more than to execute it.
OWN = update(mails).where(
    mails.c.number == bindparam("of_number"), mails.c.token == bindparam("of_token")
)
"""Changes a mail if nobody took it since the lease whose :func:`fence` is given."""

_COLUMNS = (
    mails.c.number,
    mails.c.id,
    mails.c.token,
    mails.c.tries,
    mails.c.possible_duplicate,
    mails.c.lane,
    mails.c.turn,
    mails.c.expires,
)
_THESE = mails.c.number.in_(bindparam("numbers", expanding=True))
_TAKE = update(mails).values(
    state=State.LEASED,
    turn=-1 - mails.c.turn,
    token=mails.c.token + 1,
    tries=mails.c.tries + 1,
    owner=bindparam("owner"),
    due=bindparam("due"),
)
_TAKE_THESE = _TAKE.where(_THESE)
_TAKEN = select(*_COLUMNS).where(_THESE)
_LOOK = (
    select(mails.c.number)
    .where(mails.c.lane == bindparam("of_lane"), READY)
    .order_by(mails.c.turn, mails.c.number)
    .limit(bindparam("most", type_=Integer))
)
_OF_LANE = _LOOK.with_for_update(skip_locked=True)
_NAMED = (
    select(mails.c.number)
    .with_for_update(skip_locked=True)
    .where(mails.c.id == bindparam("of_id"), ready_in(Lane))
)
_NAMED_WITH_OTHERS = _NAMED.where(mails.c.lane != int(Lane.ALONE))


def _in_one_step(query: Select[Any], *, is_locked: bool) -> Update:
    # PostgreSQL may run a subquery more than once, and lock other rows each time; not so a CTE.
    found = select(query.cte("next").c.number) if is_locked else query
    return _TAKE.where(mails.c.number.in_(found)).returning(*_COLUMNS)


_TAKES = {
    (dialect, query): _in_one_step(query, is_locked=dialect == "postgresql")
    for dialect in ("postgresql", "sqlite")
    for query in (_OF_LANE, _NAMED, _NAMED_WITH_OTHERS)
}
_SMALL_BODIES = select(bodies.c.mail, bodies.c.content).where(
    bodies.c.mail.in_(bindparam("numbers", expanding=True)), func.length(bodies.c.content) <= SMALL
)
_RENEW = update(mails).where(_THESE, mails.c.owner == bindparam("of_owner"), is_in(*HELD))
_GIVE_BACK = OWN.where(is_in(State.LEASED)).values(
    state=State.PENDING, turn=-1 - mails.c.turn, due=None, owner=""
)
