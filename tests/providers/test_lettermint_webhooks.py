"""
Lettermint's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.providers.lettermint import Lettermint
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_lettermint


class TestWebhooks(WebhookContract):
    provider = Lettermint(api_token="secret-token", webhook_secret=SECRET)
    golden = GOLDEN / "lettermint"
    secrets = ("webhook_secret",)
    window = 28 * 3600

    sign = staticmethod(sign_lettermint)
