"""
MailerSend's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import json

from mailfailover.plugin import WebhookRequest
from mailfailover.providers.mailersend import MailerSend
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_mailersend


class TestWebhooks(WebhookContract):
    provider = MailerSend(api_token="secret-token", webhook_secret=SECRET)
    golden = GOLDEN / "mailersend"
    secrets = ("webhook_secret",)

    sign = staticmethod(sign_mailersend)


def test_a_bounce_of_version_1_names_its_recipient() -> None:
    """
    Webhooks that were made before version 2 hold the mail as an object.
    """
    mail = {
        "message": {"id": "m-1"},
        "recipient": {"email": "ann@example.org"},
        "tags": ["order"],
    }
    body = {"type": "activity.hard_bounced", "data": {"id": "e-1", "email": mail}}
    request = WebhookRequest(body=json.dumps(body).encode())

    (event,) = MailerSend(api_token="secret-token").parse_webhook(request)

    assert ("ann@example.org", "m-1", ("order",)) == (
        event.recipient,
        event.provider_message_id,
        event.tags,
    )
