"""
MailChannels' webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mailfailover.errors import InvalidSignature, ProviderUnavailable
from mailfailover.plugin import (
    DeliveryEvent,
    EventType,
    Fetch,
    HTTPRequest,
    RejectReason,
    Secrets,
    WebhookRequest,
    as_list,
    as_text,
    check_secret,
    make_event,
    reveal_all,
    verify_public_key,
    verify_time,
)

# RFC 9421 and RFC 9530, in the one form that the vendor's own client for JavaScript takes
# (2026-11).
DIGEST = re.compile(r"sha-256=:([\w+/]+=*):", re.ASCII)
INPUT = re.compile(
    r'(?P<label>\w+)=(?P<parameters>\("content-digest"\);created=(?P<created>\d+)'
    r';alg="ed25519";keyid="(?P<key_id>[\w.-]{1,64})")',
    re.ASCII,
)

# https://docs.mailchannels.net/email-api/advanced-features/delivery-events (2026-11); a mail
# that is dropped was not tried.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "processed": (EventType.QUEUED, None),
    "delivered": (EventType.DELIVERED, None),
    "hard-bounced": (EventType.BOUNCED, RejectReason.BOUNCED),
    "soft-bounced": (EventType.BOUNCED, RejectReason.OTHER),
    "dropped": (EventType.REJECTED, RejectReason.OTHER),
    "complained": (EventType.COMPLAINED, None),
    "unsubscribed": (EventType.UNSUBSCRIBED, None),
    "open": (EventType.OPENED, None),
    "click": (EventType.CLICKED, None),
}
TRIAL = "test"


def verify(request: WebhookRequest, accounts: Secrets, base_url: str, fetch: Fetch) -> str:
    """
    Check that MailChannels signed *request*, and that it is about one of *accounts*.

    The key is the same for all accounts, so that another customer's webhooks are signed too.
    """
    known = reveal_all(accounts)
    found = [as_text(one.get("customer_handle")) for one in request.json_objects()]
    if not found or not all(check_secret(one, known) for one in found):
        raise InvalidSignature("the webhook is of no account that is configured for this provider")
    digest = request.header("content-digest")
    given = DIGEST.fullmatch(digest)
    if given is None or given[1] != b64encode(sha256(request.body).digest()).decode():
        raise InvalidSignature("the webhook's digest is not that of its body")
    signed = INPUT.fullmatch(request.header("signature-input"))
    if signed is None:
        raise InvalidSignature("the webhook is not signed as MailChannels signs")
    verify_time(signed["created"], request)
    label = re.escape(signed["label"])
    signature = re.fullmatch(rf"{label}=:([\w+/]+=*):", request.header("signature"), re.ASCII)
    text = f'"content-digest": {digest}\n"@signature-params": {signed["parameters"]}'
    key = _key(f"{base_url}/tx/v1/webhook/public-key?id={signed['key_id']}", fetch)
    verify_public_key(signature[1] if signature else "", key, text.encode())
    return digest  # signatures differ every time


def _key(url: str, fetch: Fetch) -> str:
    response = fetch(HTTPRequest("GET", url))
    if response.status_code in (400, 404):
        raise InvalidSignature("MailChannels has no such key as the webhook names")
    key = response.json_object().get("key")
    if not response.ok or not isinstance(key, str):
        message = f"MailChannels did not give its key: HTTP {response.status_code}"
        raise ProviderUnavailable(message, status_code=response.status_code)
    return key


def read_events(request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
    """
    Read the batch of events.
    """
    return tuple(_event(data) for data in request.json_objects() if data.get("event") != TRIAL)


def _event(data: Mapping[str, Any]) -> DeliveryEvent:
    kind, reason = EVENTS.get(as_text(data.get("event")), (EventType.UNKNOWN, None))
    recipients = as_list(data.get("recipients"))
    return make_event(
        data,
        type=kind,
        provider_message_id=data.get("smtp_id"),
        # All recipients of the mail: of several it may be any.
        recipient=recipients[0] if len(recipients) == 1 else "",
        timestamp=data.get("timestamp"),
        reject_reason=reason,
        mta_response=" ".join(filter(None, map(as_text, map(data.get, ("status", "reason"))))),
        tags=data.get("campaign_id"),
        click_url=data.get("url"),
        user_agent=data.get("user_agent"),
    )
