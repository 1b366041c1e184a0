"""
What Mailomat's webhooks mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailfailover import plugin
from mailfailover.plugin import EventType, RejectReason

# The header that names the kind of event, and is signed as the body is not.
EVENT = "X-MOM-Webhook-Event"

# By the bridge in Symfony and a plugin for Craft CMS (2026-11).
EVENTS = {
    "accepted": (EventType.QUEUED, None),
    "not_accepted": (EventType.REJECTED, RejectReason.OTHER),
    "delivered": (EventType.DELIVERED, None),
    "failure_tmp": (EventType.DEFERRED, RejectReason.OTHER),
    "failure_perm": (EventType.BOUNCED, RejectReason.BOUNCED),
    "opened": (EventType.OPENED, None),
    "clicked": (EventType.CLICKED, None),
    "complained": (EventType.COMPLAINED, None),
    "unsubscribed": (EventType.UNSUBSCRIBED, None),
}


def read_events(request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
    """
    Read the one event; of what kind it is says the header.
    """
    kind = request.header(EVENT)
    return tuple(_event(data, kind) for data in request.json_objects())


def _event(data: Mapping[str, Any], name: str) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(name, (EventType.UNKNOWN, None))
    details = data.get("payload")
    said = (
        plugin.as_text(plugin.dig(details, "delivery-status", part)) for part in ("code", "message")
    )
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("id"),
        provider_message_id=data.get("messageUuid"),
        recipient=data.get("recipient"),
        timestamp=data.get("occurredAt"),
        reject_reason=reason,
        mta_response=" ".join(filter(None, said)),
        description=plugin.dig(details, "reason"),
        click_url=plugin.dig(details, "url"),
        user_agent=plugin.dig(details, "client", "user-agent"),
    )
