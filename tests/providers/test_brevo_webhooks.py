"""
Brevo's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.plugin import WebhookRequest
from mailfailover.providers.brevo import Brevo
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_with_basic_auth


class TestWebhooks(WebhookContract):
    provider = Brevo(api_key="secret-key", webhook_username="secret-user", webhook_password=SECRET)
    golden = GOLDEN / "brevo"
    secrets = ("webhook_username", "webhook_password")
    covers_body = False

    sign = staticmethod(sign_with_basic_auth)


def test_a_time_of_any_size_is_survived() -> None:
    """
    A number that no clock shows takes no event with it.
    """
    body = b'{"event": "delivered", "ts_epoch": 1' + b"0" * 400 + b"}"

    (event,) = Brevo(api_key="secret-key").parse_webhook(WebhookRequest(body=body))

    assert event.timestamp is None
