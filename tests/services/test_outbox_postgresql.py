"""
The outbox on PostgreSQL, its workers killed, its server stopped in the middle.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from mailfailover import IdempotencyConflict
from mailfailover.outbox import Outbox, State
from tests.chains import MAIL
from tests.databases import fresh_database
from tests.outbox.programs import Nursery
from tests.outbox.stage import ROUNDS, SEED, Stage, on_stage, play
from tests.services.cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.services

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
