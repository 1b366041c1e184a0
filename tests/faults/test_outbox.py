"""
Workers of an outbox that are killed, stopped and cut off, judged by the vendors' records.

MAILFAILOVER_ROUNDS says how many processes are killed; the default is for every day.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from mailfailover.outbox import State
from mailfailover.testing import faults
from tests.outbox.crashing import POINTS
from tests.outbox.history import complaints, settle_down
from tests.outbox.programs import Nursery, mail
from tests.outbox.stage import ROUNDS, Stage, on_stage, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
    A stage on SQLite.
    """
    with on_stage(f"sqlite:///{tmp_path / 'mails.db'}", tmp_path, nursery) as stage:
        yield stage


def test_nothing_is_lost_or_sent_twice_in_silence(stage: Stage) -> None:
    """
    Two workers on one SQLite file, killed again and again, before vendors that fail in turns.
    """
    play(stage, 2, ROUNDS)

    assert [] == stage.verdict()
    assert stage.outbox.stats().counts[State.SENT]


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_may_die_at_any_edge(stage: Stage, point: str) -> None:
    """
    Before and after each commit and each send, mails end as they should.
    """
    for number in range(5):
        stage.notes.write_text(stage.notes.read_text() + stage.outbox.add(mail("m", number)) + "\n")

    stage.nursery.wait(stage.work(crash=point, threads=1))

    assert [] == stage.verdict()
    assert 5 == stage.outbox.stats().counts[State.SENT]


def test_a_stopped_worker_overwrites_nothing(stage: Stage) -> None:
    """
    Another one sent its mail meanwhile; what it hears when it comes back changes nothing.
    """
    vendor = stage.vendors.servers["sendgrid"]
    vendor.fail(faults.accept_then(faults.slow(0.5)), times=1)
    stage.outbox.add(mail("m", 0))
    late = stage.work(once=True, timeout=20, attempt_timeout=20)
    vendor.wait_for(1, timeout=30)
    os.kill(late, signal.SIGSTOP)
    time.sleep(1)  # its lease and the vendor's answer come meanwhile

    other = stage.work()
    settle_down(stage.outbox)
    before = stage.outbox.get("m-0")
    os.kill(late, signal.SIGCONT)
    stage.nursery.wait(late)
    stage.nursery.kill(other)

    assert before == stage.outbox.get("m-0")
    assert [] == complaints(stage.outbox, ["m-0"], stage.vendors.accepted())
    assert [2] == list(stage.vendors.accepted().values())


def test_a_mail_that_kills_its_workers_takes_no_other_with_it(stage: Stage) -> None:
    """
    Those that were being sent beside it are tried again alone, and only it is dead in the end.
    """
    for number in (0, 1, 5, 6, 3, 10, 11):
        stage.outbox.add(mail("m", number))
    for _ in range(6):
        worker = stage.work(crash="poison m-3", threads=7, max_lost=3, lease=0.3)
        try:
            stage.nursery.wait(worker, 6)
        except AssertionError:  # it lives: what kills it is dead
            stage.nursery.kill(worker)
            break
    stage.nursery.kill(stage.work(once=True))
    worker = stage.work()
    settle_down(stage.outbox)
    stage.nursery.kill(worker)

    ends = {one.id: one.state for one in stage.outbox.list()}
    assert State.DEAD == ends.pop("m-3")
    assert {State.SENT} == set(ends.values())


def test_a_worker_that_is_started_anew_takes_its_mails_at_once(stage: Stage) -> None:
    """
    It does not wait until the leases of the killed one end.
    """
    vendor = stage.vendors.servers["sendgrid"]
    vendor.fail(faults.slow(30), times=1)
    for number in range(5):
        stage.outbox.add(mail("m", number))
    killed = stage.work(threads=1, lease=3600, timeout=60, attempt_timeout=60)
    vendor.wait_for(1, timeout=30)
    stage.nursery.kill(killed)

    worker = stage.work(threads=1, lease=3600)
    settle_down(stage.outbox, 30)
    stage.nursery.kill(worker)

    assert 5 == stage.outbox.stats().counts[State.SENT]
