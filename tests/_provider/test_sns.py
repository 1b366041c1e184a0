from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from mailfailover.errors import InvalidSignature, ProviderUnavailable
from mailfailover.plugin import HTTPRequest, Response, WebhookRequest, verify_sns
from tests.keys import certificate, ec_key
from tests.samples import each
from tests.sns import CERTIFICATE, HOST, SNS, SUBSCRIBE, TOPIC, notification, request, sign

NOW = 1_800_000_000.0


def confirmation(**fields: Any) -> dict[str, Any]:
    """
    A signed request to confirm a subscription.
    """
    own = {"Type": "SubscriptionConfirmation", "Token": "t0k3n", "SubscribeURL": SUBSCRIBE}
    return notification("You have chosen to subscribe", NOW, **(own | fields))


@each("version", ["1", "2"])
@each("more", [{}, {"Subject": "Amazon SES Email Event Notification"}])
def test_notification(version: str, more: dict[str, str]) -> None:
    """
    Both versions of signature, with a subject or without; the certificate is fetched.
    """
    sns = SNS(NOW)
    body = notification('{"a": "b\\n"}', NOW, SignatureVersion=version, **more)

    token = verify_sns(request(body, NOW), sns, TOPIC)

    assert body["MessageId"] == token
    assert [HTTPRequest("GET", CERTIFICATE)] == sns.requests


def test_several_topics() -> None:
    """
    While topics change, both hold.
    """
    verify_sns(request(notification("{}", NOW), NOW), SNS(NOW), (TOPIC + "-new", TOPIC))


def test_confirmation_is_a_call_of_our_own() -> None:
    """
    The given address is not followed, wherever it leads: the call goes to the topic's region.
    """
    sns = SNS(NOW)
    body = confirmation(SubscribeURL="https://evil.example/?Action=ConfirmSubscription")

    verify_sns(request(body, NOW), sns, TOPIC)

    call = sns.requests[1]
    assert ("POST", f"https://{HOST}/") == (call.method, call.url)
    assert isinstance(call.body, bytes)
    assert {
        "Action": ["ConfirmSubscription"],
        "TopicArn": [TOPIC],
        "Token": ["t0k3n"],
        "Version": ["2010-03-31"],
    } == parse_qs(call.body.decode())
    assert 2 == len(sns.requests)


def test_end_of_a_subscription_confirms_nothing() -> None:
    """
    Whoever ends a subscription is not subscribed again.
    """
    sns = SNS(NOW)

    verify_sns(request(confirmation(Type="UnsubscribeConfirmation"), NOW), sns, TOPIC)

    assert ["GET"] == [call.method for call in sns.requests]


def test_topic_in_china() -> None:
    """
    It has a domain of its own.
    """
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:mail"
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem"
    body = notification("{}", NOW, TopicArn=topic, SigningCertURL=url)

    verify_sns(request(body, NOW), SNS(NOW), topic)


@each("topics", ["", (), TOPIC + "-other", "arn:aws:sns:*", lambda: ""])
def test_other_topic_is_refused(topics: Any) -> None:
    """
    Anybody can have a topic that is rightly signed: only ours counts, and an unset one none.
    """
    sns = SNS(NOW)

    with pytest.raises(InvalidSignature, match="of no topic that is configured"):
        verify_sns(request(notification("{}", NOW), NOW), sns, topics)

    assert [] == sns.requests


def test_configured_nonsense_is_no_topic() -> None:
    """
    What is no ARN names no region.
    """
    with pytest.raises(InvalidSignature, match="of no topic"):
        verify_sns(request(notification("{}", NOW, TopicArn="here"), NOW), SNS(NOW), "here")


@each(
    "url",
    [
        "",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "https://evil.example/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?x=y",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/bucket/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/?Action=GetTopic",
        "https://my-bucket.s3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://[/SimpleNotificationService-0.pem",
        "file:///etc/passwd",
    ],
)
def test_certificate_from_elsewhere_is_not_fetched(url: str) -> None:
    """
    The whole address is pinned: its scheme, its host in the topic's region, and its path.
    """
    sns = SNS(NOW)

    with pytest.raises(InvalidSignature, match="not where SNS keeps its own"):
        verify_sns(request(notification("{}", NOW, SigningCertURL=url), NOW), sns, TOPIC)

    assert [] == sns.requests


@each(
    "fields",
    [
        {"Message": "{ }"},
        {"MessageId": "another"},
        {"Timestamp": "2027-01-15T08:00:01.000Z"},
        {"Type": "UnsubscribeConfirmation"},
        {"Subject": "added"},
        {"Signature": ""},
        {"Signature": "no base64"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"Type": "Teleportation"},
        {"Type": None},
        {"Message": None},
    ],
)
def test_altered_notification_is_refused(fields: dict[str, Any]) -> None:
    """
    Every field that says anything is signed, and nothing else is a notification.
    """
    with pytest.raises(InvalidSignature):
        verify_sns(request(notification("{}", NOW) | fields, NOW), SNS(NOW), TOPIC)


@pytest.mark.parametrize("late", [7201, -7201])
def test_old_notification_is_refused(late: float) -> None:
    """
    Two hours after it was published, or before, it has been recorded.
    """
    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_sns(request(notification("{}", NOW), NOW + late), SNS(NOW), TOPIC)


@each("time", ["", "noon", "9" * 400])
def test_time_must_be_one(time: str) -> None:
    """
    Without a time nothing is fresh.
    """
    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_sns(request(notification("{}", NOW, Timestamp=time), NOW), SNS(NOW), TOPIC)


def test_other_key_is_refused() -> None:
    """
    The certificate of another key does not fit the signature.
    """
    sns = SNS(NOW, GET=Response(200, {}, certificate(ec_key(), NOW - 1)))

    with pytest.raises(InvalidSignature):
        verify_sns(request(notification("{}", NOW), NOW), sns, TOPIC)


@pytest.mark.parametrize("status", [403, 404])
def test_unknown_certificate_is_refused(status: int) -> None:
    """
    A certificate that SNS does not have is an invention.
    """
    with pytest.raises(InvalidSignature, match="a certificate that SNS does not have"):
        verify_sns(request(notification("{}", NOW), NOW), SNS(NOW, GET=Response(status)), TOPIC)


def test_certificate_that_cannot_be_had_decides_nothing() -> None:
    """
    The vendor is asked to come again.
    """
    with pytest.raises(ProviderUnavailable, match="did not give its certificate: HTTP 503"):
        verify_sns(request(notification("{}", NOW), NOW), SNS(NOW, GET=Response(503)), TOPIC)


def test_confirmation_that_fails_is_an_error() -> None:
    """
    SNS repeats it.
    """
    with pytest.raises(ProviderUnavailable, match="did not confirm the subscription: HTTP 400"):
        verify_sns(request(confirmation(), NOW), SNS(NOW, POST=Response(400)), TOPIC)


def test_time_of_receipt_is_now_where_nobody_says() -> None:
    """
    A recorded notification does not become fresh by that.
    """
    body = request(notification("{}", 1_000_000_000.0), NOW).body

    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_sns(WebhookRequest(body=body), SNS(NOW), TOPIC)


def test_signature_covers_the_text_as_it_is() -> None:
    """
    Spaces at an end of a text are signed too.
    """
    body = notification(" {} \n", NOW)

    verify_sns(request(body, NOW), SNS(NOW), TOPIC)
    with pytest.raises(InvalidSignature):
        verify_sns(request(sign(body) | {"Message": "{}"}, NOW), SNS(NOW), TOPIC)
