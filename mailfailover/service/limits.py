"""
How much a key has used of its rate and quota, counted for all instances in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, insert, select, update

from mailfailover._sql.database import reading
from mailfailover.service.tables import usage

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from mailfailover._provider.link import Limit
    from mailfailover.service.rules import Rules


def begin_counting(connection: Connection, key: str, rules: Rules) -> None:
    """
    Set up the counters of a new key.
    """
    periods = {int(limit.period) for limit in rules.limits}
    rows = [{"key": key, "period": period, "number": 0, "used": 0} for period in periods]
    if rows:
        connection.execute(insert(usage), rows)


def take(connection: Connection, key: str, rules: Rules, recipients: int, wall: float) -> float:
    """
    Count *recipients* in the caller's transaction.

    Args:
        connection: The transaction that also stores the mail: a mail that is not stored is not
            counted.

        key: The id of the key.

        rules: What it may do.

        recipients: How many there are.

        wall: Seconds since 1970.

    Returns:
        0 if the limits allow it; else the seconds until the limit that does not begins anew.
    """
    waits = [_take_one(connection, key, limit, recipients, wall) for limit in rules.limits]
    return max(waits, default=0.0)


class Standing(NamedTuple):
    """
    How a key stands with one of its limits.

    Attributes:
        limit: How many recipients there may be.

        remaining: How many are left.

        reset: Seconds until it begins anew.
    """

    limit: int
    remaining: int
    reset: float


def read_tightest(engine: Engine, key: str, rules: Rules, wall: float) -> Standing | None:
    """
    Return how a key stands with the limit that leaves it least, None where it has none.
    """
    limits = {int(limit.period): limit for limit in rules.limits}
    if not limits:
        return None
    with reading(engine) as connection:
        rows = connection.execute(select(usage).where(usage.c.key == key)).all()
    found = []
    for row in rows:
        if limit := limits.get(row.period):
            number = int(wall // limit.period)
            used = row.used if row.number == number else 0
            left = max(limit.count - used, 0)
            found.append(Standing(limit.count, left, (number + 1) * limit.period - wall))
    return min(found, key=lambda one: (one.remaining, -one.reset), default=None)


def _take_one(
    connection: Connection, key: str, limit: Limit, recipients: int, wall: float
) -> float:
    number = int(wall // limit.period)
    used = case((usage.c.number == number, usage.c.used), else_=0) + recipients
    statement = (
        update(usage)
        .where(usage.c.key == key, usage.c.period == int(limit.period), used <= limit.count)
        .values(number=number, used=used)
    )
    if connection.execute(statement).rowcount:
        return 0.0
    return (number + 1) * limit.period - wall
