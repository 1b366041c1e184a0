"""
Brevo's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.brevo import Brevo
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_with_basic_auth


class TestWebhooks(WebhookContract):
    provider = Brevo(api_key="secret-key", webhook_username="secret-user", webhook_password=SECRET)
    golden = GOLDEN / "brevo"
    secrets = ("webhook_username", "webhook_password")
    covers_body = False

    sign = staticmethod(sign_with_basic_auth)
