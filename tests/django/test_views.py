from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client, override_settings

from mailfailover import EventType
from mailfailover.django.signals import tracking
from mailfailover.providers.postmark import Postmark
from tests.webhooks.troubles import BREVO, TROUBLES, each_trouble, post, served

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    Nobody hears of it; Postmark gets a 401, because it would never come again after a 403.
    """
    assert (401, []) == (_post(login="Basic bWU6d3Jvbmc="), events)


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


@each_trouble
@override_settings(MAILFAILOVER={"CHAIN": BREVO})
def test_a_vendor_is_answered_so_that_it_repeats(name: str) -> None:
    """
    Brevo drops an event at any status of failure but 429.
    """
    trouble = TROUBLES[name]

    def fail(**_: Any) -> None:
        if trouble.error is not None:
            raise trouble.error

    tracking.connect(fail)
    try:
        with served(get_wsgi_application()) as port:
            assert 429 == post(port, "/email/webhooks/brevo", trouble)
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
