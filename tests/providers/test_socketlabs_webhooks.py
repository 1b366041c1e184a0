"""
SocketLabs' webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import json

import pytest

from mailfailover.errors import InvalidSignature
from mailfailover.plugin import WebhookRequest
from mailfailover.providers.socketlabs import SocketLabs
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.providers.signing import GOLDEN, SECRET, sign_socketlabs

SOCKETLABS = SocketLabs(api_key="secret-key", server_id="12345", webhook_secret=SECRET)


class TestWebhooks(WebhookContract):
    provider = SOCKETLABS
    golden = GOLDEN / "socketlabs"
    secrets = ("webhook_secret",)
    covers_body = False

    sign = staticmethod(sign_socketlabs)


def test_secret_is_in_no_event() -> None:
    """
    Whoever keeps the events does not keep the secret.
    """
    (event,) = receive(SOCKETLABS, sign_socketlabs(b'{"Type": "Queued"}', 0.0))

    assert {"Type": "Queued"} == event.raw


@pytest.mark.parametrize(
    "events",
    [[{"Type": "Queued", "SecretKey": SECRET}, {"Type": "Queued", "SecretKey": ""}], []],
    ids=["one_without", "none"],
)
def test_each_event_has_the_secret(events: list[dict[str, str]]) -> None:
    """
    A batch is taken only if all of it is SocketLabs'.
    """
    with pytest.raises(InvalidSignature):
        receive(SOCKETLABS, WebhookRequest(body=json.dumps(events).encode()))
