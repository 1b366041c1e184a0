"""
The events that vendors tell: read and verified by the providers themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._setup.registry import load_provider
from mailfailover.chaos import AcceptedMail
from mailfailover.chaos._event_templates import event_payload, told_kinds
from mailfailover.chaos._key_pages import key_page
from mailfailover.chaos._keys import Keys
from mailfailover.chaos._providers import HTTP_VENDORS, options
from mailfailover.chaos._signing import SIGNERS, Posting
from mailfailover.errors import InvalidSignature
from mailfailover.plugin import EventType, HTTPRequest, Response, WebhookRequest
from mailfailover.testing import RecordedRequest
from mailfailover.webhooks import MemoryReplays, receive
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover.plugin import DeliveryEvent

NOW = 1_800_000_000.0
URL = "http://127.0.0.1:8000/webhooks/x?a=b"
MAIL_ID = "01JDABCDEFGHJKMNPQRSTVWXYZ"
KEYS = Keys()
WITHOUT_OUR_ID = {"ahasend", "mailchannels", "mailomat", "mailpace"}
"""Those who have no place for our id."""

WITHOUT_MESSAGE_ID = {"socketlabs"}
"""Those whose events name a mail by our id only."""

CASES = [(vendor, kind) for vendor in HTTP_VENDORS for kind in told_kinds(vendor)]
MEANT = {
    "delivered": {EventType.DELIVERED, EventType.SENT},
    "bounced": {EventType.BOUNCED},
    "deferred": {EventType.DEFERRED},
}


def provider(vendor: str) -> Any:
    """
    The provider as its DSN here configures it.
    """
    return load_provider(vendor, **options(vendor, "http://localhost", URL, KEYS))


def mail(vendor: str) -> AcceptedMail:
    """
    An accepted mail of this vendor.
    """
    return AcceptedMail(
        number=1,
        vendor=vendor,
        accepted=datetime.fromtimestamp(NOW, UTC),
        sender="shop@example.com",
        recipients=("cat@example.edu",),
        subject="A $5 order",
        mail_id=MAIL_ID,
        message_ids={"cat@example.edu": "4711"},
        fate="delivered",
        body=b"",
    )


def signed(vendor: str, kind: str = "delivered", keys: Keys = KEYS) -> HTTPRequest:
    """
    The call by which the vendor tells an event.
    """
    payload = event_payload(mail(vendor), kind, "cat@example.edu", "event-1", NOW)
    return SIGNERS[vendor](Posting(payload, URL, "event-1", NOW, keys))


def as_webhook(request: HTTPRequest) -> WebhookRequest:
    """
    The same call as it arrives.
    """
    assert isinstance(request.body, bytes)
    return WebhookRequest(request.method, request.url, request.headers, request.body, NOW)


def fetch(vendor: str) -> Any:
    """
    What a provider fetches of its vendor, from the vendor here.
    """

    def get(request: HTTPRequest) -> Response:
        host, _, path = request.url.partition("://")[2].partition("/")
        headers = (("Host", host),)
        asked = RecordedRequest(request.method, f"/{path}", headers, b"", 0.0, 1)
        page = key_page(asked, vendor, KEYS)
        return Response(page.status, {}, page.body) if page else Response(404)

    return get


def read(vendor: str, request: HTTPRequest) -> tuple[DeliveryEvent, ...]:
    """
    What the provider reads, once it has verified the call.
    """
    return receive(
        provider(vendor),
        as_webhook(request),
        replays=MemoryReplays(),
        fetch=fetch(vendor),
        wall=lambda: NOW,
    )


@each(("vendor", "kind"), CASES)
def test_an_event_is_verified_and_means_what_it_says(vendor: str, kind: str) -> None:
    """
    The provider takes the vendor's call, and reads the mail, the recipient and the kind.
    """
    (event,) = read(vendor, signed(vendor, kind))

    assert event.type in MEANT[kind]
    assert event.recipient == "cat@example.edu"
    assert event.mail_id == ("" if vendor in WITHOUT_OUR_ID else MAIL_ID)
    assert event.provider_message_id.strip("<>") == ("" if vendor in WITHOUT_MESSAGE_ID else "4711")
    assert (event.tags, dict(event.metadata)) == ((), {})
    assert event.timestamp == datetime.fromtimestamp(NOW, UTC)


def test_every_vendor_with_webhooks_tells() -> None:
    """
    Whoever can verify events here is told some.
    """
    telling = {vendor for vendor, _ in CASES}

    assert telling == {name for name in HTTP_VENDORS if hasattr(provider(name), "verify_webhook")}
    assert telling == set(SIGNERS)


@each("vendor", ["mailpace", "postal", "sendgrid"])
def test_another_key_is_refused(vendor: str) -> None:
    """
    Each start has key pairs of its own.
    """
    with pytest.raises(InvalidSignature):
        read(vendor, signed(vendor, keys=Keys()))
