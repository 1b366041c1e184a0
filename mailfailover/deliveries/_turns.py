"""
The turns: what one process does for all, now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from mailfailover._sql.rows import insert_new
from mailfailover.deliveries._tables import turns

if TYPE_CHECKING:
    from sqlalchemy import Connection


def take_turn(connection: Connection, name: str, now: float, every: float) -> bool:
    """
    Whether this process is the one that does what is called *name* now, once in *every* seconds.

    A clock that jumped back does not stop it.
    """
    due = (turns.c.at <= now - every) | (turns.c.at > now + every)
    query = update(turns).where(turns.c.name == name, due).values(at=now, number=turns.c.number + 1)
    if connection.execute(query).rowcount:
        return True
    if turn_number(connection, name):
        return False
    return insert_new(connection, turns, {"name": name, "at": now, "number": 1})


def turn_number(connection: Connection, name: str) -> int:
    """
    Return how often a turn was taken.
    """
    return connection.scalar(select(turns.c.number).where(turns.c.name == name)) or 0
