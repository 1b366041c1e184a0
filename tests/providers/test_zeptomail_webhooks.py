"""
ZeptoMail's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote_plus

import pytest

from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.providers.zeptomail import ZeptoMail
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import MemoryReplays, receive
from tests.providers.signing import GOLDEN, SECRET, sign_zeptomail
from tests.samples import each

ZEPTOMAIL = ZeptoMail(api_token="secret-token", webhook_secret=SECRET)
BODY = '{"event_name": ["email_open"], "event_message": {"request_id": "a+b ü"}}'


class TestWebhooks(WebhookContract):
    provider = ZEPTOMAIL
    golden = GOLDEN / "zeptomail"
    secrets = ("webhook_secret",)

    sign = staticmethod(sign_zeptomail)


def test_event_in_a_form() -> None:
    """
    What is signed is the field, decoded.
    """
    request = sign_zeptomail(BODY.encode(), 0.0)
    form = replace(request, body=b"eventData=" + quote_plus(BODY).encode())

    (event,) = receive(ZEPTOMAIL, form, replays=MemoryReplays())

    assert "a+b ü" == event.provider_message_id


@each("body", ["eventData=" + quote_plus(BODY + " "), "eventData", "", "{"])
def test_other_form_is_refused(body: str) -> None:
    """
    A form that ZeptoMail did not sign.
    """
    request = replace(sign_zeptomail(BODY.encode(), 0.0), body=body.encode())

    with pytest.raises(InvalidSignature):
        receive(ZEPTOMAIL, request, replays=MemoryReplays())


def test_no_event() -> None:
    """
    What is signed but no event is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="has no event"):
        receive(ZEPTOMAIL, sign_zeptomail(b"[]", 0.0), replays=MemoryReplays())
