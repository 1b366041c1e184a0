"""
:class:`DeliveryHealth` with a mailer, its webhooks and a database.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from mailfailover import (
    ConfigurationError,
    DeliveryEvent,
    EventType,
    Mailer,
    Message,
    ProviderChain,
    Receipt,
    RecipientStatus,
)
from mailfailover._chain.observe import MailSent
from mailfailover.deliveries import (
    Cell,
    CellState,
    DeliveriesDown,
    DeliveriesUp,
    DeliveryHealth,
    WebhooksSilent,
)
from mailfailover.deliveries._count_rows import write_counts
from mailfailover.deliveries._counts import HEARD, HOUR, SENT, SLICE, Key
from mailfailover.deliveries._tables import COLUMNS, counts
from mailfailover.plugin import Response
from mailfailover.providers.postmark import Postmark
from mailfailover.testing import FakeClock, FakeTransport
from mailfailover.tracking import SilentOutageWatch, Tracking
from mailfailover.webhooks import WebhookRequest
from mailfailover.webhooks._answers import answer_webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86400.0
FINE = 9 * 3600
NOW = 20_000 * DAY


@pytest.fixture
def clock() -> FakeClock:
    """
    Seconds since 1970, for tracking and deliveries alike.
    """
    return FakeClock(NOW)


@pytest.fixture
def tracking(tmp_path: Path, clock: FakeClock) -> Iterator[Tracking]:
    """
    Tracking in a file of its own.
    """
    tracking = Tracking(f"sqlite:///{tmp_path}/mails.db", clock=clock)
    tracking.init()
    yield tracking
    tracking.close()


@pytest.fixture
def told() -> list[object]:
    """
    What observers were told.
    """
    return []


@pytest.fixture
def deliveries(tracking: Tracking, told: list[object]) -> DeliveryHealth:
    """
    Deliveries that are looked at when a test says so.
    """
    found = DeliveryHealth(tracking, observers=[told.append], every=None)
    found.init()
    return found


@pytest.fixture
def mailer(tracking: Tracking, deliveries: DeliveryHealth) -> Mailer:
    """
    Two links, whose events come in.
    """
    return Mailer(
        {"one": "null://", "two": "null://"},
        from_email="me@example.com",
        observers=[tracking],
        on_event=[tracking],
        deliveries=deliveries,
    )


def send(mailer: Mailer, number: int = 1, to: str = "ann@gmail.com") -> list[Receipt]:
    """
    Send so many mails.
    """
    return [mailer.send(to=to, subject="Hi", text="Hi") for _ in range(number)]


def event(receipt: Receipt, at: float, **fields: Any) -> DeliveryEvent:
    """
    An event of the only recipient of a mail.
    """
    plain = {
        "type": EventType.DELIVERED,
        "provider": receipt.provider,
        "mail_id": receipt.mail_id,
        "recipient": next(iter(receipt.recipients)),
        "timestamp": datetime.fromtimestamp(at, UTC),
    }
    return DeliveryEvent(**{**plain, **fields})


def numbers(deliveries: DeliveryHealth) -> dict[tuple[str, str, str], int]:
    """
    What is counted, over all slices.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    with deliveries.engine.connect() as connection:
        for row in connection.execute(select(counts)):
            for what, column in COLUMNS.items():
                found[row.link, row.receiver, what] += getattr(row, column)
    return {key: number for key, number in found.items() if number}


def test_sends_and_events_are_counted(
    mailer: Mailer, deliveries: DeliveryHealth, clock: FakeClock
) -> None:
    """
    A delivery by how long it took, in the slice of its mail; an event that comes twice once.
    """
    first, second, third = send(mailer, 3)
    clock.advance(400)
    for one in (
        event(first, clock()),
        event(first, clock(), event_id="again"),
        event(second, clock(), type=EventType.DEFERRED, mta_response="421 RP-001"),
        event(third, clock(), type=EventType.BOUNCED),
        event(third, clock(), type=EventType.OPENED),
    ):
        mailer.webhooks.tell(one)

    deliveries.check()

    assert numbers(deliveries) == {
        ("one", "gmail", "sent"): 3,
        ("one", "gmail", "900"): 1,
        ("one", "gmail", "blocked"): 1,
        ("one", "gmail", "bounced"): 1,
        ("one", "", "heard"): 5,
    }


