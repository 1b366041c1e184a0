from __future__ import annotations

import os
import sqlite3
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mailfailover._sql import database
from mailfailover._sql.database import open_engine, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

PATIENCE = 20.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """
    A file with an empty table.
    """
    engine = open_engine(f"sqlite:///{tmp_path / 'mails.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE names (name TEXT)"))
    yield engine
    engine.dispose()


def put(connection: Connection, name: str) -> None:
    """
    Write.
    """
    connection.execute(text("INSERT INTO names VALUES (:name)"), {"name": name})


def names(engine: Engine) -> list[str]:
    """
    What is written, in the order of writing.
    """
    with reading(engine) as connection:
        return list(connection.scalars(text("SELECT name FROM names ORDER BY rowid")))


def queued(connection: Connection) -> Any:
    """
    The connection below SQLAlchemy's.
    """
    return connection.connection.driver_connection


def no_patience(connection: Connection) -> None:
    """
    Let SQLite itself wait for nobody.
    """
    queued(connection).execute("PRAGMA busy_timeout = 0")


ENDS: dict[str, Callable[[Connection], object]] = {
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "close": lambda connection: queued(connection).close(),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_next_one_writes_when_a_transaction_ends(engine: Engine, end: str) -> None:
    """
    Whichever way it does, and although its connection stays open.
    """
    wanted, done = Event(), Event()

    def write() -> None:
        with engine.connect() as connection:
            no_patience(connection)
            wanted.set()
            with connection.begin():
                put(connection, "second")
        done.set()

    first = engine.connect()
    first.begin()
    put(first, "first")
    thread = Thread(target=write)
    thread.start()
    assert wanted.wait(PATIENCE)
    assert not done.wait(0.05)
    ENDS[end](first)
    assert done.wait(PATIENCE)
    thread.join()

    assert names(engine) == (["first", "second"] if end == "commit" else ["second"])
    first.invalidate()
    first.close()


def test_who_reads_waits_for_nobody(engine: Engine) -> None:
    """
    While another one writes.
    """
    with engine.begin() as connection:
        put(connection, "first")

        assert [] == names(engine)


def test_engines_of_one_file_share_its_queue(engine: Engine) -> None:
    """
    Each part of a program may open its own.
    """
    other = open_engine(str(engine.url))
    with engine.begin(), other.connect() as connection, pytest.raises(sqlite3.OperationalError):
        queued(connection).take_turn(0.01)

    other.dispose()


def test_nobody_waits_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who waits for another one of his own thread hears what SQLite would say.
    """
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with (
        engine.begin(),
        engine.connect() as connection,
        pytest.raises(OperationalError, match="database is locked"),
    ):
        connection.begin()

    with engine.begin() as connection:
        put(connection, "later")
    assert ["later"] == names(engine)


def test_who_cannot_begin_lets_others_write(engine: Engine) -> None:
    """
    Another process had the file.
    """
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with engine.connect() as connection:
        no_patience(connection)
        with pytest.raises(OperationalError, match="database is locked"):
            connection.begin()
        other.close()

        with engine.begin() as second:
            put(second, "later")

    assert ["later"] == names(engine)


def test_a_commit_that_fails_keeps_its_turn(engine: Engine) -> None:
    """
    Its transaction is still open; it ends with the rollback that follows.
    """
    with engine.connect() as connection, engine.connect() as other:
        connection.begin()
        raw = queued(connection)
        raw.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        raw.execute("CREATE TABLE children (p REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
        connection.commit()
        raw.execute("PRAGMA foreign_keys = ON")
        connection.begin()
        raw.execute("INSERT INTO children VALUES (7)")

        with pytest.raises(sqlite3.IntegrityError):
            raw.commit()

        with pytest.raises(sqlite3.OperationalError):
            queued(other).take_turn(0.01)
        connection.rollback()
        with other.begin():
            put(other, "later")

    assert ["later"] == names(engine)


def test_a_child_process_has_a_queue_of_its_own(engine: Engine) -> None:
    """
    A fork may come while another thread of the parent writes.
    """
    with engine.connect() as connection:
        queued(connection).take_turn(1)
        child = os.fork()
        if not child:  # pragma: no cover -- in the child
            with engine.begin() as own:
                put(own, "child")
            os._exit(0)
        _, status = os.waitpid(child, 0)

    assert 0 == status
    assert ["child"] == names(engine)
