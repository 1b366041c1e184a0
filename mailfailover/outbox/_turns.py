"""
Whose turn it is: senders take turns, so that one with many mails holds up no other.

The mail with the lowest turn is sent first. A sender's mails get turns that follow one
another; a sender with none waiting starts where the queue is now, beside everybody's next
mail. This is fair queueing with the number of the round as its clock. Nothing is locked for
it: two that are added at the same moment may get the same turn, which harms nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from mailfailover.outbox._tables import mails

if TYPE_CHECKING:
    from sqlalchemy import Connection

READY = mails.c.turn >= 0
"""A condition that an index answers, as ``IS NOT NULL`` would not everywhere."""


def next_turn(connection: Connection, sender: str) -> int:
    """
    The turn of one more mail of *sender*, behind those that wait.
    """
    head, own = connection.execute(_HEAD_AND_OWN, {SENDER: sender}).one()
    return first_of(head) if own is None else own + 1


def front(connection: Connection) -> int:
    """
    The turn of a mail that waited long enough.
    """
    return first_of(connection.scalar(_HEAD))


def waiting(connection: Connection, limit: int) -> tuple[str, ...]:
    """
    The ids of mails that wait for nothing but a worker, in their order.
    """
    query = select(mails.c.id).where(READY).order_by(mails.c.turn, mails.c.number).limit(limit)
    return tuple(connection.scalars(query))


def first_of(head: int | None) -> int:
    """
    The turn at the head of the queue; where nobody waits, counting begins anew.
    """
    return 0 if head is None else head


_HEAD = select(mails.c.turn).where(READY).order_by(mails.c.turn).limit(1)
_OWN = (
    select(mails.c.turn)
    .where(READY, mails.c.sender == bindparam("of_sender"))
    .order_by(mails.c.turn.desc())
    .limit(1)
)
_HEAD_AND_OWN = select(_HEAD.scalar_subquery(), _OWN.scalar_subquery())

SENDER = "of_sender"
"""The parameter of :data:`NEXT_TURN` that names the sender."""

NEXT_TURN = func.coalesce(
    _OWN.with_only_columns(mails.c.turn + 1).scalar_subquery(), _HEAD.scalar_subquery(), 0
)
"""What :func:`next_turn` returns, for a statement that needs it."""
