from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.exc import OperationalError

from mailfailover._sql.database import open_engine
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._tables import bodies
from tests.chains import MAIL, NOW, Scripted, World
from tests.outbox.working import found, work

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def test_an_engine_of_the_caller_claims_each_mail_once(tmp_path: Path, world: World) -> None:
    """
    SQLite's driver begins its transactions late, if nobody tells it otherwise.
    """
    url = f"sqlite:///{tmp_path / 'own.db'}"
    outbox = Outbox(create_engine(url, connect_args={"timeout": 60}), clock=world.wall)
    outbox.init()
    outbox.add_many([MAIL.replace(id=f"m{number}") for number in range(60)])
    a = Scripted("a")

    def run(_number: int) -> None:
        engine = create_engine(url, connect_args={"timeout": 60})
        work(Outbox(engine, clock=world.wall), world, a).run_once()
        engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))

    assert 60 == outbox.stats().counts[State.SENT]
    assert 60 == len(a.mails)
    assert {1} == {one.tries for one in outbox.list(limit=100)}
    outbox.close()


class Refusal(sqlite3.OperationalError):
    """
    A server's word that it is no primary.
    """

    sqlstate = "25006"


def test_connections_to_a_server_that_only_reads_are_let_go(tmp_path: Path) -> None:
    """
    Those that wait in the pool too: the next one goes to the new primary.
    """
    engine = open_engine(f"sqlite:///{tmp_path / 'mails.db'}")
    refuses = [True]
    with engine.connect() as one, engine.connect() as two:
        old = {one.connection.driver_connection, two.connection.driver_connection}
    raise_in_driver(engine, refuses)

    with pytest.raises(OperationalError), engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE a (x)")

    refuses.clear()
    with engine.connect() as one, engine.connect() as two:
        new = {one.connection.driver_connection, two.connection.driver_connection}
    assert not old & new
    engine.dispose()


def raise_in_driver(engine: Engine, refuses: list[bool]) -> None:
    """
    Let the driver refuse what it executes next.
    """

    def refuse(_cursor: object, _statement: str, _parameters: object, _context: object) -> bool:
        if refuses:
            raise Refusal
        return False

    event.listen(engine, "do_execute", refuse)
    event.listen(engine, "do_execute_no_params", lambda c, s, x: refuse(c, s, (), x))


def test_what_a_sent_mail_said_is_kept_as_long_as_it_was_told(world: World, tmp_path: Path) -> None:
    """
    Then it is forgotten, and the rest of the mail stays.
    """
    engine = open_engine(f"sqlite:///{tmp_path / 'mails.db'}")
    outbox = Outbox(engine, keep_content=timedelta(days=7), clock=world.wall)
    outbox.init()
    outbox.add(MAIL)
    work(outbox, world).run_once()
    assert MAIL == found(outbox).message
    world.clock.advance(7 * 86400)

    work(outbox, world).sweep()

    with engine.connect() as connection:
        assert [] == connection.scalars(select(bodies.c.mail)).all()
    assert NOW + outbox.keep == found(outbox).due
    engine.dispose()
