"""
The cells as rows: what the judge found, for all processes to read.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from mailfailover._sql.rows import put
from mailfailover.deliveries._cell import Cell, CellState
from mailfailover.deliveries._tables import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from mailfailover.deliveries._cell import Place

_CHANGE = (
    update(cells)
    .where(cells.c.link == bindparam("its_link"), cells.c.receiver == bindparam("its_receiver"))
    .values({name: bindparam(name) for name in (*Cell.__slots__, "usual")})
)


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
    known: list[dict[str, Any]] = []
    for place, cell in sorted(after.items(), key=itemgetter(0)):
        if before.get(place) == cell:
            continue
        row = {name: getattr(cell, name) for name in Cell.__slots__}
        row |= {"state": str(cell.state), "usual": usual.get(place, 0.0)}
        if place in before:
            known.append({**row, "its_link": place[0], "its_receiver": place[1]})
        else:
            put(connection, cells, {"link": place[0], "receiver": place[1]}, row)
    if known:
        connection.execute(_CHANGE, known)
    for link, receiver in before.keys() - after.keys():
        connection.execute(delete(cells).where(cells.c.link == link, cells.c.receiver == receiver))
