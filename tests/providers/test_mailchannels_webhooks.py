"""
MailChannels' webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mailfailover.errors import InvalidSignature, ProviderUnavailable
from mailfailover.plugin import EventType, HTTPRequest, Response, WebhookRequest
from mailfailover.providers.mailchannels import MailChannels
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.keys import ed25519_key, public_base64
from tests.providers.signing import GOLDEN, sign_mailchannels
from tests.samples import each

NOW = 1_800_000_000.0
MAILCHANNELS = MailChannels(api_key="secret-key", webhook_account="acme1234")
BODY = b'[{"event": "delivered", "customer_handle": "acme1234"}]'


def key(request: HTTPRequest) -> Response:
    """
    Give the public key of the one id.
    """
    assert request.method == "GET"
    if request.url != "https://api.mailchannels.net/tx/v1/webhook/public-key?id=mckey-1":
        return Response(404)
    return Response(
        200, {}, json.dumps({"id": "mckey-1", "key": public_base64(ed25519_key())}).encode()
    )


class TestWebhooks(WebhookContract):
    provider = MAILCHANNELS
    golden = GOLDEN / "mailchannels"
    secrets = ("webhook_account",)
    window = 28 * 3600

    sign = staticmethod(sign_mailchannels)
    fetch = staticmethod(key)

    def test_golden_webhooks_are_recorded(self) -> None:
        """
        A mail has no place for our id, so that it cannot come back.
        """
        every = [event for pair in self._pairs().values() for event in pair.events]

        assert EventType.UNKNOWN in [one.get("type") for one in every]


def take(request: WebhookRequest, response: Response | None = None) -> object:
    """
    What becomes of a webhook, with *response* for the key.
    """
    answer = key if response is None else lambda _: response
    return receive(MAILCHANNELS, request, fetch=answer, wall=lambda: NOW)


@each("body", [b"[]", BODY.replace(b"acme1234", b"other123"), BODY[:-1] + b", {}]"])
def test_other_accounts_are_refused(body: bytes) -> None:
    """
    Everybody's webhooks are signed with one key: only the handle tells them apart.
    """
    with pytest.raises(InvalidSignature):
        take(sign_mailchannels(body, NOW))


@each(
    ("header", "old", "new"),
    [
        ("content-digest", "sha-256", "sha-512"),
        ("signature-input", '"content-digest"', '"@method"'),
        ("signature-input", "ed25519", "hmac-sha256"),
        ("signature-input", "mckey-1", "mckey-2"),
        ("signature-input", "mckey-1", "../../send?dry-run="),
        ("signature-input", "sig_1", "sig_2"),
    ],
)
def test_other_signatures_are_refused(header: str, old: str, new: str) -> None:
    """
    What covers something else than the body, or is another's.
    """
    request = sign_mailchannels(BODY, NOW)
    headers = {**request.headers, header: request.headers[header].replace(old, new)}

    with pytest.raises(InvalidSignature):
        take(replace(request, headers=headers))


@pytest.mark.parametrize("response", [Response(500), Response(200, {}, b'{"key": 3}')])
def test_without_a_key_nothing_is_decided(response: Response) -> None:
    """
    MailChannels repeats the webhook, and then it may have its key.
    """
    with pytest.raises(ProviderUnavailable, match="did not give its key"):
        take(sign_mailchannels(BODY, NOW), response)
