"""
The notifications of Amazon SES: whose they are, and what they mean.
"""

from __future__ import annotations

import json

import pytest

from mailfailover.errors import InvalidWebhook
from mailfailover.plugin import HTTPRequest, Message, Response, WebhookRequest
from mailfailover.providers.ses import SES
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import MemoryReplays, receive
from tests.providers.bodies import read_json
from tests.providers.signing import GOLDEN
from tests.samples import each
from tests.sns import SNS, TOPIC, notification, request

NOW = 1_800_000_000.0
OF_SES = SES(access_key_id="AKIDEXAMPLE", secret_access_key="secret-key", webhook_topic_arn=TOPIC)


class TestWebhooks(WebhookContract):
    provider = OF_SES
    golden = GOLDEN / "ses"
    secrets = ("webhook_topic_arn",)
    another = TOPIC + "-other"
    covers_body = False  # but all that says anything in it: see the tests of SNS
    window = 7200

    def sign(self, payload: bytes, now: float) -> WebhookRequest:
        return request(notification(payload.decode("utf-8", "replace"), now), None)

    def unsigned(self, payload: bytes) -> WebhookRequest:
        body = {"Type": "Notification", "Message": payload.decode("utf-8", "replace")}
        return request(body, NOW)

    def fetch(self, request: HTTPRequest) -> Response:
        return SNS(NOW)(request)


def received(body: dict[str, object]) -> object:
    """
    What becomes of a notification.
    """
    return receive(
        OF_SES,
        request(body, NOW),
        replays=MemoryReplays(),
        fetch=SNS(NOW),
        wall=lambda: NOW,
    )


def test_confirmation_has_no_events() -> None:
    """
    A subscription is confirmed on the way, and tells nothing of mails.
    """
    body = notification("Confirm", NOW, Type="SubscriptionConfirmation", Token="t0k3n")

    assert () == received(body)


def test_notification_without_a_mail_has_no_events() -> None:
    """
    SES tries a new topic with a few words.
    """
    assert () == received(
        notification('{"notificationType": "AmazonSnsSubscriptionSucceeded"}', NOW)
    )


def test_notification_of_something_else() -> None:
    """
    A topic that gets other things than SES's is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="no JSON in it"):
        received(notification("Successfully validated SNS topic", NOW))


@each(
    "fields",
    [
        {"tags": ("order",), "metadata": {"order": "1234"}},
        {"tags": ("größe", "b"), "metadata": {"order": "1234", "a b": "ü"}},
        {"tags": ("a b",)},
        {"metadata": {"größe": "1"}},
        {},
    ],
)
def test_what_was_packed_comes_back(fields: dict[str, object]) -> None:
    """
    The id, tags and metadata of a mail are those of its events, whatever letters they have.
    """
    mail = Message("ann@example.org", from_email="a@example.com", text="Hi", **fields)  # type: ignore[arg-type]  # of several kinds
    written = read_json(OF_SES.build_request(mail))["EmailTags"]
    tags = {one["Name"]: [one["Value"]] for one in written}
    data = {
        "eventType": "Delivery",
        "mail": {"messageId": "1", "tags": {**tags, "ses:operation": ["SendEmail"]}},
        "delivery": {"recipients": ["ann@example.org"]},
    }

    (event,) = OF_SES.parse_webhook(request(notification(json.dumps(data), NOW), NOW))

    assert (mail.id, mail.tags, mail.metadata) == (event.mail_id, event.tags, event.metadata)
