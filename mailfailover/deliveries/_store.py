"""
The store of deliveries: counts and cells in the database that all processes share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from mailfailover._sql.rows import add_to, insert_new, put
from mailfailover.deliveries._cell import Cell, CellState
from mailfailover.deliveries._counts import HEARD, HOUR, LAG, REFUSED, SENT, SLICE, Key
from mailfailover.deliveries._tables import cells, counts, links, turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from mailfailover.deliveries._cell import Place

PAST = 8 * 86400
"""Seconds that the judge looks back."""

_FINE = 12 * HOUR
_OF_WEBHOOKS = (HEARD, REFUSED, LAG)


def write_counts(connection: Connection, numbers: Mapping[Key, int]) -> None:
    """
    Add *numbers* to the counts; a link's first mail is noted.
    """
    for key, number in sorted(numbers.items()):
        add_to(connection, counts, key._asdict(), number)
    for link in {key.link for key in numbers if key.what == SENT}:
        first = min(key.slice for key in numbers if key.link == link and key.what == SENT)
        insert_new(connection, links, {"link": link, "first": float(first)})


def read_counts(connection: Connection, now: float) -> list[tuple[Key, int]]:
    """
    Return the counts that a judge needs.
    """
    query = select(counts).where(counts.c.slice >= int(now) - PAST)
    return [(Key(*row[:4]), row[4]) for row in connection.execute(query)]


def read_sent(connection: Connection, since: float) -> dict[Place, int]:
    """
    Return how many recipients each cell got since a time.
    """
    query = (
        select(counts.c.link, counts.c.receiver, func.sum(counts.c.number))
        .where(counts.c.what == SENT, counts.c.slice > int(since) - SLICE)
        .group_by(counts.c.link, counts.c.receiver)
    )
    return {(link, receiver): int(number) for link, receiver, number in connection.execute(query)}


def read_first(connection: Connection) -> dict[str, float]:
    """
    Return when each link got its first mail.
    """
    return {row.link: row.first for row in connection.execute(select(links))}


def take_turn(connection: Connection, name: str, now: float, every: float) -> bool:
    """
    Whether this process is the one that does what is called *name* now, once in *every* seconds.

    A clock that jumped back does not stop it.
    """
    insert_new(connection, turns, {"name": name, "at": 0.0})
    due = (turns.c.at <= now - every) | (turns.c.at > now + every)
    query = update(turns).where(turns.c.name == name, due).values(at=now)
    return connection.execute(query).rowcount > 0


def read_cells(connection: Connection) -> tuple[dict[Place, Cell], dict[Place, float]]:
    """
    Return how each cell stands, and how many recipients an hour it usually gets.
    """
    found, usual = {}, {}
    for row in connection.execute(select(cells)):
        place = (row.link, row.receiver)
        found[place] = Cell(
            CellState(row.state),
            row.since,
            row.detail,
            row.delivered,
            row.late,
            row.blocked,
            row.unheard,
        )
        usual[place] = row.usual
    return found, usual


def write_cells(
    connection: Connection,
    before: Mapping[Place, Cell],
    after: Mapping[Place, Cell],
    usual: Mapping[Place, float],
) -> None:
    """
    Write the cells that changed, and drop those that are no more.
    """
    for place, cell in after.items():
        key = {"link": place[0], "receiver": place[1]}
        values = {name: getattr(cell, name) for name in Cell.__slots__}
        values |= {"state": str(cell.state), "usual": usual.get(place, 0.0)}
        put(connection, cells, key, values)
    for link, receiver in before.keys() - after.keys():
        connection.execute(delete(cells).where(cells.c.link == link, cells.c.receiver == receiver))


def compact(connection: Connection, now: float) -> None:
    """
    Keep hours of what is older than half a day, nothing of what is too old to be judged by.
    """
    connection.execute(delete(counts).where(counts.c.slice < int(now) - PAST - HOUR))
    old = (int(now) - _FINE) // HOUR * HOUR
    connection.execute(delete(counts).where(counts.c.what.in_(_OF_WEBHOOKS), counts.c.slice < old))
    fine = select(counts).where(counts.c.slice < old, counts.c.slice % HOUR != 0)
    for row in connection.execute(fine).all():
        key = Key(*row[:4])
        hour = key._replace(slice=key.slice // HOUR * HOUR)
        add_to(connection, counts, hour._asdict(), row.number)
        same = (counts.c[name] == value for name, value in key._asdict().items())
        connection.execute(delete(counts).where(*same))


__all__ = [
    "compact",
    "read_cells",
    "read_counts",
    "read_first",
    "read_sent",
    "take_turn",
    "write_cells",
    "write_counts",
]
