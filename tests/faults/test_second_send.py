"""
Workers that are killed while they send late mails once more, judged by the vendors' records.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from mailfailover import Mailer, Message
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.outbox import OutboxWorker, State
from mailfailover.outbox._tables import watches
from mailfailover.testing import faults
from mailfailover.tracking import Tracking
from tests.outbox.programs import Nursery, tracked
from tests.outbox.stage import ROUNDS, SEED, Stage, on_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAILS = 60


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """
    Late mails that sendgrid has, and that mailgun may get, slowly.
    """
    url = f"sqlite:///{tmp_path / 'mails.db'}"
    with Nursery() as nursery, on_stage(url, tmp_path, nursery) as stage:
        tracking = Tracking(url)
        tracking.init()
        DeliveryHealth(tracking).init()
        for number in range(MAILS):
            stage.outbox.add(
                Message(
                    f"m{number}@gmail.com",
                    from_email="shop@example.com",
                    subject="Your code",
                    text="1234",
                    id=f"m{number}",
                    via=("sendgrid", "mailgun"),
                    deliver_within=3600,
                )
            )
        mailer = Mailer(stage.vendors.dsn, **tracked(url))
        assert mailer.deliveries
        OutboxWorker(stage.outbox, mailer).run_once()
        mailer.close()
        ill = {("sendgrid", "gmail"): Cell(CellState.LATE, time.time() - 7200, "late")}
        with tracking.engine.begin() as connection:
            write_cells(connection, {}, ill, {})
        yield stage
        tracking.close()


def let_be_due(stage: Stage) -> int:
    """
    Let all that is still watched be looked at now; return how much that is.
    """
    with stage.outbox.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        return connection.execute(update(watches).values(due=past)).rowcount


def wait_for_the_end(stage: Stage, seconds: float = 60.0) -> None:
    """
    Wait until nothing is watched, and no call under way, any more.
    """
    end = time.monotonic() + seconds
    query = select(func.count()).select_from(watches)
    while True:
        with stage.outbox.engine.connect() as connection:
            if not connection.scalar(query):
                break
        assert time.monotonic() < end, "mails are watched for ever"
        time.sleep(0.05)
    time.sleep(1.0)


def test_no_mail_goes_twice_more_whenever_its_worker_dies(stage: Stage) -> None:
    """
    One that was killed in the middle of the second send leaves it to nobody else.
    """
    rng = Random(SEED)
    mailgun = stage.vendors.servers["mailgun"]
    mailgun.fail(faults.accept_then(faults.slow(0.1)), times=10 * MAILS)
    before = stage.vendors.servers["sendgrid"].accepted_recipients()

    for _ in range(ROUNDS):
        let_be_due(stage)
        pid = stage.work(is_tracked=True, attempt_timeout=3.0)
        time.sleep(rng.uniform(0.05, 0.5))
        stage.nursery.kill(pid)
    mailgun.heal()
    let_be_due(stage)
    pid = stage.work(is_tracked=True, attempt_timeout=3.0)
    wait_for_the_end(stage)
    stage.nursery.kill(pid)

    again = mailgun.accepted_recipients()
    assert {1} == set(before.values())
    assert {1} == set(again.values())
    mails = stage.outbox.list(limit=2 * MAILS)
    assert [State.SENT] * MAILS == [one.state for one in mails]
    assert all(len(one.attempts) == 2 for one in mails)
    flagged = {one.recipients[0].email for one in mails if one.possible_duplicate}
    assert again.keys() <= flagged
