from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from mailfailover import RejectReason
from mailfailover.tracking import Purged, Retention, Tracking
from mailfailover.tracking import _purge as purging
from mailfailover.tracking._tables import counts, events, metadata, recipients
from tests.chains import MAIL, Scripted, World
from tests.tracking.test_tracking import ANN, BOB, send, states, status, told

if TYPE_CHECKING:
    from sqlalchemy import Table

DAYS = Retention(bodies=timedelta(days=1), addresses=timedelta(days=10), mails=timedelta(days=100))


@pytest.fixture
def old(any_tracking: Tracking, world: World) -> Tracking:
    """
    One that knows a mail to two, and what was told of it.
    """
    any_tracking.retention = DAYS
    send(any_tracking, world, Scripted("a", "a-id"), mail=MAIL.replace(to=[ANN, BOB]))
    any_tracking(told("delivered", ANN, raw={"to": ANN}, user_agent="Mozilla"))
    any_tracking(told("bounced", BOB, mta_response=f"no {BOB}", reject_reason=RejectReason.INVALID))
    any_tracking(told("opened", ANN, mail_id="", event_id="late"))
    return any_tracking


def wait(world: World, **time: float) -> None:
    """
    Let so much time pass.
    """
    world.clock.advance(timedelta(**time).total_seconds())


def size(tracking: Tracking, table: Table) -> int:
    """
    How many rows there are.
    """
    with tracking.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_nothing_is_forgotten_at_once(old: Tracking) -> None:
    """
    Everything has its time.
    """
    before = status(old)

    assert Purged(0, 0, 0) == old.purge()
    assert before == status(old)


def test_bodies_go_first(old: Tracking, world: World) -> None:
    """
    The mail's content, and the vendors' data; all else is still told.
    """
    wait(world, days=2)

    assert Purged(bodies=2, addresses=0, mails=0) == old.purge()
    found = status(old)
    assert found.content is None
    assert [{}, {}, {}] == [event.raw for event in found.events]
    assert {ANN: "opened", BOB: "bounced"} == states(old)


def test_then_addresses(old: Tracking, world: World) -> None:
    """
    Each recipient stands as before, by his place in the mail; nothing tells who he is.
    """
    wait(world, days=11)

    purged = old.purge()

    assert Purged(bodies=0, addresses=2, mails=0) == purged
    assert {"#0": "delivered", "#1": "bounced"} == states(old)
    found = status(old)
    assert [("", None), ("#0", None), ("#1", RejectReason.INVALID)] == sorted(
        (event.recipient, event.reject_reason) for event in found.events
    )
    kept = repr(found.to_dict())
    assert not [secret for secret in ("ann", "bob", "Mozilla", "Hello") if secret in kept]
    assert Purged(0, 0, 0) == old.purge()


def test_then_everything(old: Tracking, world: World) -> None:
    """
    No row is left, the counts included.
    """
    wait(world, days=101)

    assert Purged(bodies=0, addresses=0, mails=4) == old.purge()
    assert {table.name: 0 for table in metadata.sorted_tables} == {
        table.name: size(old, table) for table in metadata.sorted_tables
    }


def test_counts_are_kept_as_long_as_they_are_judged_by(old: Tracking, world: World) -> None:
    """
    A week, whatever the retention.
    """
    wait(world, days=6)
    old.purge()
    kept = size(old, counts)
    wait(world, days=2)
    old.purge()

    assert (True, 0) == (kept > 0, size(old, counts))


def test_what_is_to_be_kept_for_ever(old: Tracking, world: World) -> None:
    """
    None never ends.
    """
    old.retention = Retention(bodies=None, addresses=None, mails=None)
    wait(world, days=9999)
    before = status(old)

    assert Purged(0, 0, 0) == old.purge()
    assert before == status(old)


def test_it_takes_any_number_of_transactions(
    old: Tracking, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each a small one: nobody waits long.
    """
    monkeypatch.setattr(purging, "_BATCH", 2)
    wait(world, days=101)
    old.purge()

    assert (0, 0) == (size(old, events), size(old, recipients))
