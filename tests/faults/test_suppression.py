"""
The second vendor knows nothing of the first one's bounces, and must not mail them.
"""

from __future__ import annotations

import hmac
import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer, Message, ProviderChain
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.suppression import SuppressionList
from mailfailover.tracking import Tracking
from mailfailover.webhooks import WebhookRequest
from tests.databases import fresh_engine
from tests.faults.vendors import SENDER, Vendors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mailfailover import Outcome
    from mailfailover.testing import FaultServer

RECIPIENTS = [f"recipient{number}@example.org" for number in range(60)]
SECRET = "secret-hook"


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """
    Mailgun first, then Mandrill, on real sockets.
    """
    with Vendors() as both:
        yield both


@pytest.fixture
def mailer(vendors: Vendors, tmp_path: Path) -> Iterator[Mailer]:
    """
    An application's mailer, with a list of suppressions and with tracking.
    """
    with fresh_engine("sqlite", tmp_path) as engine:
        tracking = Tracking(engine)
        tracking.init()
        suppressions = SuppressionList(engine, tracking=tracking)
        suppressions.init()
        first = Mailgun(
            api_key="key-first",
            domain="example.com",
            base_url=vendors.first.url,
            webhook_signing_key=SECRET,
        )
        second = Mandrill(api_key="key-second", base_url=vendors.second.url)
        with Mailer(
            ProviderChain({"first": first, "second": second}),
            from_email=SENDER,
            suppressions=suppressions,
            observers=[tracking, suppressions],
            on_event=[tracking, suppressions],
        ) as mailer:
            yield mailer


def webhook(number: int, recipient: str, mail_id: str, **fields: str) -> WebhookRequest:
    """
    What Mailgun posts to us, signed.
    """
    stamp, token = f"{time.time():.0f}", f"{number:050}"
    signature = hmac.digest(SECRET.encode(), f"{stamp}{token}".encode(), "sha256").hex()
    data = {
        "id": f"event-{number}",
        "timestamp": time.time(),
        "recipient": recipient,
        "user-variables": {"mailfailover-id": mail_id},
        **fields,
    }
    block = {"timestamp": stamp, "token": token, "signature": signature}
    body = json.dumps({"signature": block, "event-data": data}).encode()
    return WebhookRequest("POST", "/", {"Content-Type": "application/json"}, body)


FAILED = {"event": "failed", "severity": "permanent", "reason": "bounce"}
COMPLAINED = {"event": "complained"}
UNSUBSCRIBED = {"event": "unsubscribed"}
DELIVERED = {"event": "delivered"}
KINDS = [FAILED, COMPLAINED, UNSUBSCRIBED, DELIVERED]


def send_all(mailer: Mailer, **fields: str) -> list[Outcome]:
    """
    Send a mail to each recipient.
    """
    mails = [Message(to, subject="Hi", text="Hello", **fields) for to in RECIPIENTS]  # type: ignore[arg-type]  # strings
    return mailer.send_many(mails, workers=4)


def mailed(vendor: FaultServer) -> Counter[str]:
    """
    How often each recipient is in a mail that Mandrill took.
    """
    return Counter(
        one["email"] for mail in vendor.accepted for one in json.loads(mail.body)["message"]["to"]
    )


def told_of(kinds: Iterable[dict[str, str]]) -> set[str]:
    """
    Whom the first vendor told this of.
    """
    wanted = list(kinds)
    return {to for number, to in enumerate(RECIPIENTS) if KINDS[number % len(KINDS)] in wanted}


def test_a_bounce_at_one_vendor_holds_at_the_other(mailer: Mailer, vendors: Vendors) -> None:
    """
    Counted there, after a switch.

    Whoever bounced, complained or unsubscribed at the first gets no mail of the second; who
    unsubscribed from one stream gets those of another.
    """
    first = send_all(mailer, stream="news")
    for number, outcome in enumerate(first):
        kind = KINDS[number % len(KINDS)]
        mailer.receive("first", webhook(number, RECIPIENTS[number], outcome.message.id, **kind))
    vendors.first.fail("unavailable")

    news = send_all(mailer, stream="news")
    after_news = mailed(vendors.second)
    send_all(mailer, stream="alerts")
    after_alerts = mailed(vendors.second)

    assert {"first"} == {one.receipt.provider for one in first if one.receipt}
    assert dict.fromkeys(told_of([DELIVERED]), 1) == after_news
    assert dict.fromkeys(told_of([DELIVERED, UNSUBSCRIBED]), 1) == after_alerts - after_news
    assert told_of([FAILED, COMPLAINED, UNSUBSCRIBED]) == {
        one.message.to[0].email for one in news if not one.ok
    }


def test_the_rest_of_a_shared_mail_goes_out(mailer: Mailer, vendors: Vendors) -> None:
    """
    The receipt names those who were left out, and no request at all has their addresses.
    """
    shared = Message(RECIPIENTS[:8], subject="Hi", text="Hello")
    sent = mailer.send(shared)
    for number in range(4):
        mailer.receive("first", webhook(number, RECIPIENTS[number], sent.mail_id, **FAILED))
    before = len(vendors.first.requests)

    receipt = mailer.send(shared.replace(id="again"))

    (request,) = vendors.first.requests[before:]
    assert set(RECIPIENTS[:4]) == set(receipt.rejected)
    assert set(RECIPIENTS[4:8]) == set(receipt.recipients) - set(receipt.rejected)
    assert not [one for one in RECIPIENTS[:4] if one.encode() in request.body]
