"""
The webhooks of Unisender Go: whose they are, and what they mean.
"""

from __future__ import annotations

import pytest

from mailfailover.errors import InvalidWebhook
from mailfailover.plugin import WebhookRequest
from mailfailover.providers.unisender import UnisenderGo
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, UNISENDER_KEY, sign_unisender

UNISENDER = UnisenderGo(api_key=UNISENDER_KEY)


class TestWebhooks(WebhookContract):
    provider = UNISENDER
    golden = GOLDEN / "unisender"
    secrets = ("api_key",)

    sign = staticmethod(sign_unisender)


def test_a_body_without_events() -> None:
    """
    What is not of the vendor's form is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="unisender: the webhook has no events"):
        UNISENDER.parse_webhook(WebhookRequest(body=b"{}"))
