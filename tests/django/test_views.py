from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.core.mail import send_mail
from django.test import Client, override_settings

from mailfailover import DeliveryEvent, EventType, Message, OutcomeUnknown
from mailfailover.django import get_outbox
from mailfailover.django.signals import tracking
from mailfailover.django.worker import worker
from mailfailover.outbox import State
from mailfailover.providers.postmark import Postmark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.webhooks import WebhookRequest

LOGIN = "Basic " + base64.b64encode(b"me:secret").decode()
POSTMARK = Postmark(server_token="t", webhook_username="me", webhook_password="secret")
DELIVERED = {
    "RecordType": "Delivery",
    "MessageID": "p1",
    "Recipient": "ann@example.org",
    "DeliveredAt": "2026-11-24T12:00:00Z",
    "Details": "250 OK",
    "Metadata": {},
}


class Doubtful:
    """
    A vendor that never answers, and tells later that it delivered.
    """

    name = "doubtful"

    def send(self, message: Message) -> str:
        raise OutcomeUnknown("no answer")

    def verify_webhook(self, request: WebhookRequest, fetch: object) -> str:
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        mail_id = json.loads(request.body)["mail_id"]
        event = DeliveryEvent(
            event_id="e1",
            type=EventType.DELIVERED,
            mail_id=mail_id,
            recipient="ann@example.org",
            timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        )
        return (event,)


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """
    What a receiver of the signal is told.
    """
    found: list[Any] = []

    def receive(**given: Any) -> None:
        found.append((given["event"].type, given["event"].provider, given["esp_name"]))

    tracking.connect(receive)
    yield found
    tracking.disconnect(receive)


def _post(path: str = "/email/webhooks/postmark", login: str = LOGIN, **data: Any) -> int:
    response = Client(enforce_csrf_checks=True).post(
        path,
        json.dumps(DELIVERED | data),
        content_type="application/json",
        headers={"Authorization": login},
    )
    return int(response.status_code)


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_a_webhook_is_told_as_a_signal(events: list[Any]) -> None:
    """
    A signed webhook is taken without a CSRF token, and receivers get its event.
    """
    assert 200 == _post()
    assert [(EventType.DELIVERED, "postmark", "postmark")] == events


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_an_unsigned_webhook_is_refused(events: list[Any]) -> None:
    """
    Nobody hears of it.
    """
    assert (403, []) == (_post(login="Basic bWU6d3Jvbmc="), events)


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_an_unknown_key_is_not_found(events: list[Any]) -> None:
    """
    There is no address for what is not in the chain.
    """
    assert (404, []) == (_post("/email/webhooks/mailgun"), events)


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_a_vendor_may_try_the_address() -> None:
    """
    GET and HEAD say that it is there; other methods name those that are allowed.
    """
    client = Client()

    answers = [getattr(client, name)("/email/webhooks/postmark") for name in ("get", "head", "put")]

    assert [200, 200, 405] == [one.status_code for one in answers]
    assert "GET, HEAD, POST" == answers[2]["Allow"]


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_a_receiver_that_fails_lets_the_vendor_repeat() -> None:
    """
    The vendor is told to bring the event again.
    """

    def fail(**_: Any) -> None:
        raise LookupError

    tracking.connect(fail)
    try:
        assert 500 == _post()
    finally:
        tracking.disconnect(fail)


@override_settings(MAILFAILOVER={"CHAIN": POSTMARK})
def test_a_body_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is larger than any webhook is refused.
    """
    monkeypatch.setattr("mailfailover.django.views.MAX_BODY", 100)

    assert 413 == _post()


def test_each_mailers_webhooks_are_taken(events: list[Any]) -> None:
    """
    Where two mailers have an account of the same vendor, the one whose secret fits takes it.
    """
    pytest.importorskip("django.core.mail.handler", reason="MAILERS came with Django 6.1")
    other = Postmark(server_token="u", webhook_username="me", webhook_password="other")
    backend = "mailfailover.django.EmailBackend"
    mailers = {
        "default": {"BACKEND": backend, "OPTIONS": {"chain": other}},
        "bulk": {"BACKEND": backend, "OPTIONS": {"chain": POSTMARK}},
    }

    with override_settings(MAILERS=mailers):
        assert 200 == _post()
    assert 1 == len(events)


def test_an_event_settles_a_mail_in_doubt(database: str) -> None:
    """
    A mail that may have been sent is sent as soon as the vendor says so.
    """
    doubtful = Doubtful()
    settings = {"CHAIN": doubtful, "OUTBOX": True, "ON_UNKNOWN": "raise", "TIMEOUT": 0.5}
    with override_settings(MAILFAILOVER=settings):
        send_mail("Hi", "Hello", "shop@example.com", ["ann@example.org"])
        (mail,) = get_outbox().list()
        with worker() as found:
            found.run_once()
        before = get_outbox().list()[0].state

        status = _post("/email/webhooks/doubtful", mail_id=mail.id)

        after = get_outbox().list()[0].state
    assert (State.UNKNOWN, 200, State.SENT) == (before, status, after)
