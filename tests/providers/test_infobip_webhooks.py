"""
Infobip's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import pytest

from mailfailover.errors import InvalidWebhook
from mailfailover.providers.infobip import Infobip
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.providers.signing import GOLDEN, SECRET, sign_with_basic_auth
from tests.samples import each

INFOBIP = Infobip(api_key="secret-key", webhook_username="secret-user", webhook_password=SECRET)


class TestWebhooks(WebhookContract):
    provider = INFOBIP
    golden = GOLDEN / "infobip"
    secrets = ("webhook_username", "webhook_password")
    covers_body = False

    sign = staticmethod(sign_with_basic_auth)


@each("body", [b"[]", b"{}", b"infobip"])
def test_something_else(body: bytes) -> None:
    """
    What is neither a report nor a notification is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="neither results nor a notification"):
        receive(INFOBIP, sign_with_basic_auth(body, 0.0))
