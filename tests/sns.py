"""
Amazon SNS as tests need it: signed notifications, and the certificate that they name.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from mailfailover.plugin import HTTPRequest, Response, WebhookRequest
from tests.keys import certificate, rsa_key

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
HOST = "sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-0123abcd.pem"
SUBSCRIBE = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t0k3n"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]


def notification(message: str, now: float, **fields: Any) -> dict[str, Any]:
    """
    Return a notification that is signed but for what is in *fields*.
    """
    time = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": "7d1f0a52-63bc-4e98-a7d4-90c2e5b81f36",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": time,
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    }
    return sign(body | fields)


def sign(body: dict[str, Any]) -> dict[str, Any]:
    """
    Return *body* with its signature.
    """
    names = SIGNED.get(body["Type"], ())
    signed = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
    digest = hashes.SHA1() if body["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303 -- version 1
    signature = rsa_key().sign(signed.encode("utf-8", "replace"), padding.PKCS1v15(), digest)
    return body | {"Signature": b64encode(signature).decode()}


def request(body: dict[str, Any], now: float | None) -> WebhookRequest:
    """
    Return the request that brings *body*.
    """
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-topic-arn": TOPIC}
    return WebhookRequest("POST", "/", headers, json.dumps(body).encode(), now)


class SNS:
    """
    Answers what is fetched, by its URL or its method, and keeps it.
    """

    def __init__(self, now: float, **answers: Response) -> None:
        self.requests: list[HTTPRequest] = []
        self.answers = {
            "GET": Response(200, {}, certificate(rsa_key(), now - 86400)),
            "POST": Response(200, {}, b"<ConfirmSubscriptionResponse/>"),
            **answers,
        }

    def __call__(self, request: HTTPRequest, /) -> Response:
        self.requests.append(request)
        return self.answers.get(request.url) or self.answers[request.method]
