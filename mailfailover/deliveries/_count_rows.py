"""
The counts as rows: one for each slice, link and receiver, later one for each hour.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from mailfailover._sql.rows import insert_new
from mailfailover.deliveries._counts import HOUR, OF_WEBHOOKS, OUTCOMES, SENT, SLICE, Key
from mailfailover.deliveries._ledger import PAST, Ledger
from mailfailover.deliveries._slot import Slot
from mailfailover.deliveries._tables import COLUMNS, counts, links, receivers
from mailfailover.deliveries._turns import turn_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Row

    from mailfailover.deliveries._cell import Place

_FINE = 9 * HOUR
_COUNTS = select(
    counts.c.slice, counts.c.link, counts.c.receiver, *(counts.c[name] for name in COLUMNS.values())
)

_NOTHING = dict.fromkeys(COLUMNS.values(), 0)
_ADD = (
    update(counts)
    .where(*(counts.c[name] == bindparam(f"its_{name}") for name in ("slice", "link", "receiver")))
    .values(
        changed=bindparam("now_changed"),
        **{name: counts.c[name] + bindparam(f"more_{name}") for name in COLUMNS.values()},
    )
)


class _Place(NamedTuple):
    slice: int
    link: str
    receiver: str


def write_counts(connection: Connection, numbers: Mapping[Key, int]) -> None:
    """
    Add *numbers* to the counts; a link's first mail is noted.
    """
    rows: dict[_Place, dict[str, int]] = defaultdict(dict)
    for key, number in numbers.items():
        rows[_Place(*key[:3])][COLUMNS[key.what]] = number
    _add(connection, rows)
    first: dict[str, int] = {}
    for key in numbers:
        if key.what == SENT:
            first[key.link] = min(key.slice, first.get(key.link, key.slice))
    for link, start in sorted(first.items()):
        insert_new(connection, links, {"link": link, "first": float(start)})


def read_ledger(connection: Connection, now: float) -> Ledger:
    """
    Return all that a judge needs.
    """
    ledger = Ledger(now)
    query = _COUNTS.where(counts.c.slice >= int(now) - PAST)
    for start, link, receiver, *found in connection.execute(query):
        if receiver:
            ledger.merge((link, receiver), start, found[: len(OUTCOMES)])
        else:
            _hear(ledger, link, start, found)
    ledger.age(now)
    return ledger


def read_changes(connection: Connection, ledger: Ledger, turn: int) -> None:
    """
    Let *ledger* know what was counted since the judge's turn of that number.

    A process that wrote while that turn was taken may have committed after it, so the turn before
    counts too.
    """
    query = _COUNTS.where(counts.c.changed >= turn - 1, counts.c.slice >= ledger.edge)
    for start, link, receiver, *found in connection.execute(query):
        if receiver:
            ledger.put((link, receiver), start, found[: len(OUTCOMES)])
        else:
            _hear(ledger, link, start, found)


def read_sent(connection: Connection, since: float) -> dict[Place, int]:
    """
    Return how many recipients each cell got since a time.
    """
    query = (
        select(counts.c.link, counts.c.receiver, func.sum(counts.c.sent))
        .where(counts.c.slice > int(since) - SLICE, counts.c.sent > 0)
        .group_by(counts.c.link, counts.c.receiver)
    )
    return {(link, receiver): int(number) for link, receiver, number in connection.execute(query)}


def read_hopes(connection: Connection, since: float) -> frozenset[Place]:
    """
    Return the cells whose latest slice with an outcome since a time has deliveries and no refusal.
    """
    query = _COUNTS.where(counts.c.slice >= int(since), counts.c.receiver != "")
    latest: dict[Place, Slot] = {}
    for _, link, receiver, *found in connection.execute(query.order_by(counts.c.slice)):
        slot = Slot(found[: len(OUTCOMES)])
        if slot.told:
            latest[link, receiver] = slot
    return frozenset(
        place
        for place, slot in latest.items()
        if slot.arrived and not slot.blocked and not slot.bounced
    )


def read_first(connection: Connection) -> dict[str, float]:
    """
    Return when each link got its first mail.
    """
    return {row.link: row.first for row in connection.execute(select(links))}


def read_apart(connection: Connection) -> dict[str, float]:
    """
    Return the domains that are counted by themselves, and from when on.
    """
    return {row.receiver: row.since for row in connection.execute(select(receivers))}


def write_apart(connection: Connection, new: Mapping[str, float]) -> None:
    """
    Count these domains by themselves from a time on.
    """
    for receiver, since in sorted(new.items()):
        insert_new(connection, receivers, {"receiver": receiver, "since": since})


def compact(connection: Connection, now: float) -> None:
    """
    Keep hours of what is older than some hours, nothing of what is too old to be judged by.
    """
    connection.execute(delete(counts).where(counts.c.slice < int(now) - PAST - HOUR))
    old = (int(now) - _FINE) // HOUR * HOUR
    connection.execute(delete(counts).where(counts.c.receiver == "", counts.c.slice < old))
    fine = (counts.c.slice < old) & (counts.c.slice % HOUR != 0)
    _add(connection, _hours(connection.execute(_COUNTS.where(fine)).all()))
    connection.execute(delete(counts).where(fine))
    known = select(counts.c.receiver).distinct()
    forgotten = (receivers.c.since < now - PAST) & receivers.c.receiver.not_in(known)
    connection.execute(delete(receivers).where(forgotten))


def _hours(rows: Iterable[Row[Any]]) -> dict[_Place, dict[str, int]]:
    hours: dict[_Place, Counter[str]] = defaultdict(Counter)
    for row in rows:
        place = _Place(row.slice // HOUR * HOUR, row.link, row.receiver)
        hours[place].update(dict(zip(COLUMNS.values(), row[3:], strict=True)))
    return {place: {name: n for name, n in one.items() if n} for place, one in hours.items()}


def _add(connection: Connection, rows: Mapping[_Place, Mapping[str, int]]) -> None:
    turn = turn_number(connection, "judge") if rows else 0
    for place, found in sorted(rows.items(), key=itemgetter(0)):
        numbers = {**_NOTHING, **found}
        given = {f"its_{name}": value for name, value in place._asdict().items()}
        given |= {f"more_{name}": number for name, number in numbers.items()}
        given["now_changed"] = turn
        if connection.execute(_ADD, given).rowcount:
            continue
        row = {**place._asdict(), **numbers, "changed": turn}
        if not insert_new(connection, counts, row):  # another process was first
            connection.execute(_ADD, given)


def _hear(ledger: Ledger, link: str, start: int, found: list[int]) -> None:
    for what, number in zip(OF_WEBHOOKS, found[len(OUTCOMES) :], strict=True):
        ledger.hearing.put(link, start, what, number)
