"""
Tables that know their version, made and upgraded part by part in one database.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, CreateSchema

from mailfailover._sql.database import reading, schema_of
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from sqlalchemy import Connection, Engine

versions = Table(
    "mailfailover_schema",
    MetaData(),
    Column("part", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
)
# Locks of a whole server, by any number or name that no other program is likely to have. On
# SQLite the transaction itself keeps others out.
_MYSQL = ("SELECT GET_LOCK('mailfailover', 60)", "DO RELEASE_LOCK('mailfailover')")
_LOCKS = {
    "mariadb": _MYSQL,
    "mysql": _MYSQL,
    "postgresql": ("SELECT pg_advisory_lock(7245001)", "SELECT pg_advisory_unlock(7245001)"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """
    The tables of one part of the library.

    Attributes:
        name: The name of the part, for example ``"outbox"``; the key in ``mailfailover_schema``.

        version: Of the tables as this code knows them.

        metadata: The tables in that version.

        command: The command that creates them, to which ``init`` or ``upgrade`` is added.

        upgrades: By version, what makes the next version of it.
    """

    name: str
    version: int
    metadata: MetaData
    command: str
    upgrades: Mapping[int, Callable[[Connection], object]] = field(default=EMPTY)


def init(engine: Engine, part: Part) -> None:
    """
    Make the tables of *part*; where they are there already, do nothing.

    Raises:
        ConfigurationError: If the existing tables have another version.
    """
    with _alone(engine) as connection:
        if (schema := schema_of(engine)) is not None and engine.dialect.name == "postgresql":
            connection.execute(CreateSchema(schema, if_not_exists=True))
        found = _version(connection, part)
        if found is None:
            part.metadata.create_all(connection)
            versions.create(connection, checkfirst=True)
            connection.execute(insert(versions).values(part=part.name, version=part.version))
            return
    _compare(part, found)


def upgrade(engine: Engine, part: Part) -> int:
    """
    Bring the tables of *part* to this code's version, all or nothing; return the one they had.

    Raises:
        ConfigurationError: If there are none, or they are newer than this code.
    """
    with _alone(engine) as connection:
        found = _version(connection, part)
        if found is None or found > part.version:
            _compare(part, found)
        had = part.version if found is None else found
        for version in range(had, part.version):
            part.upgrades[version](connection)
        connection.execute(
            update(versions).where(versions.c.part == part.name).values(version=part.version)
        )
    return had


def check(engine: Engine, part: Part) -> None:
    """
    Make sure that the tables of *part* have the version of this code.

    Raises:
        ConfigurationError: If not; it says what to run.
    """
    with _reachable(), reading(engine) as connection:
        found = _version(connection, part)
    _compare(part, found)


def exists(engine: Engine, part: Part) -> bool:
    """
    Tell whether the tables of *part* are there, in whatever version.

    Raises:
        ConfigurationError: If the database cannot be used.
    """
    with _reachable(), reading(engine) as connection:
        return _version(connection, part) is not None


def add_column(connection: Connection, column: Column[Any]) -> None:
    """
    Add *column* to its table, which is there without it; for a part's upgrades.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = (schema_of(connection.engine), column.table.name)
    table = ".".join(quote(name) for name in names if name is not None)
    added = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {added}")


def _version(connection: Connection, part: Part) -> int | None:
    if not inspect(connection).has_table(versions.name, schema=schema_of(connection.engine)):
        return None
    query = select(versions.c.version).where(versions.c.part == part.name)
    version: int | None = connection.scalar(query)
    return version


def _compare(part: Part, found: int | None) -> None:
    if found == part.version:
        return
    if found is None:
        text = f"the database has no tables of the {part.name}: run `{part.command} init`"
    elif found < part.version:
        text = (
            f"the tables of the {part.name} are of version {found}, this program needs "
            f"{part.version}: run `{part.command} upgrade`"
        )
    else:
        text = (
            f"the tables of the {part.name} are of version {found}, this program knows "
            f"{part.version} only: update the package mailfailover here"
        )
    raise ConfigurationError(text)


@contextmanager
def _reachable() -> Iterator[None]:
    """
    Say in words of ours that the database cannot be used.
    """
    try:
        yield
    except DBAPIError as exc:
        words = str(exc.orig).strip().partition("\n")[0]
        message = f"the database cannot be used: {words}"
    else:
        return
    raise ConfigurationError(message)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """
    A transaction during which no other process makes or upgrades tables.
    """
    lock, unlock = _LOCKS.get(engine.dialect.name, ("", ""))
    with _reachable(), engine.connect() as connection:
        if lock:
            connection.execute(text(lock))
            connection.commit()
        try:
            with connection.begin():
                yield connection
        finally:
            if unlock:
                connection.execute(text(unlock))
                connection.commit()