def test_one_wrong_secret_is_the_fault_of_our_webhook(
    tracking: Tracking, deliveries: DeliveryHealth, told: list[object]
) -> None:
    """
    Real requests say so within ten minutes, and no link is blamed for events that never came.
    """
    mailer = Mailer(
        {
            key: Postmark(server_token="t", webhook_username="hook", webhook_password=password)
            for key, password in (("one", "wrong-secret"), ("two", "right-secret"))
        },
        observers=[tracking],
        transport=FakeTransport(Response(200, {}, b'{"ErrorCode": 0, "MessageID": "m"}')),
        from_email="me@example.com",
        deliveries=deliveries,
    )
    send(mailer)
    header = {"Authorization": f"Basic {b64encode(b'hook:right-secret').decode()}"}
    delivered = b'{"RecordType": "Delivery", "MessageID": "m", "Recipient": "ann@gmail.com"}'
    request = WebhookRequest("POST", "https://example.com/", header, delivered)

    answers = [answer_webhook(mailer, key, request).status for key in ("one", "two") * 4]
    deliveries.check()

    assert [401, 200] * 4 == answers
    assert told == [WebhooksSilent("one", "4 webhooks had a wrong signature, and none a right one")]


def test_events_that_mean_nothing_change_nothing(
    mailer: Mailer, deliveries: DeliveryHealth, clock: FakeClock
) -> None:
    """
    Of unknown mails, without recipient, of another provider, from the future, from long ago.
    """
    (receipt,) = send(mailer)
    strange = [
        event(receipt, clock(), mail_id="unknown"),
        event(receipt, clock(), recipient=""),
        event(receipt, clock(), provider="two"),
        event(receipt, clock() - 3 * DAY),
        event(receipt, clock(), type=EventType.UNKNOWN, timestamp=None),
    ]
    for one in strange:
        mailer.webhooks.tell(one)
    mailer.webhooks.tell(event(receipt, clock() + 10 * DAY))

    deliveries.check()

    found = numbers(deliveries)
    assert found.pop(("one", "", "heard")) + found.pop(("two", "", "heard")) == 6
    assert found.pop(("one", "", "lag")) == 3600
    assert found == {("one", "gmail", "sent"): 1, ("one", "gmail", "300"): 1}


def test_scheduled_and_refused_recipients_are_not_counted(deliveries: DeliveryHealth) -> None:
    """
    Nobody waits for their delivery.
    """
    recipients = {
        "ann@gmail.com": RecipientStatus.INVALID,
        "bob@gmail.com": RecipientStatus.ACCEPTED,
    }
    receipt = Receipt("id", "one", "", recipients, ())
    later = datetime.fromtimestamp(NOW + 60, UTC)
    mail = Message(to=list(recipients), subject="Hi", text="Hi")

    for message in (mail, mail.replace(send_at=later)):
        deliveries(MailSent(message, receipt))
    deliveries("of no concern")
    deliveries.check()

    assert numbers(deliveries) == {("one", "gmail", "sent"): 1}


def healthy_week(deliveries: DeliveryHealth, link: str = "one", an_hour: int = 300) -> None:
    """
    Write the counts of a week in which all was well.
    """
    rng = Random(1)
    found: dict[Key, int] = {}
    for hour in range(int(NOW - 7 * DAY), int(NOW - 2 * HOUR), HOUR):
        sent = round(rng.gauss(an_hour, an_hour**0.5))
        found[Key(hour, link, "gmail", SENT)] = sent
        found[Key(hour, link, "gmail", "300")] = round(sent * 0.96)
    with deliveries.engine.begin() as connection:
        write_counts(connection, found)


