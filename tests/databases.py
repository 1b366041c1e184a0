"""
Databases for tests: a fresh one of each kind that runs on this machine.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from mailfailover._sql.database import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

# Servers of this machine, in which a test makes a database of its own.
SERVERS = {
    "postgresql": os.environ.get(
        "MAILFAILOVER_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    ),
    "mariadb": os.environ.get(
        "MAILFAILOVER_TEST_MARIADB", "mariadb+pymysql://root@127.0.0.1:3306/mysql"
    ),
}


KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.services),
    pytest.param("mariadb", marks=pytest.mark.services),
]
"""What a fixture of engines is parametrized with."""


@contextmanager
def fresh_engine(kind: str, directory: Path) -> Iterator[Engine]:
    """
    An engine on an empty database, a file in *directory* or one of a server.
    """
    if kind == "sqlite":
        engine = open_engine(f"sqlite:///{directory / 'mails.db'}")
        yield engine
        engine.dispose()
        return
    with fresh_database(kind) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


@contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """
    The URL of an empty database, which is dropped at the end; skips where no server runs.
    """
    server = make_url(SERVERS[kind])
    name = f"mailfailover_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        pytest.skip(f"no {kind} runs on this machine")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            force = " WITH (FORCE)" if kind == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()
