"""
Suppressions as rows: of two that are alike, the one that holds longer stays.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from mailfailover._rows import fit, insert_new
from mailfailover.suppression._entry import Reason, Suppression
from mailfailover.suppression._tables import ID_LENGTH, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

BATCH = 500
"""How many addresses one query names."""


def row_of(entry: Suppression, mail_id: str = "", provider_message_id: str = "") -> dict[str, Any]:
    """
    Return the row of *entry*; the ids are those of its mail as long as nobody knows that.
    """
    row = {
        "email": entry.email,
        "reason": str(entry.reason),
        "stream": fit(entry.stream),
        "from_domain": entry.from_domain,
        "mail_id": fit(mail_id, ID_LENGTH),
        "provider_message_id": fit(provider_message_id),
    }
    return {
        "key": sha256("\n".join(row.values()).encode()).hexdigest(),
        **row,
        "source": fit(entry.source),
        "detail": fit(entry.detail),
        "created": entry.created,
        "expires": entry.expires,
        "is_open": bool(mail_id or provider_message_id),
    }


def entry_of(row: Row[Any]) -> Suppression:
    """
    Return the entry of a row.
    """
    return Suppression(
        email=row.email,
        reason=Reason(row.reason),
        stream=row.stream,
        from_domain=row.from_domain,
        source=row.source,
        detail=row.detail,
        created=row.created,
        expires=row.expires,
    )


def store(connection: Connection, row: dict[str, Any]) -> None:
    """
    Write one row.
    """
    if insert_new(connection, suppressions, row):
        return
    ends = row["expires"]
    sooner = suppressions.c.expires.is_not(None)
    if ends is not None:
        sooner = sooner & (suppressions.c.expires < ends)
    where = suppressions.c.key == row["key"], sooner
    connection.execute(update(suppressions).where(*where).values(**row))


def store_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """
    Write many rows in few statements.
    """
    keys = {row["key"] for row in rows}
    query = select(suppressions.c.key).where(suppressions.c.key.in_(keys))
    held = set(connection.scalars(query))
    new: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for row in rows:
        (again if row["key"] in held else new).append(row)
        held.add(row["key"])
    try:
        if new:
            with connection.begin_nested():
                connection.execute(insert(suppressions), new)
    except IntegrityError:  # another process wrote one of them in between
        again += new
    for row in again:
        store(connection, row)


def find_rows(connection: Connection, emails: Iterable[str], now: datetime) -> Iterator[Row[Any]]:
    """
    Yield the rows that hold for any of *emails*.
    """
    wanted = list(emails)
    for start in range(0, len(wanted), BATCH):
        query = select(suppressions).where(
            suppressions.c.email.in_(wanted[start : start + BATCH]),
            or_(suppressions.c.expires.is_(None), suppressions.c.expires > now),
        )
        yield from connection.execute(query)
