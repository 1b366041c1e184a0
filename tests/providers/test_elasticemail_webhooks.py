"""
Elastic Email's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import pytest

from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.plugin import WebhookRequest
from mailfailover.providers.elasticemail import ElasticEmail
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.providers.signing import GOLDEN, SECRET, sign_elasticemail
from tests.samples import each

ELASTIC = ElasticEmail(api_key="secret-key", webhook_secret=SECRET)
ADDRESS = f"https://hooks.example.com/elastic?secret={SECRET}"


class TestWebhooks(WebhookContract):
    provider = ELASTIC
    golden = GOLDEN / "elasticemail"
    secrets = ("webhook_secret",)
    covers_body = False

    sign = staticmethod(sign_elasticemail)


def test_secret_is_in_no_event() -> None:
    """
    Whoever keeps the events does not keep the secret.
    """
    (event,) = receive(ELASTIC, WebhookRequest("GET", f"{ADDRESS}&status=Sent"))

    assert {"status": "Sent"} == event.raw


def test_trial_has_no_event() -> None:
    """
    Elastic Email tries a new address without an event.
    """
    assert () == receive(ELASTIC, WebhookRequest("GET", ADDRESS))


@each("url", ["", "https://[/?secret=secret-hook", f"{ADDRESS}{'&a=b' * 100}"])
def test_other_addresses_are_refused(url: str) -> None:
    """
    No address, none that can be read, and one without end.
    """
    with pytest.raises(InvalidSignature):
        receive(ELASTIC, WebhookRequest("GET", url))


def test_body_is_refused() -> None:
    """
    Nothing of an event stands there.
    """
    with pytest.raises(InvalidWebhook, match="has a body"):
        receive(ELASTIC, WebhookRequest("POST", f"{ADDRESS}&status=Sent", {}, b"status=Opened"))
