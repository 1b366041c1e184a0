"""
The sweep: mails whose *due* has come move on, by time alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from mailfailover.outbox._operator import FINISHED, forget
from mailfailover.outbox._settlement import conclusion
from mailfailover.outbox._tables import State, mails
from mailfailover.outbox._turns import front, next_turn

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mailfailover.outbox._rules import Rules

BATCH = 500


def sweep(connection: Connection, now: datetime, rules: Rules) -> int:
    """
    Move up to some hundred mails on; return how many there were.

    Several workers may sweep at the same time.
    """
    columns = mails.c
    query = (
        select(columns.number, columns.state, columns.sender, columns.tries, columns.lost)
        .where(columns.due <= now)
        .order_by(columns.due)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(query).all()
    finished = [row.number for row in rows if row.state in FINISHED]
    if finished:
        forget(connection, finished)
    moves = _Moves(connection, now, rules)
    for row in rows:
        if row.state not in FINISHED:
            values = _MOVES[State(row.state)](moves, row)
            connection.execute(update(mails).where(columns.number == row.number).values(values))
    return len(rows)


class _Moves:
    """
    What becomes of a mail in each state.
    """

    def __init__(self, connection: Connection, now: datetime, rules: Rules) -> None:
        self.connection = connection
        self.now = now
        self.rules = rules

    def ready(self, row: Any) -> dict[str, Any]:
        """
        A scheduled mail takes its turn; one that was tried before has waited long enough.
        """
        if row.tries:
            return self._at_the_front()
        return {"turn": next_turn(self.connection, row.sender), "due": None}

    def untouched(self, row: Any) -> dict[str, Any]:
        """
        Its worker went away before it called anybody.
        """
        if row.tries >= self.rules.max_tries:
            return self._dead(f"its worker went away {row.tries} times before it called anybody")
        return self._at_the_front() | {"owner": ""}

    def in_doubt(self, row: Any) -> dict[str, Any]:
        """
        Its worker went away in the middle of a call.
        """
        if settled := conclusion(self.connection, row.number, self.now, self.rules.keep):
            return settled
        lost = row.lost + 1
        doubt = "in the middle of a call: it may have been sent"
        if lost >= self.rules.max_lost:
            return self._dead(f"its worker went away {lost} times {doubt}") | {"lost": lost}
        after = None if row.tries >= self.rules.max_tries else self.rules.unknown_after
        return {
            "state": State.UNKNOWN,
            "owner": "",
            "lost": lost,
            "reason": f"its worker went away {doubt}",
            "due": None if after is None else self.now + timedelta(seconds=after),
        }

    def unanswered(self, row: Any) -> dict[str, Any]:
        """
        Nothing was heard of a mail that may have been sent.
        """
        settled = conclusion(self.connection, row.number, self.now, self.rules.keep)
        return settled or self._at_the_front()

    def _at_the_front(self) -> dict[str, Any]:
        return {"state": State.PENDING, "turn": front(self.connection), "due": None}

    def _dead(self, reason: str) -> dict[str, Any]:
        return {
            "state": State.DEAD,
            "owner": "",
            "reason": reason,
            "finished": self.now,
            "due": self.now + self.rules.keep,
        }


_MOVES = {
    State.PENDING: _Moves.ready,
    State.LEASED: _Moves.untouched,
    State.SENDING: _Moves.in_doubt,
    State.UNKNOWN: _Moves.unanswered,
}
