"""
Postal's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.plugin import HTTPRequest, Response, WebhookRequest
from mailfailover.providers.postal import Postal
from mailfailover.testing import WebhookContract
from tests.keys import ed25519_key, public_base64, public_pem, rsa_key
from tests.providers.signing import GOLDEN, sign_postal
from tests.samples import each

POSTAL = Postal(
    api_key="secret-key",
    base_url="https://postal.example.com",
    webhook_public_key=public_base64(rsa_key()),
)


class TestWebhooks(WebhookContract):
    provider = POSTAL
    golden = GOLDEN / "postal"
    secrets = ("webhook_public_key",)
    another = public_base64(ed25519_key())

    sign = staticmethod(sign_postal)


def _nobody(request: HTTPRequest) -> Response:
    raise AssertionError("nothing is fetched")


def test_older_servers_sign_once() -> None:
    """
    One that signs with the old hash only is believed too; the key may be a whole PEM.
    """
    request = sign_postal(b"{}", 0)
    old = {"x-postal-signature": request.headers["x-postal-signature"]}

    assert replace(POSTAL, webhook_public_key=public_pem(rsa_key())).verify_webhook(
        replace(request, headers=old), _nobody
    )


def test_the_new_hash_counts() -> None:
    """
    Where both signatures come, a wrong new one is not made good by the old one.
    """
    request = sign_postal(b"{}", 0)
    headers = {**request.headers, "x-postal-signature-256": "AAAA"}

    with pytest.raises(InvalidSignature):
        POSTAL.verify_webhook(replace(request, headers=headers), _nobody)


def test_a_body_without_payload() -> None:
    """
    What is not of the vendor's form is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="postal: the webhook has no payload"):
        POSTAL.parse_webhook(WebhookRequest(body=b"{}"))


@each(
    ("message_id", "mail_id"),
    [
        ("order-1234@shop.example.com", "order-1234"),
        ("01KAS5V6C8PLA1NMA1L0000001.0123456789ab@shop.example.com", "01KAS5V6C8PLA1NMA1L0000001"),
        ("5817a64332f44.4ec93@app.example.com", ""),
        ("", ""),
    ],
)
def test_our_id_stands_in_the_message_id(message_id: str, mail_id: str) -> None:
    """
    A Message-ID that we made has our id in it; what another program made is left alone.
    """
    body = f'{{"payload": {{"message": {{"id": 1, "message_id": "{message_id}"}}}}}}'

    (event,) = POSTAL.parse_webhook(WebhookRequest(body=body.encode()))

    assert mail_id == event.mail_id
