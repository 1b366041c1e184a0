"""
AhaSend's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from mailfailover.plugin import EventType
from mailfailover.providers.ahasend import AhaSend
from mailfailover.testing import WebhookContract
from tests.providers.signing import AHASEND_SECRET, GOLDEN, sign_ahasend


class TestWebhooks(WebhookContract):
    provider = AhaSend(api_key="secret-key", account_id="acc-1", webhook_secret=AHASEND_SECRET)
    golden = GOLDEN / "ahasend"
    secrets = ("webhook_secret",)
    window = 28 * 3600

    sign = staticmethod(sign_ahasend)

    def test_golden_webhooks_are_recorded(self) -> None:
        """
        AhaSend has no metadata, so our id does not come back; an unknown kind is UNKNOWN.
        """
        every = [event for pair in self._pairs().values() for event in pair.events]

        assert not any("mail_id" in one for one in every)
        assert any(one["type"] == EventType.UNKNOWN for one in every)
