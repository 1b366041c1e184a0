"""
MailerSend's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.mailersend import MailerSend
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_mailersend


class TestWebhooks(WebhookContract):
    provider = MailerSend(api_token="secret-token", webhook_secret=SECRET)
    golden = GOLDEN / "mailersend"
    secrets = ("webhook_secret",)

    sign = staticmethod(sign_mailersend)
