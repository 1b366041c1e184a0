"""
The outbox on PostgreSQL, its workers killed, its server stopped in the middle.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from mailfailover import IdempotencyConflict
from mailfailover.outbox import Outbox, State
from mailfailover.testing import FaultProxy
from tests.chains import MAIL
from tests.databases import fresh_database
from tests.outbox.history import complaints, settle_down
from tests.outbox.programs import Nursery, mail
from tests.outbox.stage import ROUNDS, SEED, Stage, on_stage, play
from tests.services.cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

pytestmark = pytest.mark.services

URL = "postgresql://postgres@127.0.0.1"
RESTARTS = max(1, ROUNDS // 12)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """
    Where processes come from.
    """
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def stage(tmp_path: Path, nursery: Nursery) -> Iterator[Stage]:
    """
    A stage on the machine's PostgreSQL, in a database of its own.
    """
    with fresh_database("postgresql") as url, on_stage(url, tmp_path, nursery) as stage:
        yield stage


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """
    A server that may be stopped.
    """
    with running_cluster() as cluster:
        yield cluster


def test_nothing_is_lost_or_sent_twice_in_silence(stage: Stage) -> None:
    """
    Four workers, killed again and again, before vendors that fail in turns.
    """
    play(stage, 4, ROUNDS)

    assert [] == stage.verdict()
    assert stage.outbox.stats().counts[State.SENT]


def test_the_server_may_go_away_under_load(
    cluster: Cluster, tmp_path: Path, nursery: Nursery
) -> None:
    """
    As by a power failure: what was acknowledged is there, and workers go on by themselves.
    """
    rng = Random(SEED)
    with on_stage(cluster.url, tmp_path, nursery) as stage:
        crew = [stage.work(), stage.work(), stage.add("mail")]
        for _ in range(RESTARTS):
            stage.vendors.fail(rng)
            time.sleep(rng.uniform(0.3, 0.8))
            cluster.stop()
            time.sleep(0.2)
            cluster.start()
        time.sleep(0.5)
        for pid in crew:
            stage.nursery.kill(pid)

        assert [] == stage.verdict()
        assert stage.outbox.stats().counts[State.SENT]


def test_workers_follow_a_failover_to_the_standby(tmp_path: Path, nursery: Nursery) -> None:
    """
    The old primary goes on reading, and their connections to it last; a new one is promoted.
    """
    with running_cluster() as primary, primary.standby() as standby:
        proxy = Switch(primary.port)
        with proxy, on_stage(f"{URL}:{proxy.port}/postgres", tmp_path, nursery) as stage:
            workers = [stage.work(), stage.work()]
            first = [stage.outbox.add(mail("old", number)) for number in range(5)]
            settle_down(stage.outbox)

            primary.say("ALTER SYSTEM SET default_transaction_read_only = on")
            primary.say("SELECT pg_reload_conf()")
            wait_until_copied(primary, standby)
            standby.promote()
            proxy.turn(standby.port)
            later = [add_at_last(stage.outbox, number) for number in range(5)]
            settle_down(stage.outbox)
            for pid in workers:
                stage.nursery.kill(pid)

            assert [] == complaints(stage.outbox, first + later, stage.vendors.accepted())
            assert 10 == stage.outbox.stats().counts[State.SENT]
            stage.outbox.close()


class Switch(FaultProxy):
    """
    An address in front of servers, as a proxy or a name is: who is connected stays connected.
    """

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)

    def turn(self, port: int) -> None:
        """
        Lead new connections to another server.
        """
        self._target = ("127.0.0.1", port)


def wait_until_copied(primary: Cluster, standby: Cluster) -> None:
    """
    Wait until the standby has all that the primary has.
    """
    with connected(primary) as one, connected(standby) as other:
        goal = one.scalar(text("SELECT pg_current_wal_lsn()::text"))
        query = text("SELECT pg_last_wal_replay_lsn() >= CAST(:goal AS pg_lsn)")
        end = time.monotonic() + 60
        while not other.scalar(query, {"goal": goal}):
            assert time.monotonic() < end, "the standby stays behind"
            time.sleep(0.05)


@contextmanager
def connected(cluster: Cluster) -> Iterator[Connection]:
    """
    A connection of a test's own.
    """
    engine = create_engine(cluster.url.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def add_at_last(outbox: Outbox, number: int) -> str:
    """
    Add a mail, again if the old primary refused it.
    """
    end = time.monotonic() + 60
    while True:
        try:
            return outbox.add(mail("new", number))
        except SQLAlchemyError:
            assert time.monotonic() < end, "no connection leads to the new primary"
            time.sleep(0.05)


def test_the_same_key_at_the_same_time_is_one_mail(stage: Stage) -> None:
    """
    Of many who add it at once, all get the id of one.
    """
    start = Barrier(8)

    def add(number: int) -> str:
        start.wait(10)
        return stage.outbox.add(MAIL.replace(id=f"m{number}"), idempotency_key="order-7")

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(add, range(8)))

    assert ids == {one.id for one in stage.outbox.list()}
    assert 1 == len(ids)


def test_a_key_waits_for_the_transaction_that_has_it(stage: Stage) -> None:
    """
    Whether it is a conflict is clear when the other one is committed, or rolled back.
    """
    outbox = stage.outbox

    def add_other() -> str:
        return outbox.add(MAIL.replace(id="m2", text="Bye"), idempotency_key="order-7")

    with ThreadPoolExecutor(1) as pool, outbox.engine.connect() as connection:
        outbox.add(MAIL, connection, idempotency_key="order-7")
        second = pool.submit(add_other)
        connection.rollback()
        assert "m2" == second.result(30)
        outbox.add(MAIL.replace(id="m3"), connection, idempotency_key="order-8")
        third = pool.submit(
            Outbox.add, outbox, MAIL.replace(id="m4", text="Bye"), idempotency_key="order-8"
        )
        connection.commit()
        with pytest.raises(IdempotencyConflict):
            third.result(30)
