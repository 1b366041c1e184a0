"""
What Mailgun's webhooks mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, RejectReason

# https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-types (2026-11)
EVENTS = {
    "accepted": EventType.QUEUED,
    "rejected": EventType.REJECTED,
    "delivered": EventType.DELIVERED,
    "failed": EventType.BOUNCED,
    "opened": EventType.OPENED,
    "clicked": EventType.CLICKED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "complained": EventType.COMPLAINED,
}

# Why a mail "failed". Those of "suppress-" were never tried. The vendor's reference of
# statistics names most of them (2026-11); those marked are unconfirmed.
REASONS = {
    "bounce": RejectReason.BOUNCED,
    "delayed-bounce": RejectReason.BOUNCED,
    "suppress-bounce": RejectReason.BOUNCED,
    "suppress-complaint": RejectReason.SPAM,
    "suppress-unsubscribe": RejectReason.UNSUBSCRIBED,
    "espblock": RejectReason.BLOCKED,
    "old": RejectReason.TIMED_OUT,  # unconfirmed
}


# The object that is signed, wherever it stands in the body.
SIGNATURE = re.compile(rb'"signature"\s{0,99}:\s{0,99}(\{[^{}]{0,2000}\})')


def read_signature(request: plugin.WebhookRequest) -> dict[str, Any]:
    """
    Read what is signed, and no more: the rest is a stranger's until that is verified.
    """
    found = SIGNATURE.search(request.body)
    return plugin.as_object(plugin.read_json(found[1])) if found else {}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event.
    """
    data = request.json_object().get("event-data")
    if not isinstance(data, dict):
        raise errors.InvalidWebhook("mailgun: the webhook has no event-data")
    return (_event(data),)


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    reason = plugin.as_text(data.get("reason"))
    kind = EVENTS.get(plugin.as_text(data.get("event")), EventType.UNKNOWN)
    failed = kind is EventType.BOUNCED
    if failed and data.get("severity") == "temporary":
        kind = EventType.DEFERRED
    elif failed and reason.startswith("suppress-"):
        kind = EventType.REJECTED
    rejected = failed or kind is EventType.REJECTED
    message_id = plugin.as_text(plugin.dig(data, "message", "headers", "message-id"))
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("id"),
        provider_message_id=message_id and f"<{message_id.strip('<>')}>",  # as it was accepted
        recipient=data.get("recipient"),
        timestamp=data.get("timestamp"),
        reject_reason=REASONS.get(reason, RejectReason.OTHER) if rejected else None,
        mta_response=plugin.dig(data, "delivery-status", "message"),
        description=plugin.dig(data, "delivery-status", "description")
        or plugin.dig(data, "reject", "reason"),
        tags=data.get("tags"),
        metadata=data.get("user-variables"),
        click_url=data.get("url"),
        user_agent=plugin.dig(data, "client-info", "user-agent"),
    )
