"""
Databases: one way to open them, so that what is committed stays, and times are aware.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from datetime import UTC as _UTC
from datetime import datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import DateTime, Engine, String, create_engine, event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from mailfailover._sql.sqlite_queue import QueuedConnection
from mailfailover._values.fork import after_fork
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL, Connection, Dialect, ExceptionContext, Pool

VARIABLE = "MAILFAILOVER_DATABASE"
DEFAULT_URL = "sqlite:///mailfailover.db"
BUSY_SECONDS = 30.0
"""How long a connection waits for another that writes to the same SQLite file."""

_LOOK_AGAIN_SECONDS = 0.01
_SQLITE_CONNECTIONS = 64
"""So many idle connections to a file are kept: each costs little, and opening it a millisecond."""

DATABASE_ERRORS: tuple[type[Exception], ...] = (SQLAlchemyError,)
"""Any failure of a database, so that callers need not import SQLAlchemy."""

_DRIVERS = {
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
"""The driver of a URL that names none; ``postgres`` is what some hosts write."""

SCHEMA = "schema"
"""The part of a URL's query that names the schema of the tables."""

_MYSQL = ("mysql", "mariadb")
_READ_ONLY = "25006"  # read_only_sql_transaction, PostgreSQL's appendix A
_READ_ONLY_NUMBERS = (1290, 1792, 1836)  # MariaDB: --read-only, a read-only transaction or mode
_LIFE_SIGNS = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What libpq is told, in seconds but for the last."""

_READS = "mailfailover_reads"


def open_engine(
    database: str | Engine | None = None, environ: Mapping[str, str] | None = None
) -> Engine:
    """
    Open *database*: a URL, or an engine, which is used as it is.

    Without one it is that of the variable MAILFAILOVER_DATABASE, else the SQLite file
    ``mailfailover.db`` in the current directory. A SQLite file is made readable to its owner
    only, and every commit to it is on the disk when it returns. ``?schema=NAME`` at the end of
    the URL of a server puts all tables into that schema.

    Raises:
        ConfigurationError: If the URL cannot be understood, or its driver is not installed.
    """
    if isinstance(database, Engine):
        if not event.contains(database, "handle_error", _drop_read_only):
            event.listen(database, "handle_error", _drop_read_only)
        return database
    url = read_url(database, environ)
    options: dict[str, Any] = {"max_overflow": -1}
    if (schema := url.query.get(SCHEMA)) is not None:
        url = url.difference_update_query([SCHEMA])
        options["execution_options"] = {"schema_translate_map": {None: str(schema)}}
    if url.get_backend_name() == "sqlite":
        _make_private(url)
        options["pool_size"] = _SQLITE_CONNECTIONS
        options["connect_args"] = {"timeout": BUSY_SECONDS, "factory": QueuedConnection}
    else:
        options["pool_pre_ping"] = True
        options["isolation_level"] = "READ COMMITTED"
        if url.drivername == _DRIVERS["postgresql"]:
            options["connect_args"] = _given_up_in_time(url)
    try:
        # Parameters are addresses and bodies: they must not get into the text of an error.
        engine = create_engine(url, hide_parameters=True, **options)
    except NoSuchModuleError:
        message = f"the database is of an unknown kind, {url.drivername!r}: use sqlite, postgresql"
        raise ConfigurationError(message) from None
    except ModuleNotFoundError as exc:
        message = f"the database needs the package {exc.name!r}, which is not installed: install it"
        raise ConfigurationError(message) from None
    event.listen(engine, "handle_error", _drop_read_only)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return renewed_after_fork(engine)


def renewed_after_fork(engine: Engine) -> Engine:
    """
    Give *engine* new connections in every child process, and return it.
    """
    _engines.opened.add(engine)
    return engine


def read_url(database: str | None = None, environ: Mapping[str, str] | None = None) -> URL:
    """
    Return the URL that :func:`open_engine` opens, with its driver.

    Raises:
        ConfigurationError: If it cannot be understood.
    """
    environ = os.environ if environ is None else environ
    text = database or environ.get(VARIABLE, "").strip() or DEFAULT_URL
    source = "the database's URL" if database else VARIABLE
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        message = f"{source} is no URL of a database, such as {DEFAULT_URL}"
        raise ConfigurationError(message) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """
    A connection that only reads: on SQLite it waits for nobody. ``engine.begin()`` writes.
    """
    with engine.connect().execution_options(**{_READS: True}) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """
    A transaction that writes: alone on SQLite, also where the caller made the engine.

    What it reads nobody changes before it writes. An engine of ours sees to that in ``begin()``.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite" and engine not in _engines.opened:
            driver: Any = connection.connection.driver_connection
            if not getattr(driver, "in_transaction", True):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def schema_of(engine: Engine) -> str | None:
    """
    The schema that the tables are in, None for that of the connection.
    """
    names = engine.get_execution_options().get("schema_translate_map") or {}
    found: str | None = names.get(None)
    return found


