"""
MailChannels' webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

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

# How long MailChannels repeats a webhook, and whether it then signs anew, is not said. A body is
# taken only once, so a wide window lets nobody in.
SIGNED_WITHIN = 28 * 3600.0


def verify(
    request: plugin.WebhookRequest, accounts: plugin.Secrets, base_url: str, fetch: plugin.Fetch
) -> str:
    """
    Check that MailChannels signed *request*, and that it is about one of *accounts*.

    The key is the same for all accounts, so that another customer's webhooks are signed too.
    """
    known = plugin.reveal_all(accounts)
    # Cheap, and keeps strangers from making us ask MailChannels for keys.
    if not any(one.encode() in request.body for one in known):
        raise _of_nobody()
    digest = request.header("content-digest")
    given = DIGEST.fullmatch(digest)
    if given is None or given[1] != b64encode(sha256(request.body).digest()).decode():
        raise errors.InvalidSignature("the webhook's digest is not that of its body")
    signed = INPUT.fullmatch(request.header("signature-input"))
    if signed is None:
        raise errors.InvalidSignature("the webhook is not signed as MailChannels signs")
    plugin.verify_time(signed["created"], request, window=SIGNED_WITHIN)
    label = re.escape(signed["label"])
    signature = re.fullmatch(rf"{label}=:([\w+/]+=*):", request.header("signature"), re.ASCII)
    text = f'"content-digest": {digest}\n"@signature-params": {signed["parameters"]}'
    key = _key(f"{base_url}/tx/v1/webhook/public-key?id={signed['key_id']}", fetch)
    plugin.verify_public_key(signature[1] if signature else "", key, text.encode())
    found = [plugin.as_text(one.get("customer_handle")) for one in request.json_objects()]
    if not found or not all(plugin.check_secret(one, known) for one in found):
        raise _of_nobody()
    return digest  # signatures differ every time


def _of_nobody() -> errors.InvalidSignature:
    return errors.InvalidSignature(
        "the webhook is of no account that is configured for this provider"
    )


def _key(url: str, fetch: plugin.Fetch) -> str:
    response = fetch(plugin.HTTPRequest("GET", url))
    if response.status_code in (400, 404):
        raise errors.InvalidSignature("MailChannels has no such key as the webhook names")
    key = response.json_object().get("key")
    if not response.ok or not isinstance(key, str):
        message = f"MailChannels did not give its key: HTTP {response.status_code}"
        raise errors.ProviderUnavailable(message, status_code=response.status_code)
    return key


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the batch of events.
    """
    return tuple(_event(data) for data in request.json_objects() if data.get("event") != TRIAL)


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("event")), (EventType.UNKNOWN, None))
    recipients = plugin.as_list(data.get("recipients"))
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("smtp_id"),
        # All recipients of the mail: of several it may be any.
        recipient=recipients[0] if len(recipients) == 1 else "",
        timestamp=data.get("timestamp"),
        reject_reason=reason,
        mta_response=" ".join(
            filter(None, map(plugin.as_text, map(data.get, ("status", "reason"))))
        ),
        tags=data.get("campaign_id"),
        click_url=data.get("url"),
        user_agent=data.get("user_agent"),
    )
