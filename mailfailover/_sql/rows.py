"""
Writing rows that may be there already, in any database.

Each statement is made once: SQLAlchemy takes longer to make one than SQLite to execute it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from mailfailover._values.untrusted_json import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table, Update

_KEY = "of_"
"""What the names of parameters begin with that say which row it is."""

_INSERTS: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""By database, the INSERT that can leave out rows which are there already."""


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """
    Insert *row*; return whether it is new, and do nothing where its key is taken.
    """
    if connection.dialect.name in _INSERTS:
        statement = _insert_unless_there(table, connection.dialect.name)
        return connection.execute(statement, {**row}).first() is not None
    try:
        with connection.begin_nested():
            connection.execute(insert(table), {**row})
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
    statement, row = _addition(table, tuple(key)), _of(key) | {"more": number}
    if not connection.execute(statement, row).rowcount and not insert_new(
        connection, table, {**key, "number": number}
    ):
        connection.execute(statement, row)


def fit(text: str, length: int = 0) -> str:
    """
    Return *text* as every database can keep it, cut to *length* where that is not 0.
    """
    kept = clean(text)
    return kept[:length] if length else kept


def _change(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    return connection.execute(_where(table, tuple(key)), _of(key) | {**values}).rowcount > 0


def _of(key: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{_KEY}{name}": value for name, value in key.items()}


@lru_cache
def _where(table: Table, names: tuple[str, ...]) -> Update:
    is_it = (table.c[name] == bindparam(f"{_KEY}{name}") for name in names)
    return update(table).where(and_(*is_it))


@lru_cache
def _addition(table: Table, names: tuple[str, ...]) -> Update:
    return _where(table, names).values(number=table.c.number + bindparam("more"))


@lru_cache
def _insert_unless_there(table: Table, dialect: str) -> Any:
    return _INSERTS[dialect](table).on_conflict_do_nothing().returning(*table.primary_key)