def _given_up_in_time(url: URL) -> dict[str, Any]:
    """
    Let a connection to a server that is gone without a word end within a minute.
    """
    return {name: value for name, value in _LIFE_SIGNS.items() if name not in url.query}


def _drop_read_only(context: ExceptionContext) -> None:
    """
    Let go of all connections where a server refuses to write: it is no longer the primary.

    After a failover the pool would otherwise go on using sessions to the old one.
    """
    error = context.original_exception
    state = getattr(error, "sqlstate", None)
    number = next(iter(error.args), None) if context.dialect.name in _MYSQL else None
    if state == _READ_ONLY or number in _READ_ONLY_NUMBERS:
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = True


class UTC(TypeDecorator[datetime]):
    """
    A column of aware times, to the microsecond, whatever the database makes of zones.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time without a zone cannot be stored: make it aware"
            raise ValueError(message)
        value = value.astimezone(_UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(_UTC) if value.tzinfo else value.replace(tzinfo=_UTC)


def exact_text(length: int) -> String:
    """
    A column of text that is compared letter by letter in every database.
    """
    return String(length).with_variant(
        mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb"
    )


def _make_private(url: URL) -> None:
    path = (url.database or "").removeprefix("file:")  # as SQLite's own URIs begin
    if path in ("", ":memory:") or url.query.get("mode") == "memory":
        message = f"a database in memory is lost with its process: name a file, as {DEFAULT_URL}"
        raise ConfigurationError(message)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        message = f"the database file cannot be opened ({exc.strerror}): check its directory"
        raise ConfigurationError(message) from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver does
    connection.execute("PRAGMA synchronous = FULL")  # holds for one connection only
    mode = turn_wal_on(connection)
    if mode != "wal":
        message = f"the database's file system cannot keep SQLite's WAL (it said {mode!r})"
        raise ConfigurationError(message)


def turn_wal_on(connection: sqlite3.Connection, seconds: float = BUSY_SECONDS) -> str:
    """
    Let *connection* write through a WAL, and return the mode that the file is in then.

    Here SQLite does not wait for others by itself: of several processes that turn it on in a
    new file at the same time, all but one are told that it is locked.

    Raises:
        sqlite3.OperationalError: If others still hold the file after so many *seconds*.
    """
    deadline = monotonic() + seconds
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as exc:
            kind = exc.sqlite_errorcode & 0xFF  # without what tells its variants apart
            if kind != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
            sleep(_LOOK_AGAIN_SECONDS)
        else:
            return str(mode)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_READS):
        connection.exec_driver_sql("BEGIN")
        return
    # A transaction that reads first and then writes fails at once if another one wrote in
    # between, however long it is willing to wait. IMMEDIATE waits at the start instead.
    queued: Any = connection.connection.driver_connection
    try:
        queued.take_turn(BUSY_SECONDS)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException as exc:
        queued.end_turn()
        if isinstance(exc, sqlite3.OperationalError):
            raise OperationalError("BEGIN IMMEDIATE", None, exc) from exc
        raise


class _Engines:
    """
    Gives every engine new connections in a child process: one belongs to one process.
    """

    def __init__(self) -> None:
        self.opened: WeakSet[Engine] = WeakSet()
        self.inherited: list[Pool] = []
        """Kept, because closing them would speak to the parent's server or touch its locks."""
        after_fork(self.renew)

    def renew(self) -> None:
        for engine in tuple(self.opened):
            self.inherited.append(engine.pool)
            engine.dispose(close=False)


_engines = _Engines()
