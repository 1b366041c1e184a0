"""
Turns: the order in which mails are sent, so that no sender's backlog delays the mails of others.

Mails that a person waits for go before all others: each kind has a lane of its own. Within a
lane the flows take turns; a flow is the mails of one stream and sender. The mail with the lowest
turn is sent first. A flow's mails get turns that follow one another; a flow with none waiting
starts where its lane is now, beside everybody's next mail. This is fair queueing with the number
of the round as its clock. Nothing is locked for it: two mails that are added at the same moment
may get the same turn, which is harmless.

A mail that is tried again is in a second flow of its sender: it neither stands behind all that
its sender added since, nor before the mails of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, select

from mailfailover.outbox._tables import STREAM_LENGTH, Lane, mails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from mailfailover._message.message import Message

URGENT = "transactional"
"""The stream of mails that somebody waits for."""

AGAIN = "again\n"
"""The prefix of the flows of mails that are tried again."""

READY = mails.c.turn >= 0
"""A condition that an index answers, as ``IS NOT NULL`` would not everywhere."""


class Place(NamedTuple):
    """
    Where a mail queues up.
    """

    lane: int
    flow: str

    def again(self) -> Place:
        """
        Where it queues up when it is tried again.
        """
        flow = self.flow
        return self if flow.startswith(AGAIN) else self._replace(flow=AGAIN + flow)


def place_of(message: Message, sender: str) -> Place:
    """
    Where a new mail queues up.
    """
    return Place(int(lane_of(message)), f"{message.stream[:STREAM_LENGTH]}\n{sender}")


def lane_of(message: Message) -> Lane:
    """
    The lane of a mail that killed no worker.
    """
    return Lane.SOON if message.stream == URGENT else Lane.BULK


class Turns:
    """
    Gives turns to several mails at once, which are to be written before others ask.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next: dict[Place, int] = {}

    def take(self, place: Place) -> int:
        """
        The turn of one more mail, behind those of its flow that wait.
        """
        turn = self._next.get(place)
        if turn is None:
            turn = self._connection.scalar(_NEXT, parameters(place)) or 0
        self._next[place] = turn + 1
        return turn


def parameters(place: Place) -> dict[str, Any]:
    """
    The parameters of :data:`NEXT_TURN`.
    """
    return {"of_lane": place.lane, "of_flow": place.flow}


def waiting(connection: Connection, limit: int) -> tuple[str, ...]:
    """
    The ids of mails that wait for nothing but a worker, in their order.
    """
    order = mails.c.lane, mails.c.turn, mails.c.number
    found: list[str] = []
    for lane in Lane:  # each is a walk along an index, which the three together would not be
        query = select(mails.c.id).where(mails.c.lane == lane, READY).order_by(*order)
        found.extend(connection.scalars(query.limit(limit - len(found))))
    return tuple(found)


def ready_in(lanes: Iterable[Lane]) -> Any:
    """
    A condition that selects the mails of these lanes that only wait for a worker.
    """
    return mails.c.lane.in_([int(one) for one in lanes]) & READY


_HEAD = (
    select(mails.c.turn)
    .where(mails.c.lane == bindparam("of_lane"), READY)
    .order_by(mails.c.turn)
    .limit(1)
)
_OWN = (
    select(mails.c.turn + 1)
    .where(mails.c.flow == bindparam("of_flow"), mails.c.lane == bindparam("of_lane"), READY)
    .order_by(mails.c.turn.desc())
    .limit(1)
)

NEXT_TURN = func.coalesce(_OWN.scalar_subquery(), _HEAD.scalar_subquery(), 0)
"""The turn of one more mail of a flow, for a statement that needs it."""

_NEXT = select(NEXT_TURN)
