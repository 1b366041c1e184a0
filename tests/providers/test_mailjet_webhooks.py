"""
Mailjet's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.mailjet import Mailjet
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_with_basic_auth


class TestWebhooks(WebhookContract):
    provider = Mailjet(
        api_key="secret-key",
        secret_key="secret-secret",
        webhook_username="secret-user",
        webhook_password=SECRET,
    )
    golden = GOLDEN / "mailjet"
    secrets = ("webhook_username", "webhook_password")
    covers_body = False

    sign = staticmethod(sign_with_basic_auth)
