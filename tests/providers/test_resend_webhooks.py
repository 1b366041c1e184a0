"""
Resend's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.resend import Resend
from mailfailover.testing import WebhookContract
from tests.providers.signing import ANOTHER_STANDARD_SECRET, GOLDEN, STANDARD_SECRET, sign_resend


class TestWebhooks(WebhookContract):
    provider = Resend(api_key="secret-key", webhook_secret=STANDARD_SECRET)
    golden = GOLDEN / "resend"
    secrets = ("webhook_secret",)
    another = ANOTHER_STANDARD_SECRET
    window = 28 * 3600

    sign = staticmethod(sign_resend)
