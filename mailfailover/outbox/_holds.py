"""
Holds: mails that wait because no link reaches their receiver.

Mails to a receiver that no link reaches would only fill the vendors' queues. They wait here
instead, and count against no link. Probes find out when the receiver is up again; then the waiting
mails become due at a pace that a recovering receiver can take.
"""

from __future__ import annotations

from datetime import timedelta
from math import log2
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from mailfailover._health.ramp import HOUR, allowed
from mailfailover._sql.database import reading
from mailfailover.outbox._comebacks import FIRST
from mailfailover.outbox._tables import State, mails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine, Select

    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover.outbox._group_commit import Writes

LOOK_SECONDS = 15.0
"""How often it is looked whether receivers are up again."""

AGAIN_SECONDS = 1800.0
"""Time after which a held mail is looked at again, by any worker."""

MARK = "@"
"""The prefix that tells receivers from providers in the list of what blocks a mail."""


def held_by(blocked_by: str) -> tuple[str, ...]:
    """
    Return the receivers among those that a mail is blocked by.
    """
    return tuple(one[len(MARK) :] for one in blocked_by.split() if one.startswith(MARK))


def delays(count: int, usual: float) -> Iterator[float]:
    """
    Yield the seconds after which each of *count* mails is due when their receiver is up again.

    The first few are due at once, so that a short queue does not wait. The others follow by the
    ramp: in the first hour twice as many as in a *usual* one, and in each that follows twice as
    many again.
    """
    most = allowed(usual, 0)
    for number in range(count):
        after = max(0, number - FIRST)
        hour = int(log2(after / most + 1))
        begun = most * (2.0**hour - 1)
        yield HOUR * (hour + (after - begun) / (most * 2.0**hour))


class Holds:
    """
    Releases held mails when their receiver is up again, and sends probes before that.

    Args:
        deliveries: The state of receivers.

        engine: The database of the outbox.

        writes: What commits to it.

        now: The time.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        engine: Engine,
        writes: Writes,
        now: Callable[[], datetime],
    ) -> None:
        self._deliveries = deliveries
        self._engine = engine
        self._writes = writes
        self._now = now
        self._next: datetime | None = None

    def look(self) -> None:
        """
        See whether receivers are up again, once in :data:`LOOK_SECONDS`.
        """
        now = self._now()
        if self._next is None:
            self._deliveries.begin()
        elif now < self._next:
            return
        self._next = now + timedelta(seconds=LOOK_SECONDS)
        with reading(self._engine) as connection:
            found = {one for text in connection.scalars(_TEXTS) for one in held_by(text)}
        for receiver in sorted(found):
            if not self._deliveries.is_down(receiver):
                self._release(receiver, now)
            elif self._deliveries.is_probe_due(receiver):
                self._probe(receiver, now)

    def _release(self, receiver: str, now: datetime) -> None:
        """
        Let all mails for *receiver* be due: in one transaction, so that no two workers do it.
        """
        usual = self._deliveries.usual(receiver)
        with self._writes.alone() as connection:
            rows = connection.execute(_held_for(receiver).with_for_update()).all()
            if rows:
                connection.execute(_DUE, list(_due(rows, now, usual)))

    def _probe(self, receiver: str, now: datetime) -> None:
        query = _held_for(receiver).limit(1).with_for_update(skip_locked=True)
        with self._writes.alone() as connection:
            for row in connection.execute(query).all():
                connection.execute(_DUE, {"of_number": row.number, "due": now})


def _due(rows: Iterable[Any], now: datetime, usual: float) -> Iterator[dict[str, Any]]:
    rows = list(rows)
    for row, seconds in zip(rows, delays(len(rows), usual), strict=True):
        due = now + timedelta(seconds=seconds)
        yield {"of_number": row.number, "due": min(due, row.expires or due)}


def _held_for(receiver: str) -> Select[Any]:
    mark = f" {MARK}{receiver} "
    return (
        select(mails.c.number, mails.c.expires)
        .where(IS_HELD, mails.c.blocked_by.contains(mark, autoescape=True))
        .order_by(mails.c.lane, mails.c.number)
    )


IS_HELD = (
    mails.c.blocked.is_not(None)
    & mails.c.blocked_by.contains(f" {MARK}")
    & (mails.c.state == State.PENDING)
    & mails.c.turn.is_(None)
)
"""A condition that selects the mails waiting for a receiver."""

_TEXTS = select(mails.c.blocked_by).where(IS_HELD).distinct()
_DUE = (
    update(mails)
    .where(mails.c.number == bindparam("of_number"), mails.c.state == State.PENDING)
    .values(blocked=None)
)
