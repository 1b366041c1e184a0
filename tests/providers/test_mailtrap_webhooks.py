"""
Mailtrap's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.mailtrap import Mailtrap
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_mailtrap


class TestWebhooks(WebhookContract):
    provider = Mailtrap(api_token="secret-token", webhook_secret=SECRET)
    golden = GOLDEN / "mailtrap"
    secrets = ("webhook_secret",)

    sign = staticmethod(sign_mailtrap)
