"""
Notifications of Amazon SNS, which carry what vendors tell through it.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (2026-11)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from mailfailover._provider.classify import check_secret
from mailfailover._provider.event_reading import as_time
from mailfailover._provider.public_keys import read_certificate, verify_public_key
from mailfailover._provider.signatures import arrival, reveal_all, verify_size, verify_time
from mailfailover._values.face import published_in
from mailfailover._values.wire import HTTPRequest
from mailfailover.errors import InvalidSignature, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailfailover._provider.signatures import Fetch, Secrets
    from mailfailover._values.wire import WebhookRequest

_ALWAYS = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
_SIGNED = {
    "Notification": (*_ALWAYS, "Subject"),
    "SubscriptionConfirmation": (*_ALWAYS, "SubscribeURL", "Token"),
    "UnsubscribeConfirmation": (*_ALWAYS, "SubscribeURL", "Token"),
}
# A message has 256 KiB at most, and is a text in JSON here, whose quotation marks are escaped.
# https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html (2026-11)
MAX_BODY = 1024 * 1024
_DIGESTS = {"1": "sha1", "2": "sha256"}


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class SNSHome:
    """
    An operator of SNS, and where its certificates are.

    Attributes:
        topic: A pattern of ARNs, with the group ``region``.

        certificate: A pattern of the whole URL of certificates, for the region in ``{region}``.

        endpoint: The URL that confirmations are sent to.

        authority: The URL of whoever must have issued a certificate; "" for whoever has put it
            where the pattern says.

        within:
            Seconds after its publication that a notification may come: its time is not that of
            a repetition.
    """

    topic: str
    certificate: str
    endpoint: str
    authority: str = ""
    within: float = 7200.0


AMAZON = SNSHome(
    r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):[0-9]+:[\w.-]+",
    r"https://sns\.{region}\.amazonaws\.com/SimpleNotificationService-[0-9a-zA-Z]+\.pem",
    "https://sns.{region}.amazonaws.com/",
)
AMAZON_CHINA = replace(
    AMAZON,
    topic=r"arn:aws-cn:sns:(?P<region>cn-[a-z0-9-]+):[0-9]+:[\w.-]+",
    certificate=AMAZON.certificate.replace("com/", r"com\.cn/"),
    endpoint=AMAZON.endpoint.replace("com/", "com.cn/"),
)


def verify_sns(
    request: WebhookRequest,
    fetch: Fetch,
    topics: Secrets,
    homes: Sequence[SNSHome] = (AMAZON_CHINA, AMAZON),
) -> str:
    """
    Check a notification of SNS, of signature version 1 or 2, and confirm a subscription.

    The address in a confirmation is not followed: the call is our own, to the topic's region.
    The certificate is taken from that region only, whatever address the notification names.

    Args:
        request: The webhook.

        fetch: Gets the certificate, and confirms.

        topics: The ARN of our topic, or of several; an unset one matches nothing.

        homes: The operators that may have sent it.

    Returns:
        The notification's id, the same in each repetition.

    Raises:
        InvalidSignature: If it is none of these topics, not signed, or too old.
        ProviderUnavailable: If the certificate cannot be had, or the confirmation fails.
    """
    verify_size(request, MAX_BODY)
    fields = read_sns(request)
    topic = fields.get("TopicArn", "")
    home, region = _home(topic, homes)
    if home is None or not check_secret(topic, reveal_all(topics)):
        raise InvalidSignature("the webhook is of no topic that is configured for this provider")
    verify_time(_seconds(fields.get("Timestamp", "")), request, window=home.within)
    url = fields.get("SigningCertURL", "")
    # The whole of it: no other host, and neither a port nor a user before or after it.
    if not re.fullmatch(home.certificate.format(region=region), url, re.ASCII):
        raise InvalidSignature("the webhook's certificate is not where SNS keeps its own")
    authority = _get(home.authority.format(region=region), fetch) if home.authority else b""
    key = read_certificate(_get(url, fetch), arrival(request), authority)
    _verify(fields, key)
    if fields["Type"] == "SubscriptionConfirmation":
        _confirm(home.endpoint.format(region=region), topic, fields.get("Token", ""), fetch)
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


def _home(topic: str, homes: Sequence[SNSHome]) -> tuple[SNSHome | None, str]:
    for home in homes:
        if found := re.fullmatch(home.topic, topic, re.ASCII):
            return home, found["region"]
    return None, ""


def _verify(fields: Mapping[str, str], key: str) -> None:
    digest = _DIGESTS.get(fields.get("SignatureVersion", ""))
    names = _SIGNED.get(fields.get("Type", ""))
    if digest is None or names is None:
        raise InvalidSignature("the webhook is no signed notification of SNS")
    signed = "".join(f"{name}\n{fields[name]}\n" for name in sorted(names) if name in fields)
    verify_public_key(fields.get("Signature", ""), key, signed.encode(), digest=digest)


def _get(url: str, fetch: Fetch) -> bytes:
    response = fetch(HTTPRequest("GET", url))
    if response.status_code in (403, 404):
        raise InvalidSignature("the webhook names a certificate that SNS does not have")
    if not response.ok:
        message = f"SNS did not give its certificate: HTTP {response.status_code}"
        raise ProviderUnavailable(message, status_code=response.status_code)
    return response.body


def _confirm(endpoint: str, topic: str, token: str, fetch: Fetch) -> None:
    # https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html (2026-11)
    form = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token}
    body = urlencode(form | {"Version": "2010-03-31"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = fetch(HTTPRequest("POST", endpoint, headers, body))
    if not response.ok:
        message = f"SNS did not confirm the subscription: HTTP {response.status_code}"
        raise ProviderUnavailable(message, status_code=response.status_code)
