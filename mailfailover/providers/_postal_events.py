"""
What Postal's webhooks mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

# https://docs.postalserver.io/developer/webhooks (2026-11). Those about a domain or a limit of
# the server speak of no mail.
EVENTS = {
    "MessageSent": EventType.DELIVERED,
    "MessageDelayed": EventType.DEFERRED,
    "MessageDeliveryFailed": EventType.BOUNCED,
    "MessageHeld": EventType.QUEUED,
    "MessageBounced": EventType.BOUNCED,
    "MessageLinkClicked": EventType.CLICKED,
    "MessageLoaded": EventType.OPENED,
}

# In "details" of what is held; outgoing_message_processor.rb of the server's source (2026-11).
SUPPRESSED = "on the suppression list"

# Our Message-ID, without its brackets: our id and the short name of a recipient of a merge.
MESSAGE_ID = re.compile(r"([\w-]{1,64})(?:\.[0-9a-f]{12})?@.*", re.ASCII)


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; none where it is not about a mail that was sent.
    """
    data = request.json_object()
    payload = data.get("payload")
    if not isinstance(payload, dict):
        raise errors.InvalidWebhook("postal: the webhook has no payload")
    mail = plugin.dig(payload, "message") or plugin.dig(payload, "original_message")
    if not isinstance(mail, dict) or mail.get("direction") == "incoming":
        return ()
    return (_event(data, payload, mail),)


def _event(
    data: Mapping[str, Any], payload: Mapping[str, Any], mail: Mapping[str, Any]
) -> plugin.DeliveryEvent:
    kind, reason = _kind(plugin.as_text(data.get("event")), payload)
    our_id = MESSAGE_ID.fullmatch(plugin.as_text(mail.get("message_id")))
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("uuid"),
        provider_message_id=mail.get("id"),
        mail_id=our_id[1] if our_id else None,
        recipient=mail.get("to"),
        timestamp=payload.get("timestamp") or data.get("timestamp"),
        reject_reason=reason,
        mta_response=payload.get("output"),
        description=payload.get("details"),
        tags=mail.get("tag"),
        click_url=payload.get("url"),
        user_agent=payload.get("user_agent"),
    )


def _kind(name: str, payload: Mapping[str, Any]) -> tuple[EventType, RejectReason | None]:
    kind = EVENTS.get(name, EventType.UNKNOWN)
    if name == "MessageHeld" and SUPPRESSED in plugin.as_text(payload.get("details")):
        return EventType.REJECTED, RejectReason.BOUNCED
    if name == "MessageDeliveryFailed" and not plugin.as_text(payload.get("output")):
        return EventType.FAILED, RejectReason.OTHER  # no other server was asked
    return kind, RejectReason.BOUNCED if kind is EventType.BOUNCED else None
