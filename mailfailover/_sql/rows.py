"""
Writing rows that may be there already, in any database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, update
from sqlalchemy.exc import IntegrityError

from mailfailover._values.untrusted_json import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """
    Insert *row*; return whether it is new, and do nothing where its key is taken.
    """
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**row))
    except IntegrityError:
        return False
    return True


def put(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """
    Give the row with *key* these *values*, or insert it with them.
    """
    if not _change(connection, table, key, values) and not insert_new(
        connection, table, {**key, **values}
    ):
        _change(connection, table, key, values)  # another inserted it in between


def add_to(connection: Connection, table: Table, key: Mapping[str, Any], number: int) -> None:
    """
    Add *number* to the column of that name in the row with *key*, or insert the row.
    """
    more = {"number": table.c.number + number}
    if not _change(connection, table, key, more) and not insert_new(
        connection, table, {**key, "number": number}
    ):
        _change(connection, table, key, more)


def fit(text: str, length: int = 0) -> str:
    """
    Return *text* as every database can keep it, cut to *length* where that is not 0.
    """
    kept = clean(text)
    return kept[:length] if length else kept


def _change(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    where = and_(*(table.c[name] == value for name, value in key.items()))
    return connection.execute(update(table).where(where).values(**values)).rowcount > 0
