from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, EventType, Mailer
from mailfailover.errors import ConnectionFailed, InvalidSignature, InvalidWebhook
from mailfailover.providers.memory import Memory
from mailfailover.service.app import create_app
from tests.webhooks.hooks import Told
from tests.webhooks.troubles import BREVO, TROUBLES, each_trouble, post, served

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.plugin import WebhookRequest
    from mailfailover.service.parts import Service

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}


class Acme(Memory):
    """
    A vendor whose webhook says in its body how it is to be taken.
    """

    def verify_webhook(self, request: WebhookRequest, fetch: object) -> str:
        if request.body == b"forged":
            raise InvalidSignature
        if request.body == b"no certificate":
            raise ConnectionFailed
        return request.body.decode()

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        if request.body == b"garbage":
            raise InvalidWebhook("it is garbage")
        return (DeliveryEvent(event_id=request.url, type=EventType.DELIVERED),)


@pytest.fixture(name="seen")
def _seen() -> list[DeliveryEvent]:
    return []


@pytest.fixture(name="client")
def _client(service: Service, seen: list[DeliveryEvent]) -> FlaskClient:
    mailer = Mailer({"acme": Acme(), "quiet": "null://"}, on_event=[seen.append])
    return create_app(dataclasses.replace(service, mailer=mailer)).test_client()


def test_signed_webhook_is_taken_from_anywhere(
    client: FlaskClient, service: Service, seen: list[DeliveryEvent]
) -> None:
    """
    A vendor has no key: its signature lets it in, and its event is handed on, once.
    """
    service.keys.add("shop")
    url = "/email/api/1.0/webhooks/acme"

    statuses = [client.post(url, data=b"1", environ_base=ELSEWHERE).status_code for _ in range(2)]

    assert [200, 200] == statuses
    assert [(EventType.DELIVERED, "acme")] == [(one.type, one.provider) for one in seen]
    assert f"http://localhost{url}" == seen[0].event_id


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("acme", b"forged", 403),
        ("acme", b"garbage", 400),
        ("acme", b"no certificate", 503),
        ("quiet", b"1", 404),
        ("nobody", b"1", 404),
    ],
)
def test_what_is_no_webhook_is_refused(
    key: str, body: bytes, status: int, client: FlaskClient, seen: list[DeliveryEvent]
) -> None:
    """
    The status tells the vendor whether to come again; nothing is handed on.
    """
    answer = client.post(f"/email/api/1.0/webhooks/{key}", data=body)

    assert status == answer.status_code
    assert [] == seen


def test_vendor_calls_in_one_way(
    client: FlaskClient, service: Service, seen: list[DeliveryEvent]
) -> None:
    """
    Most by POST, and some by GET.
    """
    url = "elasticemail://secret-key@?webhook_secret=secret-hook"
    mailer = Mailer({"elasticemail": url}, on_event=[seen.append])
    other = create_app(dataclasses.replace(service, mailer=mailer)).test_client()
    event = "/email/api/1.0/webhooks/elasticemail?secret=secret-hook&status=Sent"

    assert [200, 405] == [other.open(event, method=one).status_code for one in ("GET", "POST")]
    assert [EventType.SENT] == [one.type for one in seen]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_vendor_may_try_an_address(client: FlaskClient, method: str) -> None:
    """
    Some do before they use it, without any signature.
    """
    urls = [f"/email/api/1.0/webhooks/{key}" for key in ("acme", "quiet", "other")]

    assert [200, 404, 404] == [client.open(url, method=method).status_code for url in urls]


@each_trouble
def test_a_vendor_is_answered_so_that_it_repeats(name: str, service: Service) -> None:
    """
    Brevo drops an event at any status of failure but 429.
    """
    told = Told()
    told.error = TROUBLES[name].error
    app = create_app(dataclasses.replace(service, mailer=Mailer(BREVO, on_event=[told])))

    with served(app) as port:
        assert 429 == post(port, "/email/api/1.0/webhooks/brevo", TROUBLES[name])
