"""
The sweep: mails whose *due* has come move on, by time alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, or_, select, update

from mailfailover.outbox._lease import HELD, is_in
from mailfailover.outbox._operator import forget
from mailfailover.outbox._settlement import conclude
from mailfailover.outbox._tables import FINISHED, Lane, State, bodies, mails
from mailfailover.outbox._turns import Place, Turns
from mailfailover.outbox._verdict import EXPIRED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from mailfailover.outbox._comebacks import Comeback
    from mailfailover.outbox._rules import Rules

BATCH = 500

_DUE = (
    select(mails)
    .where(mails.c.due <= bindparam("of_now"))
    .order_by(mails.c.due)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
# A mail that another worker moved on in the meantime is left alone, whatever the database locks.
_MOVE = (
    update(mails)
    .where(
        mails.c.number == bindparam("of_number"),
        mails.c.token == bindparam("of_token"),
        mails.c.state == bindparam("of_state"),
        mails.c.due <= bindparam("of_now"),
    )
    .values(blocked=None)
)


def sweep(connection: Connection, now: datetime, rules: Rules) -> int:
    """
    Move up to some hundred mails on; return how many there were.

    Several workers may sweep at the same time.
    """
    rows = connection.execute(_DUE, {"of_now": now}).all()
    finished = [row for row in rows if row.state in FINISHED]
    _forget(connection, finished, now, rules)
    doubtful = [row.number for row in rows if row.state in (State.SENDING, State.UNKNOWN)]
    settled = conclude(connection, doubtful, now, rules.keep) if doubtful else {}
    moves = _Moves(Turns(connection), _burdens(connection, rows), now, rules)
    values: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.state not in FINISHED and row.number not in settled:
            found = moves.of(row) | {
                "of_number": row.number,
                "of_token": row.token,
                "of_state": row.state,
                "of_now": now,
            }
            values[tuple(found)].append(found)
    for alike in values.values():
        connection.execute(_MOVE, alike)
    return len(rows)


def end_leases(connection: Connection, owners: Sequence[str], now: datetime) -> int:
    """
    Let the next sweep move on what these workers hold, who are gone for good.
    """
    statement = update(mails).where(mails.c.owner.in_(owners), is_in(*HELD)).values(due=now)
    return connection.execute(statement).rowcount


def owners(connection: Connection) -> list[str]:
    """
    The owners of leases.
    """
    query = select(mails.c.owner).where(or_(*(mails.c.state == state for state in HELD)))
    return list(connection.scalars(query.distinct()))


def release(connection: Connection, comeback: Comeback, now: datetime) -> int:
    """
    Let some mails be due that wait for a provider that is back; return how many there were.
    """
    key = f" {comeback.provider} "
    query = (
        select(mails.c.number)
        .where(
            mails.c.blocked < comeback.since,
            mails.c.blocked_by.contains(key, autoescape=True),
            mails.c.state == State.PENDING,
        )
        .order_by(mails.c.blocked)
        .limit(comeback.size)
        .with_for_update(skip_locked=True)
    )
    numbers = list(connection.scalars(query))
    waits = mails.c.number.in_(numbers), mails.c.state == State.PENDING, mails.c.turn.is_(None)
    connection.execute(update(mails).where(*waits).values(due=now, blocked=None))
    return len(numbers)


def _burdens(connection: Connection, rows: Iterable[Row[Any]]) -> dict[str, int]:
    """
    How many mails each worker had when it went away; those that are in doubt by now count too.
    """
    gone = {row.owner for row in rows if row.state in HELD}
    if not gone:
        return {}
    states = is_in(*HELD, State.UNKNOWN)
    query = select(mails.c.owner, func.count()).where(mails.c.owner.in_(gone), states)
    found = connection.execute(query.group_by(mails.c.owner))
    return {row[0]: row[1] for row in found}


def _forget(connection: Connection, rows: Iterable[Row[Any]], now: datetime, rules: Rules) -> None:
    """
    Forget first what a mail said, then that it was.
    """
    ends = {row.number: now if row.finished is None else row.finished + rules.keep for row in rows}
    if old := [number for number, end in ends.items() if end <= now]:
        forget(connection, old)
    if later := [{"of_number": number, "due": end} for number, end in ends.items() if end > now]:
        numbers = [row["of_number"] for row in later]
        connection.execute(delete(bodies).where(bodies.c.mail.in_(numbers)))
        connection.execute(_KEEP, later)


class _Moves:
    """
    The change to a mail, by its state.
    """

    def __init__(
        self, turns: Turns, burdens: Mapping[str, int], now: datetime, rules: Rules
    ) -> None:
        self.turns = turns
        self.burdens = burdens
        self.now = now
        self.rules = rules

    def of(self, row: Any) -> dict[str, Any]:
        """
        The columns of a mail that change.
        """
        return _MOVES[State(row.state)](self, row)

    def ready(self, row: Any) -> dict[str, Any]:
        """
        A scheduled mail takes its turn; so does one that was tried before and waited long enough.
        """
        if self._is_expired(row):
            return self._dead(EXPIRED if not row.reason else f"{EXPIRED}: {row.reason}")
        place = Place(row.lane, row.flow)
        return self._queued(place.again() if row.tries else place)

    def untouched(self, row: Any) -> dict[str, Any]:
        """
        Its worker went away before it called anybody: once, that is chance.
        """
        lost = self._lost(row)
        if lost >= self.rules.max_lost:
            reason = f"its worker went away {lost} times before it called anybody"
            return self._dead(reason) | {"lost": lost}
        is_odd = row.tries > 1 or row.lane == Lane.ALONE
        place = Place(int(Lane.ALONE) if is_odd else row.lane, row.flow).again()
        return self._queued(place) | {"owner": "", "lost": lost}

    def in_doubt(self, row: Any) -> dict[str, Any]:
        """
        A mail whose worker died during a call; the mail is to blame only if it was alone.

        The worker stays its owner, which shows what else it was sending.
        """
        lost = self._lost(row)
        doubt = "in the middle of a call: it may have been sent"
        if lost >= self.rules.max_lost:
            return self._dead(f"its worker went away {lost} times {doubt}") | {"lost": lost}
        after = None if self.rules.is_last(row.tries) else self.rules.unknown_after
        return {
            "state": State.UNKNOWN,
            "lane": int(Lane.ALONE),
            "turn": None,
            "lost": lost,
            "reason": f"its worker went away {doubt}",
            "due": None if after is None else self.now + timedelta(seconds=after),
        }

    def unanswered(self, row: Any) -> dict[str, Any]:
        """
        Nothing was heard of a mail that may have been sent.
        """
        if self._is_expired(row):  # it stays in doubt, for an event or the operator
            return {"due": None, "reason": f"{EXPIRED}: {row.reason}"}
        return self._queued(Place(row.lane, row.flow).again())

    def _lost(self, row: Any) -> int:
        """
        How many workers died while they had nothing but this mail.
        """
        count: int = row.lost + (self.burdens[row.owner] == 1)
        return count

    def _queued(self, place: Place) -> dict[str, Any]:
        turn = self.turns.take(place)
        return {"state": State.PENDING, "due": None, "turn": turn, **place._asdict()}

    def _dead(self, reason: str) -> dict[str, Any]:
        return {
            "state": State.DEAD,
            "owner": "",
            "turn": None,
            "reason": reason,
            "finished": self.now,
            "due": self.now + self.rules.keep,
        }

    def _is_expired(self, row: Any) -> bool:
        return row.expires is not None and row.expires <= self.now


_KEEP = update(mails).where(mails.c.number == bindparam("of_number"))
_MOVES = {
    State.PENDING: _Moves.ready,
    State.LEASED: _Moves.untouched,
    State.SENDING: _Moves.in_doubt,
    State.UNKNOWN: _Moves.unanswered,
}