def test_a_blocked_receiver_is_told_and_passed_by(
    mailer: Mailer,
    deliveries: DeliveryHealth,
    clock: FakeClock,
    told: list[object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Until the probes arrive again; the log and the observers hear of both, without any address.
    """
    healthy_week(deliveries)
    caplog.set_level(logging.INFO, "mailfailover")
    for receipt in send(mailer, 10):
        refused = {"type": EventType.DEFERRED, "mta_response": "550 5.7.1 (S3150)"}
        mailer.webhooks.tell(event(receipt, clock() + 20, **refused))
    clock.advance(60)
    cells = deliveries.check()
    during = {one.provider for one in send(mailer, 5)} | {
        one.provider for one in send(mailer, 1, "bob@yahoo.com")
    }

    clock.advance(1900)
    for _ in range(4):
        for receipt in send(mailer, 2):
            mailer.webhooks.tell(event(receipt, clock() + 5))
        clock.advance(700)
    after = deliveries.check()

    down = "10 of 10 recipients were refused or deferred as a sender within 5 min"
    assert Cell(CellState.BLOCKED, NOW + 60, down, 0, 0, 10, 0) == cells["one", "gmail"]
    assert during == {"one", "two"}
    assert not after["one", "gmail"].is_ill
    assert told == [
        DeliveriesDown("one", "gmail", "blocked", down),
        DeliveriesUp("one", "gmail"),
    ]
    levels = [one.levelno for one in caplog.records if "Deliveries" in one.getMessage()]
    assert levels == [logging.WARNING, logging.INFO]
    assert "@" not in caplog.text


def test_processes_agree(
    mailer: Mailer, deliveries: DeliveryHealth, tracking: Tracking, clock: FakeClock
) -> None:
    """
    One judges, all read; what was told is told once.
    """
    heard: list[object] = []
    other = DeliveryHealth(tracking, observers=[heard.append], every=None)
    healthy_week(deliveries)
    for receipt in send(mailer, 10):
        mailer.webhooks.tell(
            event(receipt, clock(), type=EventType.BOUNCED, mta_response="(S3150)")
        )

    here, there = deliveries.check(), other.check()

    assert (here, heard) == (there, [])
    assert here["one", "gmail"].state is CellState.BLOCKED


def test_silent_webhooks_are_told(
    mailer: Mailer, deliveries: DeliveryHealth, clock: FakeClock, told: list[object]
) -> None:
    """
    Once, and no mail goes another way for it.
    """
    healthy_week(deliveries)
    for _ in range(6):
        send(mailer, 25)
        clock.advance(300)
        deliveries.check()

    assert [type(one) for one in told] == [WebhooksSilent]
    assert {one.provider for one in send(mailer, 5)} == {"one"}


def test_counts_stay_small(deliveries: DeliveryHealth, clock: FakeClock) -> None:
    """
    What is older than nine hours is kept by the hour, what is older than a week not at all.
    """
    start = int(NOW - 9 * DAY) // SLICE * SLICE
    found = {Key(at, "one", "gmail", SENT): 1 for at in range(start, int(NOW), SLICE)}
    with deliveries.engine.begin() as connection:
        write_counts(connection, found)

    deliveries.check()

    query = select(func.count(), func.sum(counts.c.sent), func.min(counts.c.slice))
    with deliveries.engine.connect() as connection:
        rows, sent, first = connection.execute(query).one()
    kept = 8 * DAY + HOUR
    assert (sent, first) == (kept / SLICE, NOW - kept)
    assert rows == (kept - FINE) / HOUR + FINE / SLICE


def test_a_clock_that_jumps_switches_nothing(tracking: Tracking, told: list[object]) -> None:
    """
    A day forward or back, the judge goes on.
    """
    times = [NOW]
    found = DeliveryHealth(tracking, observers=[told.append], every=None, clock=lambda: times[-1])
    found.init()
    healthy_week(found)
    mailer = Mailer("null://", from_email="me@example.com", deliveries=found)

    for jump in (DAY, -2 * DAY, DAY):
        send(mailer, 3)
        times.append(times[-1] + jump)
        found.check()

    assert [one for one in told if not isinstance(one, WebhooksSilent)] == []


def test_a_database_that_is_away_loses_no_count(mailer: Mailer, deliveries: DeliveryHealth) -> None:
    """
    The next look writes them.
    """
    send(mailer, 2)
    with deliveries.engine.begin() as connection:
        connection.execute(text("ALTER TABLE delivery_counts RENAME TO away"))
    with pytest.raises(SQLAlchemyError, match="no such table"):
        deliveries.check()

    with deliveries.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO delivery_counts"))
    deliveries.check()

    assert numbers(deliveries)["one", "gmail", "sent"] == 2


def test_it_looks_by_itself(tracking: Tracking) -> None:
    """
    In a thread of its own, from the first send on; closing it writes the rest.
    """
    found = DeliveryHealth(tracking, every=3600.0)
    found.init()
    with Mailer("null://", from_email="me@example.com", deliveries=found) as mailer:
        send(mailer)
    found.close()

    assert numbers(found) == {("null", "gmail", "sent"): 1}


def test_a_warm_up_is_counted(
    tracking: Tracking, deliveries: DeliveryHealth, clock: FakeClock
) -> None:
    """
    So many recipients on the first day; the overflow goes to the next link.
    """
    chain = "failover(new=null://?warmup=3/d*2 old=null://)"
    mailer = Mailer(chain, from_email="me@example.com", observers=[tracking], deliveries=deliveries)
    deliveries.check()
    first = []
    for _ in range(5):
        first.append(send(mailer)[0].provider)
        deliveries.check()
    clock.advance(DAY)
    deliveries.check()
    second = []
    for _ in range(8):
        second.append(send(mailer)[0].provider)
        deliveries.check()

    assert first == ["new", "new", "new", "old", "old"]
    assert second == ["new"] * 6 + ["old"] * 2


def test_a_warm_up_needs_deliveries() -> None:
    """
    Without them nobody counts.
    """
    with pytest.raises(ConfigurationError, match="warmup of 'null' needs a count over days"):
        Mailer("null://?warmup=3/d")


def test_a_chain_keeps_its_advice(deliveries: DeliveryHealth) -> None:
    """
    A chain given to a mailer with deliveries is ordered by them.
    """
    chain = ProviderChain("null://")

    mailer = Mailer(chain, deliveries=deliveries)

    assert (chain.parts.advice, mailer.chain.parts.advice) == (None, deliveries)


def test_a_watch_tells_of_links_that_are_ill_as_a_whole(
    deliveries: DeliveryHealth, clock: FakeClock
) -> None:
    """
    Once, with what the link usually delivers, until the link is well again.
    """
    heard: list[object] = []
    watch = SilentOutageWatch(deliveries, [heard.append], clock=clock)
    healthy_week(deliveries, "one")
    healthy_week(deliveries, "two")
    found: dict[Key, int] = {}
    for start in range(int(NOW) - 2 * HOUR, int(NOW), SLICE):
        found[Key(start, "one", "gmail", SENT)] = found[Key(start, "two", "gmail", SENT)] = 20
        found[Key(start, "two", "gmail", "300")] = 19
        found[Key(start, "two", "", HEARD)] = 19
    with deliveries.engine.begin() as connection:
        write_counts(connection, found)
    deliveries.check()

    (outage,) = watch.check()

    assert deliveries.snapshot()["one", "*"].is_ill
    assert ("one", 0.0, 300) == (outage.provider, outage.share, outage.patience)
    assert outage.usual == pytest.approx(0.96, abs=0.01)
    assert [outage] == heard
    assert {"one": outage, "two": None} == deliveries.silent_outages()
