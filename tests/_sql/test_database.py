from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import StatementError

from mailfailover._sql import database
from mailfailover._sql.database import (
    _drop_read_only,
    _given_up_in_time,
    open_engine,
    reading,
    turn_wal_on,
)
from mailfailover.errors import ConfigurationError
from tests.databases import KINDS, fresh_engine
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

TIMES = Table(
    "times",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", database.UTC),
)
INSTANT = datetime(2026, 11, 24, 9, 30, 0, 123456, UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """
    A SQLite file with a table of times.
    """
    with fresh_engine("sqlite", tmp_path) as engine:
        TIMES.create(engine)
        yield engine


@pytest.fixture(params=KINDS)
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """
    An empty database of each kind.
    """
    with fresh_engine(request.param, tmp_path) as engine:
        yield engine


def test_a_new_file_is_its_owners(tmp_path: Path) -> None:
    """
    Nobody else on the machine reads mails, whatever the umask; nor the log beside the file.
    """
    old = os.umask(0)
    try:
        engine = open_engine(f"sqlite:///{tmp_path / 'mails.db'}")
        with engine.begin() as connection:
            TIMES.create(connection)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(old)
        engine.dispose()

    assert {"mails.db": 0o600, "mails.db-shm": 0o600, "mails.db-wal": 0o600} == modes


def test_every_connection_writes_through(engine: Engine) -> None:
    """
    WAL stays with the file; ``synchronous`` must be set for each connection, and 2 is FULL.
    """
    with engine.connect() as one, engine.connect() as other:
        found = [
            (c.scalar(text("PRAGMA synchronous")), c.scalar(text("PRAGMA journal_mode")))
            for c in (one.execution_options(mailfailover_reads=True), other)
        ]

    assert [(2, "wal"), (2, "wal")] == found


def test_a_writer_waits_at_its_beginning(engine: Engine) -> None:
    """
    Transactions that read and then write come one after the other; none fails for that.
    """

    def count_up(_number: int) -> None:
        with engine.begin() as connection:
            rows = len(connection.execute(select(TIMES)).all())
            connection.execute(insert(TIMES).values(id=rows + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(40)))

    with reading(engine) as connection:
        assert list(range(1, 41)) == list(connection.scalars(select(TIMES.c.id)))


def test_a_reader_waits_for_nobody(engine: Engine) -> None:
    """
    It sees what was committed while another connection writes.
    """
    with engine.begin() as writer:
        writer.execute(insert(TIMES).values(id=1))
        with reading(engine) as reader:
            assert [] == reader.execute(select(TIMES)).all()


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))], ids=["utc", "other"])
def test_times_come_back_aware(any_engine: Engine, zone: timezone) -> None:
    """
    To the microsecond, in UTC, from every database.
    """
    TIMES.create(any_engine)
    with any_engine.begin() as connection:
        connection.execute(insert(TIMES).values(id=1, at=INSTANT.astimezone(zone)))
        connection.execute(insert(TIMES).values(id=2, at=None))

    with reading(any_engine) as connection:
        found = list(connection.scalars(select(TIMES.c.at).order_by(TIMES.c.id)))

    assert [INSTANT, None] == found
    assert UTC == found[0].tzinfo


def test_times_compare_in_the_database(any_engine: Engine) -> None:
    """
    Their order is that of time, also within a second.
    """
    TIMES.create(any_engine)
    later = INSTANT + timedelta(microseconds=1)
    with any_engine.begin() as connection:
        connection.execute(insert(TIMES), [{"id": 1, "at": later}, {"id": 2, "at": INSTANT}])
        query = select(TIMES.c.id).where(TIMES.c.at <= INSTANT)
        assert [2] == list(connection.scalars(query))


def test_a_naive_time_is_refused(engine: Engine) -> None:
    """
    Nobody knows what it means.
    """
    with pytest.raises(StatementError, match="make it aware"), engine.begin() as connection:
        connection.execute(insert(TIMES).values(id=1, at=INSTANT.replace(tzinfo=None)))


def test_an_error_tells_no_parameter(engine: Engine) -> None:
    """
    Parameters are addresses and bodies, and errors get into logs.
    """
    with pytest.raises(StatementError) as caught, engine.connect() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:body)"), {"body": "a secret"})

    assert "a secret" not in str(caught.value)


def test_an_engine_is_used_as_it_is() -> None:
    """
    Whoever made it knows why.
    """
    engine = create_engine("sqlite://")

    assert engine is open_engine(engine)


@each(
    ("url", "driver"),
    [
        ("postgres://me@db.example/mails", "postgresql+psycopg"),
        ("postgresql://me@db.example/mails", "postgresql+psycopg"),
        ("mysql://me@db.example/mails", "mysql+pymysql"),
    ],
)
def test_a_url_needs_no_driver(url: str, driver: str) -> None:
    """
    The one we know is taken.
    """
    assert driver == open_engine(url).url.drivername


def test_the_environment_names_the_database(tmp_path: Path) -> None:
    """
    MAILFAILOVER_DATABASE is where it is, unless something else is given.
    """
    environ = {"MAILFAILOVER_DATABASE": f"sqlite:///{tmp_path / 'mails.db'}"}

    assert str(tmp_path / "mails.db") == open_engine(None, environ).url.database


