"""
SendGrid's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.sendgrid import SendGrid
from mailfailover.testing import WebhookContract
from tests.keys import ec_key, ed25519_key, public_base64
from tests.providers.signing import GOLDEN, sign_sendgrid


class TestWebhooks(WebhookContract):
    provider = SendGrid(api_key="secret-key", webhook_public_key=public_base64(ec_key()))
    golden = GOLDEN / "sendgrid"
    secrets = ("webhook_public_key",)
    another = public_base64(ed25519_key())
    window = 25 * 3600

    sign = staticmethod(sign_sendgrid)
