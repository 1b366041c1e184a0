"""
Mailomat's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfailover.errors import InvalidSignature
from mailfailover.plugin import EventType, HTTPRequest, Response
from mailfailover.providers.mailomat import Mailomat
from mailfailover.testing import WebhookContract
from tests.providers.signing import GOLDEN, SECRET, sign_mailomat
from tests.samples import each

MAILOMAT = Mailomat(api_key="secret-key", webhook_secret=SECRET)
NOW = 1_795_507_200.0


class TestWebhooks(WebhookContract):
    provider = MAILOMAT
    golden = GOLDEN / "mailomat"
    secrets = ("webhook_secret",)
    covers_body = False
    window = 9 * 3600

    sign = staticmethod(sign_mailomat)

    def test_golden_webhooks_are_recorded(self) -> None:
        """
        A mail has no place for our id, so none comes back; an unknown kind is UNKNOWN.
        """
        every = [event for pair in self._pairs().values() for event in pair.events]

        assert not any("mail_id" in one for one in every)
        assert any(one["type"] == EventType.UNKNOWN for one in every)


def _nobody(request: HTTPRequest) -> Response:
    raise AssertionError("nothing is fetched")


@each("digest", ["md5", "", "SHA256"])
def test_the_vendor_chooses_no_other_hash(digest: str) -> None:
    """
    What the request says of the hash is not followed.
    """
    request = sign_mailomat(b'{"eventType": "opened"}', NOW)
    signature = request.header("x-mom-webhook-signature").partition("=")[2]
    headers = {**request.headers, "x-mom-webhook-signature": f"{digest}={signature}"}

    with pytest.raises(InvalidSignature):
        MAILOMAT.verify_webhook(replace(request, headers=headers, received=NOW), _nobody)


def test_the_kind_is_what_was_signed() -> None:
    """
    A body that tells of something else than the header is not followed.
    """
    request = replace(
        sign_mailomat(b'{"eventType": "opened"}', NOW), body=b'{"eventType": "complained"}'
    )

    (event,) = MAILOMAT.parse_webhook(request)

    assert EventType.OPENED is event.type