def test_the_default_is_a_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    ``mailfailover.db`` in the current directory.
    """
    monkeypatch.delenv("MAILFAILOVER_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)

    open_engine()

    assert ["mailfailover.db"] == [path.name for path in tmp_path.iterdir()]


@each(
    ("url", "message"),
    [
        ("nonsense", "the database's URL is no URL of a database"),
        ("postgresql://user:secret@host:port/db", "the database's URL is no URL of a database"),
        ("acme://host/db", "unknown kind, 'acme'"),
        ("postgresql+pg8000://host/db", "needs the package 'pg8000'"),
        ("sqlite://", "a database in memory is lost"),
        ("sqlite:///:memory:", "a database in memory is lost"),
        ("sqlite:///file:mails?mode=memory&uri=true", "a database in memory is lost"),
        ("sqlite:////no/such/directory/mails.db", "cannot be opened .No such file or directory."),
    ],
)
def test_a_url_that_cannot_work_is_a_configuration_error(url: str, message: str) -> None:
    """
    It says what to do, and never quotes the URL, which may hold a password.
    """
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_engine(url)

    assert "secret" not in str(caught.value)


def test_a_uri_of_sqlite_names_a_file(tmp_path: Path) -> None:
    """
    Its own form works too, and the file is as private.
    """
    engine = open_engine(f"sqlite:///file:{tmp_path / 'mails.db'}?uri=true")

    TIMES.create(engine)

    assert 0o600 == (tmp_path / "mails.db").stat().st_mode & 0o777
    engine.dispose()


def test_a_file_system_without_wal_is_refused() -> None:
    """
    As a database in memory, which stands for it here.
    """
    connection = sqlite3.connect(":memory:")

    with pytest.raises(ConfigurationError, match="cannot keep SQLite's WAL"):
        database._prepare_sqlite(connection, None)

    connection.close()


def test_a_child_process_gets_connections_of_its_own(any_engine: Engine) -> None:
    """
    After a fork both go on, and neither disturbs the other.
    """
    TIMES.create(any_engine)
    with reading(any_engine) as connection:
        connection.execute(select(TIMES)).all()
    child = os.fork()
    if not child:  # pragma: no cover -- in the child
        with any_engine.begin() as connection:
            connection.execute(insert(TIMES).values(id=1))
        os._exit(0)
    _, status = os.waitpid(child, 0)

    with any_engine.begin() as connection:
        connection.execute(insert(TIMES).values(id=2))
    with reading(any_engine) as connection:
        assert [1, 2] == list(connection.scalars(select(TIMES.c.id).order_by(TIMES.c.id)))
    assert 0 == status


def test_many_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    """
    Turning WAL on makes nobody fail.
    """
    code = (
        "import sys; from mailfailover._sql.database import open_engine, reading\n"
        "with open_engine(sys.argv[1]).begin() as connection: pass"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'mails.db'}"]

    children = [subprocess.Popen(command) for _ in range(4)]

    assert [0] * 4 == [child.wait(60) for child in children]


def test_turning_wal_on_waits_for_others(tmp_path: Path) -> None:
    """
    Who meets another process at it waits, as everywhere else, instead of failing at once.
    """
    path = tmp_path / "mails.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    late = threading.Timer(0.2, other.execute, ["COMMIT"])
    late.start()
    connection = sqlite3.connect(path, timeout=0)

    mode = turn_wal_on(connection)

    late.join()
    connection.close()
    other.close()
    assert "wal" == mode


def test_turning_wal_on_does_not_wait_for_ever(tmp_path: Path) -> None:
    """
    Who finds the file held until the end says so.
    """
    path = tmp_path / "mails.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    connection = sqlite3.connect(path, timeout=0)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        turn_wal_on(connection, 0.05)

    connection.close()
    other.close()


def test_threads_share_an_engine(engine: Engine) -> None:
    """
    A connection may be used in one thread and reused in another.
    """
    found: list[int] = []

    def look() -> None:
        with reading(engine) as connection:
            found.append(len(connection.execute(select(TIMES)).all()))

    look()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert [0, 0] == found


class ReadOnly(Exception):
    """
    As psycopg says it.
    """

    sqlstate = "25006"


@each(
    ("dialect", "error", "is_let_go"),
    [
        ("postgresql", ReadOnly(), True),
        ("mysql", Exception(1290, "The MariaDB server is running with --read-only"), True),
        ("mariadb", Exception(1792, "Cannot execute statement in a READ ONLY transaction"), True),
        ("mysql", Exception(1062, "Duplicate entry"), False),
        ("sqlite", Exception(1290), False),
        ("mysql", Exception(), False),
    ],
)
def test_a_server_that_only_reads_is_known_by_its_code(
    dialect: str, error: Exception, is_let_go: bool
) -> None:
    """
    All connections to it are let go then.
    """
    context: Any = SimpleNamespace(
        dialect=SimpleNamespace(name=dialect),
        original_exception=error,
        is_disconnect=False,
        invalidate_pool_on_disconnect=False,
    )

    _drop_read_only(context)

    assert (is_let_go, is_let_go) == (
        context.is_disconnect,
        context.invalidate_pool_on_disconnect,
    )


def test_a_server_that_is_gone_without_a_word_is_given_up_in_time() -> None:
    """
    What the URL says itself is left as it is.
    """
    url = make_url("postgresql+psycopg://host/db?connect_timeout=3")

    found = _given_up_in_time(url)

    assert "connect_timeout" not in found
    assert 30_000 == found["tcp_user_timeout"]
