"""
Sweego's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.sweego import Sweego
from mailfailover.testing import WebhookContract
from tests.providers.signing import ANOTHER_STANDARD_SECRET, GOLDEN, STANDARD_SECRET, sign_sweego


class TestWebhooks(WebhookContract):
    provider = Sweego(api_key="secret-key", webhook_secret=STANDARD_SECRET.removeprefix("whsec_"))
    golden = GOLDEN / "sweego"
    secrets = ("webhook_secret",)
    another = ANOTHER_STANDARD_SECRET.removeprefix("whsec_")
    window = 28 * 3600

    sign = staticmethod(sign_sweego)
