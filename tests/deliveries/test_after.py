"""
A mail that repeats an earlier one goes another way than that, as long as it is owed.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from mailfailover import ConfigurationError, DeliveryEvent, EventType, Mailer, Receipt
from mailfailover.aio import AsyncMailer
from mailfailover.deliveries import DeliveryHealth
from mailfailover.errors import OutcomeUnknown
from mailfailover.outbox import Outbox, OutboxWorker
from mailfailover.tracking import Tracking
from tests.chains import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE: dict[str, Any] = {"to": "ann@gmail.com", "subject": "Your code", "text": "1234"}


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[Tracking]:
    """
    Tracking in a file of its own.
    """
    tracking = Tracking(f"sqlite:///{tmp_path}/mails.db")
    tracking.init()
    yield tracking
    tracking.close()


def options(tracking: Tracking) -> dict[str, Any]:
    """
    What a mailer needs to know what it owes.
    """
    deliveries = DeliveryHealth(tracking, every=None)
    deliveries.init()
    return {
        "from_email": "me@example.com",
        "observers": [tracking],
        "on_event": [tracking],
        "deliveries": deliveries,
    }


def make_mailer(tracking: Tracking, *parts: Any) -> Mailer:
    """
    A mailer with two links, or with *parts*.
    """
    return Mailer(parts or (Scripted("one"), Scripted("two")), **options(tracking))


def tell(mailer: Mailer, receipt: Receipt, kind: EventType, recipient: str = "") -> None:
    """
    Let the provider of a mail tell what became of it.
    """
    event = DeliveryEvent(
        type=kind,
        provider=receipt.provider,
        mail_id=receipt.mail_id,
        recipient=recipient or next(iter(receipt.recipients)),
        timestamp=datetime.now(UTC),
    )
    mailer.webhooks.tell(event)


@pytest.mark.parametrize(
    ("kinds", "provider"),
    [
        ([], "two"),
        ([EventType.QUEUED], "two"),
        ([EventType.DEFERRED], "two"),
        ([EventType.DELIVERED], "one"),
        ([EventType.DEFERRED, EventType.DELIVERED], "one"),
        ([EventType.BOUNCED], "one"),
    ],
    ids=["silence", "queued", "deferred", "delivered", "delivered late", "bounced"],
)
def test_the_link_that_owes_the_first_mail_is_avoided(
    tracking: Tracking, kinds: list[EventType], provider: str
) -> None:
    """
    It owes what it accepted, until an event tells how that ended.
    """
    mailer = make_mailer(tracking)
    first = mailer.send(**CODE)
    for kind in kinds:
        tell(mailer, first, kind)

    second = mailer.send(**CODE, after=first.mail_id)

    assert ("one", provider) == (first.provider, second.provider)


def test_a_link_that_may_have_it_owes_it_too(tracking: Tracking) -> None:
    """
    A call without an answer may have sent it.
    """
    mailer = make_mailer(tracking, Scripted("one", OutcomeUnknown("?"), "1"), Scripted("two"))
    with pytest.raises(OutcomeUnknown):
        mailer.send(**CODE, id="m1", on_unknown="raise")

    assert "two" == mailer.send(**CODE, after="m1").provider


def test_the_third_request_avoids_what_owes_the_second(tracking: Tracking) -> None:
    """
    The program names the last mail, whichever way that went.
    """
    mailer = make_mailer(tracking)
    first = mailer.send(**CODE)
    second = mailer.send(**CODE, after=first.mail_id)

    assert "one" == mailer.send(**CODE, after=second.mail_id).provider


def test_another_recipient_that_is_owed_does_not_matter(tracking: Tracking) -> None:
    """
    Ann has her mail; Bob's is about nobody but him. To Eve, who got none, all of it is.
    """
    mailer = make_mailer(tracking)
    first = mailer.send(**CODE | {"to": "ann@gmail.com, bob@gmail.com"})
    tell(mailer, first, EventType.DELIVERED, "ann@gmail.com")

    receipts = [
        mailer.send(**CODE | {"to": f"{name}@gmail.com"}, after=first.mail_id)
        for name in ("Ann", "bob", "eve")
    ]

    assert ["one", "two", "two"] == [one.provider for one in receipts]


def test_where_nobody_else_can_carry_it_the_owing_link_does(tracking: Tracking) -> None:
    """
    It is tried last, and not left out.
    """
    mailer = make_mailer(tracking, "failover(one=null:// two=null://)")
    first = mailer.send(**CODE)

    receipts = [
        mailer.send(**CODE, after=first.mail_id, via="one"),
        make_mailer(tracking, "one=null://").send(**CODE, after=first.mail_id),
    ]

    assert ["one", "one"] == [one.provider for one in receipts]


def test_an_unknown_mail_is_owed_by_nobody(
    tracking: Tracking, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It was purged, or never sent; the log says so.
    """
    with caplog.at_level("INFO"):
        receipt = make_mailer(tracking).send(**CODE, after="no-such-mail")

    assert "one" == receipt.provider
    assert "mail no-such-mail is not tracked" in caplog.text


