"""
The notifications of Scaleway: whose they are, and what they mean.
"""

from __future__ import annotations

import pytest

from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.plugin import HTTPRequest, Response, WebhookRequest
from mailfailover.providers.scaleway import Scaleway
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import MemoryReplays, receive
from tests.keys import certificate, ec_key, rsa_key
from tests.providers.signing import GOLDEN
from tests.samples import each
from tests.sns import SNS, notification, request

NOW = 1_800_000_000.0
TOPIC = "arn:scw:sns:fr-par:project-6170692e-7363-616c-6577-61792e636f6d:mails"
BUCKET = "https://messaging.s3.fr-par.scw.cloud/fr-par/sns"
FIELDS = {"TopicArn": TOPIC, "SigningCertURL": f"{BUCKET}/sns-certificate-2026.pem"}
OF_SCALEWAY = Scaleway(secret_key="secret-key", project_id="6170692e", webhook_topic_arn=TOPIC)


def vendor(issuer: object = None) -> SNS:
    """
    The vendor's answers: a certificate, and that of its issuer.
    """
    sns = SNS(NOW)
    authority = certificate(ec_key(), NOW - 86400)
    issued = certificate(rsa_key(), NOW - 86400, issuer=issuer or ec_key())
    sns.answers |= {
        f"{BUCKET}/sns-trust-chain.pem": Response(200, {}, authority),
        FIELDS["SigningCertURL"]: Response(200, {}, issued),
    }
    return sns


class TestWebhooks(WebhookContract):
    provider = OF_SCALEWAY
    golden = GOLDEN / "scaleway"
    secrets = ("webhook_topic_arn",)
    another = TOPIC + "-other"
    covers_body = False  # but all that says anything in it: see the tests of SNS
    window = 7200

    def sign(self, payload: bytes, now: float) -> WebhookRequest:
        return request(notification(payload.decode("utf-8", "replace"), now, **FIELDS), None)

    def fetch(self, request: HTTPRequest) -> Response:
        return vendor()(request)


def received(sns: SNS, **fields: str) -> object:
    """
    What becomes of a notification.
    """
    body = notification("no JSON", NOW, **{**FIELDS, **fields})
    return receive(
        OF_SCALEWAY, request(body, NOW), replays=MemoryReplays(), fetch=sns, wall=lambda: NOW
    )


def test_confirmation_goes_to_its_region() -> None:
    """
    The given address is not followed.
    """
    sns = vendor()

    events = received(sns, Type="SubscriptionConfirmation", Token="t", SubscribeURL="https://evil")

    assert () == events
    assert "https://sns.mnq.fr-par.scaleway.com/" == sns.requests[-1].url


@each(
    "url",
    [
        "https://messaging.s3.nl-ams.scw.cloud/fr-par/sns/a.pem",
        "https://messaging.s3.fr-par.scw.cloud/nl-ams/sns/a.pem",
        "https://evil.s3.fr-par.scw.cloud/fr-par/sns/a.pem",
        "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/a.pem?x=y",
    ],
)
def test_certificate_from_elsewhere_is_not_fetched(url: str) -> None:
    """
    Only from the vendor's own bucket.
    """
    with pytest.raises(InvalidSignature, match="not where SNS keeps its own"):
        received(vendor(), SigningCertURL=url)


def test_certificate_of_another_authority_is_refused() -> None:
    """
    Whoever could put a certificate into the bucket still has not issued it.
    """
    with pytest.raises(InvalidSignature, match="not issued by the vendor"):
        received(vendor(issuer=rsa_key()))


def test_notification_of_something_else() -> None:
    """
    A topic that gets other things too is a clear error.
    """
    with pytest.raises(InvalidWebhook, match="no JSON in it"):
        received(vendor())
