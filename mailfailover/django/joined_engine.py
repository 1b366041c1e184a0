"""
The SQLAlchemy engine that works on Django's own connection, in Django's own transaction.

Its driver is called ``django``. It opens nothing: a connection of it is the connection that
Django has for this thread. A transaction that SQLAlchemy begins is a block of
``transaction.atomic``, a savepoint where another block is open. So what is written becomes
true when, and only if, Django commits, and nothing here ever commits on its own.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.utils.connection import ConnectionDoesNotExist
from sqlalchemy import DateTime, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.mysql.mysqldb import MySQLDialect_mysqldb
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGExecutionContext_psycopg
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import NullPool

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

__all__ = ["KINDS", "joined_engine"]

KINDS = ("mysql", "postgresql", "sqlite")
"""Django's names of the databases that can be joined; MariaDB is its ``mysql``."""


@cache
def joined_engine(alias: str) -> Engine:
    """
    Return the engine that writes where, and as part of what, Django writes.

    Args:
        alias: Of ``DATABASES``: SQLite, PostgreSQL, MariaDB or MySQL.

    Raises:
        ConfigurationError: If Django has no such database, or it is of another kind.
    """
    kind = _kind(alias)
    # Parameters are addresses and bodies: they must not get into the text of an error.
    engine = create_engine(
        f"{kind}+django{_driver(kind)}://",
        creator=lambda: _connection(alias),
        poolclass=NullPool,
        pool_reset_on_return=None,
        hide_parameters=True,
    )
    dialect: Any = engine.dialect
    dialect.alias, dialect.blocks = alias, _Blocks(alias)
    return engine


def _kind(alias: str) -> str:
    try:
        vendor: str = connections[alias].vendor
    except ConnectionDoesNotExist:
        message = f"OUTBOX names the database {alias!r}, which is not in DATABASES"
        raise ConfigurationError(message) from None
    if vendor not in KINDS:
        message = (
            f"the outbox cannot join transactions of {vendor}: name a database of DATABASES "
            "with SQLite, PostgreSQL, MariaDB or MySQL in OUTBOX"
        )
        raise ConfigurationError(message)
    return vendor


def _driver(kind: str) -> str:
    if kind != "postgresql":
        return ""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return "" if is_psycopg3 else "_psycopg2"


def _connection(alias: str) -> Any:
    connections[alias].ensure_connection()
    return connections[alias].connection


class _Blocks:
    """
    The blocks of ``transaction.atomic`` that SQLAlchemy's transactions in this thread opened.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._here = local()

    def _open(self) -> list[Any]:
        opened: list[Any] = self._here.__dict__.setdefault("opened", [])
        return opened

    def begin(self) -> None:
        block = transaction.atomic(using=self._alias)
        block.__enter__()
        self._open().append(block)

    def commit(self) -> None:
        self._open().pop().__exit__(None, None, None)

    def roll_back(self) -> None:
        if opened := self._open():  # a new engine rolls back what it never began
            error = RuntimeError("rolled back")
            opened.pop().__exit__(RuntimeError, error, None)


class _Joined:
    """
    A dialect that leaves the connection's life and its transactions to Django.
    """

    alias: str
    blocks: _Blocks

    def on_connect(self) -> None:
        """
        Change nothing of Django's connection.
        """

    def do_begin(self, _connection: object) -> None:
        self.blocks.begin()

    def do_commit(self, _connection: object) -> None:
        self.blocks.commit()

    def do_rollback(self, _connection: object) -> None:
        blocks = getattr(self, "blocks", None)
        if blocks is not None:
            blocks.roll_back()

    def do_close(self, _connection: object) -> None:
        """
        Leave it open: Django closes it at the end of the request.
        """

    do_terminate = do_close


class _ReadTime(DATETIME):
    """
    A time, which Django lets sqlite3 read already.
    """

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        read: Any = super().result_processor(dialect, coltype)
        return lambda value: value if isinstance(value, datetime) else read(value)


class _Statement(PGExecutionContext_psycopg):
    """
    A statement whose values travel beside it, so that no error of the server quotes them.
    """

    def create_default_cursor(self) -> Any:
        from psycopg import Cursor  # Django's own writes values into the statement

        connection: Any = self._dbapi_connection.driver_connection
        return Cursor(connection)


class PostgreSQL(_Joined, PGDialect_psycopg):
    """
    PostgreSQL, on a connection of psycopg 3.
    """

    driver = "django"
    execution_ctx_cls = _Statement
    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, use_native_hstore=False)  # type: ignore[no-untyped-call]  # it is not annotated


class PostgreSQLPsycopg2(_Joined, PGDialect_psycopg2):
    """
    PostgreSQL, on a connection of psycopg2.
    """

    driver = "django_psycopg2"
    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, use_native_hstore=False)  # type: ignore[no-untyped-call]  # it is not annotated


class MySQL(_Joined, MySQLDialect_mysqldb):  # type: ignore[misc]  # on_connect does nothing
    """
    MariaDB or MySQL, on a connection of mysqlclient, or of PyMySQL in its place.
    """

    driver = "django"
    supports_statement_cache = True


class SQLite(_Joined, SQLiteDialect_pysqlite):  # type: ignore[misc]  # on_connect does nothing
    """
    SQLite, on a connection that reads times.
    """

    driver = "django"
    supports_statement_cache = True
    colspecs = {**SQLiteDialect_pysqlite.colspecs, DateTime: _ReadTime}


registry.register("mysql.django", __name__, "MySQL")
registry.register("postgresql.django", __name__, "PostgreSQL")
registry.register("postgresql.django_psycopg2", __name__, "PostgreSQLPsycopg2")
registry.register("sqlite.django", __name__, "SQLite")
