"""
SMTP2GO's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from mailfailover.errors import InvalidWebhook
from mailfailover.plugin import EventType, WebhookRequest
from mailfailover.providers.smtp2go import SMTP2GO
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.providers.signing import GOLDEN, SECRET, sign_with_basic_auth
from tests.samples import each

SMTP = SMTP2GO(api_key="api-secret-key", webhook_username="secret-user", webhook_password=SECRET)


class TestWebhooks(WebhookContract):
    provider = SMTP
    golden = GOLDEN / "smtp2go"
    secrets = ("webhook_username", "webhook_password")
    covers_body = False

    sign = staticmethod(sign_with_basic_auth)


def form(body: bytes) -> WebhookRequest:
    """
    A form instead of JSON, as SMTP2GO can be told.
    """
    request = sign_with_basic_auth(body, 0.0)
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    return replace(request, headers=headers)


def test_event_in_a_form() -> None:
    """
    A form has the same fields.
    """
    fields = {"event": "open", "rcpt": "änne@example.org", "message-id": "<abc@example.com>"}

    (event,) = receive(SMTP, form(urlencode(fields).encode()))

    assert (EventType.OPENED, "änne@example.org", "abc") == (
        event.type,
        event.recipient,
        event.mail_id,
    )


@each(
    "body", [b"", b"\xff", b"%ff=%ff", b"a=b&" * 1000], ids=("empty", "no_ascii", "no_utf8", "long")
)
def test_form_that_cannot_be_read(body: bytes) -> None:
    """
    What is no form is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="no form that can be read"):
        receive(SMTP, form(body))