def test_a_mail_goes_out_while_the_tracking_is_away(
    tracking: Tracking, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What cannot be looked up is not avoided.
    """
    mailer = make_mailer(tracking)
    first = mailer.send(**CODE)
    with tracking.engine.begin() as connection:
        connection.execute(text("ALTER TABLE tracking_mails RENAME TO gone"))

    receipt = mailer.send(**CODE, after=first.mail_id)

    assert "one" == receipt.provider
    assert f"mail {first.mail_id} cannot be looked up" in caplog.text


def test_a_mailer_that_knows_no_deliveries_refuses_it() -> None:
    """
    The error says what is missing.
    """
    with pytest.raises(ConfigurationError, match="give the mailer deliveries=DeliveryHealth"):
        Mailer("null://").send(**CODE, from_email="me@example.com", after="m1")


def test_an_async_mailer_avoids_it_as_well(tracking: Tracking) -> None:
    """
    The look-up does not block the loop: it is a step of the send.
    """

    async def send_twice() -> list[str]:
        async with AsyncMailer("failover(one=null:// two=null://)", **options(tracking)) as mailer:
            first = await mailer.send(**CODE)
            second = await mailer.send(**CODE, after=first.mail_id)
            return [first.provider, second.provider]

    assert ["one", "two"] == asyncio.run(send_twice())


def test_a_mail_of_the_outbox_avoids_it_as_well(tracking: Tracking) -> None:
    """
    When its worker sends it; a worker that knows no deliveries sends it as any other.
    """
    outbox = Outbox(tracking.engine)
    outbox.init()
    mailer = make_mailer(tracking)
    first = mailer.send(**CODE)
    known = outbox.add(**CODE, after=first.mail_id)
    OutboxWorker(outbox, mailer).run_once()
    unknown = outbox.add(**CODE, from_email="me@example.com", after=first.mail_id)
    OutboxWorker(outbox, Mailer("failover(one=null:// two=null://)")).run_once()

    found = [outbox.get(one) for one in (known, unknown)]

    assert ["two", "one"] == [one and one.provider for one in found]


def test_what_cannot_be_looked_up_is_not_known_to_be_owed(
    tracking: Tracking, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Neither a mail that is not tracked, nor any while the database is away.
    """
    mailer = make_mailer(tracking)
    assert mailer.deliveries is not None
    first = mailer.send(**CODE)
    known = [mailer.deliveries.is_owed(one) for one in (first.mail_id, "no-such-mail")]
    with tracking.engine.begin() as connection:
        connection.execute(text("ALTER TABLE tracking_mails RENAME TO gone"))

    away = mailer.deliveries.is_owed(first.mail_id)

    assert ([True, None], None) == (known, away)
    assert f"mail {first.mail_id} cannot be looked up" in caplog.text


def test_deliveries_begin_while_their_database_is_away(
    tracking: Tracking, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Nothing is known then; their thread looks again.
    """
    deliveries = DeliveryHealth(tracking, every=60)
    deliveries.begin()

    assert "deliveries cannot be read now" in caplog.text
    assert {} == deliveries.snapshot()
    deliveries.init()
    deliveries.close()
