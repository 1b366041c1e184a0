"""
MailPace's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import ConfigurationError
from mailfailover.plugin import EventType, HTTPRequest, Response
from mailfailover.providers.mailpace import MailPace
from mailfailover.testing import WebhookContract
from tests.keys import ed25519_key, public_base64, public_pem, public_raw, rsa_key
from tests.providers.signing import GOLDEN, sign_mailpace

if TYPE_CHECKING:
    from collections.abc import Callable

MAILPACE = MailPace(server_token="secret-token", webhook_public_key=public_raw(ed25519_key()))


class TestWebhooks(WebhookContract):
    provider = MAILPACE
    golden = GOLDEN / "mailpace"
    secrets = ("webhook_public_key",)
    another = public_base64(rsa_key())

    sign = staticmethod(sign_mailpace)

    def test_golden_webhooks_are_recorded(self) -> None:
        """
        MailPace has no metadata, so our id does not come back; an unknown kind is UNKNOWN.
        """
        every = [event for pair in self._pairs().values() for event in pair.events]

        assert not any("mail_id" in one for one in every)
        assert any(one["type"] == EventType.UNKNOWN for one in every)


def _nobody(request: HTTPRequest) -> Response:
    raise AssertionError("nothing is fetched")


@pytest.mark.parametrize("written", [public_base64, public_pem])
def test_key_in_another_form(written: Callable[[Any], str]) -> None:
    """
    A key may also be given as other vendors show theirs.
    """
    provider = replace(MAILPACE, webhook_public_key=written(ed25519_key()))

    assert provider.verify_webhook(sign_mailpace(b"{}", 0), _nobody)


def test_unreadable_key() -> None:
    """
    A key that is none is an error of the configuration.
    """
    provider = replace(MAILPACE, webhook_public_key="a2V5")

    with pytest.raises(ConfigurationError, match="public key is unreadable: copy it anew"):
        provider.verify_webhook(sign_mailpace(b"{}", 0), _nobody)


def test_the_text_of_a_mail_is_not_kept() -> None:
    """
    What the mail says comes along with each event, and goes no further.
    """
    body = b'{"event": "email.queued", "payload": {"id": 7, "htmlbody": "h", "textbody": "t"}}'

    (event,) = MAILPACE.parse_webhook(sign_mailpace(body, 0))

    assert {"event": "email.queued", "payload": {"id": 7}} == event.raw
