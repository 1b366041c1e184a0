"""
Notifications of Amazon SNS, which carry what vendors tell through it.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (2026-11)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from mailfailover._classify import check_secret
from mailfailover._event_reading import as_time
from mailfailover._public_keys import read_certificate, verify_public_key
from mailfailover._signatures import arrival, reveal_all, verify_time
from mailfailover._wire import HTTPRequest
from mailfailover.errors import InvalidSignature, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._signatures import Fetch, Secrets
    from mailfailover._wire import WebhookRequest

_ALWAYS = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
_SIGNED = {
    "Notification": (*_ALWAYS, "Subject"),
    "SubscriptionConfirmation": (*_ALWAYS, "SubscribeURL", "Token"),
    "UnsubscribeConfirmation": (*_ALWAYS, "SubscribeURL", "Token"),
}
_DIGESTS = {"1": "sha1", "2": "sha256"}

# The certificate comes from where the topic is, and nobody else can put one there.
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d+:[\w.-]+")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]+\.pem")

# A time is that of publication; whoever sets it so has SNS repeat a notification for an hour.
_SIGNED_WITHIN = 2 * 3600.0


def verify_sns(request: WebhookRequest, fetch: Fetch, topics: Secrets) -> str:
    """
    Check a notification of SNS, of signature version 1 or 2, and confirm a subscription.

    The address in a confirmation is not followed: the call is our own, to the topic's region.

    Args:
        request: What came.

        fetch: Gets the certificate, and confirms.

        topics: The ARN of our topic, or of several; an unset one matches nothing.

    Returns:
        The notification's id, the same in each repetition.

    Raises:
        InvalidSignature: If it is none of these topics, not signed, or too old.
        ProviderUnavailable: If the certificate cannot be had, or the confirmation fails.
    """
    fields = read_sns(request)
    topic = fields.get("TopicArn", "")
    place = _TOPIC.fullmatch(topic)
    if place is None or not check_secret(topic, reveal_all(topics)):
        raise InvalidSignature("the webhook is of no topic that is configured for this provider")
    host = f"sns.{place['region']}.amazonaws.com"
    if place["region"].startswith("cn-"):
        host += ".cn"
    verify_time(_seconds(fields.get("Timestamp", "")), request, window=_SIGNED_WITHIN)
    _verify(fields, _certificate(fields.get("SigningCertURL", ""), host, fetch), request)
    if fields["Type"] == "SubscriptionConfirmation":
        _confirm(host, topic, fields.get("Token", ""), fetch)
    return fields.get("MessageId", "")


def read_sns(request: WebhookRequest) -> dict[str, str]:
    """
    Return the fields of a notification that are text, exactly as they are signed.
    """
    data = request.json_object()
    return {name: value for name, value in data.items() if isinstance(value, str)}


def _seconds(text: str) -> float | None:
    found = as_time(text)
    return found.timestamp() if found else None


def _verify(fields: Mapping[str, str], certificate: bytes, request: WebhookRequest) -> None:
    digest = _DIGESTS.get(fields.get("SignatureVersion", ""))
    names = _SIGNED.get(fields.get("Type", ""))
    if digest is None or names is None:
        raise InvalidSignature("the webhook is no signed notification of SNS")
    signed = "".join(f"{name}\n{fields[name]}\n" for name in sorted(names) if name in fields)
    key = read_certificate(certificate, arrival(request))
    verify_public_key(fields.get("Signature", ""), key, signed.encode(), digest=digest)


def _certificate(url: str, host: str, fetch: Fetch) -> bytes:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    # The whole of it: neither a port, nor a user, nor anything after the path.
    pinned = f"https://{host}{parts.path}"
    if url != pinned or not _CERTIFICATE.fullmatch(parts.path):
        raise InvalidSignature("the webhook's certificate is not where SNS keeps its own")
    response = fetch(HTTPRequest("GET", url))
    if response.status_code in (403, 404):
        raise InvalidSignature("SNS has no such certificate as the webhook names")
    if not response.ok:
        message = f"SNS did not give its certificate: HTTP {response.status_code}"
        raise ProviderUnavailable(message, status_code=response.status_code)
    return response.body


def _confirm(host: str, topic: str, token: str, fetch: Fetch) -> None:
    # https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html (2026-11)
    form = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token}
    body = urlencode(form | {"Version": "2010-03-31"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = fetch(HTTPRequest("POST", f"https://{host}/", headers, body))
    if not response.ok:
        message = f"SNS did not confirm the subscription: HTTP {response.status_code}"
        raise ProviderUnavailable(message, status_code=response.status_code)
