"""
The rows of suppressions; of two rows for the same address and scope, the longer one stays.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mailfailover._sql.database import UTC
from mailfailover._sql.rows import fit, insert_new
from mailfailover.suppression._entry import Reason, Suppression, SuppressionState
from mailfailover.suppression._tables import ID_LENGTH, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

BATCH = 500
"""How many addresses one query names."""

_INSERTS: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def row_of(
    entry: Suppression, mail_id: str = "", provider_message_id: str = "", evidence: str = ""
) -> dict[str, Any]:
    """
    Return the row of *entry*.

    Args:
        entry: What it says.

        mail_id, provider_message_id: The ids of the mail that bounced, until the mail is found.

        evidence: The key of the bounce that it follows from.
    """
    row = {
        "email": entry.email,
        "reason": str(entry.reason),
        "stream": fit(entry.stream),
        "from_domain": entry.from_domain,
        "mail_id": fit(mail_id, ID_LENGTH),
        "provider_message_id": fit(provider_message_id),
    }
    state = "" if entry.state is SuppressionState.SUPPRESSED else f"\n{entry.state}"
    return {
        "key": sha256(("\n".join(row.values()) + state).encode()).hexdigest(),
        **row,
        "state": str(entry.state),
        "source": fit(entry.source),
        "detail": fit(entry.detail),
        "created": entry.created,
        "expires": entry.expires,
        "is_open": bool(mail_id or provider_message_id),
        "evidence": evidence,
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
        state=SuppressionState(row.state),
    )


def store(connection: Connection, *rows: dict[str, Any]) -> None:
    """
    Write *rows*, in one statement where the database has one for that.
    """
    make = _INSERTS.get(connection.dialect.name)
    if make is None:
        for row in rows:
            _store_one(connection, row)
        return
    new = make(suppressions)
    longer = _longer(new.excluded.expires)
    values = {column.name: new.excluded[column.name] for column in suppressions.c}
    statement = new.on_conflict_do_update(index_elements=["key"], set_=values, where=longer)
    connection.execute(statement, list(rows))


def _store_one(connection: Connection, row: dict[str, Any]) -> None:
    if not insert_new(connection, suppressions, row):
        where = suppressions.c.key == row["key"], _longer(literal(row["expires"], UTC))
        connection.execute(update(suppressions).where(*where).values(**row))


def _longer(expires: ColumnElement[Any]) -> ColumnElement[bool]:
    """
    Whether *expires* is later than that of the row that is there.
    """
    held = suppressions.c.expires
    return and_(held.is_not(None), or_(expires.is_(None), held < expires))


def find_rows(connection: Connection, emails: Iterable[str], now: datetime) -> Iterator[Row[Any]]:
    """
    Yield the rows that keep mail from any of *emails*.
    """
    wanted = list(emails)
    for start in range(0, len(wanted), BATCH):
        query = select(suppressions).where(
            suppressions.c.email.in_(wanted[start : start + BATCH]),
            suppressions.c.state != str(SuppressionState.QUARANTINED),
            or_(suppressions.c.expires.is_(None), suppressions.c.expires > now),
        )
        yield from connection.execute(query)
